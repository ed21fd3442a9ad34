from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from lofivpr.evaluation import Results
from lofivpr.evaluation.compare import ladder_name, ladders

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


def test_curves_that_do_not_overlap_say_so_and_state_a_bound(make_results: Maker) -> None:
    ranks = {("t", q): ranks_at(r) for q, r in zip(JPEG, (10, 15, 20, 20), strict=True)}
    ranks |= {("s", q): ranks_at(50 + 10 * rung) for rung, q in enumerate(JPEG)}
    (rate,) = make_results(ranks, JPEG, {"s": "t"}).rates
    assert rate.percent is None and "at least 10 points" in (rate.refused or "") and not rate.clear
    bound = rate.bound
    assert bound is not None and bound.percent == pytest.approx(75)  # 1000 bytes against 4000, not against 8000
    assert (bound.quality, bound.recall) == ("jpeg:5", 50)
    assert (bound.against_quality, bound.against_recall, bound.against_bytes) == ("jpeg:20", 20, 4000)
    assert bound.difference[0] < 30 < bound.difference[1]


def test_no_bound_where_the_reference_is_better_or_a_rate_was_found(make_results: Maker) -> None:
    ranks = {("s", q): ranks_at(20) for q in JPEG} | {("t", q): ranks_at(60) for q in JPEG}
    (rate,) = make_results(ranks, JPEG, {"s": "t"}).rates
    assert rate.refused and rate.bound is None
    assert two_models(make_results, JPEG).rates[0].bound is None


def test_a_ladder_is_one_resolution_and_one_codec() -> None:
    assert ladder_name("240p/jpeg:5") == "240p/jpeg"
    assert ladder_name("h264:64kbps@10fps") == "h264@10fps"
    assert ladder_name("240p/h265:qp42@29.97fps,paper") == "240p/h265@29.97fps"


def test_ladders_leave_out_repeats_and_qualities_without_bytes(make_results: Maker) -> None:
    sizes = {"240p/jpeg:5": 5.0, "60p/webp:5": 1.0, "240p/jpeg:9": 9.0, "120p/jpeg:5": 3.0}
    results = make_results({("m", q): [1, 0] for q in ("raw", *sizes)}, sizes, {})
    assert ladders(results.rows) == {
        "240p/jpeg": ["240p/jpeg:5", "240p/jpeg:9"],
        "60p/webp": ["60p/webp:5"],
        "120p/jpeg": ["120p/jpeg:5"],
    }


def test_every_codec_has_its_own_rate(make_results: Maker) -> None:
    sizes = {f"240p/{codec}:qp{qp}": 9000.0 / qp for codec in ("h264", "h265") for qp in (30, 36, 42, 48)}
    sizes["120p/h264:qp36"] = 100.0
    found = two_models(make_results, sizes).rates
    assert [(rate.ladder, len(rate.qualities)) for rate in found] == [("240p/h264", 4), ("240p/h265", 4)]


def test_pairs_leave_out_queries_that_either_skipped(make_results: Maker) -> None:
    ranks = {("t", "raw"): [1, 0, -1, 0], ("s", "raw"): [1, 1, 1, -1]}
    change = make_results(ranks, {}, {"s": "t"}).difference("s", "raw")
    assert change is not None and change.mean == 50  # of queries 0 and 1


def test_costs_compare_with_raw(make_results: Maker) -> None:
    results = make_results({("m", "raw"): ranks_at(70), ("m", "60p"): ranks_at(30)}, {}, {})
    cost = results.cost("m", "60p")
    assert cost is not None and cost.mean == pytest.approx(-40) and cost.clear
    assert results.cost("m", "raw") is None and results.differences == ()
