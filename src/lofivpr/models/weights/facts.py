"""What published models cost, from `facts.yaml`, so that listing them needs no torch."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from importlib import resources

import yaml


@dataclass(frozen=True)
class Facts:
    """Of one model at its own size.

    Attributes:
        descriptor: numbers in a descriptor.
        parameters: millions.  gflops: 10^9 additions and multiplications for one picture.
        size: "WIDTHxHEIGHT", the model's own.  stride: other widths and heights are multiples of it.
        one_size: whether the model takes no other size than its own.
        features: which features ICKD compares.
    """

    descriptor: int
    parameters: float
    gflops: float
    size: str
    stride: int
    one_size: bool
    features: str

    @property
    def sizes(self) -> str:
        """The model's own size, and which others it takes."""
        return f"{self.size} only" if self.one_size else f"{self.size}, multiples of {self.stride}"


@functools.cache
def published_facts() -> dict[str, Facts]:
    """Facts by the name of published weights."""
    text = (resources.files("lofivpr.models.weights") / "facts.yaml").read_text(encoding="utf-8")
    return {name: Facts(**values) for name, values in yaml.safe_load(text).items()}
