"""The report's tables, as values that the template only has to print."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lofivpr.evaluation.rows import DescriptorRow, DifferenceRow, RecoveredRow, Row
from lofivpr.evaluation.theme import bytes_text

if TYPE_CHECKING:
    from lofivpr.evaluation.results import Results


@dataclass(frozen=True)
class Cell:
    """R@1 of one model at one quality, and its paired difference to its reference."""

    row: Row
    change: DifferenceRow | None
    best: bool

    @property
    def recall(self) -> float:
        """Percent."""
        return self.row.recall[1]

    @property
    def low(self) -> float:
        """Lower end of the interval, percent."""
        return self.row.interval[1][0]

    @property
    def high(self) -> float:
        """Upper end of the interval, percent."""
        return self.row.interval[1][1]

    @property
    def verdict(self) -> str:
        """`better`, `worse` or `unclear`: what the paired interval says."""
        if self.change is None or not self.change.clear:
            return "unclear"
        return "better" if self.change.mean > 0 else "worse"


@dataclass(frozen=True)
class Line:
    """One quality of the table: its mean bytes as text, a cell for each model, the shares recovered there."""

    quality: str
    size: str
    cells: tuple[Cell, ...]
    recovered: tuple[RecoveredRow, ...] = ()


def quality_table(results: Results) -> list[Line]:
    """R@1 by quality (rows) and model (columns), the best of each row marked when models differ."""
    lines = []
    for quality in results.qualities:
        rows = [results.row(model, quality) for model in results.models]
        top = max(row.recall[1] for row in rows)
        unique = sum(row.recall[1] == top for row in rows) == 1
        cells = tuple(
            Cell(row, results.difference(row.model, quality), len(rows) > 1 and unique and row.recall[1] == top)
            for row in rows
        )
        shares = tuple(share for share in results.recovered.rungs if share.quality == quality)
        lines.append(Line(quality, bytes_text(rows[0].bytes_per_query), cells, shares))
    return lines


@dataclass(frozen=True)
class Rival:
    """A coded descriptor, and the smallest picture that finds as much for fewer bytes, None if there is none."""

    row: DescriptorRow
    picture: Row | None

    @property
    def recall(self) -> float:
        """Percent; only of a coding that was not refused."""
        assert self.row.recall is not None
        return self.row.recall[1]


def rivals(results: Results, sender: str) -> list[Rival]:
    """Every coding of a descriptor against the pictures that are sent to the model `sender`, by measured R@1."""
    pictures = [row for row in results.rows if row.model == sender and row.bytes_per_query]
    pictures.sort(key=lambda row: row.bytes_per_query or 0.0)
    found = []
    for row in results.descriptor_rate:
        reached = (p for p in pictures if row.recall is not None and p.recall[1] >= row.recall[1])
        first = next(reached, None)
        wins = first is not None and (first.bytes_per_query or 0.0) < row.bytes_per_query
        found.append(Rival(row, first if wins else None))
    return found


def counts(results: Results) -> str:
    """How many queries, in how many groups, against how many pictures."""
    row = results.rows[0]
    groups = len(set(results.scene.groups.tolist()))
    text = f"{row.queries} queries ({groups} groups) against {row.database.images} database pictures"
    without = row.queries_without_positives
    return f"{text}; {without or 'no'} quer{'y' if without == 1 else 'ies'} without a positive"
