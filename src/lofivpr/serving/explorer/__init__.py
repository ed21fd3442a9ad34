"""The Explorer: the web page of the service, and what it asks for beyond what every client may ask."""

from __future__ import annotations

from lofivpr.serving.explorer.explorer import Explorer
from lofivpr.serving.explorer.page import OPEN_PATHS
from lofivpr.serving.explorer.routes import routers

__all__ = ["OPEN_PATHS", "Explorer", "routers"]
