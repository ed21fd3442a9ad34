"""What a map is, in numbers."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from lofivpr.maps.contents import Contents
from lofivpr.maps.manifest import STAGING, Loss


@dataclass(frozen=True)
class MapInfo:
    """What `lofivpr map info` shows.

    Attributes:
        places: in the map; `removed` more lie in its files.
        model, model_digest: what described them.
        dimension, dtype: numbers of a descriptor, and how they are stored.
        n_bytes: of all files.
        segments: how many; each build, addition and merged map makes one.
        index: how it is searched: `exact`, or the index's kind.
        unindexed: places that are compared one by one beside the index.
        loss: what the number format costs, measured when the segments were written; None for float32.
        index_loss: what the index costs beside comparing every place; None without an index.
        qualities: those that the calibration knows.
        skipped: pictures that could not be used.
        unfinished: additions that were interrupted; the same command goes on with them.
    """

    places: int
    removed: int
    model: str
    model_digest: str
    dimension: int
    dtype: str
    n_bytes: int
    segments: int
    index: str
    unindexed: int
    loss: Loss | None
    index_loss: Loss | None
    qualities: tuple[str, ...]
    skipped: int
    unfinished: int

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        losses = {
            name: loss and loss.model_dump() for name, loss in (("loss", self.loss), ("index_loss", self.index_loss))
        }
        return asdict(self) | losses


def joined(losses: list[Loss | None]) -> Loss | None:
    """One loss of several segments, each counting by its queries; None where none was measured."""
    known = [loss for loss in losses if loss is not None and loss.queries]
    if not known:
        return None

    def mean(values: list[tuple[float | None, int]]) -> float | None:
        told = [(value, count) for value, count in values if value is not None]
        return sum(v * n for v, n in told) / sum(n for _, n in told) if told else None

    agreement = mean([(loss.agreement, loss.queries) for loss in known])
    assert agreement is not None
    return Loss(
        queries=sum(loss.queries for loss in known),
        agreement=agreement,
        recall=mean([(loss.recall, loss.queries) for loss in known]),
        recall_exact=mean([(loss.recall_exact, loss.queries) for loss in known]),
        radius_m=known[0].radius_m,
    )


def info_of(contents: Contents) -> MapInfo:
    """The numbers of a map."""
    manifest, calibration = contents.manifest, contents.calibration
    index, parts = manifest.index, contents.folder / STAGING
    return MapInfo(
        places=manifest.places,
        removed=manifest.rows - manifest.places,
        model=manifest.model,
        model_digest=manifest.model_digest,
        dimension=manifest.dimension,
        dtype=manifest.dtype,
        n_bytes=sum(file.size for file in manifest.files.values()),
        segments=len(manifest.segments),
        index=index.kind if index else "exact",
        unindexed=manifest.rows - index.rows if index else 0,
        loss=joined([segment.loss for segment in manifest.segments]),
        index_loss=index.loss if index else None,
        qualities=tuple(point.quality for point in calibration.curve) if calibration else (),
        skipped=sum(len(segment.skipped) for segment in manifest.segments),
        unfinished=sum(1 for _ in parts.iterdir()) if parts.is_dir() else 0,
    )
