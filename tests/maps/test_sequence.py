"""The track against a dense forward pass, along a street where some places look alike, over restarts and leaps."""

from __future__ import annotations

import numpy as np
import pytest

from lofivpr.errors import LofiError
from lofivpr.maps.fix import Candidate, Fix
from lofivpr.maps.motion import Motion, spacing_of
from lofivpr.maps.position import degrees_of
from lofivpr.maps.sequence import Track, frame_likelihood
from lofivpr.places.geodesy import LocalFrame, geocentric

FRAME = LocalFrame(52.0, 4.0)
X = np.arange(0, 1200, 8.0)


def street() -> np.ndarray:
    """150 places, 8 m apart, each with two views: 300 x 3 metres."""
    at = FRAME.inverse(np.column_stack((X, np.zeros(len(X)))))
    return np.repeat(geocentric(at[:, 0], at[:, 1]), 2, axis=0)


POINTS = street()


def frame(rows: list[int], similarity: list[float], probability: float | None) -> Fix:
    at = degrees_of(POINTS[rows])
    candidates = tuple(
        Candidate(str(row), float(lat), float(lon), None, value, row)
        for row, (lat, lon), value in zip(rows, at, similarity, strict=True)
    )
    return Fix(candidates, float(at[0, 0]), float(at[0, 1]), probability, 25.0, True, None, 0.0)


def x_of(fix: Fix) -> float:
    return float(FRAME.forward(np.array([fix.lat]), np.array([fix.lon]))[0, 0])


def walk(seed: int, steps: int = 40) -> tuple[np.ndarray, list[Fix]]:
    """True x, and frames: two in three are right, one in three points anywhere; all say 0.6."""
    rng = np.random.default_rng(seed)
    truth = 300 + 1.4 * np.arange(steps)
    frames = []
    for x in truth:
        near = 2 * int(round(x / 8))
        wrong = [int(row) for row in rng.integers(0, 300, 4)]
        first = [near, near + 1] if rng.uniform() < 2 / 3 else [wrong.pop()]
        frames.append(frame([*first, *wrong], np.linspace(0.6, 0.2, len(first) + len(wrong)).tolist(), 0.6))
    return truth, frames


