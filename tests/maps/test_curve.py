"""The cheapest quality that is sure enough."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lofivpr.maps.curve import CurvePoint, best_value

POINT = CurvePoint("120p/jpeg:5", "jpeg", 120, 0.3, 900.0, 40.0, 45.0, 0.5, 10.0, None, 80)
CURVE = [
    replace(POINT, quality="raw", codec=None, n_bytes=None, probability=0.95),
    replace(POINT, quality="dear", n_bytes=9000.0, probability=0.91),
    replace(POINT, quality="good", n_bytes=3000.0, probability=0.9),
    replace(POINT, quality="fair", n_bytes=1000.0, probability=0.7),
    POINT,
]


@pytest.mark.parametrize(
    ("probability", "most_bytes", "expected"),
    [
        (0.9, None, "good"),
        (0.89, None, "good"),
        (0.6, None, "fair"),
        (0.0, None, POINT.quality),
        (0.99, None, "good"),  # none reaches it: nearly the surest, and of these the cheapest
        (0.89, 5000.0, "good"),
        (0.9, 2000.0, "fair"),
        (0.9, 899.0, None),
    ],
)
def test_fewest_bytes_for_the_probability(probability: float, most_bytes: float | None, expected: str | None) -> None:
    found = best_value(CURVE, probability, most_bytes)
    assert (found.quality if found else None) == expected


def test_nothing_can_be_sent_without_a_codec() -> None:
    assert best_value(CURVE[:1], 0.5) is None and best_value([], 0.5) is None


def test_survives_plain_values() -> None:
    assert CurvePoint(**POINT.to_dict()) == POINT
