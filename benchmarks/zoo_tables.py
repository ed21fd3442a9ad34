"""The tables of docs/results/zoo.md, from the results of `python -m benchmarks.zoo`.

    python -m benchmarks.zoo_tables OUT/results

Every number has its 95 % interval by bootstrap over panoramas; the same draws serve all models, so that differences
between aggregators are paired.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lofivpr.evaluation import Results
from lofivpr.evaluation.bootstrap import LEVEL, percentiles, resampled_means

TEACHER, STUDENT = "-teacher", "-student"


@dataclass(frozen=True)
class Measured:
    """Mean and end points of an interval, in points."""

    mean: float
    low: float
    high: float

    def plain(self) -> str:
        """Without a sign."""
        return f"{self.mean:.1f} [{self.low:.1f}, {self.high:.1f}]"

    def signed(self) -> str:
        """With its sign, as a difference; a clear one is bold."""
        text = f"{self.mean:+.1f} [{self.low:+.1f}, {self.high:+.1f}]"
        return f"**{text}**" if self.low > 0 or self.high < 0 else text


@dataclass(frozen=True)
class Hits:
    """Hits at rank 1 of teachers and students: bool Q x A x R, over the counted queries, aggregators and qualities.

    groups: int Q, the panorama of each query. The first quality is raw.
    """

    names: tuple[str, ...]
    qualities: tuple[str, ...]
    teacher: np.ndarray
    student: np.ndarray
    groups: np.ndarray

    @classmethod
    def of(cls, results: Results) -> Hits:
        """Of the aggregators whose teacher and student were both evaluated."""
        models = results.models
        names = tuple(m.removesuffix(TEACHER) for m in models if m.removesuffix(TEACHER) + STUDENT in models)
        kept = results.scene.counted

        def side(ending: str) -> np.ndarray:
            hits = [[results.outcomes[n + ending, q].hits(1)[kept] for q in results.qualities] for n in names]
            return np.moveaxis(np.array(hits), 2, 0)

        return cls(names, tuple(results.qualities), side(TEACHER), side(STUDENT), results.scene.groups[kept])

    def measured(self, values: np.ndarray) -> list[Measured]:
        """Mean of each column of Q x M `values` in points, with its interval."""
        low, high = percentiles(100.0 * resampled_means(values, self.groups), LEVEL)
        return [Measured(*row) for row in zip(100.0 * values.mean(axis=0), low, high, strict=True)]

    def ratios(self, part: np.ndarray, whole: np.ndarray) -> list[Measured]:
        """Each column's mean of `part` over that of `whole`, Q x M both, in percent, with its interval."""
        drawn = resampled_means(part, self.groups) / resampled_means(whole, self.groups)
        low, high = percentiles(100.0 * drawn, LEVEL)
        return [Measured(*row) for row in zip(100.0 * part.mean(0) / whole.mean(0), low, high, strict=True)]

    def losses(self) -> np.ndarray:
        """What the channel takes from the teacher: Q x A x (R - 1), raw minus rung."""
        teacher = self.teacher.astype(float)
        return teacher[:, :, :1] - teacher[:, :, 1:]

    def gains(self) -> np.ndarray:
        """What the student gives back: Q x A x R, student minus teacher."""
        return self.student.astype(float) - self.teacher


def tables(results: Results) -> str:
    """Markdown: what each loses and gets back in the mean, then by quality, then recall itself."""
    hits = Hits.of(results)
    order = np.argsort(-hits.losses().mean(axis=(0, 2)))  # who suffers most comes first
    parts = [
        _summary(results, hits, order),
        _by_quality("What the channel takes from the teacher", hits, hits.losses(), hits.qualities[1:], order),
        _by_quality("What the student gives back (student - teacher)", hits, hits.gains(), hits.qualities, order),
        _recall("Teachers, recall@1", results, hits, TEACHER, order),
        _recall("Students, recall@1", results, hits, STUDENT, order),
    ]
    return "\n\n".join([_protocol(results), *parts]) + "\n"


def _protocol(results: Results) -> str:
    stated, row = results.protocol, results.rows[0]
    return (
        f"Protocol: `{stated['name']}` v{stated['version']}, {row.queries:,} queries, database of "
        f"{row.database.images:,} pictures described raw by each teacher, positives within {stated['positives']}, "
        f"places digest `{stated['places']}`."
    )


def _summary(results: Results, hits: Hits, order: np.ndarray) -> str:
    lost, gained = hits.losses().mean(axis=2), hits.gains()[:, :, 1:].mean(axis=2)
    columns = [
        [row.plain() for row in hits.measured(lost)],
        [row.signed() for row in hits.measured(lost - lost.mean(axis=1, keepdims=True))],
        [f"{row.plain()} %" for row in hits.ratios(lost, hits.teacher[:, :, 0])],
        [row.signed() for row in hits.measured(gained)],
        [row.signed() for row in hits.measured(gained - gained.mean(axis=1, keepdims=True))],
        [_recovered(results, name) for name in hits.names],
    ]
    others = "against all aggregators"
    head = ["teacher's loss", others, "of its recall at raw", "student's gain", others, "recovered"]
    return "## Means over the rungs\n\n" + _table(hits, head, lambda i: [column[i] for column in columns], order)


def _recovered(results: Results, name: str) -> str:
    for row in results.recovered.models:
        if row.model == name + STUDENT:
            interval = "" if row.interval is None else " [{:.0f}, {:.0f}]".format(*(100 * end for end in row.interval))
            return f"{100 * row.mean:.0f} %{interval}"
    return "-"


def _by_quality(title: str, hits: Hits, values: np.ndarray, qualities: Sequence[str], order: np.ndarray) -> str:
    cells = [[row.signed() for row in hits.measured(values[:, i])] for i in range(len(hits.names))]
    return f"## {title}\n\n" + _table(hits, [f"`{quality}`" for quality in qualities], cells.__getitem__, order)


def _recall(title: str, results: Results, hits: Hits, ending: str, order: np.ndarray) -> str:
    def cells(i: int) -> list[str]:
        rows = [results.row(hits.names[i] + ending, quality) for quality in hits.qualities]
        return [f"{row.recall[1]:.1f} [{row.interval[1][0]:.1f}, {row.interval[1][1]:.1f}]" for row in rows]

    return f"## {title}\n\n" + _table(hits, [f"`{quality}`" for quality in hits.qualities], cells, order)


def _table(hits: Hits, head: Sequence[str], cells: Callable[[int], Sequence[str]], order: np.ndarray) -> str:
    lines = [["aggregator", *head], ["---"] * (1 + len(head)), *([hits.names[i], *cells(int(i))] for i in order)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    print(tables(Results.load(Path(sys.argv[1]))))
