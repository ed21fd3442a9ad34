"""Nearest neighbours."""

from __future__ import annotations

from lofivpr.search.nearest import nearest
from lofivpr.search.neighbours import Neighbours

__all__ = ["Neighbours", "nearest"]
