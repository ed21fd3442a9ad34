"""The localization service: pictures, streams of encoded video or descriptors in, positions out. Extra `serve`.

`Settings` and `Client` need nothing beyond the base package; the others are loaded when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lofivpr.serving.settings import ApiKey, Limits, Settings, SettingsError, read_api_keys

if TYPE_CHECKING:
    from lofivpr.serving.app import create_app
    from lofivpr.serving.client import Client
    from lofivpr.serving.run import serve

__all__ = ["ApiKey", "Client", "Limits", "Settings", "SettingsError", "create_app", "read_api_keys", "serve"]
_LATE = {"Client": "client", "create_app": "app", "serve": "run"}


def __getattr__(name: str) -> Any:
    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    from lofivpr.errors import LofiError

    try:
        return getattr(importlib.import_module(f"{__name__}.{_LATE[name]}"), name)
    except ModuleNotFoundError as error:
        raise LofiError(
            f"expected {error.name} to be installed, found none. Run \"pip install 'lofivpr[serve]'\"."
        ) from None
