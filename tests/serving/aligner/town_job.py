"""A plan of the town, a walk round one of its blocks in a world of its own, and pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image
from scipy.spatial.transform import Rotation

from lofivpr.alignment import JobFiles, Trajectory, write_tum
from lofivpr.alignment.town_walk import METRES_PER_PIXEL, truth
from lofivpr.places.town import PanoramaCamera, draw_plan, round_block
from lofivpr.places.town.scene import make_layout

PICTURES = 12


def true_walk() -> Trajectory:
    """Once round the first block, two poses a second, in metres of the plan."""
    layout = make_layout(0, 1, 1, 2)
    poses = zip(*round_block(layout, layout.blocks[0], step=1.5), strict=True)
    return truth([PanoramaCamera(tuple(position), float(heading)) for position, heading in poses])


def write_job(folder: Path) -> JobFiles:
    """The files of a job: the trajectory is turned, a third as large and shifted, with a centimetre of noise."""
    folder.mkdir(parents=True, exist_ok=True)
    Image.fromarray(draw_plan(make_layout(0, 1, 1, 2), METRES_PER_PIXEL)).save(folder / "plan.png")
    walk, turn = true_walk(), Rotation.from_euler("xyz", [100, 20, 40], degrees=True)
    noise = np.random.default_rng(0).normal(size=(len(walk), 3)) * 0.01
    way = Trajectory.of(
        walk.times, 0.3 * turn.apply(walk.positions + noise) + 7, turn * Rotation.from_quat(walk.quaternions)
    )
    write_tum(folder / "walk.txt", way)
    data = folder / "data"
    data.mkdir(exist_ok=True)
    lines = ["image,timestamp"]
    for number in range(PICTURES):
        Image.fromarray(np.full((96, 128, 3), 20 * number, np.uint8)).save(data / f"{number}.png")
        lines.append(f"{number}.png,{number * 5 + 0.25}")
    (data / "places.csv").write_text("\n".join(lines) + "\n")
    return JobFiles(folder / "plan.png", folder / "walk.txt", data)
