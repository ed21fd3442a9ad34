from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lofivpr.errors import LofiError
from lofivpr.evaluation import Results, heatmaps
from lofivpr.evaluation.heatmaps import cosine, overlay
from lofivpr.evaluation.story import Focus, find_focus


@pytest.fixture
def focus(compared: Results) -> Focus:
    found = find_focus(compared)
    assert found is not None
    return found


def bright_left(model: Any, image: np.ndarray, kind: str, quality: Any = None) -> np.ndarray:
    """All heat in the left half."""
    return np.tile([4.0, 4.0, 0.0, 0.0], (3, 1)).astype(np.float32)


def test_maps_name_what_is_drawn_and_whose_it_is(
    compared: Results, focus: Focus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heatmaps, "heatmap", bright_left)
    found = heatmaps.heatmaps(compared, focus)
    assert found is not None and found.kind == "residual-energy" and "NetVLAD" in found.description
    for row in found.rows:
        assert [(m.side.model, m.side.quality) for m in row] == [
            ("teacher", "raw"),
            ("teacher", focus.quality),
            ("student", focus.quality),
        ]
        assert row[0].agreement is None and row[2].agreement == pytest.approx(1)


def test_models_without_netvlad_fall_back_to_the_feature_norm(
    compared: Results, focus: Focus, monkeypatch: pytest.MonkeyPatch
) -> None:
    def only_norms(model: Any, image: np.ndarray, kind: str, quality: Any = None) -> np.ndarray:
        if kind == "residual-energy":
            raise LofiError("no NetVLAD")
        return bright_left(model, image, kind)

    monkeypatch.setattr(heatmaps, "heatmap", only_norms)
    found = heatmaps.heatmaps(compared, focus)
    assert found is not None and found.kind == "feature-norm"


def test_models_without_features_have_no_maps(compared: Results, focus: Focus) -> None:
    assert heatmaps.heatmaps(compared, focus) is None


def test_cosine_of_maps() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.random((4, 5)), rng.random((4, 5))
    assert cosine(a, b) == pytest.approx(np.corrcoef(a.ravel(), b.ravel())[0, 1])
    assert cosine(a, 3 * a + 1) == pytest.approx(1) and cosine(a, np.ones((4, 5))) == 0


def test_overlay_is_hot_where_the_map_is() -> None:
    image = np.full((60, 80, 3), 90, np.uint8)
    drawn = overlay(image, bright_left(None, image, "") / 4)
    assert drawn.shape == image.shape and drawn.dtype == np.uint8
    assert drawn[:, :30].mean() > drawn[:, 50:].mean() + 40
