"""Ground truth: trajectories and structure from motion, brought onto a plan or the earth by pairs of points."""

from __future__ import annotations

from lofivpr.alignment.colmap import read_colmap
from lofivpr.alignment.covariance import expected_rms
from lofivpr.alignment.draft import Draft, KnownDistance, Pair
from lofivpr.alignment.floor import Floor, fit_floor
from lofivpr.alignment.ground import Ground
from lofivpr.alignment.job import Job, JobFiles
from lofivpr.alignment.pairs import Pairs, read_pairs
from lofivpr.alignment.placing import Aligned, place_pictures
from lofivpr.alignment.plan import Plan, metres_per_pixel
from lofivpr.alignment.plane_map import PlaneMap
from lofivpr.alignment.read import read_trajectory
from lofivpr.alignment.sfm import SfmResult, structure_from_motion
from lofivpr.alignment.sfm_pictures import SfmOptions
from lofivpr.alignment.solve import Solution, fit, solve, umeyama
from lofivpr.alignment.times import times_of
from lofivpr.alignment.trajectory import AlignmentError, Trajectory
from lofivpr.alignment.tum import read_tum, write_tum

__all__ = [
    "Aligned",
    "AlignmentError",
    "Draft",
    "Floor",
    "Ground",
    "Job",
    "JobFiles",
    "KnownDistance",
    "Pair",
    "Pairs",
    "Plan",
    "PlaneMap",
    "SfmOptions",
    "SfmResult",
    "Solution",
    "Trajectory",
    "expected_rms",
    "fit",
    "fit_floor",
    "metres_per_pixel",
    "place_pictures",
    "read_colmap",
    "read_pairs",
    "read_trajectory",
    "read_tum",
    "solve",
    "structure_from_motion",
    "times_of",
    "umeyama",
    "write_tum",
]
