"""Logs for machines: one JSON object a line, with what happened and to whom, never what a picture showed or where."""

from __future__ import annotations

import json
import logging
import sys
import time
from typing import Any, TextIO

LOGGER = logging.getLogger("lofivpr.serving")
_LONGEST = 300  # characters of any text that came from outside


class JsonLines(logging.Formatter):
    """A record as one line: time, level, event, and the fields given as `extra={"fields": {...}}`."""

    def format(self, record: logging.LogRecord) -> str:
        """One JSON object; line breaks and other control characters are escaped, so nobody can forge a line."""
        values: dict[str, Any] = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{record.msecs:03.0f}Z",
            "level": record.levelname.lower(),
            "event": record.getMessage()[: 10 * _LONGEST],
        }
        values |= getattr(record, "fields", {})
        if record.exc_info:
            values["traceback"] = self.formatException(record.exc_info)
        return json.dumps(values, default=str)


def log(event: str, level: int = logging.INFO, error: BaseException | None = None, **fields: Any) -> None:
    """Write one event; texts among the fields are cut to what fits on a line."""
    short = {key: value[:_LONGEST] if isinstance(value, str) else value for key, value in fields.items()}
    LOGGER.log(level, event, extra={"fields": short}, exc_info=error)


def log_to(stream: TextIO | None = None, level: int = logging.INFO) -> None:
    """Send the service's events, and the errors of the web server, to a stream (standard error)."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines())
    for name, least in (("lofivpr.serving", level), ("uvicorn", logging.ERROR), ("uvicorn.error", logging.ERROR)):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = ([handler] if name != "uvicorn.error" else []), name == "uvicorn.error"
        logger.setLevel(least)
