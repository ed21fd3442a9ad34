"""The answers as they are documented in the OpenAPI description; what a client reads."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from lofivpr.serving.engine import Answer

EXAMPLE_CANDIDATE: dict[str, Any] = {
    "ref": "images/0017.jpg",
    "lat": 52.51971,
    "lon": 13.40478,
    "heading": 90.0,
    "similarity": 0.812,
    "row": 17,
}
EXAMPLE_FIX: dict[str, Any] = {
    "candidates": [EXAMPLE_CANDIDATE],
    "lat": 52.51972,
    "lon": 13.40479,
    "probability": 0.93,
    "within_m": 25.0,
    "answered": True,
    "reason": None,
    "spread_m": 2.4,
}
EXAMPLE_SEEN = {
    "codec": "jpeg",
    "width": 320,
    "height": 240,
    "bytes": 4210,
    "bits_per_pixel": 0.43854,
    "quality": "320x240/jpeg:12",
}
EXAMPLE_MS = {"decode": 1.2, "wait": 0.3, "describe": 21.5, "search": 0.9}
EXAMPLE_ANSWER: dict[str, Any] = {
    "fix": EXAMPLE_FIX,
    "seen": EXAMPLE_SEEN,
    "server_ms": EXAMPLE_MS,
    "model": "0123456789abcdef",
}


class CandidateOut(BaseModel):
    """One place of the map that resembles the query."""

    ref: str = Field(description="Reference of the place's picture.")
    lat: float | None
    lon: float | None
    heading: float | None
    similarity: float = Field(description="Cosine of both descriptors.")
    row: int = Field(description="The place's row in the map.")


class FixOut(BaseModel):
    """Where the query was taken, how surely, and whether that is sure enough to be an answer."""

    candidates: list[CandidateOut]
    lat: float | None
    lon: float | None
    probability: float | None = Field(description="That the position is within `within_m`; null without calibration.")
    within_m: float
    answered: bool = Field(description="False: the server abstains; `reason` says why.")
    reason: str | None
    spread_m: float | None


class SeenOut(BaseModel):
    """The quality in which the query arrived; null where there was no picture."""

    codec: str | None
    width: int | None
    height: int | None
    bytes: int
    bits_per_pixel: float | None = Field(description="Of a stream, the mean over its last frames.")
    quality: str | None = Field(description="What the encoder was set to, as far as it can be guessed.")


class Milliseconds(BaseModel):
    """What the server spent on the query."""

    decode: float = Field(description="Decoding its packet or picture.")
    wait: float = Field(description="Waiting for its turn.")
    describe: float = Field(description="Describing the batch that it was in.")
    search: float = Field(description="Searching the map, and the answer from what was found.")


class AnswerOut(BaseModel):
    """The answer to a still query; that to a frame of a stream has `frame`, `micros` and `skipped` besides."""

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLE_ANSWER})

    fix: FixOut
    seen: SeenOut
    server_ms: Milliseconds
    model: str = Field(description="Digest of the model that described the query.")


class ProblemOut(BaseModel):
    """Why there is no answer (RFC 9457)."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str


def answer_body(answer: Answer, wait_s: float) -> dict[str, Any]:
    """Plain values of `AnswerOut`."""
    seconds = {
        "decode": answer.decode_s,
        "wait": wait_s,
        "describe": answer.describe_s,
        "search": answer.search_s,
    }
    return {
        "fix": answer.fix.to_dict(),
        "seen": answer.seen.to_dict(),
        "server_ms": {name: round(1000 * value, 3) for name, value in seconds.items()},
        "model": answer.model_digest,
    }
