"""`Job`: one trajectory to be brought onto one plan, as the Aligner works on it."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pydantic

from lofivpr.alignment.colmap import read_points
from lofivpr.alignment.draft import Draft
from lofivpr.alignment.floor import Floor, fit_floor
from lofivpr.alignment.ground import Ground
from lofivpr.alignment.placing import Aligned, place_pictures, write_places
from lofivpr.alignment.plan import Plan
from lofivpr.alignment.read import read_trajectory
from lofivpr.alignment.solve import Solution
from lofivpr.alignment.times import times_of
from lofivpr.alignment.trajectory import AlignmentError, Floats, Trajectory
from lofivpr.files import digest, write_json
from lofivpr.media import image_digest, image_size
from lofivpr.places import Places

DRAWN = 3000  # points of the trajectory, and of the scene, that a page draws
NAME = "alignment.json"


@dataclass(frozen=True)
class JobFiles:
    """What a job is about.

    Attributes:
        plan: a picture of the floor, or a map.
        trajectory: in TUM format, or a COLMAP text model.
        places: the data set whose pictures get positions; None to align only.
        out: where the picked pairs are kept; by default `alignment.json` in the data set, else beside the trajectory.
        offset_s: seconds to add to a picture's time for the trajectory's clock.
        fps: frames a second that names of a COLMAP model and the column `frame` count.
        prefix: of a COLMAP model, only pictures whose names begin so.
        sequence: only pictures of this sequence get positions.
        ground: where the plan lies.
    """

    plan: Path
    trajectory: Path
    places: Path | None = None
    out: Path | None = None
    offset_s: float = 0.0
    fps: float | None = None
    prefix: str = ""
    sequence: str | None = None
    ground: Ground = field(default_factory=Ground)


class Job:
    """A plan and a trajectory that are open; nothing on disk changes before `save`."""

    def __init__(self, files: JobFiles) -> None:
        """Open the files of a job.

        Raises:
            LofiError: one of them cannot be read.
        """
        self.files = files
        self.width, self.height = image_size(files.plan)
        self.trajectory: Trajectory = read_trajectory(files.trajectory, files.fps or 1.0, files.prefix)
        self.floor: Floor = fit_floor(self.trajectory)
        self.places = None if files.places is None else Places.open(files.places)
        self.times = None if self.places is None else times_of(self.places, self.trajectory, files.offset_s, files.fps)
        self.digest = digest(image_digest(files.plan), self.trajectory.positions.tobytes(), self.floor.axes.tobytes())
        folder = files.trajectory.parent if self.places is None else self.places.root
        self.out = files.out or folder / NAME

    def floor_path(self) -> tuple[Floats, Floats]:
        """Times (N) and points on the floor (N x 2) of the trajectory, thinned for drawing."""
        rows = np.unique(np.linspace(0, len(self.trajectory) - 1, min(len(self.trajectory), DRAWN)).astype(int))
        return self.trajectory.times[rows], self.floor.xy(self.trajectory.positions[rows])

    def floor_scene(self) -> Floats:
        """Points of the reconstructed scene on the floor (M x 2), near the way; none where there is no model."""
        model = self.files.trajectory if self.files.trajectory.is_dir() else self.files.trajectory.parent / "model"
        points = self.floor.xy(read_points(model))
        around = self.floor.xy(self.trajectory.positions)
        margin = 0.3 * float(np.ptp(around, axis=0).max())
        near = ((points > around.min(axis=0) - margin) & (points < around.max(axis=0) + margin)).all(axis=1)
        return points[near][:: max(1, int(near.sum()) // DRAWN)]

    def plan(self, draft: Draft) -> Plan:
        """The plan at the scale of a draft."""
        return draft.plan(self.width, self.height)

    def load(self) -> Draft:
        """The draft that was saved last, an empty one if there is none.

        Raises:
            AlignmentError: the file is no alignment, or one of another plan or trajectory.
        """
        if not self.out.is_file():
            return Draft()
        try:
            saved = json.loads(self.out.read_text(encoding="utf-8"))
            made_of, draft = saved["made_of"], Draft.model_validate(saved["draft"])
        except (OSError, ValueError, KeyError, TypeError, pydantic.ValidationError) as error:
            raise AlignmentError(f"expected a saved alignment in {self.out}, found: {error}. Move it away.") from None
        if made_of != self.digest:
            raise AlignmentError(
                f"expected pairs of this plan and this trajectory in {self.out}, found those of others. Move it away, "
                "or name another file by --out."
            )
        return draft

    def save(self, draft: Draft) -> dict[str, Any]:
        """Write the draft with its solution, and positions into the data set if there is one.

        Returns:
            `file`, `placed` (pictures that have a position now) and `pictures`.

        Raises:
            LofiError: no scale, a map that cannot be used, or a disk that cannot be written.
        """
        plan = self.plan(draft)
        solution = draft.solve(plan)
        placed, pictures = 0, 0
        if plan.metres_per_pixel is None:
            raise AlignmentError("expected the plan's scale to save positions in metres, found none. Set it first.")
        aligned = Aligned(self.trajectory, self.floor, solution.plane_map, self.files.ground)
        if self.places is not None and self.times is not None:
            now = place_pictures(self.places, aligned, self.times, self.files.sequence)
            write_places(now)
            pictures, placed = len(now), len(now) - int(now.table["easting"].null_count)
            self.places = now
        write_json(self.out, {"made_of": self.digest, "draft": draft.model_dump(), "solution": facts(solution, plan)})
        return {"file": str(self.out), "placed": placed, "pictures": pictures}


def facts(solution: Solution, plan: Plan, at: Floats | None = None) -> dict[str, Any]:
    """A solution in plain numbers, lengths in the plan's unit; `at`: points on the floor to expect an error of."""
    plane_map = solution.plane_map
    expected = math.nan if at is None else solution.expected_rms(at)
    return {
        "unit": plan.unit,
        "kind": plane_map.kind,
        "matrix": [list(row) for row in plane_map.rows],
        "metres_per_pixel": plan.metres_per_pixel,
        "scale": plane_map.scale,
        "rotation_deg": plane_map.rotation_deg,
        "mirrored": plane_map.mirrored,
        "residuals": solution.residuals.tolist(),
        "used": solution.used.tolist(),
        "rms": solution.rms,
        "sigma": None if math.isnan(solution.sigma) else solution.sigma,
        "expected_rms": None if math.isnan(expected) else expected,
    }
