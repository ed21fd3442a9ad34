"""Neighbours judged by another rule, against an evaluation by that rule."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from lofivpr.evaluation import Results, evaluate
from lofivpr.evaluation.judge import judge
from lofivpr.places import Places, PlacesError


@pytest.mark.parametrize("counting", ["miss", "drop"])
def test_judging_is_evaluating_by_the_other_rule(streets: Places, pixels: Callable[..., Any], counting: Any) -> None:
    teacher, other = pixels("teacher", noise=3), pixels("other", noise=2)
    ladder = ["raw", "18p", "36p/jpeg:5"]
    wide = evaluate([teacher, other], streets, ladder, "45m", without_positives=counting, progress=False)
    described = teacher.described
    found = judge(wide, streets, "25m")
    assert teacher.described == described
    alone = evaluate([teacher, other], streets, ladder, "25m", without_positives=counting, progress=False)
    assert found.rows == alone.rows and found.differences == alone.differences and found.costs == alone.costs
    assert found.rows != wide.rows and found.protocol["positives"] == "25m"


def test_queries_that_a_rule_leaves_without_positives_are_counted_and_saved(
    streets: Places, pixels: Callable[..., Any], tmp_path: Path
) -> None:
    east = streets.column("easting").copy()
    east[np.flatnonzero(streets.column("role") == "query")[:2]] += 15
    columns = {name: streets.column(name).tolist() for name in ("image", "northing", "sequence", "role")}
    apart = Places.from_table(streets.root, pa.table(columns | {"easting": east}))
    found = judge(evaluate([pixels("teacher")], apart, ["raw"], "25m", progress=False), apart, "10m")
    assert found.rows[0].queries_without_positives == 2
    found.save_tables(tmp_path)
    assert Results.load(tmp_path).rows == found.rows


def test_a_rule_without_positives_is_refused(compared: Results, streets: Places) -> None:
    with pytest.raises(PlacesError, match="positives by 2m, found none"):
        judge(compared, streets, "2m")


def test_other_places_are_refused(compared: Results, streets: Places) -> None:
    with pytest.raises(PlacesError, match="expected the places"):
        judge(compared, streets.select(range(12)), "25m")
