"""Backbones and aggregators by name.

    @register_aggregator("mean")
    class Mean(nn.Module): ...

A builder of a backbone is called as `builder(pretrained=..., download=...)` and returns a `Backbone`; a
builder of an aggregator is called as `builder(channels, **options)` and returns a module from
N x channels x h x w to N x `size`, unit length.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, TypeVar

from lofivpr.models.config import ModelError

Builder = Callable[..., Any]
B = TypeVar("B", bound=Builder)

_BACKBONES: dict[str, Builder] = {}
_AGGREGATORS: dict[str, Builder] = {}
_BUILTIN_FILES = ("backbones", "netvlad", "gem")


def register_backbone(name: str) -> Callable[[B], B]:
    """Make a backbone known by `name` (decorator). Raises ModelError when the name is taken."""
    return _register(_BACKBONES, "backbone", name)


def register_aggregator(name: str) -> Callable[[B], B]:
    """Make an aggregator known by `name` (decorator). Raises ModelError when the name is taken."""
    return _register(_AGGREGATORS, "aggregator", name)


def backbone_builder(name: str) -> Builder:
    """The builder registered as `name`. Raises ModelError, which names the known ones."""
    return _find(_BACKBONES, "backbone", name)


def aggregator_builder(name: str) -> Builder:
    """The builder registered as `name`. Raises ModelError, which names the known ones."""
    return _find(_AGGREGATORS, "aggregator", name)


def backbone_names() -> list[str]:
    """Names of all known backbones, sorted."""
    _load_builtins()
    return sorted(_BACKBONES)


def aggregator_names() -> list[str]:
    """Names of all known aggregators, sorted."""
    _load_builtins()
    return sorted(_AGGREGATORS)


def _register(table: dict[str, Builder], kind: str, name: str) -> Callable[[B], B]:
    def decorate(builder: B) -> B:
        if name in table:
            raise ModelError(f"expected a new name for the {kind}, found {name!r}, which is taken. Choose another.")
        table[name] = builder
        return builder

    return decorate


def _find(table: dict[str, Builder], kind: str, name: str) -> Builder:
    _load_builtins()
    if name not in table:
        raise ModelError(
            f"expected a known {kind} ({', '.join(sorted(table))}), found {name!r}. "
            f"Choose one of them, or import the module that registers it."
        )
    return table[name]


def _load_builtins() -> None:
    """Import the files that register themselves; they need torch, this file does not."""
    for file in _BUILTIN_FILES:
        importlib.import_module(f"lofivpr.models.{file}")
