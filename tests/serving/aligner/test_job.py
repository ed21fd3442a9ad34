"""A job without its page: what `save` writes, what `load` takes, and that a refusal changes nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from town_job import PICTURES, true_walk

from lofivpr.alignment import AlignmentError, Draft, Job, JobFiles, KnownDistance, Pair, fit_floor, read_tum, write_tum
from lofivpr.alignment.job import DRAWN
from lofivpr.alignment.town_walk import METRES_PER_PIXEL
from lofivpr.places import Places, heading_difference

KNOWN = KnownDistance(first=(100, 300), second=(600, 300), metres=500 * METRES_PER_PIXEL)


def picked(job: Job, known: KnownDistance | None = KNOWN, poses: int = 6) -> Draft:
    """Exact pairs of poses along the walk; the page would have them from a pointer."""
    floor = fit_floor(job.trajectory).xy(job.trajectory.positions)
    metres = true_walk().positions[:, :2] / METRES_PER_PIXEL
    plan = np.column_stack([metres[:, 0], job.height - metres[:, 1]])
    rows = np.linspace(0, len(floor) - 1, poses, dtype=int)
    pairs = [Pair(floor=tuple(floor[row].tolist()), plan=tuple(plan[row].tolist())) for row in rows]
    return Draft(pairs=tuple(pairs), known=known)


def test_save_gives_pictures_their_true_positions_and_headings(files: JobFiles) -> None:
    job = Job(files)
    told = job.save(picked(job))
    places, walk = Places.open(files.places), true_walk()
    assert told == {"file": str(files.places / "alignment.json"), "placed": len(places), "pictures": PICTURES}
    rows = np.array([np.abs(walk.times - time).argmin() for time in places.column("timestamp")])
    near = np.abs(walk.times[rows] - places.column("timestamp")) < 0.3
    xy = np.column_stack([places.column("easting"), places.column("northing")]).astype(float)
    assert near.all() and np.linalg.norm(xy - walk.positions[rows, :2], axis=1).max() < 1.0
    east, north = walk.forward[rows, 0], walk.forward[rows, 1]
    off = heading_difference(places.column("heading_deg").astype(float), np.degrees(np.arctan2(east, north)))
    assert np.median(np.abs(off)) < 3


def test_a_saved_draft_is_loaded_again(files: JobFiles) -> None:
    job = Job(files)
    draft = picked(job).model_copy(update={"kind": "affine", "within": 2.5})
    assert job.load() == Draft()
    job.save(draft)
    assert Job(files).load() == draft


def test_without_a_scale_nothing_is_written(files: JobFiles) -> None:
    job = Job(files)
    before = {path: path.read_bytes() for path in files.places.parent.rglob("*") if path.is_file()}
    with pytest.raises(AlignmentError, match="expected the plan's scale"):
        job.save(picked(job, known=None))
    assert {path: path.read_bytes() for path in files.places.parent.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("text", ["", "[1]", '{"made_of": 1}', '{"made_of": "a", "draft": {"pairs": 5}}'])
def test_a_file_that_is_no_alignment_is_refused(files: JobFiles, text: str) -> None:
    (files.places / "alignment.json").write_text(text)
    with pytest.raises(AlignmentError, match="expected a saved alignment"):
        Job(files).load()


def test_pairs_of_another_trajectory_are_refused(files: JobFiles, tmp_path: Path) -> None:
    job = Job(files)
    job.save(picked(job))
    walk = read_tum(files.trajectory)
    write_tum(tmp_path / "other.txt", replace(walk, positions=walk.positions * 2))
    with pytest.raises(AlignmentError, match="this plan and this trajectory"):
        Job(replace(files, trajectory=tmp_path / "other.txt")).load()


def test_what_is_drawn_is_thinned_and_keeps_both_ends(files: JobFiles) -> None:
    job = Job(files)
    walk, many = job.trajectory, DRAWN + 500
    rows = np.linspace(0, len(walk) - 1, many).astype(int)
    times = np.arange(many) / 10
    long = type(walk).of(
        times, walk.positions[rows] + times[:, None] * 1e-6, Rotation.from_quat(walk.quaternions[rows])
    )
    job.trajectory, job.floor = long, fit_floor(long)
    drawn, points = job.floor_path()
    assert len(drawn) == len(points) == DRAWN and drawn[0] == times[0] and drawn[-1] == times[-1]
    assert job.floor_scene().shape == (0, 2), "a trajectory without a model has no scene"
