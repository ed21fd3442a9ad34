from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from lofivpr.errors import LofiError
from lofivpr.evaluation import Results, evaluate
from lofivpr.evaluation.descriptor_rate import REPEATS
from lofivpr.files import digest
from lofivpr.models import Preprocessing
from lofivpr.places import Places, Protocol
from lofivpr.quality import Encoded, Quality
from recordings import moving, write_clip

Maker = Callable[..., Any]


def slow_recall_at_1(places: Places, model: Any, database_model: Any, quality: str, radius: float) -> float:
    """One query after the other, by plain arithmetic on positions and descriptors."""

    def describe(describer: Any, side: Places, point: Quality) -> list[np.ndarray]:
        pictures = [point.encode(side.open_image(i)).image for i in range(len(side))]
        return [describer.describe([describer.preprocessing.resize(p)])[0] for p in pictures]

    queries, database = places.queries, places.database
    kept = describe(database_model, database, Quality.RAW)
    found = 0
    for query, asked in enumerate(describe(model, queries, Quality.parse(quality))):
        nearest = min(range(len(kept)), key=lambda row: float(((asked - kept[row]) ** 2).sum()))
        found += float(np.hypot(*(queries.xy()[query] - database.xy()[nearest]))) <= radius
    return 100 * found / len(queries)


@pytest.mark.parametrize("quality", ["raw", "36p/jpeg:5", "18p"])
def test_recall_is_the_slow_loop(streets: Places, pixels: Maker, quality: str) -> None:
    teacher, student = pixels("t", noise=3), pixels("s", noise=2)
    results = evaluate([student], streets, [quality], database_model=teacher, progress=False)
    row = results.row("s", quality)
    assert row.recall[1] == pytest.approx(slow_recall_at_1(streets, student, teacher, quality, 25))
    assert 0 < row.recall[1] < 100 and row.recall[1] <= row.recall[5] <= row.recall[25]
    assert row.database.model == "t"


def test_rows_are_exactly_as_promised(streets: Places, pixels: Maker, tmp_path: Path) -> None:
    models = [pixels("a"), pixels("b", noise=0.5)]
    evaluate(models, streets, ["36p/jpeg:5", "raw"], out=tmp_path, progress=False)
    rows = json.loads((tmp_path / "results.json").read_text())["rows"]
    order = [(row["model"], row["quality"]) for row in rows]
    assert order == [("a", "36p/jpeg:5"), ("a", "raw"), ("b", "36p/jpeg:5"), ("b", "raw")]
    names = "model quality protocol queries queries_without_positives database bytes_per_query recall interval"
    for row in rows:
        assert list(row) == [*names.split(), "stream", "unverified"]
        assert list(row["database"]) == ["images", "model", "quality"]
        assert row["database"] == {"images": 12, "model": row["model"], "quality": "raw"}
        assert list(row["recall"]) == list(row["interval"]) == ["1", "2", "5", "10", "15", "20", "25"]
        assert all(low <= row["recall"][n] <= high for n, (low, high) in row["interval"].items())
        assert (row["queries"], row["queries_without_positives"]) == (24, 0)
        assert "25m" in row["protocol"] and row["quality"] in row["protocol"]
    assert rows[1]["bytes_per_query"] is None and rows[0]["bytes_per_query"] > 100
    with (tmp_path / "results.csv").open() as stream:
        table = list(csv.DictReader(stream))
    assert float(table[0]["recall@1"]) == rows[0]["recall"]["1"] and table[1]["bytes_per_query"] == ""


def test_bytes_are_the_mean_of_the_encoded_queries(streets: Places, pixels: Maker) -> None:
    results = evaluate([pixels()], streets, ["jpeg:10", "18p"], progress=False)
    sizes = [Quality.parse("jpeg:10").encode(streets.queries.open_image(i)).n_bytes for i in range(24)]
    assert results.rows[0].bytes_per_query == pytest.approx(np.mean(np.array(sizes, float)))
    assert results.rows[1].bytes_per_query is None


def test_each_side_is_described_once_and_a_second_run_reuses_it(streets: Places, pixels: Maker, tmp_path: Path) -> None:
    teacher = pixels("t", noise=0.3)
    student = pixels("s", noise=0.1, card={"teacher": {"digest": teacher.digest, "path": "gone"}})
    qualities = ["raw", "jpeg:10", "jpeg:10"]
    first = evaluate([teacher, student], streets, qualities, out=tmp_path, progress=False)
    timed = REPEATS + 1  # one picture, again and again, for the rival that describes on the device
    assert teacher.described == 12 + 2 * 24 + timed  # the database once, queries at two qualities
    assert student.described == 2 * 24  # its database is the teacher's
    again = evaluate([teacher, student], streets, qualities, out=tmp_path, progress=False)
    assert teacher.described == 12 + 2 * 24 + timed and again.rows == first.rows


