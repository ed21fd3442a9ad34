"""`Trajectory`: where a camera was and how it was turned, at stated times."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.spatial.transform import Rotation, Slerp

from lofivpr.errors import LofiError

Floats = npt.NDArray[np.float64]
GAP_S = 10.0  # of a longer silence nothing is known, unless all poses are that far apart:
GAP_STEPS = 10  # so many of the trajectory's usual steps are no silence either


class AlignmentError(LofiError):
    """Trajectories, pairs or plans that cannot be used."""


@dataclass(frozen=True, eq=False)
class Trajectory:
    """N poses of a camera in one world, in order of time.

    The world is whatever SLAM or structure from motion chose: its unit need not be the metre, and no axis need
    point up. The camera's axes are those of OpenCV, stella_vslam, ORB-SLAM and COLMAP: x right, y down, z forward.
    Of a 360-degree camera, z looks through the middle column of the equirectangular picture.

    Attributes:
        times: float64 N, seconds, increasing.
        positions: float64 N x 3, the camera's centre in the world.
        quaternions: float64 N x 4 (x, y, z, w), unit length: turns the camera's axes into the world's.
        names: the picture of each pose, where they are known (COLMAP).

    Raises:
        AlignmentError: fewer than two poses, shapes that do not fit, times that do not increase, or no numbers.
    """

    times: Floats
    positions: Floats
    quaternions: Floats
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        n = len(self.times)
        if n < 2:
            raise AlignmentError(f"expected a trajectory of at least 2 poses, found {n}.")
        shapes = (self.times.shape, self.positions.shape, self.quaternions.shape)
        if shapes != ((n,), (n, 3), (n, 4)) or len(self.names) not in (0, n):
            raise AlignmentError(f"expected N times, N x 3 positions and N x 4 quaternions, found {shapes}.")
        if not all(np.isfinite(part).all() for part in (self.times, self.positions, self.quaternions)):
            raise AlignmentError("expected finite numbers in every pose, found others. Leave lost poses out.")
        if not (np.diff(self.times) > 0).all():
            raise AlignmentError("expected times that increase, found equal or falling ones. Sort the poses by time.")
        off = np.abs(np.linalg.norm(self.quaternions, axis=1) - 1) > 1e-6
        if off.any():
            raise AlignmentError(f"expected quaternions of unit length, found {self.quaternions[int(np.argmax(off))]}.")

    @classmethod
    def of(
        cls, times: npt.ArrayLike, positions: npt.ArrayLike, rotations: Rotation, names: tuple[str, ...] = ()
    ) -> Trajectory:
        """Poses in any order, sorted by time; `rotations` turn the camera's axes into the world's.

        Raises:
            AlignmentError: two poses of one time; see the class.
        """
        seconds = np.asarray(times, dtype=np.float64)
        order = np.argsort(seconds, kind="stable")
        repeated = np.flatnonzero(np.diff(seconds[order]) == 0)
        if len(repeated):
            raise AlignmentError(
                f"expected one pose for each time, found two for {seconds[order][repeated[0]]:g} s. Keep one of them; "
                "of a rig, keep the pictures of one camera."
            )
        placed = np.asarray(positions, dtype=np.float64)[order]
        return cls(seconds[order], placed, rotations.as_quat()[order], tuple(names[i] for i in order) if names else ())

    def __len__(self) -> int:
        return len(self.times)

    @property
    def rotations(self) -> Floats:
        """N x 3 x 3: the columns are the camera's axes (right, down, forward) in the world."""
        return np.asarray(Rotation.from_quat(self.quaternions).as_matrix(), dtype=np.float64)

    @property
    def forward(self) -> Floats:
        """N x 3 unit vectors: where the camera looks."""
        return self.rotations[:, :, 2]

    @property
    def up(self) -> Floats:
        """N x 3 unit vectors: the camera's own upwards."""
        return -self.rotations[:, :, 1]

    def covers(self, times: npt.ArrayLike) -> npt.NDArray[np.bool_]:
        """Which times lie between two poses that are near enough to each other to say something, bool M."""
        seconds = np.asarray(times, dtype=np.float64)
        steps = np.diff(self.times)
        after = np.clip(np.searchsorted(self.times, seconds), 1, len(self) - 1)
        within = (seconds >= self.times[0]) & (seconds <= self.times[-1])
        longest = max(GAP_S, GAP_STEPS * float(np.median(steps)))
        return within & ((steps[after - 1] <= longest) | np.isin(seconds, self.times))

    def at(self, times: npt.ArrayLike) -> tuple[Floats, Floats]:
        """Positions (M x 3, linear between poses) and forward directions (M x 3, of rotations by slerp) at M times.

        Both are NaN where the trajectory says nothing (see `covers`).
        """
        seconds = np.asarray(times, dtype=np.float64)
        known = self.covers(seconds)
        positions, forward = np.full((len(seconds), 3), np.nan), np.full((len(seconds), 3), np.nan)
        asked = seconds[known]
        positions[known] = np.column_stack([np.interp(asked, self.times, side) for side in self.positions.T])
        if len(asked):
            turned = Slerp(self.times, Rotation.from_quat(self.quaternions))(asked)
            forward[known] = turned.as_matrix()[:, :, 2]
        return positions, forward
