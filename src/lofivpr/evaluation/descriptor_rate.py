"""The rival of sending pictures: the teacher runs on the device, and its descriptor is sent in few bytes.

The queries are raw, described by the database's model, coded, and compared as the server decodes them with the
database's uncoded descriptors (asymmetric search).
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from pydantic import TypeAdapter, ValidationError

from lofivpr.descriptors import DescriptorStore
from lofivpr.errors import LofiError
from lofivpr.evaluation.bench import Bench
from lofivpr.evaluation.codings import (
    CENTROIDS,
    PQ_BYTES,
    Coding,
    CodingError,
    check_learnable,
    float16,
    int8,
    learnt_centroids,
    pq_name,
    product_quantization,
    training_rows,
)
from lofivpr.evaluation.contenders import Contender
from lofivpr.evaluation.count import counted_recall
from lofivpr.evaluation.rows import DescriptorRow
from lofivpr.files import atomic_path, digest, write_json
from lofivpr.media import open_image
from lofivpr.quality import Quality

if TYPE_CHECKING:
    from lofivpr.models import Describer

RULES = "descriptor rate 1"
CODEBOOKS = "codebooks 1"
REPEATS = 5
PATIENCE_S = 10.0
_ROWS = TypeAdapter(list[DescriptorRow])


def descriptor_rate(bench: Bench, model: Contender, database_quality: Quality) -> list[DescriptorRow]:
    """Recall of the model's coded raw-query descriptors in its own uncoded database, a row for each coding.

    Kept beside the stores, with what made it: a second call neither trains nor describes.
    """
    queries = bench.stores.get(model.describer, Quality.RAW, bench.scene.query_images)
    database = bench.stores.get(model.describer, database_quality, bench.scene.database_images)
    key = digest(RULES, queries.digest, database.digest, str(bench.protocol))
    path = bench.stores.folder / f"descriptor-rate-{key}.json"
    try:
        kept = _ROWS.validate_python(json.loads(path.read_text()))
        return [row.model_copy(update={"model": model.name}) for row in kept]
    except (OSError, ValueError, ValidationError):
        rows = _measure(bench, model, queries, database)
        write_json(path, _ROWS.dump_python(rows, mode="json"))
        return rows


def _measure(
    bench: Bench, model: Contender, queries: DescriptorStore, database: DescriptorStore
) -> list[DescriptorRow]:
    first = bench.scene.query_images[int(np.argmax(queries.ok))]
    milliseconds = median_milliseconds(model.describer, open_image(first, bench.stores.root))
    rows = []
    for name, n_bytes, coding in codings(database, bench.stores.folder):
        row = DescriptorRow(model=model.name, coding=name, bytes_per_query=n_bytes, milliseconds=milliseconds)
        if isinstance(coding, CodingError):
            rows.append(row.model_copy(update={"refused": str(coding)}))
            continue
        outcome = bench.search(queries, database, coding.decoded)
        recall, interval = counted_recall(outcome, bench.scene, bench.protocol)
        rows.append(row.model_copy(update={"recall": recall, "interval": interval}))
    return rows


def codings(database: DescriptorStore, folder: Path) -> Iterator[tuple[str, int, Coding | CodingError]]:
    """Name, bytes and the coding, or why it does not fit; those that learn, from the database's descriptors only.

    folder: keeps what was learnt.
    """
    for plain in (float16(database.dimension), int8(database.dimension)):
        yield plain.name, plain.n_bytes, plain
    for n_bytes in PQ_BYTES:
        try:
            yield pq_name(n_bytes), n_bytes, product_quantization(_centroids(n_bytes, database, folder))
        except CodingError as error:
            yield pq_name(n_bytes), n_bytes, error


def _centroids(n_bytes: int, database: DescriptorStore, folder: Path) -> np.ndarray:
    """The codebooks of a database, learnt once for its contents."""
    usable = np.flatnonzero(database.ok)
    check_learnable(n_bytes, len(usable), database.dimension)
    path = folder / f"codebooks-{digest(CODEBOOKS, database.digest, str(n_bytes))}.npy"
    shape = n_bytes, CENTROIDS, database.dimension // n_bytes
    with suppress(OSError, ValueError, EOFError):
        kept = np.load(path, allow_pickle=False)
        if kept.shape == shape and kept.dtype == np.float32:
            return kept
    learnt = learnt_centroids(n_bytes, database.rows(usable[training_rows(len(usable))]))
    with suppress(LofiError), atomic_path(path) as temporary, open(temporary, "wb") as stream:
        np.save(stream, learnt)  # dropped where the disk is full: it can be learnt again
    return learnt


def median_milliseconds(describer: Describer, picture: np.ndarray, repeats: int = REPEATS) -> float:
    """Median time in which `describer` describes one picture (uint8 H x W x 3), alone and after a first go.

    Slow models are asked less often: no repeat starts after 10 seconds.
    """
    describer.describe([picture], [Quality.RAW])
    times: list[float] = []
    while len(times) < repeats and (not times or sum(times) < PATIENCE_S):
        start = time.perf_counter()
        describer.describe([picture], [Quality.RAW])
        times.append(time.perf_counter() - start)
    return 1000.0 * float(np.median(times))
