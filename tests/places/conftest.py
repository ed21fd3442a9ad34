"""The small town that its tests share; and the scripts of `fakes`, importable: tests are imported by path here."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from lofivpr.places.town import Town

sys.path.insert(0, str(Path(__file__).parent / "fakes"))


@pytest.fixture(scope="session")
def town() -> Town:
    return Town(seed=3, columns=(1, 1), rows=2, fronts=12)


@pytest.fixture(scope="session")
def spot(town: Town) -> tuple[float, float, float]:
    street = max(town.streets, key=lambda s: s.length)
    return (*street.point((street.start + street.end) / 2 - 12, -0.8), 1.8)
