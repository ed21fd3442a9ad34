"""A map and the model that describes queries for it: what the working threads ask."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from lofivpr.errors import LofiError
from lofivpr.maps import Fix, Map
from lofivpr.models import Describer, OnnxModel, load_describer
from lofivpr.quality import Quality
from lofivpr.serving.seen import Seen
from lofivpr.serving.wire import Where


@dataclass(frozen=True)
class Query:
    """What is asked of the engine: a picture, or the descriptor that a device has made of one.

    Attributes:
        picture: gives uint8 H x W x 3 and the quality seen; called in a working thread, so that a frame that is
            skipped is never decoded to pixels. None for a descriptor.
        where, k: what the client knows of its position, and how many places it wants.
        decode_s: seconds that were spent on decoding before.
        descriptor: float32 1 x D, `model_digest` of the model that made it, and the bytes that it came in.
        quality: what the client says that its encoder was set to, for a model that looks at it; None: as seen.
    """

    picture: Callable[[], tuple[np.ndarray, Seen]] | None
    where: Where
    k: int
    decode_s: float = 0.0
    descriptor: np.ndarray | None = None
    model_digest: str | None = None
    n_bytes: int = 0
    quality: Quality | None = None


@dataclass(frozen=True)
class Answer:
    """A fix, the quality of the query, the model that described it, and the seconds that each stage took."""

    fix: Fix
    seen: Seen
    model_digest: str
    decode_s: float
    describe_s: float
    search_s: float
    batch: int


@dataclass(frozen=True)
class Described:
    """A query on its way from describing to searching."""

    query: Query
    seen: Seen
    descriptor: np.ndarray
    model_digest: str
    decode_s: float
    describe_s: float
    batch: int


class Engine:
    """One state of map and model; a newer one replaces it as a whole, so that no batch sees half of either."""

    def __init__(self, place_map: Map, describer: Describer | None) -> None:
        """Check that both belong together.

        Args:
            place_map: the map.
            describer: the model that made the map or its student; None for a service of descriptors alone.

        Raises:
            LofiError: another model than the map's or its student, or a damaged calibration.
        """
        if describer is not None:
            place_map.require_model(describer)
        self.map, self.describer = place_map, describer
        self.calibration = place_map.calibration
        self._places = place_map.places  # so that the first query does not wait for it
        # ONNX Runtime takes calls of several threads; a torch model remembers the quality of what it looks at.
        self._describing = nullcontext() if isinstance(describer, OnnxModel) else Lock()

    @classmethod
    def open(cls, map_path: str | Path, model: Describer | str | Path | None) -> Engine:
        """Open both from disk; a model that is an object is taken as it is.

        Raises:
            LofiError: one of them is missing, damaged, or does not fit the other.
        """
        describer = load_describer(model) if isinstance(model, str | Path) else model
        return cls(Map.open(map_path), describer)

    @property
    def query_model(self) -> str:
        """Digest of the model that describes queries: this engine's, or the map's own."""
        return self.map.model_digest if self.describer is None else self.describer.digest

    def is_calibrated_for(self, model_digest: str) -> bool:
        """Is the map calibrated for queries by this model?"""
        found = self.calibration
        return found is not None and (found.model, found.map_model) == (model_digest, self.map.model_digest)

    def accepts(self, model_digest: str) -> bool:
        """Can descriptors of this model be searched for?"""
        return model_digest in (self.query_model, self.map.model_digest)

    def work(self, queries: Sequence[Query]) -> list[Answer | Exception]:
        """Answer a batch: describe the pictures together, search those of equal filters together.

        A query that cannot be answered gets its own error, and the others their answers.
        """
        results: list[Answer | Exception | None] = [None] * len(queries)
        described = self._describe(queries, results)
        groups: dict[Any, list[int]] = defaultdict(list)
        for number, one in described.items():
            groups[(one.query.where, one.query.k, one.model_digest)].append(number)
        for numbers in groups.values():
            self._search(numbers, described, results)
        return [result if result is not None else LofiError("expected an answer, found none.") for result in results]

    def _describe(self, queries: Sequence[Query], results: list[Answer | Exception | None]) -> dict[int, Described]:
        described: dict[int, Described] = {}
        pictures: dict[int, tuple[np.ndarray, Seen, float]] = {}
        for number, query in enumerate(queries):
            try:
                if query.picture is None:
                    described[number] = self._given(query)
                else:
                    started = time.perf_counter()
                    image, seen = query.picture()
                    pictures[number] = image, seen, query.decode_s + time.perf_counter() - started
            except Exception as error:  # a damaged picture is its own query's fault
                results[number] = error
        if not pictures:
            return described
        if self.describer is None:
            for number in pictures:
                results[number] = LofiError(
                    "expected a descriptor, found a picture: this service runs no model. Describe on the device, or "
                    "have the service started with --model."
                )
            return described
        started = time.perf_counter()
        images = [image for image, _, _ in pictures.values()]
        told = [queries[number].quality or seen.quality for number, (_, seen, _) in pictures.items()]
        with self._describing:
            rows = np.asarray(self.describer.describe(images, told), np.float32)
        seconds = time.perf_counter() - started
        for row, (number, (_, seen, decode_s)) in zip(rows, pictures.items(), strict=True):
            digest, count = self.describer.digest, len(images)
            described[number] = Described(queries[number], seen, row[None], digest, decode_s, seconds, count)
        return described

    def _given(self, query: Query) -> Described:
        """A descriptor from a device; the map or model may have changed since it was let in."""
        assert query.descriptor is not None and query.model_digest is not None
        if not self.accepts(query.model_digest):
            raise LofiError(f"expected a descriptor of the model {self.query_model}, found one of another.")
        seen = Seen(None, None, None, query.n_bytes, None)
        return Described(query, seen, query.descriptor, query.model_digest, 0.0, 0.0, 1)

    def _search(
        self, numbers: list[int], described: dict[int, Described], results: list[Answer | Exception | None]
    ) -> None:
        """Fixes of queries that share filter, k and model."""
        first = described[numbers[0]]
        where = first.query.where
        started = time.perf_counter()
        try:
            fixes = self.map.fixes(
                np.concatenate([described[number].descriptor for number in numbers]),
                [described[number].seen.for_calibration for number in numbers],
                model_digest=first.model_digest,
                k=first.query.k,
                near=where.near,
                radius_m=where.radius_m,
                heading=where.heading,
                calibrated=self.is_calibrated_for(first.model_digest),
            )
        except Exception as error:  # a filter that the map refuses is the fault of those who asked with it
            for number in numbers:
                results[number] = error
            return
        seconds = time.perf_counter() - started
        for number, fix in zip(numbers, fixes, strict=True):
            one = described[number]
            results[number] = Answer(fix, one.seen, one.model_digest, one.decode_s, one.describe_s, seconds, one.batch)
