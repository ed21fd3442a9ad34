"""What is shown of a query is what the model was shown: by itself, or out of its stream."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from lofivpr.evaluation import Results, evaluate
from lofivpr.evaluation import arrival as module
from lofivpr.evaluation.arrival import Sent, sent_query
from lofivpr.evaluation.gallery import gallery
from lofivpr.evaluation.outcome import Scene
from lofivpr.evaluation.story import find_focus
from lofivpr.places import Places
from lofivpr.quality import Quality, psnr
from recordings import moving, write_clip

FRAMES = 10
STREAM = "48p/h264:qp40@10fps"


def scene_of(folder: Path, as_clip: bool, known: bool = True) -> Scene:
    """Every third picture of a walk is a query: files, or frames of a clip."""
    images = moving(FRAMES)
    names = [f"walk.mkv#frame={number}" if as_clip else f"{number}.png" for number in range(FRAMES)]
    if as_clip:
        write_clip(folder / "walk.mkv", images, fps=10, codec="ffv1")
    else:
        for name, image in zip(names, images, strict=True):
            Image.fromarray(image).save(folder / name)
    queries = tuple(names[2::3])
    nowhere = np.full((len(queries), 2), np.nan)
    right = tuple(np.array([0]) for _ in queries)
    counted = np.ones(len(queries), bool)
    sequences = (tuple(names),) if known and not as_clip else ()
    groups = np.arange(len(queries))
    return Scene(queries, (names[0],), nowhere, nowhere[:1], right, groups, counted, folder, sequences)


@pytest.mark.parametrize("as_clip", [False, True])
def test_a_query_comes_out_of_its_stream(as_clip: bool, tmp_path: Path) -> None:
    scene, clip = scene_of(tmp_path, as_clip), Quality.parse(STREAM).encode_clip(moving(FRAMES), 10)
    assert clip.n_bytes is not None
    for query, number in enumerate(range(2, FRAMES, 3)):
        found = sent_query(scene, query, moving(FRAMES)[number], STREAM)
        np.testing.assert_array_equal(found.image, clip.frames[number])
        assert found.n_bytes == clip.n_bytes[number] and found.whole and found.note == "64 × 48"


def test_a_still_is_sent_by_itself(tmp_path: Path) -> None:
    scene, image = scene_of(tmp_path, as_clip=False), moving(FRAMES)[5]
    encoded = Quality.parse("jpeg:10").encode(image)
    found = sent_query(scene, 1, image, "jpeg:10")
    np.testing.assert_array_equal(found.image, encoded.image)
    assert found[1:] == (encoded.n_bytes, pytest.approx(psnr(image, encoded.image)), True)
    assert sent_query(scene, 1, image, "raw") == Sent(image, None, None)
    assert sent_query(scene, 1, image, "48p").n_bytes is None


@pytest.mark.parametrize("why", ["old results", "a long way", "files that are gone", "another rate"])
def test_where_it_cannot_be_sent_again_the_resolution_is_shown(
    why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene, image = scene_of(tmp_path, as_clip=why == "another rate", known=why != "old results"), moving(FRAMES)[5]
    if why == "a long way":
        monkeypatch.setattr(module, "MOST_FRAMES", 5)
        assert sent_query(scene, 0, moving(FRAMES)[2], STREAM).whole
    if why == "files that are gone":
        (tmp_path / "5.png").unlink()
    found = sent_query(scene, 1, image, "48p/h264:qp40@25fps" if why == "another rate" else STREAM)
    np.testing.assert_array_equal(found.image, Quality.parse("48p").encode(image).image)
    assert found[1:] == (None, None, False) and found.note == "64 × 48, before the stream's codec"


def test_results_keep_the_sequences_for_it(pixels: type, tmp_path: Path) -> None:
    images = moving(FRAMES)
    names = [f"{number}.png" for number in range(FRAMES)]
    for name, image in zip(names, images, strict=True):
        Image.fromarray(image).save(tmp_path / name)
    roles = ["query" if number % 3 == 2 else "database" for number in range(FRAMES)]
    table = {"image": names, "frame": list(range(FRAMES)), "role": roles, "sequence": ["walk"] * FRAMES}
    places = Places.from_table(tmp_path, pa.table(table))
    model = pixels(noise=2.0)  # which finds next to nothing: there are cases to show
    evaluate([model], places, ["raw", STREAM], "1frame", out=tmp_path / "out", progress=False)
    results = Results.load(tmp_path / "out")
    assert results.scene.sequences == (tuple(names),)
    focus = find_focus(results)
    assert focus is not None and focus.quality == STREAM
    clip = Quality.parse(STREAM).encode_clip(images, 10)
    cases = gallery(results, focus)
    assert cases and clip.n_bytes is not None
    for case in cases:
        assert case.size == f"64 × 48, {clip.n_bytes[names.index(case.query)]} B"
    stills = evaluate([model], places, ["raw", "48p"], "1frame", progress=False)
    assert stills.scene.sequences == ()
