"""Models x qualities on one set of places: describe what is missing, search, count, compare."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lofivpr.errors import LofiError
from lofivpr.evaluation.bench import Bench, Stores
from lofivpr.evaluation.contenders import Contender, contenders, database_contender
from lofivpr.evaluation.descriptor_rate import descriptor_rate
from lofivpr.evaluation.outcome import Outcomes, Scene
from lofivpr.evaluation.recall import WithoutPositives, counted_queries
from lofivpr.evaluation.results import Results
from lofivpr.evaluation.rows import DescriptorRow, Row, SkippedPicture
from lofivpr.evaluation.verified import verify_results
from lofivpr.places import Places, Positives, Protocol
from lofivpr.places.protocol import GENERAL
from lofivpr.quality import Quality
from lofivpr.search import Matcher

if TYPE_CHECKING:
    from lofivpr.models import Describer

SAME = "same"


def evaluate(
    models: Sequence[Describer | str | Path],
    places: Places,
    qualities: Sequence[str | Quality] = ("raw",),
    positives: str | Positives = "25m",
    protocol: str | Protocol = "roles",
    database_model: Describer | str | Path | None = None,
    database_quality: str | Quality = "raw",
    without_positives: WithoutPositives = "miss",
    out: str | Path | None = None,
    skip_bad: bool = False,
    progress: bool = True,
    verify: str | None = None,
    matcher: Matcher | None = None,
    runtime: str = "auto",
) -> Results:
    """Recall of every model at every quality, with intervals and paired differences.

    By default the asymmetric protocol (v1 of arXiv 2310.06906): the database keeps descriptors of raw
    pictures by the teacher that a student's card names, or by the model itself. `database_quality="same"`
    is the symmetric one (v2): queries and database at the same quality, both by the model itself.

    Beside them `Results.descriptor_rate`: the reference teacher on the device, its descriptor sent instead.

    Args:
        models: describers or model folders.
        qualities: what the queries go through, such as "240p/jpeg:5"; with a frame rate ("240p/h265:qp42@10fps")
            frames of clips and pictures of sequences come out of true groups of pictures.
        positives: "25m", "25m,45deg", "place" or "2frames".
        protocol: "roles", "leave-panorama-out", or that of a public data set, such as "pitts30k-test", which fixes
            positives and counting; or a `Protocol`, which then decides all that it names, `verify` among it.
        database_model: describes the database for all models.
        database_quality: what the database went through, or "same" as the queries.
        without_positives: "miss" or "drop".
        out: keeps descriptors in out/stores, so that a second call goes on where the first stopped, and
            writes results.json, results.csv and neighbours.npz.
        skip_bad: leave out pictures that cannot be used, and list them in `Results.skipped`.
        verify: "inliers>20": what is found counts only if more than 20 local features match; rows tell both recalls.
        matcher: that counts them; None = SIFT and RANSAC.
        runtime: of `load_describer`, for models that are folders.

    Raises:
        LofiError: of places, qualities, models or pictures; each says what to do.
    """
    entries = contenders(models, runtime)
    points = _points(qualities)
    if not isinstance(protocol, Protocol):
        protocol = replace(_protocol(protocol, positives, without_positives, str(database_quality)), verify=verify)
    given = None if database_model is None else contenders([database_model], runtime)[0]
    with ExitStack() as stack:
        folder = Path(out) if out else Path(stack.enter_context(tempfile.TemporaryDirectory()))
        stores = Stores(folder / "stores", Path(places.root), skip_bad, progress, places.sequences)
        streamed = any(point.is_stream for point in points)
        bench = _bench(places, replace(protocol, verify=None), stores, streamed)
        sides = {entry.name: _database_model(protocol, entry, entries, given, runtime) for entry in entries}
        results = _measure_all(bench, entries, points, sides)
        if protocol.verify is not None:
            results = verify_results(results, places, protocol.verify, matcher, keep=stores.folder)
    if out:
        results.save_tables(out)
    return results


def _points(qualities: Sequence[str | Quality]) -> list[Quality]:
    points = [q if isinstance(q, Quality) else Quality.parse(q) for q in qualities]
    if not points:
        raise LofiError("expected at least one quality, found none. Name one, for example raw.")
    return list(dict.fromkeys(points))


def _protocol(
    name: str, positives: str | Positives, without_positives: WithoutPositives, database_quality: str
) -> Protocol:
    if name not in GENERAL:
        return replace(Protocol.named(name), database_quality=database_quality)
    return Protocol(
        name=name,
        positives=Positives.parse(positives),
        without_positives=without_positives,
        database_quality=database_quality,
    )


def _bench(places: Places, protocol: Protocol, stores: Stores, streamed: bool) -> Bench:
    cases = protocol.cases(places)
    scene = Scene(
        query_images=tuple(cases.queries.images),
        database_images=tuple(cases.database.images),
        query_xy=_xy(cases.queries),
        database_xy=_xy(cases.database),
        positives=tuple(cases.positives),
        groups=cases.queries.groups(),
        counted=counted_queries(cases.positives, protocol.without_positives),
        root=Path(places.root),
        sequences=tuple(places.sequences) if streamed else (),
    )
    return Bench(scene, protocol.on(places), cases.excluded, stores)


def _xy(places: Places) -> np.ndarray:
    """Metres in the frame that queries and database share, NaN where the set has no positions."""
    return places.xy() if places.has_positions else np.full((len(places), 2), np.nan)


def _measure_all(bench: Bench, entries: list[Contender], points: list[Quality], sides: dict[str, Contender]) -> Results:
    rows: list[Row] = []
    outcomes: Outcomes = {}
    skipped: dict[str, SkippedPicture] = {}
    same = bench.protocol.database_quality == SAME
    against = {quality: quality if same else Quality.parse(bench.protocol.database_quality) for quality in points}
    for quality in points:
        bench.describe(entries, quality, list(sides.values()), against[quality])
    for entry in entries:
        for quality in points:
            row, outcome, bad = bench.measure(entry, quality, sides[entry.name], against[quality])
            rows.append(row)
            outcomes[row.model, row.quality] = outcome
            skipped.update({picture.image: picture for picture in bad})
    references = _references(entries, sides)
    return Results.compare(
        rows,
        outcomes,
        bench.scene,
        references=references,
        protocol=_stated(bench.protocol, sides, points).to_dict(),
        skipped=list(skipped.values()),
        descriptor_rate=_descriptor_rates(bench, entries, sides, references),
        describers={entry.name: entry.describer for entry in entries},
    )


def _descriptor_rates(
    bench: Bench, entries: list[Contender], sides: dict[str, Contender], references: dict[str, str]
) -> list[DescriptorRow]:
    """Of the models that describe the references' databases; of the first model's where there is no reference."""
    against = bench.protocol.database_quality
    quality = Quality.RAW if against == SAME else Quality.parse(against)
    named = list(dict.fromkeys(references.values())) or [entries[0].name]
    teachers = {sides[name].describer.digest: sides[name] for name in named}
    return [row for teacher in teachers.values() for row in descriptor_rate(bench, teacher, quality)]


def _stated(protocol: Protocol, sides: dict[str, Contender], points: list[Quality]) -> Protocol:
    """The protocol of all rows together, for the report; each row prints its own."""
    models = list(dict.fromkeys(side.name for side in sides.values()))
    return replace(
        protocol,
        database_model=", ".join(models),
        query_quality=", ".join(str(point) for point in points),
    )


def _database_model(
    protocol: Protocol, entry: Contender, entries: list[Contender], given: Contender | None, runtime: str
) -> Contender:
    """In the symmetric protocol a model describes its own database, whoever taught it."""
    if given is None and protocol.database_quality == SAME:
        return entry
    return database_contender(entry, entries, given, runtime)


def _references(entries: list[Contender], sides: dict[str, Contender]) -> dict[str, str]:
    """Whom each model is compared with: its teacher if that is evaluated too, else the first model."""
    evaluated = {entry.describer.digest: entry.name for entry in reversed(entries)}
    references = {}
    for entry in entries:
        teacher = (entry.teacher or {}).get("digest") or sides[entry.name].describer.digest
        other = evaluated.get(teacher, entries[0].name)
        other = entries[0].name if other == entry.name else other
        if other != entry.name:
            references[entry.name] = other
    return references
