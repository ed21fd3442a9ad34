"""Trajectories in TUM format: `timestamp tx ty tz qx qy qz qw`, as stella_vslam and ORB-SLAM write them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from lofivpr.alignment.trajectory import AlignmentError, Trajectory
from lofivpr.files import write_atomic

COLUMNS = "timestamp tx ty tz qx qy qz qw"
LATEST_S = 1e11  # a later time, of the year 5138, is nanoseconds: that is how ORB-SLAM's EuRoC files count


def read_tum(path: str | Path) -> Trajectory:
    """Read a trajectory: a pose a line, blanks or commas between; lines that begin with # do not count.

    `tx ty tz` is the camera's centre in the world, `qx qy qz qw` turns the camera's axes (x right, y down,
    z forward) into the world's.

    Raises:
        AlignmentError: no such file, a line that does not fit (naming it), or times in nanoseconds.
    """
    rows = [_numbers(line, number, path) for number, line in lines_of(path) if line and not line.startswith("#")]
    if not rows:
        raise AlignmentError(f"expected poses ({COLUMNS}) in {path}, found none. Export the trajectory anew.")
    values = np.array(rows, dtype=np.float64)
    if values[0, 0] > LATEST_S:
        raise AlignmentError(f"expected times in seconds in {path}, found {values[0, 0]:.0f}. Divide them by 1e9.")
    return Trajectory.of(values[:, 0], values[:, 1:4], Rotation.from_quat(values[:, 4:]))


def write_tum(path: str | Path, trajectory: Trajectory) -> None:
    """Write what `read_tum` reads back, to nine digits."""
    lines = [f"# {COLUMNS}"]
    for time, position, quaternion in zip(trajectory.times, trajectory.positions, trajectory.quaternions, strict=True):
        lines.append(" ".join([f"{time:.6f}", *(f"{value:.9f}" for value in (*position, *quaternion))]))
    write_atomic(path, "\n".join(lines) + "\n")


def lines_of(path: str | Path) -> list[tuple[int, str]]:
    """Numbers (from 1) and texts of the lines of a UTF-8 file.

    Raises:
        AlignmentError: no such file, or no text.
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "bytes that are no UTF-8"
        raise AlignmentError(f"expected a text file at {path}, found: {reason}. Check the path.") from None
    return [(number, line.strip()) for number, line in enumerate(text.splitlines(), start=1)]


def _numbers(line: str, number: int, path: str | Path) -> list[float]:
    try:
        values = [float(cell) for cell in line.replace(",", " ").split()]
    except ValueError:
        values = []
    where = f"line {number} of {path}"
    if len(values) != 8 or not np.isfinite(values).all():
        raise AlignmentError(f"expected eight numbers ({COLUMNS}) in {where}, found {line[:80]!r}.")
    if abs(np.linalg.norm(values[4:]) - 1) > 0.01:
        raise AlignmentError(f"expected a unit quaternion (qx qy qz qw) in {where}, found {values[4:]}.")
    return values
