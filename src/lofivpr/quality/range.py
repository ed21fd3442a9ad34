"""A range of qualities, from which training draws a concrete one a picture."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import numpy as np

from lofivpr.quality.grammar import QualityError
from lofivpr.quality.quality import Quality

_SPAN = re.compile(r"(\d+)(p?)\.\.(\d+)")


@dataclass(frozen=True)
class QualityRange:
    """All qualities between two: `180p..480p/jpeg:5..50`, `240p/h265:qp30..48`, `raw`.

    The two ends have the same codec, mode, preset and kind of resolution; a width must not vary.

    Raises:
        QualityError: the ends do not belong together, or low is above high.
    """

    low: Quality
    high: Quality

    def __post_init__(self) -> None:
        spans = [(self.low.height, self.high.height), (self.low.value, self.high.value)]
        same = replace(self.high, height=self.low.height, value=self.low.value) == self.low
        ordered = all((a is None) == (b is None) and (a is None or b is None or a <= b) for a, b in spans)
        if not same or not ordered or (self.low.width is not None and self.low.height != self.high.height):
            raise QualityError(
                f"expected two ends that differ in height or setting, low before high, "
                f"found {self.low} and {self.high}. Write for example 180p..480p/jpeg:5..50."
            )

    @classmethod
    def parse(cls, text: str) -> QualityRange:
        """Read a range; a text without `..` is the range of one quality.

        Raises:
            QualityError: not in the grammar, or out of range.
        """
        clean = text.strip().lower()
        low = _SPAN.sub(lambda m: m[1] + m[2], re.sub(r"(\d+p)\.\.(\d+p)", r"\1", clean))
        high = _SPAN.sub(lambda m: m[3], re.sub(r"(\d+p)\.\.(\d+p)", r"\2", clean))
        return cls(Quality.parse(low), Quality.parse(high))

    def __str__(self) -> str:
        low, high = self.low, self.high
        text = str(low)
        if low.height != high.height:
            text = text.replace(f"{low.height}p", f"{low.height}p..{high.height}p", 1)
        if low.value != high.value and low.setting is not None:
            head, colon, tail = text.partition(":")
            setting = low.setting.replace(str(low.value), f"{low.value}..{high.value}", 1)
            text = head + colon + setting + tail[len(low.setting) :]
        return text

    def draw(self, rng: np.random.Generator, size: tuple[int, int] | None = None) -> Quality:
        """One quality: height and setting uniform over the integers of the range, both ends included.

        Args:
            rng: where the randomness comes from; the same seed draws the same qualities.
            size: width and height of the source; a height above it is never drawn.

        Raises:
            QualityError: even the lowest height is above the source's.
        """
        height, value = self.low.height, self.low.value
        if height is not None and self.high.height is not None:
            top = min(self.high.height, size[1]) if size else self.high.height
            self.low.output_size(size or (65535, 65535))
            height = int(rng.integers(height, top + 1))
        if value is not None and self.high.value is not None:
            value = int(rng.integers(value, self.high.value + 1))
        return replace(self.low, height=height, value=value)
