"""Nearest neighbours, and verification by local features."""

from __future__ import annotations

from lofivpr.search.local_features import LocalFeatures, Matcher
from lofivpr.search.nearest import nearest
from lofivpr.search.neighbours import Neighbours

__all__ = ["LocalFeatures", "Matcher", "Neighbours", "nearest"]
