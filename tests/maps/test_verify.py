"""Verification on made-up facades seen from two sides: the new order."""

from __future__ import annotations

import numpy as np

from facades import aside, facade
from lofivpr.maps.fix import Candidate
from lofivpr.maps.verify import LEAST, verify


def test_the_right_place_comes_first_and_the_rest_keeps_its_order() -> None:
    walls = {f"{seed}.png": aside(facade(seed)) for seed in range(6)}
    candidates = [Candidate(ref, 1.0, 2.0, None, 0.9 - row / 10, row) for row, ref in enumerate(walls)]
    opened = []

    def open_picture(ref: str) -> np.ndarray:
        opened.append(ref)
        return walls[ref]

    found = verify(facade(2), candidates, open_picture, first=4)
    assert [c.row for c in found.candidates] == [2, 0, 1, 3, 4, 5]
    assert opened == ["0.png", "1.png", "2.png", "3.png"]
    assert found.inliers[0] > 40 and max(found.inliers[1:4]) < LEAST and found.inliers[4:] == (0, 0)
    again = verify(facade(2), candidates, open_picture, first=4)
    assert again == found


def test_a_picture_without_features_changes_nothing() -> None:
    blank = np.full((60, 80, 3), 200, np.uint8)
    candidates = [Candidate(str(row), None, None, None, 0.5, row) for row in range(3)]
    found = verify(blank, candidates, lambda ref: facade(int(ref)))
    assert list(found.candidates) == candidates and found.inliers == (0, 0, 0)
    assert verify(facade(0), [], lambda ref: blank).candidates == ()
