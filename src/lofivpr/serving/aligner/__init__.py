"""The Aligner: a web page on which a trajectory is brought onto a plan by pairs of points."""

from __future__ import annotations

from lofivpr.serving.aligner.app import create_aligner
from lofivpr.serving.aligner.run import serve_aligner

__all__ = ["create_aligner", "serve_aligner"]
