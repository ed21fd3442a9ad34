from __future__ import annotations

from collections.abc import Callable

import pytest

from lofivpr.evaluation import Results
from lofivpr.evaluation.story import facts, find_focus, headline

Maker = Callable[..., Results]
N = 200


def ranks(recall: float) -> list[int]:
    right = round(recall * N / 100)
    return [1] * right + [0] * (N - right)


def told(make_results: Maker, table: dict[str, dict[str, float]], references: dict[str, str]) -> Results:
    return make_results({(m, q): ranks(r) for m, row in table.items() for q, r in row.items()}, {}, references)


def test_the_headline_names_the_cost_and_the_gain(make_results: Maker) -> None:
    table = {"t": {"raw": 60, "60p": 20, "30p": 10}, "s": {"raw": 59, "60p": 45, "30p": 12}}
    results = told(make_results, table, {"s": "t"})
    focus = find_focus(results)
    assert headline(results, focus) == "60p costs t 40.0 points of R@1; s gives 25.0 of them back."
    tally = next(fact for fact in facts(results, focus) if "clearly better" in fact.label)
    assert (tally.value, tally.tone) == ("2 of 3", "good")


def test_a_loss_elsewhere_is_not_left_out(make_results: Maker) -> None:
    table = {"t": {"raw": 60, "60p": 20}, "s": {"raw": 50, "60p": 45}}
    results = told(make_results, table, {"s": "t"})
    tally = next(f for f in facts(results, find_focus(results)) if "clearly better" in f.label)
    assert (tally.value, tally.tone) == ("1 of 2", "bad") and "clearly worse at 1" in tally.note


@pytest.mark.parametrize(("student", "end"), [(20.5, "which is within the noise."), (15, "s gives none of them back.")])
def test_noise_and_losses_are_called_so(make_results: Maker, student: float, end: str) -> None:
    results = told(make_results, {"t": {"raw": 60, "60p": 20}, "s": {"raw": 10, "60p": student}}, {"s": "t"})
    focus = find_focus(results)
    assert focus is not None and focus.quality == "60p"
    assert headline(results, focus).endswith(end)


def test_the_story_is_about_a_low_quality_even_if_raw_gains_more(make_results: Maker) -> None:
    results = told(make_results, {"t": {"raw": 10, "60p": 20}, "s": {"raw": 60, "60p": 30}}, {"s": "t"})
    focus = find_focus(results)
    assert focus is not None and focus.quality == "60p"


def test_the_best_student_is_told_about(make_results: Maker) -> None:
    table = {"t": {"60p": 20}, "worse": {"60p": 30}, "better": {"60p": 40}}
    results = told(make_results, table, {"worse": "t", "better": "t"})
    focus = find_focus(results)
    assert focus is not None and focus.after.model == "better"
    assert headline(results, focus) == "At 60p, better gains 20.0 points of R@1 against t."


def test_one_model_is_told_by_what_it_loses(make_results: Maker) -> None:
    results = told(make_results, {"m": {"raw": 60, "60p": 20, "120p": 50}}, {})
    focus = find_focus(results)
    assert focus is not None and not focus.is_pair and focus.quality == "60p"
    assert headline(results, focus) == "60p costs m 40.0 points of R@1."


def test_one_row_is_only_stated(make_results: Maker) -> None:
    results = told(make_results, {"m": {"60p": 20}}, {})
    assert find_focus(results) is None and facts(results, None) == []
    assert headline(results, None) == "m finds 20.0 % of the queries in first place at 60p."


def test_the_recovered_share_is_a_fact_with_its_worst_rung(make_results: Maker) -> None:
    table = {"t": {"raw": 60, "60p": 20, "30p": 10}, "s": {"raw": 59, "60p": 50, "30p": 20}}
    results = told(make_results, table, {"s": "t"})
    fact = next(f for f in facts(results, find_focus(results)) if "recovered" in f.label)
    assert (fact.value, fact.tone) == ("48 %", "good") and fact.note.endswith("least at 30p: 20 %")


def test_where_no_rate_is_measured_the_bound_is_called_one(make_results: Maker) -> None:
    sizes = {f"jpeg:{q}": 100.0 * q for q in (5, 10, 20, 40)}
    table = {"t": dict.fromkeys(sizes, 20.0), "s": dict.fromkeys(sizes, 60.0)}
    table["t"]["jpeg:40"] = 25.0
    results = make_results({(m, q): ranks(r) for m, row in table.items() for q, r in row.items()}, sizes, {"s": "t"})
    fact = next(f for f in facts(results, find_focus(results)) if "bytes" in f.label)
    assert fact.value == "≥ 88 %" and fact.note.startswith("a bound: jpeg")  # 500 bytes against 4000
