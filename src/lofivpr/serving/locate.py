"""`POST /v1/locate`: one picture, packet of video or descriptor in; one answer out."""

from __future__ import annotations

import asyncio
import functools
import time
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Request
from fastapi import Query as Parameter
from pydantic import ValidationError
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse

from lofivpr.quality import Quality
from lofivpr.serving.answers import AnswerOut, ProblemOut, answer_body
from lofivpr.serving.engine import Query
from lofivpr.serving.packets import PacketDecoder, PacketError
from lofivpr.serving.problems import MEDIA_TYPE, Problem
from lofivpr.serving.seen import Seen, open_still, seen_of
from lofivpr.serving.service import Service
from lofivpr.serving.settings import Limits
from lofivpr.serving.wire import Where, first_fault, read_descriptor, read_quality

DESCRIPTOR_TYPE = "application/vnd.lofivpr.descriptor"
STILL_TYPES = ("image/jpeg", "image/png", "image/webp", "image/avif", "image/tiff", "image/bmp")
VIDEO_TYPES = {
    "video/h264": "h264",
    "video/h265": "h265",
    "video/hevc": "h265",
    "video/av1": "av1",
    "video/vp9": "vp9",
}
_ANY_PICTURE = "application/octet-stream"
_BINARY = {"schema": {"type": "string", "format": "binary"}}
_WORDS = {
    400: "The client hung up.",
    401: "No API key, or a wrong one.",
    403: "A web page of another site asks.",
    408: "The body took too long.",
    409: "A descriptor of another model, or a picture where no model runs.",
    413: "Too many bytes.",
    415: "A content type that is not read.",
    421: "A Host that the service is not known by.",
    422: "A parameter, picture, packet or descriptor that cannot be used.",
    429: "Too many requests; Retry-After says when to ask again.",
    503: "Too many wait; Retry-After says when to ask again.",
}
PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"description": words, "content": {MEDIA_TYPE: {"schema": ProblemOut.model_json_schema()}}}
    for status, words in _WORDS.items()
}
_FLOAT = r"-?\d{1,9}(?:\.\d{1,12})?"

router = APIRouter()


@router.post(
    "/v1/locate",
    tags=["locate"],
    summary="Where was this picture taken?",
    response_model=AnswerOut,
    responses=PROBLEMS,
    openapi_extra={
        "requestBody": {
            "required": True,
            "description": "A picture file; or the access unit of a key frame with its parameter sets (Annex B for "
            "H.264 and H.265); or the little-endian numbers of a descriptor.",
            "content": {kind: _BINARY for kind in (*STILL_TYPES, *VIDEO_TYPES, DESCRIPTOR_TYPE, _ANY_PICTURE)},
        }
    },
)
async def locate(
    request: Request,
    k: Annotated[int, Parameter(ge=1, le=100000, description="Places in the answer.", examples=[5])] = 5,
    near: Annotated[
        str | None,
        Parameter(
            pattern=f"^{_FLOAT},{_FLOAT}$", description="latitude,longitude (or x,y).", examples=["52.52,13.405"]
        ),
    ] = None,
    radius_m: Annotated[float | None, Parameter(gt=0, le=20_040_000, description="Metres around `near`.")] = None,
    heading: Annotated[float | None, Parameter(ge=-360, le=360, description="Degrees clockwise from north.")] = None,
    size: Annotated[
        str | None,
        Parameter(
            pattern=r"^[1-9]\d{0,4}x[1-9]\d{0,4}$",
            description="Of video: width and height before an odd size was padded.",
            examples=["427x240"],
        ),
    ] = None,
    quality: Annotated[
        str | None,
        Parameter(
            max_length=60,
            description="What the encoder was set to; guessed where it is not given.",
            examples=["240p/h264:qp40"],
        ),
    ] = None,
    model: Annotated[str | None, Parameter(max_length=64, description="Of a descriptor: its model's digest.")] = None,
    dtype: Annotated[str, Parameter(max_length=16, description="Of a descriptor: float32 or float16.")] = "float32",
) -> JSONResponse:
    """Send the bytes as the body, and say by Content-Type what they are."""
    service: Service = request.app.state.service
    client: str = request.scope["state"]["client"]
    limits = service.settings.limits
    if k > limits.most_k:
        raise Problem(422, f"expected k of at most {limits.most_k}, found {k}.")
    kind = request.headers.get("content-type", _ANY_PICTURE).partition(";")[0].strip().lower()
    check_kind(kind)
    where, told = read_where(near, radius_m, heading), read_quality(quality)
    body = await receive(request)
    if kind == DESCRIPTOR_TYPE:
        query = _descriptor_query(service, body, dtype, model, where, k)
    else:
        query = await _picture_query(service, body, kind, size, where, k, told)
    answer, waited = await service.ask(client, query)
    return JSONResponse(answer_body(answer, waited))


