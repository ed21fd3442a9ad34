"""COLMAP's text models: the poses of `images.txt`."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

import numpy as np
from scipy.spatial.transform import Rotation

from lofivpr.alignment.trajectory import AlignmentError, Floats, Trajectory
from lofivpr.alignment.tum import lines_of

NAME = "images.txt"
COLUMNS = "IMAGE_ID QW QX QY QZ TX TY TZ CAMERA_ID NAME"


def read_colmap(path: str | Path, fps: float = 1.0, prefix: str = "") -> Trajectory:
    """Read a text model, as the folder or its `images.txt`.

    COLMAP stores the world in the camera's axes: x_camera = R x_world + t, the quaternion with w first. So the
    camera's centre is -R^T t, and R^T turns its axes (x right, y down, z forward) into the world's.

    A model has no times: that of a picture is the last whole number in its name, divided by `fps`.

    Args:
        fps: frames a second of the clip that the numbers count; 1 leaves times in frames.
        prefix: only pictures whose names begin so, such as the folder of one camera of a rig.

    Raises:
        AlignmentError: no such file, a line that does not fit, a name without a number, or no picture.
    """
    if not fps > 0:
        raise AlignmentError(f"expected a positive rate of frames, found {fps}.")
    file = Path(path) / NAME if Path(path).is_dir() else Path(path)
    lines = [(number, line) for number, line in lines_of(file) if not line.startswith("#")]
    # Every picture has two lines; the second lists its points and is empty if there are none.
    poses = [_pose(line, number, file) for number, line in lines[::2] if line]
    chosen = [(name, values) for name, values in poses if name.startswith(prefix)]
    if not chosen:
        raise AlignmentError(
            f"expected pictures{f' named {prefix}...' if prefix else ''} in {file}, found {len(poses)} others."
        )
    values = np.array([values for _, values in chosen])
    camera_from_world = Rotation.from_quat(values[:, [1, 2, 3, 0]])
    world_from_camera = camera_from_world.inv()
    names = tuple(name for name, _ in chosen)
    times = [_number(name, file) / fps for name in names]
    return Trajectory.of(times, -world_from_camera.apply(values[:, 4:]), world_from_camera, names)


def _pose(line: str, number: int, file: Path) -> tuple[str, list[float]]:
    cells = line.split(maxsplit=9)
    try:
        values = [float(cell) for cell in cells[1:8]]
    except ValueError:
        values = []
    if len(cells) != 10 or len(values) != 7 or abs(np.linalg.norm(values[:4]) - 1) > 0.01:
        raise AlignmentError(
            f"expected a picture ({COLUMNS}) in line {number} of {file}, found {line[:80]!r}. Export the model as text."
        )
    return cells[9], values


def _number(name: str, file: Path) -> int:
    found = re.findall(r"\d+", PurePosixPath(name).stem)
    if not found:
        raise AlignmentError(
            f"expected a frame's number in every name of {file}, found {name!r}. Name pictures like 000123.jpg."
        )
    return int(found[-1])


def read_points(path: str | Path) -> Floats:
    """The points of a text model's folder (`points3D.txt`), float64 N x 3 in its world; none without that file.

    Raises:
        AlignmentError: a line that does not fit.
    """
    file = Path(path) / "points3D.txt"
    if not file.is_file():
        return np.zeros((0, 3))
    rows = [line.split(maxsplit=4)[1:4] for _, line in lines_of(file) if line and not line.startswith("#")]
    try:
        return np.array(rows, dtype=np.float64).reshape(-1, 3)
    except ValueError:
        raise AlignmentError(f"expected points (POINT3D_ID X Y Z ...) in {file}, found others.") from None
