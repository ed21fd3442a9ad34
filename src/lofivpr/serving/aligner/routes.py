"""What the page asks for: the job, its pictures, a solution, to be saved."""

from __future__ import annotations

import io
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Query, Request
from PIL import Image
from starlette.responses import Response

from lofivpr.alignment import Draft, Job
from lofivpr.alignment.job import facts
from lofivpr.evaluation.thumbs import small_jpeg
from lofivpr.media import open_image
from lofivpr.serving.problems import Problem

SEEN_PX = 640  # across a picture of the walk
KEPT = {"Cache-Control": "private, max-age=3600"}

router = APIRouter(prefix="/api")
_saving = Lock()


def _job(request: Request) -> Job:
    job: Job = request.app.state.job
    return job


@router.get("/job")
def job(request: Request) -> dict[str, Any]:
    """The plan, the trajectory on its floor, and the pairs that were saved."""
    job = _job(request)
    times, path = job.floor_path()
    return {
        "plan": {"name": job.files.plan.name, "width": job.width, "height": job.height},
        "trajectory": {"name": job.files.trajectory.name, "poses": len(job.trajectory), "times": _round(times, 3)},
        "path": _round(path, 5),
        "scene": _round(job.floor_scene(), 4),
        "pictures": 0 if job.places is None else len(job.places),
        "places": None if job.files.places is None else job.files.places.name,
        "out": str(job.out),
        "draft": job.load().model_dump(),
    }


@router.get("/plan")
def plan(request: Request) -> Response:
    """The plan as PNG, upright."""
    return Response(_png(_job(request).files.plan), media_type="image/png", headers=KEPT)


@router.get("/picture")
def picture(request: Request, time: Annotated[float, Query(allow_inf_nan=False)]) -> Response:
    """What was seen at a time of the trajectory: the picture of the data set that is nearest to it, as JPEG."""
    job = _job(request)
    if job.places is None or job.times is None:
        raise Problem(404, "expected a data set with pictures, found none. Start the Aligner with --places.")
    row = int(np.nanargmin(np.abs(job.times - time)))
    return Response(_jpeg(str(job.places.root), job.places.images[row]), media_type="image/jpeg", headers=KEPT)


@router.get("/theme.css")
def theme() -> Response:
    """The colours of the figures of the reports."""
    from lofivpr.evaluation.theme import stylesheet  # brings Matplotlib, which only the page needs

    return Response(stylesheet(), media_type="text/css")


@router.post("/solve")
def solve(request: Request, draft: Draft) -> dict[str, Any]:
    """The map of the pairs, their residuals, and the trajectory in pixels of the plan."""
    job = _job(request)
    plan = job.plan(draft)
    found = draft.solve(plan)
    _, path = job.floor_path()
    mapped = found.plane_map.apply(found.source)
    return {
        **facts(found, plan, path),
        "path": _round(plan.to_pixels(found.plane_map.apply(path)), 2),
        "mapped": _round(plan.to_pixels(mapped), 2),
    }


@router.post("/save")
def save(request: Request, draft: Draft) -> dict[str, Any]:
    """Write the pairs, and positions into the data set."""
    with _saving:
        return _job(request).save(draft)


def _round(values: Any, digits: int) -> Any:
    return np.round(values, digits).tolist()


@lru_cache(maxsize=1)
def _png(path: Path) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(open_image(path)).save(stream, format="png", compress_level=3)
    return stream.getvalue()


@lru_cache(maxsize=64)
def _jpeg(root: str, image: str) -> bytes:
    opened = open_image(image, root=root)
    return small_jpeg(opened, min(SEEN_PX, opened.shape[1]))
