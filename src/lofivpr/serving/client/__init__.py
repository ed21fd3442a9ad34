"""The client of the localization service: fits its quality to the link. Base package, no torch."""

from __future__ import annotations

from lofivpr.serving.client.client import Client
from lofivpr.serving.client.http import NoAnswerError, RefusedError
from lofivpr.serving.client.located import Located, Missed
from lofivpr.serving.client.stream import Stream

__all__ = ["Client", "Located", "Missed", "NoAnswerError", "RefusedError", "Stream"]
