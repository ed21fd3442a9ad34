"""`Track`: a Bayes filter over the places of a map, for a stream of frames."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix
from scipy.spatial import cKDTree

from lofivpr.errors import LofiError
from lofivpr.maps.fix import Fix
from lofivpr.maps.motion import Motion, spacing_of, step_of, walk
from lofivpr.maps.position import degrees_of, weights
from lofivpr.places.geodesy import geocentric

Floats = npt.NDArray[np.float64]
DEFAULT_PROBABILITY = 0.5
"""Of a frame without a calibration."""
KEPT = 8
"""Matrices of a walk that are kept: one for all short times between frames, and for some long ones."""
PEAKS = 20
"""Places about which the mass is summed to find the answer."""
AGREEMENT_S = 10.0
"""Seconds after which what a frame said of itself counts a third (1 / e) in how many agree with the track."""


class Track:
    """Where a moving camera is, from one frame's `Fix` after the other.

    The forward pass of a hidden Markov model (Rabiner, Proc. IEEE 1989, eq. 19 to 20, normalised): its states are
    the distinct positions of the map, its motion is `Motion`. A frame gives its calibrated probability to the
    candidates that agree and the rest to all other places, so that a blurred frame that the calibration doubts moves
    the belief little.

    The belief takes frames for independent, and they are not: along a street that looks like another all of them are
    wrong together. So its mass is no probability yet. What is answered is the mass times the share of the last frames
    that by themselves say the same place.
    """

    def __init__(
        self, points: Floats, motion: Motion | None = None, least_probability: float = 0.5, within_m: float = 25.0
    ) -> None:
        """Start knowing nothing.

        Args:
            points: float64 N x 3, `Places.points()` of the map; `Candidate.row` counts them.
            least_probability: below this the track abstains. The threshold of the calibration is for single
                frames and promises nothing here.
            within_m: the probability is that of being within so many metres.

        Raises:
            LofiError: no places, or a position that is not finite.
        """
        if len(points) == 0 or not np.isfinite(points).all():
            raise LofiError("expected places with positions to follow a camera among, found none or some without.")
        self.motion, self.least_probability, self.within_m = motion or Motion(), least_probability, within_m
        # To the centimetre: the views of one panorama are one place.
        self._points, self._state = _distinct(points)
        self._tree = cKDTree(self._points)
        self._spacing = spacing_of(self._points)
        self._walks: OrderedDict[float, csr_matrix] = OrderedDict()
        self.restart()

    def restart(self) -> None:
        """Forget where the camera was."""
        self.belief = np.full(len(self._points), 1 / len(self._points))
        self._started = False
        self._agree = self._said = 0.0
        self._here: Floats | None = None

    def update(self, fix: Fix, dt_s: float) -> Fix:
        """The fix of a frame, made surer (or less sure) by those before it.

        Args:
            fix: of `Map.locate`, not abstained from or so: its probability counts, its decision does not.
            dt_s: seconds since the last frame; not used for the first.

        Returns:
            Position, probability and spread of the belief; the candidates stay the frame's own.

        Raises:
            LofiError: a time that is negative or not finite, or candidates of another map.
        """
        if not 0 <= dt_s < np.inf:
            raise LofiError(f"expected seconds since the last frame, found {dt_s}. Frames must come in order.")
        predicted = self._predict(dt_s)
        likelihood = self._likelihood(fix) ** self.motion.weight(dt_s if self._started else None)
        belief = predicted * likelihood
        self.belief = belief / belief.sum()
        self._started = True
        return self._answer(fix, dt_s)

    def _predict(self, dt_s: float) -> Floats:
        if not self._started:
            return self.belief
        if dt_s >= self.motion.forget_s:
            return np.full(len(self._points), 1 / len(self._points))
        goes, reach = step_of(self.motion.speed_m_s * dt_s, self._spacing)
        moved = (1 - goes) * self.belief + goes * (self._walk(reach).T @ self.belief)
        leap = self.motion.leap(dt_s)
        return (1 - leap) * moved + leap / len(self._points)

    def _walk(self, reach: float) -> csr_matrix:
        if reach not in self._walks:
            self._walks[reach] = walk(self._points, reach)
            if len(self._walks) > KEPT:
                self._walks.popitem(last=False)
        self._walks.move_to_end(reach)
        return self._walks[reach]

    def _likelihood(self, fix: Fix) -> Floats:
        """Likelihood of the frame at each place up to a factor: P(place | frame) / P(place), the latter even."""
        rows = np.array([one.row for one in fix.candidates], np.int64)
        if not len(rows) or fix.lat is None:
            return np.ones(len(self._points))
        if rows.max() >= len(self._state):
            raise LofiError(f"expected candidates of the {len(self._state)} places of the map, found {rows.max()}.")
        states = self._state[rows]
        similarity = np.array([one.similarity for one in fix.candidates], np.float64)
        probability = DEFAULT_PROBABILITY if fix.probability is None else fix.probability
        return frame_likelihood(self._points, states, similarity, probability, self.within_m)

    def _share(self, fix: Fix, here: Floats, dt_s: float) -> float:
        """The share of the last frames whose own position is that of the track; a leap of the track forgets them."""
        leapt = self._here is None or np.linalg.norm(here - self._here) > self.within_m + self.motion.speed_m_s * dt_s
        kept = 0.0 if leapt else float(np.exp(-dt_s / AGREEMENT_S))
        self._here, self._agree, self._said = here, kept * self._agree, kept * self._said
        if fix.lat is not None and fix.lon is not None:
            alone = geocentric(np.array([fix.lat]), np.array([fix.lon]))[0]
            self._agree += float(np.linalg.norm(alone - here) <= self.within_m)
            self._said += 1.0
        return self._agree / self._said if self._said else 1.0

    def _answer(self, fix: Fix, dt_s: float) -> Fix:
        """The place about which there is most mass within reach, and how sure that is."""
        peaks = np.argpartition(self.belief, -min(PEAKS, len(self.belief)))[-PEAKS:]
        balls = self._tree.query_ball_point(self._points[peaks], self.within_m)
        ball = np.array(max(balls, key=lambda ball: self.belief[ball].sum()), np.int64)
        share = self.belief[ball] / self.belief[ball].sum()
        centre = self._points[ball[0]]
        offset = self._points[ball] - centre
        mean = share @ offset
        inside = np.linalg.norm(offset - mean, axis=1) <= self.within_m
        mass = float(min(1.0, self.belief[ball[inside]].sum()))
        probability = mass * self._share(fix, centre + mean, dt_s)
        spread = float(np.sqrt(share @ ((offset - mean) ** 2).sum(axis=1)))
        lat, lon = (float(value) for value in degrees_of((centre + mean)[None])[0])
        reason = None
        if probability < self.least_probability:
            reason = f"the track is lost: the probability is {probability:.2f}, expected {self.least_probability:.2f}"
        return replace(
            fix,
            lat=lat,
            lon=lon,
            probability=probability,
            within_m=self.within_m,
            answered=reason is None,
            reason=reason,
            spread_m=spread,
        )


def _distinct(points: Floats) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Distinct positions to the centimetre (S x 3), and the one of each row (int64 N)."""
    _, first, state = np.unique(np.round(points, 2), axis=0, return_index=True, return_inverse=True)
    return np.asarray(points, np.float64)[first], state.reshape(-1).astype(np.int64)


def frame_likelihood(
    points: Floats, states: npt.NDArray[np.int64], similarity: Floats, probability: float, within_m: float
) -> Floats:
    """P(place | frame) / P(place) of a single frame over S places, the prior even; float64 S, all above 0.

    The candidates within `within_m` of the best share `probability` by how much more alike they are than the last
    candidate (see `position.weights`); all other places share the rest, those candidates that disagree by the same
    measure on top of an even part.

    Args:
        points: float64 S x 3 metres.
        states: int64 K, the places of the candidates, best first; repeated ones add up.
        similarity: float64 K.
        probability: that the best is right.
    """
    n = len(points)
    share = np.bincount(states, weights=weights(similarity[None])[0], minlength=n)
    agree = np.zeros(n, bool)
    named = np.unique(states)
    agree[named] = np.linalg.norm(points[named] - points[states[0]], axis=1) <= within_m
    inside = np.where(agree, share, 0.0)
    outside = np.where(agree, 0.0, share)
    even = np.full(n, 1 / n)
    rest = even if not outside.sum() else 0.5 * even + 0.5 * outside / outside.sum()
    return n * (probability * inside / inside.sum() + (1 - probability) * rest) + 1e-9
