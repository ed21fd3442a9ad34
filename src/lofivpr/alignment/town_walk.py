"""A recording from the generated town with its truth, to try trajectories, structure from motion and the Aligner on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy.spatial.transform import Rotation

from lofivpr.alignment.trajectory import Trajectory
from lofivpr.alignment.tum import write_tum
from lofivpr.files import atomic_path
from lofivpr.places.town import Camera, PanoramaCamera, PinholeCamera, Town, draw_plan, round_block
from lofivpr.quality import Quality
from lofivpr.quality.clip import send_frames
from lofivpr.quality.clip_file import write_stream

CODEC = Quality.parse("h264:qp20")
METRES_PER_PIXEL = 0.2  # of the plan
FOV_DEG = 75.0  # of the plain camera
FPS = 2.0
CameraKind = Literal["360", "plain"]


@dataclass(frozen=True)
class TownWalk:
    """The files of a walk: the clip, its true trajectory in metres (TUM format, z up), and the plan of the town."""

    clip: Path
    truth: Path
    plan: Path


def write_town_walk(
    out: str | Path,
    camera: CameraKind = "360",
    width: int = 1024,
    step: float = 0.7,
    length: float | None = None,
    seed: int = 0,
    town: Town | None = None,
) -> TownWalk:
    """Write a walk round a block of the town: `walk.mp4`, `truth.txt` and `plan.png`, in metres of the plan.

    Args:
        out: the folder.
        camera: a 360-degree camera (equirectangular, 2:1) or a plain one (4:3, 75 degrees wide).
        width: of the frames, in pixels.
        step: metres between two frames; the clip has two frames a second.
        length: metres of the walk; by default once round.
        seed: names the town.
        town: the town itself, if there is one already.

    Raises:
        LofiError: a walk, a size or a folder that cannot be.
    """
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    walk = TownWalk(out / "walk.mp4", out / "truth.txt", out / "plan.png")
    town = town or Town(seed, columns=(1, 1), rows=2)
    cameras = [_camera(camera, p, float(h), width) for p, h in zip(*_poses(town, step, length), strict=True)]
    with atomic_path(walk.plan) as temporary:
        Image.fromarray(draw_plan(town.layout, METRES_PER_PIXEL)).save(temporary, format="png")
    write_tum(walk.truth, truth(cameras))
    packets = (sent.data or b"" for sent in send_frames(CODEC, _pictures(town, cameras), FPS))
    with atomic_path(walk.clip) as temporary:
        write_stream(temporary, str(CODEC.codec), (cameras[0].width, cameras[0].height), FPS, packets)
    return walk


def truth(cameras: list[Camera]) -> Trajectory:
    """The poses of cameras that took two pictures a second."""
    headings = np.radians([camera.heading_deg for camera in cameras])
    zero = np.zeros_like(headings)
    right = np.stack([np.cos(headings), -np.sin(headings), zero], axis=1)
    forward = np.stack([np.sin(headings), np.cos(headings), zero], axis=1)
    down = np.broadcast_to([0.0, 0.0, -1.0], right.shape)
    axes = np.stack([right, down, forward], axis=2)
    return Trajectory.of(
        np.arange(len(cameras)) / FPS, [camera.position for camera in cameras], Rotation.from_matrix(axes)
    )


def _poses(town: Town, step: float, length: float | None) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    inner = [block for block in town.layout.blocks if min(block.x0, block.y0) > 0 and block.y1 < town.layout.size[1]]
    return round_block(town.layout, inner[0], step, length)


def _camera(kind: CameraKind, position: npt.NDArray[np.float64], heading: float, width: int) -> Camera:
    x, y, z = (float(value) for value in position)
    if kind == "360":
        return PanoramaCamera((x, y, z), heading, width, width // 2)
    return PinholeCamera((x, y, z), heading, width=width, height=width * 3 // 4, fov_deg=FOV_DEG)


def _pictures(town: Town, cameras: list[Camera]) -> Iterator[npt.NDArray[np.uint8]]:
    for number, camera in enumerate(cameras):
        yield town.picture(camera, time=number / FPS)