def test_a_picture_is_encoded_once_a_quality_however_many_models(
    streets: Places, pixels: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def models() -> list[Any]:
        other = Preprocessing((36, 24), (0.1,) * 3, (2.0,) * 3)
        return [pixels("a", noise=2), pixels("b", noise=3), pixels("c", noise=1, preprocessing=other)]

    ladder = ["36p/jpeg:5", "jpeg:10", "18p"]
    apart = [evaluate([model], streets, ladder, progress=False).rows for model in models()]
    encoded: list[tuple[str, str]] = []
    encode = Quality.encode

    def count(quality: Quality, image: np.ndarray) -> Encoded:
        encoded.append((str(quality), digest(image.tobytes())))
        return encode(quality, image)

    monkeypatch.setattr(Quality, "encode", count)
    together = evaluate(models(), streets, ladder, progress=False)
    assert len(encoded) == len(set(encoded)) == 3 * 24
    assert list(together.rows) == [row for rows in apart for row in rows]
    assert len({row.recall[1] for row in together.rows}) > 3


def test_a_model_in_two_precisions_is_two_models(streets: Places, pixels: Maker) -> None:
    plain, rough = pixels("t"), pixels("t", precision="bfloat16")
    results = evaluate([plain, rough], streets, progress=False)
    assert results.models == ["t", "t (bfloat16)"]
    assert plain.described >= rough.described == len(streets), "one has described for the other"


def test_symmetric_protocol_degrades_the_database_too(streets: Places, pixels: Maker) -> None:
    teacher = pixels("t", noise=0.3)
    student = pixels("s", noise=0.1, card={"teacher": {"digest": teacher.digest, "path": "gone"}})
    results = evaluate([teacher, student], streets, ["18p", "jpeg:5"], database_quality="same", progress=False)
    for row in results.rows:
        assert (row.database.model, row.database.quality) == (row.model, row.quality)
    assert student.described == 2 * (12 + 24)
    assert results.references == {"s": "t"}


def test_leave_panorama_out_never_finds_the_picture_itself(streets: Places, pixels: Maker) -> None:
    results = evaluate([pixels()], streets, protocol="leave-panorama-out", progress=False)
    outcome = results.outcomes["pixels", "raw"]
    assert results.rows[0].queries == results.rows[0].database.images == 36
    assert not (outcome.indices == np.arange(36)[:, None]).any()
    assert results.rows[0].recall[1] == 100  # its twin at the same spot


def test_miss_and_drop_differ_by_the_lonely_queries(make_road: Maker, pixels: Maker, tmp_path: Path) -> None:
    places = make_road(tmp_path)
    table = places.table.to_pydict()
    kept = [i for i, name in enumerate(table["image"]) if name not in ("d_003.png", "d_007.png", "d_011.png")]
    places = places.select(kept)
    miss, drop = (
        evaluate([pixels()], places, without_positives=rule, progress=False).rows[0] for rule in ("miss", "drop")
    )
    assert miss.queries_without_positives == drop.queries_without_positives == 6
    assert miss.queries == drop.queries == 24
    assert drop.recall[1] == 100 and miss.recall[1] == pytest.approx(75)


def test_bad_pictures_are_skipped_only_when_asked(make_road: Maker, pixels: Maker, tmp_path: Path) -> None:
    places = make_road(tmp_path)
    (tmp_path / "q0_004.png").write_bytes(b"no picture")
    (tmp_path / "d_005.png").write_bytes(b"no picture")
    with pytest.raises(LofiError, match=r"q0_004|d_005"):
        evaluate([pixels()], places, progress=False)
    results = evaluate([pixels()], places, ["raw", "jpeg:50"], skip_bad=True, progress=False)
    assert sorted(picture.image for picture in results.skipped) == ["d_005.png", "q0_004.png"]
    for row in results.rows:
        assert row.queries == 23 and row.database.images == 11
        assert row.recall[1] == pytest.approx(100 * 21 / 23)  # the two of d_005 have nothing to find


def test_a_protocol_object_decides(streets: Places, pixels: Maker) -> None:
    protocol = Protocol(name="roles", without_positives="drop")
    results = evaluate([pixels()], streets, protocol=protocol, progress=False)
    assert "left out" in results.rows[0].protocol
    assert Protocol.from_dict(results.protocol).places == streets.digest


def test_differences_and_costs_are_paired_recalls(compared: Results) -> None:
    for change in (*compared.differences, *compared.costs):
        mine = compared.row(change.model, change.quality).recall[change.n]
        theirs = compared.row(change.against, change.against_quality).recall[change.n]
        assert change.mean == pytest.approx(mine - theirs) and change.low <= change.mean <= change.high
    assert {(d.model, d.against) for d in compared.differences} == {("student", "teacher")}
    assert len(compared.differences) == 6 * 3 and len(compared.costs) == 2 * 5 * 3


def test_refusals(streets: Places, pixels: Maker) -> None:
    with pytest.raises(LofiError, match="at least one model"):
        evaluate([], streets)
    with pytest.raises(LofiError, match="at least one quality"):
        evaluate([pixels()], streets, [])
    with pytest.raises(LofiError, match="one size on both sides"):
        evaluate([pixels("a")], streets, database_model=pixels("b", grid=5), progress=False)
    with pytest.raises(LofiError, match="positives by 1m"):
        evaluate([pixels()], streets, positives="1m", progress=False)


def drive(folder: Path, as_clip: bool) -> Places:
    """20 pictures of one drive, every fifth of them a query: frames of a clip at 10 fps, or files."""
    images = moving(20)
    names = [f"drive.mkv#frame={number}" if as_clip else f"{number:02d}.png" for number in range(20)]
    if as_clip:
        write_clip(folder / "drive.mkv", images, fps=10, codec="ffv1")
    else:
        for name, image in zip(names, images, strict=True):
            Image.fromarray(image).save(folder / name)
    roles = ["query" if number % 5 == 4 else "database" for number in range(20)]
    columns = {"image": names, "frame": list(range(20)), "role": roles, "sequence": ["drive"] * 20}
    return Places.from_table(folder, pa.table(columns).take(pa.array(np.random.default_rng(0).permutation(20))))


@pytest.mark.parametrize("as_clip", [True, False])
@pytest.mark.parametrize("text", ["48p/h264:qp40@10fps", "48p/h265:16kbps@10fps"])
def test_a_frame_rate_sends_a_drive_as_a_stream(text: str, as_clip: bool, pixels: Maker, tmp_path: Path) -> None:
    """Queries are coded with the pictures of the database between them, which the camera saw too."""
    (tmp_path / "data").mkdir()
    places = drive(tmp_path / "data", as_clip)
    results = evaluate([pixels()], places, [text, "48p/h264:qp40"], "1frame", out=tmp_path / "out", progress=False)
    clip = Quality.parse(text).encode_clip(moving(20), 10)
    assert clip.n_bytes is not None
    row, still = results.rows
    assert row.bytes_per_query == pytest.approx(sum(clip.n_bytes) / 20)
    assert row.stream is not None and row.stream.fps == 10 and still.stream is None
    assert row.stream.kbits_per_second == pytest.approx(clip.kbps)
    assert row.stream.kbytes_per_second == pytest.approx(clip.kbps / 8)
    asked = pixels()
    kept = [asked.describe([asked.preprocessing.resize(places.database.open_image(i))])[0] for i in range(16)]
    for query, image in enumerate(places.queries.column("frame").astype(int)):
        found = asked.describe([asked.preprocessing.resize(clip.frames[image])])[0]
        nearest = np.argsort([((found - one) ** 2).sum() for one in kept], kind="stable")
        assert results.outcomes["pixels", text].indices[query, 0] == nearest[0]
    with (tmp_path / "out" / "results.csv").open() as stream:
        table = list(csv.DictReader(stream))
    assert float(table[0]["kbits_per_second"]) == pytest.approx(clip.kbps) and table[1]["fps"] == ""
    assert Results.load(tmp_path / "out").rows == results.rows


def test_a_report_of_streams(pixels: Maker, tmp_path: Path) -> None:
    """What arrives depends on the frames before: the report shows queries as they came out of their streams."""
    places = drive(tmp_path, as_clip=True)
    results = evaluate([pixels()], places, ["raw", "48p/h265:16kbps@10fps"], "1frame", progress=False)
    text = results.report(tmp_path / "report.html").read_text()
    sent = Quality.parse("48p/h265:16kbps@10fps").encode_clip(moving(20), 10).n_bytes
    assert sent is not None and any(f"64 × 48 · {sent[query]} B" in text for query in (4, 9, 14, 19))
    assert "before the stream" not in text


def test_pictures_without_a_sequence_have_no_stream(streets: Places, pixels: Maker) -> None:
    with pytest.raises(LofiError, match=r"sequence and frame.*q._\d{3}.png"):
        evaluate([pixels()], streets, ["h264:qp40@1fps"], progress=False)
