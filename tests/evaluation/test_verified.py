"""Verified recall against loops over what was found, with a matcher that is plain arithmetic and with SIFT."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from lofivpr.evaluation import Results, evaluate
from lofivpr.evaluation.verified import verify_results
from lofivpr.media import open_image
from lofivpr.places import Places, PlacesError, Protocol
from lofivpr.quality import Quality

LADDER = ["raw", "36p/jpeg:5"]


class Arithmetic:
    """Two pictures match in as many places as the means of their channels have in common, in some way."""

    name = "arithmetic"

    def __init__(self) -> None:
        self.compared = 0

    def features(self, image: np.ndarray) -> int:
        return int(image.astype(np.int64).sum() // 7)

    def inlier_points(self, a: int, b: int) -> np.ndarray:
        self.compared += 1
        return np.zeros(((a * 31 + b * 17) % 40, 2), np.float32)


@pytest.fixture
def found(streets: Places, pixels: Callable[..., Any]) -> Results:
    """Two models; within 50 m a query has three positives."""
    models = [pixels("teacher", noise=3), pixels("other", noise=2)]
    return evaluate(models, streets, LADDER, "50m", progress=False)


def slow_ranks(found: Results, places: Places, model: str, quality: str, least: int) -> list[int]:
    """Rank of the first positive with more inliers, query by query; 0 where there is none."""
    matcher, scene, ranks = Arithmetic(), found.scene, []
    for query, image in enumerate(scene.query_images):
        sent = Quality.parse(quality).encode(open_image(image, places.root)).image
        rank = 0
        for place, row in enumerate(found.outcomes[model, quality].indices[query], start=1):
            if row < 0 or row not in scene.positives[query]:
                continue
            reference = open_image(scene.database_images[row], places.root)
            if len(matcher.inlier_points(matcher.features(sent), matcher.features(reference))) > least:
                rank = place
                break
        ranks.append(rank)
    return ranks


def test_the_first_verified_positive_counts(found: Results, streets: Places) -> None:
    verified = verify_results(found, streets, "inliers>25", Arithmetic())
    changed = 0
    for row in verified.rows:
        ranks = verified.outcomes[row.model, row.quality].ranks
        assert ranks.tolist() == slow_ranks(found, streets, row.model, row.quality, 25)
        before = found.row(row.model, row.quality)
        assert row.unverified == before.recall and row.recall[1] == pytest.approx(100 * np.mean(ranks == 1))
        assert "counted if inliers>25" in row.protocol and row.recall[25] <= before.recall[25]
        changed += row.recall != before.recall
    assert changed == len(verified.rows)
    again = verified.difference("other", "raw")
    assert again is not None and again.mean == pytest.approx(
        verified.row("other", "raw").recall[1] - verified.row("teacher", "raw").recall[1]
    )


def test_a_pair_is_compared_once_for_all_models_and_calls(found: Results, streets: Places, tmp_path: Path) -> None:
    once = Arithmetic()
    first = verify_results(found, streets, "inliers>25", once, keep=tmp_path)
    most = sum(len(rows) for rows in found.scene.positives) * len(LADDER)
    assert 0 < once.compared <= most
    again = Arithmetic()
    assert verify_results(found, streets, "inliers>25", again, keep=tmp_path).rows == first.rows
    assert again.compared == 0
    stricter = verify_results(found, streets, "inliers>35", again, keep=tmp_path)
    assert 0 < again.compared < once.compared
    assert stricter.rows == verify_results(found, streets, "inliers>35", Arithmetic()).rows


def test_evaluate_verifies_where_the_protocol_asks(
    found: Results, streets: Places, pixels: Callable[..., Any], tmp_path: Path
) -> None:
    models = [pixels("teacher", noise=3), pixels("other", noise=2)]
    asked = evaluate(
        models, streets, LADDER, "50m", progress=False, verify="inliers>25", matcher=Arithmetic(), out=tmp_path
    )
    assert asked.rows == verify_results(found, streets, "inliers>25", Arithmetic()).rows
    assert Results.load(tmp_path).rows == asked.rows
    assert Protocol.from_dict(asked.protocol).inliers_above == 25
    with pytest.raises(PlacesError, match="inliers>20, found 'many'"):
        evaluate(models, streets, LADDER, "50m", progress=False, verify="many")


def test_a_query_of_a_stream_is_compared_as_it_arrived(pixels: Callable[..., Any], tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for number in range(4):
        scene = cv2.resize(rng.integers(0, 256, (6, 8, 3)).astype(np.uint8), (96, 72))
        for role in ("d", "q"):
            Image.fromarray(scene).save(tmp_path / f"{role}{number}.png")
    table = {
        "image": [f"{role}{number}.png" for number in range(4) for role in "dq"],
        "sequence": ["walk"] * 8,
        "frame": list(range(8)),
        "role": ["database", "query"] * 4,
    }
    walk = Places.from_table(tmp_path, pa.table(table))
    stream = Quality.parse("36p/h264:qp40@2fps")
    results = evaluate([pixels()], walk, [stream], "1frames", progress=False)
    frames = [open_image(image, walk.root) for image in walk.images]
    arrived = [sent.image for sent in _sent(stream, frames)][1::2]

    class Seen(Arithmetic):
        def features(self, image: np.ndarray) -> int:
            seen.append(image)
            return 0

    seen: list[np.ndarray] = []
    verify_results(results, walk, "inliers>5", Seen())
    queries = [image for image in seen if image.shape[0] == 36]
    right = [bool(rank > 0) for rank in results.outcomes["pixels", str(stream)].ranks]
    assert len(queries) == sum(right) > 0
    assert all(any(np.array_equal(query, one) for one in arrived) for query in queries)
    assert not any(np.array_equal(stream.resize(frames[1]), query) for query in queries)


def _sent(stream: Quality, frames: list[np.ndarray]) -> list[Any]:
    from lofivpr.quality.clip import send_frames

    still = Quality.parse("h264:qp40@2fps")
    return list(send_frames(still, iter([stream.resize(frame) for frame in frames]), 2.0))
