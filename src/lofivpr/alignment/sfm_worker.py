"""`python -m lofivpr.alignment.sfm_worker JOB.json`: structure from motion by pycolmap.

It runs in its own process and imports nothing else that is native: pycolmap's libraries (OpenMP, FreeImage, SQLite)
clash with those of PyAV, OpenCV and FAISS.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pycolmap

SEED = 0


def run(job: dict[str, Any]) -> dict[str, Any]:
    """Reconstruct the pictures of a job, write the largest model as text, and say what it holds."""
    folder = Path(job["folder"])
    database, pictures, sparse = folder / "database.db", folder / "pictures", folder / "sparse"
    pycolmap.set_random_seed(SEED)
    _find_features(job, database, pictures)
    if len(job["views"]) > 1:
        _make_rig(job, database)
    _match(job, database)
    sparse.mkdir()
    models = pycolmap.incremental_mapping(database, pictures, sparse, _mapping(job))
    if not models:
        return {"frames": 0}
    best = max(models.values(), key=lambda model: model.num_reg_frames())
    (folder / "model").mkdir()
    best.write_text(folder / "model")
    return {
        "frames": best.num_reg_frames(),
        "points": best.num_points3D(),
        "error_px": best.compute_mean_reprojection_error(),
    }


def _find_features(job: dict[str, Any], database: Path, pictures: Path) -> None:
    reader = pycolmap.ImageReaderOptions()
    reader.camera_model = job["camera_model"]
    reader.camera_params = ",".join(str(value) for value in job["camera_params"])
    if job["masks"]:
        reader.mask_path = Path(job["folder"]) / "masks"
    options = pycolmap.FeatureExtractionOptions()
    options.num_threads = job["threads"]
    options.sift.max_num_features = job["features"]
    pycolmap.extract_features(
        database,
        pictures,
        camera_mode=pycolmap.CameraMode.PER_FOLDER,
        reader_options=reader,
        extraction_options=options,
        device=pycolmap.Device.cpu,
    )


def _make_rig(job: dict[str, Any], database: Path) -> None:
    """The views of one instant share one centre; only their directions differ, and those are known."""
    cameras = []
    for view in job["views"]:
        turn = None
        if view["name"] != job["views"][0]["name"]:
            turn = pycolmap.Rigid3d(pycolmap.Rotation3d(view["camera_from_rig"]), [[0.0], [0.0], [0.0]])
        cameras.append(
            pycolmap.RigConfigCamera(ref_sensor=turn is None, image_prefix=f"{view['name']}/", cam_from_rig=turn)
        )
    with pycolmap.Database.open(database) as opened:
        pycolmap.apply_rig_config([pycolmap.RigConfig(cameras=cameras)], opened)


def _match(job: dict[str, Any], database: Path) -> None:
    matching = pycolmap.FeatureMatchingOptions()
    matching.num_threads = job["threads"]
    matching.skip_image_pairs_in_same_frame = len(job["views"]) > 1  # they share a centre: nothing to triangulate
    matching.rig_verification = len(job["views"]) > 1
    pairing = pycolmap.SequentialPairingOptions()
    pairing.overlap = job["overlap"]
    pairing.quadratic_overlap = job["overlap"] > 3
    pairing.num_threads = job["threads"]
    pycolmap.match_sequential(database, matching, pairing, device=pycolmap.Device.cpu)


def _mapping(job: dict[str, Any]) -> pycolmap.IncrementalPipelineOptions:
    options = pycolmap.IncrementalPipelineOptions()
    options.num_threads = job["threads"]
    options.random_seed = SEED
    options.min_model_size = 3
    options.ba_refine_sensor_from_rig = False
    options.ba_refine_focal_length = job["refine"]
    options.ba_refine_extra_params = job["refine"]
    options.mapper.abs_pose_refine_focal_length = job["refine"]
    options.mapper.abs_pose_refine_extra_params = job["refine"]
    # A walk looks along its way: COLMAP's own 16 degrees between the first two pictures, and motion to the side of
    # them, are rarely met.
    options.mapper.init_min_tri_angle = 4.0
    options.mapper.init_max_forward_motion = 1.0
    options.extract_colors = False
    return options


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.with_name("done.json").write_text(json.dumps(run(json.loads(path.read_text()))))