def check_kind(kind: str) -> None:
    """Raise Problem 415 for a content type that is not read."""
    if kind not in (*VIDEO_TYPES, DESCRIPTOR_TYPE, _ANY_PICTURE) and not kind.startswith("image/"):
        raise Problem(
            415,
            f"expected a Content-Type of image/*, {', '.join(VIDEO_TYPES)} or {DESCRIPTOR_TYPE}, found {kind[:80]}.",
        )


def read_where(near: str | None, radius_m: float | None, heading: float | None) -> Where:
    """The parameters as a `Where`. Raises Problem 422."""
    point = None if near is None else tuple(float(one) for one in near.split(","))
    try:
        return Where.model_validate({"near": point, "radius_m": radius_m, "heading": heading})
    except ValidationError as error:
        raise Problem(422, f"{first_fault(error)}.") from None


async def receive(request: Request) -> bytes:
    """The body, within the limits of its client. Raises Problem."""
    service: Service = request.app.state.service
    limits = service.settings.limits
    body = await read_body(request, limits)
    wait = service.bytes[request.scope["state"]["client"]].try_take(len(body))
    if wait:
        raise Problem(429, f"expected at most {limits.bytes_per_s:g} bytes a second, found more. Send fewer.", wait)
    return body


async def read_body(request: Request, limits: Limits) -> bytes:
    """The body, of bounded size, within bounded time. Raises Problem."""
    too_large = Problem(413, f"expected a body of at most {limits.body_bytes} bytes, found more. Shrink the picture.")
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limits.body_bytes:
        raise too_large
    body = bytearray()
    try:
        async with asyncio.timeout(limits.read_s):
            async for chunk in request.stream():
                body += chunk
                if len(body) > limits.body_bytes:
                    raise too_large
    except TimeoutError:
        raise Problem(
            408, f"expected the whole body within {limits.read_s:g} s, found a part. Send it again."
        ) from None
    except ClientDisconnect:
        raise Problem(400, "expected a whole body, found that the client hung up.") from None
    if not body:
        raise Problem(422, "expected a picture, a packet or a descriptor as the body, found none. Send its bytes.")
    return bytes(body)


def _descriptor_query(service: Service, body: bytes, dtype: str, model: str | None, where: Where, k: int) -> Query:
    engine = service.takeover.engine
    if model is None or not engine.accepts(model):
        found = "none" if model is None else repr(model[:64])
        raise Problem(
            409,
            f"expected a descriptor of the model {engine.query_model} as the parameter model says, found {found}. "
            "Use the model that GET /v1/map names.",
        )
    descriptor = read_descriptor(body, dtype, engine.map.dimension)
    return Query(None, where, k, descriptor=descriptor, model_digest=model, n_bytes=len(body))


async def _picture_query(
    service: Service, body: bytes, kind: str, size: str | None, where: Where, k: int, quality: Quality | None
) -> Query:
    if service.takeover.engine.describer is None:
        raise Problem(
            409, "expected a descriptor, found a picture: this service runs no model. Describe it on the device."
        )
    limits = service.settings.limits
    if kind in VIDEO_TYPES:
        decode = functools.partial(_open_packet, body, VIDEO_TYPES[kind], size, limits)
    else:
        decode = functools.partial(open_still, body, limits.pixels)
    started = time.perf_counter()
    picture = await service.decode(decode)
    return Query(lambda: picture, where, k, time.perf_counter() - started, quality=quality)


def _open_packet(body: bytes, codec: str, size: str | None, limits: Limits) -> tuple[np.ndarray, Seen]:
    """The picture of one access unit."""
    pixels = None if size is None else (int(size.partition("x")[0]), int(size.partition("x")[2]))
    pictures = PacketDecoder(codec, limits.decode, pixels).decode(body, 0)
    if not pictures:
        raise PacketError(f"expected the key frame of a {codec} stream, found a packet without a picture. Send one.")
    return pictures[-1].image(), seen_of(codec, pictures[-1].size, len(body))
