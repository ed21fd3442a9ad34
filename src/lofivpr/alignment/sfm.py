"""Structure from motion of a clip: its trajectory, in a world and a unit of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from scipy.spatial.transform import Rotation

from lofivpr.alignment.colmap import read_colmap
from lofivpr.alignment.sfm_pictures import SfmOptions, View, views_of, write_pictures
from lofivpr.alignment.trajectory import AlignmentError, Trajectory
from lofivpr.alignment.tum import write_tum
from lofivpr.cores import usable_cores
from lofivpr.files import atomic_path, write_json
from lofivpr.media import survey_clip

MODEL, TRAJECTORY = "model", "trajectory.txt"


@dataclass(frozen=True)
class SfmResult:
    """What was found.

    Attributes:
        trajectory: of the frames that were placed, at their times in the clip (seconds from its first frame).
        frames: that were tried.
        points: of the scene.
        error_px: mean reprojection error.
    """

    trajectory: Trajectory
    frames: int
    points: int
    error_px: float


def structure_from_motion(clip: str | Path, out: str | Path, options: SfmOptions | None = None) -> SfmResult:
    """Reconstruct the way of a camera by COLMAP's incremental structure from motion, in its own process.

    The slices of one 360-degree instant are one rig of known directions and one centre; the trajectory is that of
    the panorama. Unit, origin and directions of the world are COLMAP's own: align them by pairs.

    Args:
        clip: a clip of a camera that moves.
        out: the folder for `trajectory.txt` (TUM format) and `model` (COLMAP's text model).
        options: see `SfmOptions`.

    Raises:
        AlignmentError: pycolmap is not installed or failed, or fewer than three frames could be placed.
        BadImageError: no clip, or one that cannot be read.
    """
    options = options or SfmOptions()
    if find_spec("pycolmap") is None:
        raise AlignmentError("expected pycolmap for structure from motion, found none. pip install 'lofivpr[sfm]'.")
    survey, views = survey_clip(clip), views_of(options)
    numbers = survey.kept(min(options.rate, survey.fps))
    with tempfile.TemporaryDirectory(prefix="lofivpr-sfm-") as folder:
        camera = write_pictures(clip, numbers, Path(folder), views, options)
        found = _reconstruct(Path(folder), views, camera, options)
        if found["frames"] < 3:
            raise AlignmentError(
                f"expected a way through the {len(numbers)} frames of {clip}, found {found['frames']} that fit "
                "together. Take a clip with texture and motion to the side, more frames a second, or a larger size."
            )
        model = Path(folder) / MODEL
        placed = read_colmap(model, prefix=f"{views[0].name}/")
        # The names of the pictures are the numbers of their frames.
        seconds = survey.seconds[placed.times.astype(int)]
        trajectory = Trajectory.of(seconds, placed.positions, Rotation.from_quat(placed.quaternions))
        _keep(model, Path(out), trajectory)
    return SfmResult(trajectory, len(numbers), found["points"], found["error_px"])


def _reconstruct(folder: Path, views: tuple[View, ...], camera: dict[str, Any], options: SfmOptions) -> dict[str, Any]:
    """Run the worker on a folder of pictures; what it says of its largest model."""
    job = folder / "job.json"
    write_json(
        job,
        {
            "folder": str(folder),
            "views": [{"name": view.name, "camera_from_rig": view.camera_from_rig.tolist()} for view in views],
            "masks": options.mask is not None,
            "threads": options.threads or usable_cores(),
            "features": options.features,
            "overlap": options.overlap,
            **camera,
        },
    )
    log = folder / "log.txt"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    with log.open("wb") as stream:
        ran = subprocess.run(
            [sys.executable, "-m", "lofivpr.alignment.sfm_worker", str(job)],
            env=environment, stdout=stream, stderr=stream, stdin=subprocess.DEVNULL,
        )  # fmt: skip
    done = folder / "done.json"
    if ran.returncode or not done.is_file():
        lines = log.read_text(errors="replace").strip().splitlines() or ["no message"]
        raise AlignmentError(
            f"expected pycolmap to end well, found exit code {ran.returncode}: {lines[-1][:300]}. "
            "Check the free memory and space, or try fewer frames."
        )
    return dict(json.loads(done.read_text()))


def _keep(model: Path, out: Path, trajectory: Trajectory) -> None:
    with atomic_path(out / MODEL) as temporary:
        shutil.copytree(model, temporary)
    write_tum(out / TRAJECTORY, trajectory)
