from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import APIRouter

from lofivpr.models import Describer
from lofivpr.serving.logs import JsonLines, log, log_to


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What is logged, and the loggers as they were afterwards."""
    names = ("lofivpr.serving", "uvicorn", "uvicorn.error")
    before = {name: (list(logging.getLogger(name).handlers), logging.getLogger(name).propagate) for name in names}
    out = io.StringIO()
    log_to(out)
    yield out
    for name, (handlers, propagate) in before.items():
        logging.getLogger(name).handlers, logging.getLogger(name).propagate = handlers, propagate


def events(out: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_a_request_is_one_line_without_where_and_what(lines: io.StringIO, service: Any, wait_until: Any) -> None:
    with service.client() as client:
        client.post("/v1/locate?near=52.123456,13.1&radius_m=5", content=b"SECRETPICTURE")
        client.get("/healthz")
    found = wait_until(lambda: [one for one in events(lines) if one["event"] == "request"])
    assert (
        found[0] | {"ms": 0, "time": ""}
        == {
            "time": "",
            "level": "info",
            "event": "request",
            "method": "POST",
            "path": "/v1/locate",
            "status": 422,
            "ms": 0,
            "client": "address 127.0.0.1",
        }
        or found[0]["client"] == "address ::1"
    )
    text = lines.getvalue()
    assert "52.123456" not in text and "SECRET" not in text and "healthz" not in text


def test_a_line_cannot_be_forged() -> None:
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    handler.setFormatter(JsonLines())
    record = logging.LogRecord("x", logging.INFO, "f", 1, 'a\n{"event": "b"}', None, None)
    handler.emit(record)
    assert len(out.getvalue().splitlines()) == 1


def test_texts_are_cut(lines: io.StringIO) -> None:
    log("x", path="y" * 10_000, number=3)
    (event,) = events(lines)
    assert len(event["path"]) == 300 and event["number"] == 3


def test_a_fault_has_words_and_a_traceback_in_the_log(
    lines: io.StringIO, map_folder: Path, describer: Describer, run_service: Any
) -> None:
    router = APIRouter()

    @router.get("/broken")
    def broken() -> None:
        raise ZeroDivisionError("a secret detail")

    with run_service(map_folder, describer, routers=[router]) as service, service.client() as client:
        answer = client.get("/broken")
        assert answer.status_code == 500 and answer.headers["content-type"] == "application/problem+json"
        assert "secret" not in answer.text
        assert client.get("/healthz").status_code == 200
    fault = next(one for one in events(lines) if one["event"] == "fault")
    assert "ZeroDivisionError: a secret detail" in fault["traceback"] and fault["path"] == "/broken"
    assert {"started", "stopped"} <= {one["event"] for one in events(lines)}
