"""A stream that is followed: each frame's fix made surer by those before it."""

from __future__ import annotations

from dataclasses import replace

from lofivpr.maps import Fix
from lofivpr.maps.locate import CANDIDATES
from lofivpr.maps.sequence import Track
from lofivpr.serving.engine import Engine
from lofivpr.serving.problems import Problem


class Following:
    """A `Track` over the engine's map, begun anew when another map was taken over; used by one thread at a time."""

    def __init__(self, most_places: int) -> None:
        """`most_places`: of a map that is followed in."""
        self._most = most_places
        self._engine: Engine | None = None
        self._track: Track | None = None
        self._micros: int | None = None

    @staticmethod
    def candidates(k: int) -> int:
        """How many candidates a frame must bring, where the client wants `k`."""
        return max(k, CANDIDATES)

    def begin(self, engine: Engine) -> None:
        """Make the track, which takes a moment in a large map.

        Raises:
            Problem: the map has too many places.
            LofiError: places without positions.
        """
        if engine is self._engine:
            return
        if len(engine.map) > self._most:
            raise Problem(
                422,
                f"expected a map of at most {self._most} places to follow a stream in, found {len(engine.map)}. "
                "Say hello without sequence.",
            )
        points, calibration = engine.map.places.points(), engine.calibration
        self._track = Track(points, within_m=calibration.within_m) if calibration else Track(points)
        self._engine, self._micros = engine, None

    def update(self, engine: Engine, fix: Fix, micros: int, k: int) -> Fix:
        """The fix of a frame taken at `micros`, given the frames before; it names `k` candidates.

        A time before that of the last frame counts as the same time.
        """
        self.begin(engine)
        assert self._track is not None
        passed = 0 if self._micros is None else max(0, micros - self._micros)
        self._micros = micros
        followed = self._track.update(fix, passed / 1e6)
        return replace(followed, candidates=followed.candidates[:k])
