"""A trajectory from a file, whatever its format."""

from __future__ import annotations

from pathlib import Path

from lofivpr.alignment.colmap import NAME, read_colmap
from lofivpr.alignment.trajectory import AlignmentError, Trajectory
from lofivpr.alignment.tum import read_tum


def read_trajectory(path: str | Path, fps: float = 1.0, prefix: str = "") -> Trajectory:
    """Read a COLMAP text model (a folder with `images.txt`, or that file), or else a file in TUM format.

    Args:
        fps, prefix: see `read_colmap`; TUM files have times.

    Raises:
        AlignmentError: neither, or broken.
    """
    path = Path(path)
    if path.is_dir() and not (path / NAME).is_file():
        what = "a binary model: convert it by `colmap model_converter`" if (path / "images.bin").is_file() else "none"
        raise AlignmentError(f"expected {NAME} of a COLMAP text model in {path}, found {what}.")
    return read_colmap(path, fps, prefix) if path.is_dir() or path.name == NAME else read_tum(path)