@pytest.mark.parametrize("dt", [0.3, 1.0, 7.0])
def test_equals_a_dense_forward_pass(dt: float) -> None:
    motion = Motion(leaps_per_s=0.05, independent_s=2.0)
    track = Track(POINTS, motion)
    places = POINTS[::2]
    order = np.array([np.argmin(np.linalg.norm(places - p, axis=1)) for p in track._points])
    far, spacing = np.linalg.norm(places[:, None] - places, axis=2), spacing_of(places)
    step = motion.speed_m_s * dt
    reach, goes = max(2 * spacing, spacing * np.ceil(step / spacing)), min(1.0, step / spacing)
    moves = goes * (far <= reach) / (far <= reach).sum(axis=1, keepdims=True) + (1 - goes) * np.eye(150)
    leap = 1 - np.exp(-0.05 * dt)
    belief = [1 / 150] * 150
    for number, fix in enumerate(walk(1, 8)[1]):
        track.update(fix, dt)
        states = np.array([c.row // 2 for c in fix.candidates])
        seen = frame_likelihood(places, states, np.array([c.similarity for c in fix.candidates]), 0.6, 25.0)
        weight = 1 if number == 0 else min(1, dt / 2)
        if number:
            moved = [float(np.dot(belief, moves[:, j])) for j in range(150)]
            belief = [(1 - leap) * m + leap / 150 for m in moved]
        belief = [b * s**weight for b, s in zip(belief, seen, strict=True)]
        belief = [b / sum(belief) for b in belief]
        np.testing.assert_allclose(track.belief, np.array(belief)[order], rtol=1e-6, atol=1e-12)


def test_the_likelihood_of_a_frame_is_its_probability_over_an_even_prior() -> None:
    points = np.column_stack((np.arange(50) * 10.0, np.zeros(50), np.zeros(50)))
    found = frame_likelihood(points, np.array([4, 5, 30, 40]), np.array([0.9, 0.5, 0.4, 0.1]), 0.8, 25.0) / 50
    assert found.sum() == pytest.approx(1)
    # The rest is even over all places and, half of it, on the candidate that disagrees.
    assert found[4] == pytest.approx(0.8 / 1.5 + 0.1 / 50) and found[5] == pytest.approx(0.8 * 0.5 / 1.5 + 0.1 / 50)
    assert found[30] == pytest.approx(0.1 + 0.1 / 50) and found[7] == pytest.approx(0.1 / 50, rel=1e-5)


@pytest.mark.parametrize("seed", range(5))
def test_a_track_is_right_where_single_frames_are_not(seed: int) -> None:
    track = Track(POINTS)
    truth, frames = walk(seed)
    fixes = [track.update(fix, 1.0) for fix in frames]
    single = np.mean([abs(x_of(fix) - x) <= 25 for fix, x in zip(frames, truth, strict=True)])
    followed = np.mean([abs(x_of(fix) - x) <= 25 for fix, x in zip(fixes[5:], truth[5:], strict=True)])
    assert single < 0.85 and followed > 0.95
    said = [fix.probability or 0 for fix in fixes[5:]]
    assert single - 0.2 < np.mean(said) < followed  # as sure as its frames: nothing tells that they err by themselves
    assert fixes[3].candidates == frames[3].candidates


def test_a_track_that_was_carried_off_is_found_again() -> None:
    track = Track(POINTS)
    for fix in walk(0)[1]:
        track.update(fix, 1.0)
    there = [track.update(frame([20, 21, 250, 7], [0.7, 0.6, 0.3, 0.2], 0.9), 1.0) for _ in range(8)]
    assert abs(x_of(there[-1]) - 80) < 10 and there[-1].answered
    assert min(fix.probability or 0 for fix in there) < 0.9  # it does not leap without a doubt


def test_a_long_pause_and_a_restart_forget() -> None:
    for pause in (True, False):
        track = Track(POINTS)
        for fix in walk(0)[1]:
            track.update(fix, 1.0)
        if not pause:
            track.restart()
        found = track.update(frame([20, 21, 250, 7], [0.7, 0.6, 0.3, 0.2], 0.7), 3600.0 if pause else 0.0)
        fresh = Track(POINTS).update(frame([20, 21, 250, 7], [0.7, 0.6, 0.3, 0.2], 0.7), 0.0)
        assert found == fresh


def test_frames_that_say_nothing_let_the_belief_fade_until_the_track_is_lost() -> None:
    track = Track(POINTS, Motion(leaps_per_s=0.05))
    for fix in walk(0)[1]:
        track.update(fix, 1.0)
    empty = Fix((), None, None, 0.0, 25.0, False, "no picture", None)
    fading = [track.update(empty, 1.0) for _ in range(50)]
    said = [fix.probability or 0 for fix in fading]
    assert all(b < a for a, b in zip(said, said[1:], strict=False))
    assert fading[0].answered and not fading[-1].answered and "lost" in str(fading[-1].reason)


def test_the_same_instant_twice_changes_nothing() -> None:
    track = Track(POINTS)
    _, frames = walk(0)
    before = track.update(frames[0], 0.0)
    belief = track.belief
    again = track.update(frames[0], 0.0)
    np.testing.assert_allclose(track.belief, belief)
    assert again.probability == pytest.approx(before.probability)


def test_an_impossible_frame_never_breaks_the_belief() -> None:
    track = Track(POINTS, Motion(leaps_per_s=1e-9, independent_s=0.0))
    for row in (0, 298) * 100:
        track.update(frame([row, 150], [0.9, 0.1], 1.0), 0.01)
        assert np.isfinite(track.belief).all() and track.belief.sum() == pytest.approx(1)


def test_mistakes_are_told() -> None:
    track = Track(POINTS)
    _, frames = walk(0)
    with pytest.raises(LofiError, match="in order"):
        track.update(frames[0], -1.0)
    foreign = Fix((Candidate("a", 52.0, 4.0, None, 0.5, 300),), 52.0, 4.0, 0.5, 25.0, True, None, 0.0)
    with pytest.raises(LofiError, match="of the 300 places"):
        track.update(foreign, 1.0)
    for points in (np.empty((0, 3)), np.full((2, 3), np.nan)):
        with pytest.raises(LofiError, match="positions to follow"):
            Track(points)


def test_what_frames_say_of_themselves_bounds_the_track() -> None:
    """Two of three frames point to one place, each as if it were sure: mass alone would say so too."""
    track = Track(POINTS)
    said = [track.update(frame([20] if number % 3 else [220], [0.9], 0.9), 1.0) for number in range(30)]
    assert all(fix.candidates[0].row in (20, 220) for fix in said)
    assert 0.4 < np.mean([fix.probability or 0 for fix in said[10:]]) < 0.75
    track.restart()
    sure = [track.update(frame([20], [0.9], 0.9), 1.0) for _ in range(10)]
    assert (sure[-1].probability or 0) > 0.95
