"""Training on streams: what is kept of a picture is what `encode_clip` of its whole sequence or clip gives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from lofivpr.models import create_model
from lofivpr.places import Places
from lofivpr.quality import Quality, QualityError
from lofivpr.training import Recipe, distill
from lofivpr.training import encode_ahead as ahead
from lofivpr.training import quality_cache as room
from lofivpr.training.draws import Draws
from lofivpr.training.loader import load_batches
from lofivpr.training.quality_cache import QualityCache
from lofivpr.training.sampling import Batch
from lofivpr.training.streams import Streams
from lofivpr.training.validation import Validation
from recordings import moving, write_clip

FRAMES = 12
STREAM = Quality.parse("48p/h264:qp40@10fps")
WALKS = ("a", "b")


def walks(folder: Path, as_clips: bool = False) -> Places:
    """Two walks of 12 pictures each, every one of another place, in no order: files, or frames of clips."""
    shots = moving(2 * FRAMES)
    rows: list[dict[str, Any]] = []
    for walk, images in zip(WALKS, (shots[:FRAMES], shots[FRAMES:][::-1]), strict=True):
        if as_clips:
            write_clip(folder / f"{walk}.mkv", images, fps=10, codec="ffv1")
        for number, image in enumerate(images):
            name = f"{walk}.mkv#frame={number}" if as_clips else f"{walk}{number:02d}.png"
            if not as_clips:
                Image.fromarray(image).save(folder / name)
            rows.append(
                {"image": name, "sequence": walk, "frame": number, "easting": float(len(rows)), "northing": 0.0}
            )
    order = np.random.default_rng(0).permutation(len(rows))
    return Places.from_table(folder, pa.Table.from_pylist([rows[row] for row in order]))


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Places:
    return walks(tmp_path_factory.mktemp("walks"))


def arrived(places: Places, row: int, quality: Quality = STREAM) -> np.ndarray:
    """The picture out of its whole sequence, in the order of its frames."""
    one = places[row]
    table = zip(places.images, places.column("sequence"), places.column("frame"), strict=True)
    members = sorted((frame, image) for image, sequence, frame in table if sequence == one.sequence)
    frames = [places.open_image(places.images.index(image)) for _, image in members]
    return quality.encode_clip(frames, quality.fps or 0.0).frames[int(one.frame or 0)]


def check(cache: QualityCache, places: Places, rows: Any) -> None:
    for row in rows:
        np.testing.assert_array_equal(cache.picture(row, STREAM), arrived(places, row), err_msg=places.images[row])


@pytest.fixture
def nothing_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    def send(*_: object) -> None:
        raise AssertionError("a stream was sent anew")

    monkeypatch.setattr(Streams, "picture", send)


@pytest.mark.parametrize("as_clips", [False, True])
@pytest.mark.usefixtures("nothing_is_sent")
def test_a_picture_is_what_its_stream_brings(as_clips: bool, tmp_path: Path) -> None:
    (tmp_path / "walks").mkdir()
    places = walks(tmp_path / "walks", as_clips)
    cache = QualityCache.build(places, [(row, [STREAM]) for row in range(2 * FRAMES)], tmp_path / "cache")
    check(cache, places, range(2 * FRAMES))
    assert len(list(tmp_path.rglob("*.bytes"))) == 2, "one for each stream"
    still = STREAM.encode(places.open_image(int(np.argmax(places.column("frame"))))).image
    assert not np.array_equal(still, cache.picture(int(np.argmax(places.column("frame"))), STREAM))


@pytest.mark.usefixtures("nothing_is_sent")
def test_what_else_is_wanted_changes_nothing(places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    few, stills = [3, 5, 8], [Quality.parse("48p/jpeg:5"), Quality.parse("48p/h264:qp40")]
    cache = QualityCache.build(places, [(row, [*stills, STREAM]) for row in few], tmp_path)
    check(cache, places, few)
    monkeypatch.setattr(room, "FEW", 0)
    cache = QualityCache.build(places, [(row, [STREAM]) for row in range(2 * FRAMES)], tmp_path, processes=2)
    check(cache, places, range(2 * FRAMES))
    monkeypatch.setattr(room, "_encoded", None)
    check(QualityCache.build(places, [(row, [STREAM]) for row in few], tmp_path), places, few)


def test_a_changed_frame_changes_the_pictures_of_its_stream(tmp_path: Path) -> None:
    places = walks(tmp_path)
    QualityCache.build(places, [(row, [STREAM]) for row in range(2 * FRAMES)], tmp_path / "cache")
    path = tmp_path / "a03.png"
    Image.fromarray(255 - np.asarray(Image.open(path))).save(path)
    cache = QualityCache.build(places, [(row, [STREAM]) for row in range(2 * FRAMES)], tmp_path / "cache")
    check(cache, places, range(2 * FRAMES))
    assert len(list(tmp_path.rglob("*.bytes"))) == 3, "the other walk is as it was"


@pytest.mark.parametrize("part_bytes", [0, 20_000])
def test_a_long_stream_is_several_segments_and_goes_as_one(
    part_bytes: int, places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ahead, "PART_BYTES", part_bytes)
    wanted = [(row, [STREAM]) for row in range(2 * FRAMES)]
    cache = QualityCache.build(places, wanted, tmp_path)
    sizes = [path.stat().st_size for path in tmp_path.rglob("*.bytes")]
    assert len(sizes) > 4
    check(cache, places, range(2 * FRAMES))
    small = QualityCache.build(places, wanted, tmp_path / "small", max_bytes=sum(sizes) * 2 // 3)
    kept = sum(path.stat().st_size for path in (tmp_path / "small").rglob("*.bytes"))
    assert 0 < kept < sum(sizes) * 2 // 3
    check(small, places, range(2 * FRAMES))  # the others are sent anew


def test_pictures_of_no_stream_are_told(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        Image.fromarray(moving(1)[0]).save(tmp_path / name)
    places = Places.from_table(
        tmp_path, pa.table({"image": ["a.png", "b.png"], "easting": [0.0, 1.0], "northing": [0.0, 1.0]})
    )
    with pytest.raises(QualityError, match="expected frames of clips, or pictures with sequence and frame"):
        QualityCache.build(places, [(0, [STREAM])], tmp_path / "cache")


def test_a_sequence_draws_as_one(places: Places) -> None:
    ladder = ["raw", "24p..48p/h264:qp20..48@10fps", "48p/jpeg:5..50"]
    draws = Draws(Recipe.load("all-qualities").with_settings([f"qualities={ladder}", "draws=7"]), places)
    sent: dict[tuple[str, int], Quality] = {}
    for row, walk in enumerate(places.column("sequence")):
        streams = [quality for quality in draws.of(row) if quality.is_stream]
        assert len(streams) in (2, 3)
        for time, quality in enumerate(streams):
            assert sent.setdefault((walk, time), quality) == quality, "two streams for one draw of a sequence"
    assert len({quality for quality in sent.values()}) > 2, "all sequences at all times drew the same"
    stills = [quality for row in range(len(places)) for quality in draws.of(row) if quality.codec == "jpeg"]
    assert len(set(stills)) > len(stills) / 3


@pytest.mark.usefixtures("nothing_is_sent")
def test_validation_asks_with_what_streams_bring(places: Places, tmp_path: Path) -> None:
    model = create_model("tiny", size=(64, 48), clusters=4)
    built = Validation.build(places, "2m", [STREAM], None, tmp_path)
    asked = model.describe([arrived(places, int(row)) for row in built.rows])
    kept = model.describe([places.open_image(row) for row in range(len(places))])
    hits = 0
    for row, query in zip(built.rows, asked, strict=True):
        others = [i for i in range(len(places)) if i != row]
        nearest = min(others, key=lambda i: float(np.square(kept[i] - query).sum()))
        hits += abs(places.xy()[nearest] - places.xy()[row]).sum() <= 2
    assert built.recall(model)["recall@1"] == pytest.approx(100 * hits / len(built.rows))


def test_batches_without_a_cache_are_sent_anew(places: Places) -> None:
    look = create_model("tiny", size=(64, 48), clusters=4).preprocessing
    batch = Batch(np.array([4, 7]), (STREAM, Quality.RAW))
    [(_, pixels)] = load_batches(places, [batch], look)
    np.testing.assert_array_equal(pixels, look.to_array([arrived(places, 4), places.open_image(7)]))


def test_a_student_learns_from_streams(places: Places, tmp_path: Path) -> None:
    create_model("tiny", size=(64, 48), clusters=4).save(tmp_path / "teacher")
    ladder = "qualities=['48p/h265:qp30..48@10fps', raw]"
    recipe = Recipe.load("all-qualities").with_settings([ladder, "validation_fraction=0", "batch_size=4", "epochs=1"])
    student = distill(tmp_path / "teacher", places, recipe, tmp_path / "student")
    assert student.card["training"]["steps"] == 6
