"""A place map, and honest answers from it."""

from __future__ import annotations
