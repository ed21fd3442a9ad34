"""One measurement: the queries through a quality and a model, searched in a database, and counted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lofivpr.descriptors import DescriptorStore
from lofivpr.errors import LofiError
from lofivpr.evaluation.contenders import Contender
from lofivpr.evaluation.count import counted_recall, without_positives
from lofivpr.evaluation.outcome import Outcome, Scene
from lofivpr.evaluation.recall import NS, SKIPPED, first_correct
from lofivpr.evaluation.rows import DatabaseSide, Row, SkippedPicture, StreamRate
from lofivpr.files import digest
from lofivpr.models import identity_of
from lofivpr.places import Protocol
from lofivpr.quality import Quality
from lofivpr.search import nearest

if TYPE_CHECKING:
    from lofivpr.models import Describer

QUERY_BYTES = 2**29  # of query descriptors in memory at a time


@dataclass
class Stores:
    """Every (model, quality, list of pictures) described once, on disk and in this run.

    sequences: all pictures of each sequence in order, which a quality with a frame rate sends as streams.
    """

    folder: Path
    root: Path
    skip_bad: bool
    progress: bool
    sequences: Sequence[Sequence[str]] = ()
    _open: dict[str, DescriptorStore] = field(default_factory=dict)

    def get(self, describer: Describer, quality: Quality, images: Sequence[str]) -> DescriptorStore:
        """The store of these pictures; described now unless an earlier run left it in the folder."""
        return self.get_all([describer], quality, images)[0]

    def get_all(
        self, describers: Sequence[Describer], quality: Quality, images: Sequence[str]
    ) -> list[DescriptorStore]:
        """As `get`, for several models: a picture is opened and encoded once for all that have not described it."""
        keys = [digest(identity_of(describer), quality.digest, *images) for describer in describers]
        missing = {self.folder / key: by for key, by in zip(keys, describers, strict=True) if key not in self._open}
        if missing:
            built = DescriptorStore.build_all(
                missing,
                images,
                root=self.root,
                quality=quality,
                skip_bad=self.skip_bad,
                progress=self.progress,
                sequences=self.sequences,
            )
            self._open.update((store.folder.name, store) for store in built)
        return [self._open[key] for key in keys]


@dataclass(frozen=True)
class Bench:
    """The queries, the database and the protocol that every model and quality is measured on.

    excluded: for each query the database rows that it may not find, None for no such rule.
    """

    scene: Scene
    protocol: Protocol
    excluded: Sequence[np.ndarray] | None
    stores: Stores

    def describe(
        self,
        models: Sequence[Contender],
        quality: Quality,
        database_models: Sequence[Contender],
        database_quality: Quality,
    ) -> None:
        """Describe what `measure` will ask for, each picture opened and encoded once for all models.

        Raises:
            LofiError: the descriptors of a model and of its database's differ in size, or of the pictures.
        """
        for sides in zip(models, database_models, strict=True):
            _check_sizes(*sides)
        self.stores.get_all([model.describer for model in models], quality, self.scene.query_images)
        self.stores.get_all(
            [model.describer for model in database_models], database_quality, self.scene.database_images
        )

    def measure(
        self, model: Contender, quality: Quality, database_model: Contender, database_quality: Quality
    ) -> tuple[Row, Outcome, list[SkippedPicture]]:
        """Describe where that is not done yet, search and count for one model at one quality.

        Raises:
            LofiError: no query is left to count.
        """
        queries = self.stores.get(model.describer, quality, self.scene.query_images)
        database = self.stores.get(database_model.describer, database_quality, self.scene.database_images)
        outcome = self.search(queries, database)
        side = DatabaseSide(images=int(database.ok.sum()), model=database_model.name, quality=str(database_quality))
        named = replace(
            self.protocol,
            database_model=side.model,
            database_quality=side.quality,
            query_quality=str(quality),
        )
        row = self._row(outcome, queries, side, model=model.name, quality=str(quality), protocol=str(named))
        skipped = [SkippedPicture(image=s.image, reason=s.reason) for s in (*queries.skipped, *database.skipped)]
        return row, outcome, skipped

    def search(
        self,
        queries: DescriptorStore,
        database: DescriptorStore,
        received: Callable[[np.ndarray], np.ndarray] | None = None,
    ) -> Outcome:
        """What is found for every query.

        Args:
            received: float32 n x D to the same shape: what arrives of descriptors that are sent coded.
        """
        indices, distances, start = [], [], 0
        for batch in _batches(queries):
            stop = start + len(batch)
            excluded = None if self.excluded is None else self.excluded[start:stop]
            found = nearest(batch if received is None else received(batch), database, max(NS), excluded)
            indices.append(found.indices)
            distances.append(found.distances)
            start = stop
        rows = np.concatenate(indices)
        ranks = first_correct(rows, self.scene.positives)
        ranks[~queries.ok] = SKIPPED
        return Outcome(ranks, rows, np.concatenate(distances))

    def _row(self, outcome: Outcome, queries: DescriptorStore, side: DatabaseSide, **names: str) -> Row:
        recall, interval = counted_recall(outcome, self.scene, self.protocol)
        cost, rate = mean_bytes(queries), Quality.parse(names["quality"]).fps
        return Row(
            model=names["model"],
            quality=names["quality"],
            protocol=names["protocol"],
            queries=int(outcome.measured.sum()),
            queries_without_positives=without_positives(outcome, self.scene),
            database=side,
            bytes_per_query=cost,
            stream=None if cost is None or rate is None else StreamRate.of(cost, rate),
            recall=recall,
            interval=interval,
        )


def mean_bytes(store: DescriptorStore) -> float | None:
    """Mean bytes of a query: of all frames of a stream, else of the pictures; None without a codec."""
    cost = store.n_bytes[store.n_bytes >= 0]
    alone = float(cost.mean()) if len(cost) else None
    return alone if store.bytes_per_frame is None else store.bytes_per_frame


def _batches(store: DescriptorStore) -> Iterator[np.ndarray]:
    """Float32 n x D of all rows in order, as many at a time as fit `QUERY_BYTES`."""
    gathered: list[np.ndarray] = []
    for block in store.blocks():
        gathered.append(np.asarray(block, np.float32))
        if sum(part.nbytes for part in gathered) >= QUERY_BYTES:
            yield np.concatenate(gathered)
            gathered = []
    if gathered:
        yield np.concatenate(gathered)


def _check_sizes(model: Contender, database_model: Contender) -> None:
    sizes = model.describer.descriptor_size, database_model.describer.descriptor_size
    if sizes[0] != sizes[1]:
        raise LofiError(
            f"expected descriptors of one size on both sides, found {sizes[0]} from {model.name!r} and "
            f"{sizes[1]} from {database_model.name!r} in the database. Name the model's own teacher as "
            "the database's model, or use database_quality='same'."
        )
