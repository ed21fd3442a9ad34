"""What is known of published checkpoints: their key maps and models, read from `layouts/*.yaml`. No torch."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

import yaml

from lofivpr.models.config import ModelConfig, ModelError, checked_config

IMAGENET = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}  # of every layout so far


@dataclass(frozen=True)
class Layout:
    """How the tensors of a kind of file are named, and what they are called here.

    Attributes:
        source: where the weights are published.  licence: theirs, as published.
        inside: keys of the file under which the tensors may lie, tried in order.
        prefix: removed from every name if all have it.
        rename: (pattern, replacement) of whole names, the first that fits; ignore: patterns without use here.
    """

    name: str
    source: str
    licence: str
    inside: tuple[str, ...] = ()
    prefix: str = ""
    rename: tuple[tuple[str, str], ...] = ()
    ignore: tuple[str, ...] = ()

    def ours(self, name: str) -> str | None:
        """The name here of a tensor of the file, None if it is ignored.

        Raises:
            ModelError: a name that the layout does not know.
        """
        if any(re.fullmatch(pattern, name) for pattern in self.ignore):
            return None
        for pattern, replacement in self.rename:
            if match := re.fullmatch(pattern, name):
                return match.expand(replacement)
        raise ModelError(
            f"expected tensors of the layout {self.name} ({self.source}), found one named {name}. "
            "Check that the file is the published one, and its name in 'lofivpr models list'."
        )

    def map_names(self, names: Iterable[str]) -> dict[str, str]:
        """Names here to names in the file. Raises ModelError: a name unknown, or two for one tensor."""
        names = list(names)
        cut = len(self.prefix) if all(name.startswith(self.prefix) for name in names) else 0
        found: dict[str, str] = {}
        for name in names:
            ours = self.ours(name[cut:])
            if ours in found:
                raise ModelError(f"expected one tensor for {ours}, found {found[ours]} and {name}.")
            if ours is not None:
                found[ours] = name
        return found


@dataclass(frozen=True)
class Published:
    """A published model: its layout, architecture and preprocessing."""

    name: str
    layout: Layout
    backbone: str
    aggregator: str
    size: tuple[int, int]
    interpolation: str
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def config(self) -> ModelConfig:
        """The configuration that its model folder will state."""
        values = {
            "name": self.name,
            "backbone": self.backbone,
            "aggregator": self.aggregator,
            "aggregator_options": dict(self.options),
            "size": self.size,
            "interpolation": self.interpolation,
            "weights_source": self.layout.source,
            "weights_licence": self.layout.licence,
            **IMAGENET,
        }
        return checked_config(values, f"the layout {self.layout.name}")


@functools.cache
def published_models() -> dict[str, Published]:
    """All models that have a layout, by name."""
    found = {}
    for name, values in _files().items():
        layout = _layout(name)
        for model, entry in values.get("models", {}).items():
            for full, facts in _expanded(model, {**values.get("common", {}), **entry}):
                found[full] = Published(full, layout, **facts)
    return found


def _expanded(name: str, entry: dict[str, Any]) -> Iterable[tuple[str, dict[str, Any]]]:
    """One entry for each of its `dims`, which become the aggregator's option `dim`."""
    entry = {**entry, "size": tuple(entry["size"])}
    dims = entry.pop("dims", None)
    if dims is None:
        return [(name, entry)]
    return [(name.format(dim=dim), {**entry, "options": {"dim": dim}}) for dim in dims]


def _layout(name: str) -> Layout:
    """A layout with the rules of the one that it names in `rename` (its own are that one's) or `also`."""
    values = _files()[name]
    rename, ignore = values.get("rename", []), list(values.get("ignore", []))
    if isinstance(rename, str):
        rename = _files()[rename]["rename"]
    if "also" in values:
        also = _files()[values["also"]]
        rename, ignore = [*rename, *also["rename"]], [*ignore, *also.get("ignore", [])]
    return Layout(
        name,
        values["source"],
        values["licence"],
        tuple(values.get("inside", ())),
        values.get("prefix", ""),
        tuple((pattern, replacement) for pattern, replacement in rename),
        tuple(ignore),
    )


@functools.cache
def _files() -> dict[str, dict[str, Any]]:
    folder = resources.files("lofivpr.models.weights") / "layouts"
    entries = sorted(folder.iterdir(), key=lambda entry: entry.name)
    return {
        entry.name.removesuffix(".yaml"): yaml.safe_load(entry.read_text(encoding="utf-8"))
        for entry in entries
        if entry.name.endswith(".yaml")
    }
