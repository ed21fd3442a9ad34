"""Backbones and aggregators by name.

    @register_aggregator("mean")
    class Mean(nn.Module): ...

A builder of a backbone is called as `builder(pretrained=..., download=...)` and returns a `Backbone`; a
builder of an aggregator is called as `builder(channels, **options)` and returns a module from
N x channels x h x w to N x `size`, unit length. An aggregator with the attribute `takes_token` is called with
the backbone's token, or None, too; one whose pictures see each other has `batch_independent = False`.

A name may carry options: `resnet50:cut=layer4`, `dinov2_b14:layer=9,facet=value`, `netvlad:clusters=16`.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import json
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from lofivpr.models.config import ModelError

Builder = Callable[..., Any]
B = TypeVar("B", bound=Builder)

_BACKBONES: dict[str, Builder] = {}
_AGGREGATORS: dict[str, Builder] = {}
# The package's own, by the file that registers them: the names are known without torch, which the files need.
_BUILTIN_BACKBONES = {
    **dict.fromkeys(("efficientnet_lite0", "tiny", "vgg16"), "backbones"),
    **dict.fromkeys(("resnet18", "resnet50", "resnet101", "resnet152"), "convolutional"),
    **dict.fromkeys(("convnext_tiny", "convnext_small"), "convolutional"),
    **dict.fromkeys(("mobilenetv4_small", "mobilenetv4_medium"), "convolutional"),
    **dict.fromkeys((f"efficientnet_lite{i}" for i in range(1, 5)), "convolutional"),
    **dict.fromkeys((f"dinov2_{size}14{end}" for size in "sbl" for end in ("", "_reg")), "vision_transformer"),
    "tiny_vit": "vision_transformer",
}
_REGISTERS = re.compile(r'^@register_aggregator\("([^"]+)"\)', re.MULTILINE)
_BUILTIN_AGGREGATORS = {
    "gem": "gem",
    "netvlad": "netvlad",
    **{
        name: f"aggregators.{path.stem}"
        for path in sorted((Path(__file__).parent / "aggregators").glob("[!_]*.py"))
        for name in _REGISTERS.findall(path.read_text(encoding="utf-8"))
    },
}


def register_backbone(name: str) -> Callable[[B], B]:
    """Make a backbone known by `name` (decorator). Raises ModelError when the name is taken."""
    return _register(_BACKBONES, "backbone", name)


def register_aggregator(name: str) -> Callable[[B], B]:
    """Make an aggregator known by `name` (decorator). Raises ModelError when the name is taken."""
    return _register(_AGGREGATORS, "aggregator", name)


def backbone_builder(name: str) -> Builder:
    """The builder registered as `name`, with the options after its colon put in.

    Raises:
        ModelError: an unknown name (the known ones are named) or an unknown option.
    """
    name, options = split_options(name)
    builder = _find(_BACKBONES, _BUILTIN_BACKBONES, "backbone", name)
    if not options:
        return builder
    try:
        inspect.signature(builder).bind(pretrained=False, download=False, **options)
    except TypeError as error:
        raise ModelError(
            f"expected options that the backbone {name} knows, found {options}: {error}. Correct them."
        ) from None
    return functools.partial(builder, **options)


def split_options(text: str) -> tuple[str, dict[str, Any]]:
    """`name:layer=9,p=3.0,affine=true,facet=value` as the name and a dictionary of numbers, booleans and texts.

    Raises:
        ModelError: something else than option=value after the colon.
    """
    name, colon, rest = text.partition(":")
    options: dict[str, Any] = {}
    for part in rest.split(",") if colon else ():
        key, separator, value = part.partition("=")
        if not (separator and key and value):
            raise ModelError(f"expected {name}:option=value,option=value, found {part!r}. Correct it.")
        options[key] = _plain(value)
    return name, options


def _plain(text: str) -> int | float | bool | str:
    with suppress(ValueError):
        found = json.loads(text)
        if isinstance(found, int | float):  # a bool is an int
            return found
    return text


def build_aggregator(name: str, channels: int, options: dict[str, Any]) -> Any:
    """An aggregator of features of `channels` channels.

    Raises:
        ModelError: an unknown name (the known ones are named) or an unknown option.
    """
    builder = _find(_AGGREGATORS, _BUILTIN_AGGREGATORS, "aggregator", name)
    try:
        inspect.signature(builder).bind(channels, **options)
    except TypeError as error:
        raise ModelError(
            f"expected options that the aggregator {name} knows, found {options}: {error}. Correct them."
        ) from None
    return builder(channels, **options)


def aggregator_parameters(name: str) -> list[str]:
    """Names of the options that an aggregator takes. Raises ModelError."""
    builder = _find(_AGGREGATORS, _BUILTIN_AGGREGATORS, "aggregator", name)
    return list(inspect.signature(builder).parameters)[1:]


def backbone_names() -> list[str]:
    """Names of all known backbones, sorted."""
    return sorted({*_BACKBONES, *_BUILTIN_BACKBONES})


def aggregator_names() -> list[str]:
    """Names of all known aggregators, sorted."""
    return sorted({*_AGGREGATORS, *_BUILTIN_AGGREGATORS})


def _register(table: dict[str, Builder], kind: str, name: str) -> Callable[[B], B]:
    def decorate(builder: B) -> B:
        if name in table:
            raise ModelError(f"expected a new name for the {kind}, found {name!r}, which is taken. Use another.")
        table[name] = builder
        return builder

    return decorate


def _find(table: dict[str, Builder], builtins: dict[str, str], kind: str, name: str) -> Builder:
    if name not in table and name in builtins:
        import_torch_file(builtins[name])
    if name not in table:
        raise ModelError(
            f"expected a known {kind} ({', '.join(sorted({*table, *builtins}))}), found {name!r}. "
            "Choose one of them, or import the module that registers it."
        )
    return table[name]


def import_torch_file(file: str) -> ModuleType:
    """Import a file of this room that needs torch. Raises ModelError when it is not installed."""
    try:
        return importlib.import_module(f"lofivpr.models.{file}")
    except ImportError as error:
        if (error.name or "").partition(".")[0] == "lofivpr":
            raise
        raise ModelError(
            f"expected torch and timm for lofivpr.models.{file}, found: {error}. Run \"pip install 'lofivpr[train]'\"."
        ) from None
