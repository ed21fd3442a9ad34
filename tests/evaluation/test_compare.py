from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from lofivpr.evaluation import Results
from lofivpr.evaluation.compare import ladder_names, ladders

Maker = Callable[..., Results]
JPEG = {"jpeg:5": 1000.0, "jpeg:10": 2000.0, "jpeg:20": 4000.0, "jpeg:40": 8000.0}


def ranks_at(recall: float, queries: int = 100) -> list[int]:
    """The first `recall` percent of the queries right at rank 1, all others not found."""
    right = round(recall * queries / 100)
    return [1] * right + [0] * (queries - right)


def two_models(make_results: Maker, sizes: dict[str, float], factor: float = 0.5) -> Results:
    recall = dict(zip(sizes, np.linspace(20, 80, len(sizes)), strict=True))
    ranks = {(model, q): ranks_at(r) for model in ("t", "s") for q, r in recall.items()}
    mine = {f"s {q}": factor * n for q, n in sizes.items()}
    return make_results(ranks, {**sizes, **mine}, {"s": "t"})


def test_half_the_bytes_at_equal_recall_is_minus_fifty(make_results: Maker) -> None:
    (rate,) = two_models(make_results, JPEG).rates
    assert (rate.ladder, rate.model, rate.against) == ("jpeg", "s", "t")
    assert rate.percent == pytest.approx(-50) and rate.recall_range == pytest.approx((20, 80))
    assert rate.interval == pytest.approx((-50, -50)) and rate.clear  # the same queries in each draw


def test_a_ladder_of_three_has_no_rate(make_results: Maker) -> None:
    assert two_models(make_results, dict(list(JPEG.items())[:3])).rates == ()


def test_curves_that_do_not_overlap_say_so(make_results: Maker) -> None:
    ranks = {("t", q): ranks_at(20) for q in JPEG}
    ranks |= {("s", q): ranks_at(50 + 10 * rung) for rung, q in enumerate(JPEG)}
    (rate,) = make_results(ranks, JPEG, {"s": "t"}).rates
    assert rate.percent is None and "at least 10 points" in (rate.refused or "") and not rate.clear


def test_names_of_ladders() -> None:
    assert ladder_names("240p/jpeg:5") == ["240p/jpeg", "jpeg", "all codecs"]
    assert ladder_names("h264:64kbps@10fps") == ["h264", "all codecs"]


def test_ladders_leave_out_repeats_and_qualities_without_bytes(make_results: Maker) -> None:
    sizes = {"240p/jpeg:5": 5.0, "240p/jpeg:9": 9.0, "60p/webp:5": 1.0}
    results = make_results({("m", q): [1, 0] for q in ("raw", *sizes)}, sizes, {})
    assert ladders(results.rows) == {
        "60p/webp": ["60p/webp:5"],
        "240p/jpeg": ["240p/jpeg:5", "240p/jpeg:9"],
        "all codecs": list(sizes),
    }


def test_pairs_leave_out_queries_that_either_skipped(make_results: Maker) -> None:
    ranks = {("t", "raw"): [1, 0, -1, 0], ("s", "raw"): [1, 1, 1, -1]}
    change = make_results(ranks, {}, {"s": "t"}).difference("s", "raw")
    assert change is not None and change.mean == 50  # of queries 0 and 1


def test_costs_compare_with_raw(make_results: Maker) -> None:
    results = make_results({("m", "raw"): ranks_at(70), ("m", "60p"): ranks_at(30)}, {}, {})
    cost = results.cost("m", "60p")
    assert cost is not None and cost.mean == pytest.approx(-40) and cost.clear
    assert results.cost("m", "raw") is None and results.differences == ()
