"""Published weights: one table of names, one door that brings a file into a model folder. Needs no torch itself."""

from __future__ import annotations

from lofivpr.models.weights.importable import Importable, import_weights, importable_weights

__all__ = ["Importable", "import_weights", "importable_weights"]
