"""Routes that say what is served and how it fares: /v1/map, /healthz, /readyz, /metrics."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from lofivpr.serving.answers import ProblemOut
from lofivpr.serving.engine import Engine
from lofivpr.serving.metrics import CONTENT_TYPE
from lofivpr.serving.problems import Problem
from lofivpr.serving.service import Service
from lofivpr.serving.settings import Limits
from lofivpr.serving.wire import DESCRIPTOR_DTYPES, STREAM_CODECS

router = APIRouter()


@router.get("/healthz", tags=["operation"], summary="Does the process answer?")
def health() -> dict[str, str]:
    """Always the same, as long as it can answer at all."""
    return {"status": "alive"}


@router.get(
    "/readyz",
    tags=["operation"],
    summary="Can it take queries?",
    responses={503: {"model": ProblemOut, "description": "Starting, stopping or full."}},
)
def ready(request: Request) -> dict[str, str]:
    """200 where queries are taken, else 503."""
    service: Service = request.app.state.service
    if not service.is_ready:
        raise Problem(503, "expected to be ready, found the service starting, stopping or full.", 1)
    return {"status": "ready"}


@router.get(
    "/metrics",
    tags=["operation"],
    summary="Counters and histograms for Prometheus",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}, "description": "Prometheus' text."}},
)
def metrics(request: Request) -> Response:
    """Prometheus' text format."""
    service: Service = request.app.state.service
    return Response(service.metrics.text(), media_type=CONTENT_TYPE)


@router.get("/v1/map", tags=["map"], summary="What the map is, what it can, and what each quality finds")
def about_map(request: Request) -> dict[str, Any]:
    """Numbers of the map, the model, the calibration with its rate-recall curve, and the limits of a client."""
    service: Service = request.app.state.service
    engine = service.takeover.engine
    return {
        "map": engine.map.info().to_dict(),
        "generation": service.takeover.generation,
        "model": {
            "digest": engine.query_model,
            "name": engine.map.model if engine.describer is None else engine.describer.name,
            "describes": engine.describer is not None,
            "input": None if engine.describer is None else list(engine.describer.preprocessing.size),
        },
        "calibration": _calibration(engine),
        "accepts": {"stream": list(STREAM_CODECS), "descriptor": list(DESCRIPTOR_DTYPES)},
        "limits": _limits(service.settings.limits),
    }


def _calibration(engine: Engine) -> dict[str, Any] | None:
    """What a client chooses its quality by; None where the map is not calibrated for the model of this service."""
    found = engine.calibration
    if found is None or not engine.is_calibrated_for(engine.query_model):
        return None
    return {
        "digest": found.digest,
        "within_m": found.within_m,
        "guarantee": found.guarantee,
        "thresholds": [one.to_dict() for one in found.thresholds],
        "curve": [point.to_dict() for point in found.curve],
    }


def _limits(limits: Limits) -> dict[str, float]:
    return {
        "body_bytes": limits.body_bytes,
        "pixels": limits.pixels,
        "packet_bytes": limits.decode.packet_bytes,
        "packet_pixels": limits.decode.pixels,
        "requests_per_s": limits.requests_per_s,
        "frames_per_s": limits.frames_per_s,
        "bytes_per_s": limits.bytes_per_s,
        "streams": limits.streams,
        "k": limits.most_k,
    }
