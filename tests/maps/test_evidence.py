"""Evidence against loops over candidates, and what a quality seen means."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lofivpr.maps.evidence import NAMES, SeenQuality, evidence
from lofivpr.maps.position import estimate


def slow(similarity: list[float], points: np.ndarray, seen: SeenQuality, within_m: float) -> dict[str, float]:
    """The evidence of one query in words of its definition."""
    last, first = min(similarity), similarity[0]
    weight = [1.0] + [(s - last) / (first - last) if first > last else 0.0 for s in similarity[1:]]
    agree = [float(np.linalg.norm(p - points[0])) <= within_m for p in points]
    others = [s for s, a in zip(similarity, agree, strict=True) if not a]
    margin = first - (others[0] if others else last)
    bits = 0.0
    if seen.codec not in (None, "png") and seen.bits_per_pixel is not None:
        bits = max(0.0, np.log2(3 / max(seen.bits_per_pixel, 0.01)))
    mean = sum(w * p for w, p, a in zip(weight, points, agree, strict=True) if a)
    total = sum(w for w, a in zip(weight, agree, strict=True) if a)
    off = [w * float(np.sum((p - mean / total) ** 2)) for w, p, a in zip(weight, points, agree, strict=True) if a]
    return {
        "similarity": first,
        "margin": margin,
        "agreement": sum(w for w, a in zip(weight[:10], agree, strict=False) if a) / sum(weight[:10]),
        "spread": np.sqrt(sum(off) / total) / within_m,
        "height": max(0.0, np.log2(480 / seen.height)) if seen.height else 0.0,
        "bits": bits,
        "margin at few bits": margin * bits,
        **({f"bits of {seen.codec}": bits} if seen.codec in ("jpeg", "h264") else {}),
    }


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    k=st.integers(1, 14),
    seen=st.builds(
        SeenQuality,
        st.sampled_from([None, "png", "jpeg", "h264", "unheard-of"]),
        st.none() | st.integers(1, 4000),
        st.none() | st.floats(0, 24),
    ),
)
def test_equals_the_loop(seed: int, k: int, seen: SeenQuality) -> None:
    rng = np.random.default_rng(seed)
    similarity = np.sort(rng.uniform(-0.2, 0.9, (1, k)))[:, ::-1].copy()
    points = rng.uniform(-40, 40, (1, k, 3))
    row = evidence(similarity, points, estimate(points, similarity, 25.0), [seen], 25.0)[0]
    expected = slow(similarity[0].tolist(), points[0], seen, 25.0)
    np.testing.assert_allclose(row, [expected.get(name, 0.0) for name in NAMES], atol=1e-9)


def test_missing_candidates_change_nothing() -> None:
    similarity, points = np.array([[0.9, 0.5, 0.2]]), np.array([[[0.0, 0, 0], [1, 0, 0], [90, 0, 0]]])
    padded = np.hstack((similarity, [[-np.inf] * 2])), np.concatenate((points, np.full((1, 2, 3), np.nan)), axis=1)
    seen = [SeenQuality()]
    plain = evidence(similarity, points, estimate(points, similarity, 25.0), seen, 25.0)
    np.testing.assert_allclose(evidence(*padded, estimate(*padded[::-1], 25.0), seen, 25.0), plain)


def test_a_query_without_any_candidate_has_finite_evidence() -> None:
    similarity, points = np.full((1, 3), -np.inf), np.full((1, 3, 3), np.nan)
    assert np.isfinite(evidence(similarity, points, estimate(points, similarity, 25.0), [SeenQuality()], 25.0)).all()


def test_a_jpeg_of_a_camera_is_as_good_as_uncompressed() -> None:
    assert SeenQuality.of("jpeg", (640, 480), 640 * 480 // 2).lacking_bits == 0 == SeenQuality().lacking_bits
    assert SeenQuality.of("jpeg", (320, 240), 320 * 240 * 3 // 8 // 8) == SeenQuality("jpeg", 240, 0.375)
    assert SeenQuality("jpeg", 240, 0.375).lacking_bits == pytest.approx(3)
    assert SeenQuality("png", 240, 0.375).lacking_bits == 0
    assert SeenQuality(None, 120, None).lacking_height == 2


@pytest.mark.parametrize("values", [{"height": 0}, {"bits_per_pixel": -1.0}, {"bits_per_pixel": float("nan")}])
def test_checks_itself(values: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="expected"):
        SeenQuality(codec="jpeg", **values)  # type: ignore[arg-type]
