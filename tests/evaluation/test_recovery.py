from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lofivpr.errors import LofiError
from lofivpr.evaluation import Results
from lofivpr.evaluation.recovery import recovered_shares, share_of_loss

Maker = Callable[..., Results]


def world(queries_a_group: int = 4, groups: int = 30, seed: int = 0) -> tuple[np.ndarray, ...]:
    """Hits of a student and a teacher at three rungs, and of the teacher at raw: 80 %; groups go together."""
    rng = np.random.default_rng(seed)
    ease = np.repeat(rng.random(groups), queries_a_group)
    luck = 0.5 * ease + 0.5 * rng.random(len(ease))

    def hits(recall: float) -> np.ndarray:
        return luck + 0.1 * rng.random(len(luck)) <= np.quantile(luck, recall)

    student = np.stack([hits(0.55), hits(0.6), hits(0.75)], axis=1)
    teacher = np.stack([hits(0.2), hits(0.45), hits(0.78)], axis=1)
    return student, teacher, hits(0.8), np.repeat(np.arange(groups), queries_a_group)


def slow_shares(student: np.ndarray, teacher: np.ndarray, sharp: np.ndarray, rows: list[int]) -> list[float]:
    """One rung after the other, by counting."""
    found = []
    for rung in range(student.shape[1]):
        kept = [sum(bool(side[row]) for row in rows) for side in (student[:, rung], teacher[:, rung], sharp)]
        found.append((kept[0] - kept[1]) / (kept[2] - kept[1]))
    return found


def test_shares_mean_and_intervals_are_those_of_slow_paired_draws() -> None:
    student, teacher, sharp, groups = world()
    found = recovered_shares(student, teacher, sharp, groups, draws=3000)
    exact = slow_shares(student, teacher, sharp, list(range(len(sharp))))
    assert found.share[:2] == pytest.approx(exact[:2]) and np.isnan(found.share[2])
    assert found.mean == pytest.approx(sum(exact[:2]) / 2)
    assert found.worst == int(np.argmin(exact[:2])) and found.intervals[2] is None

    rng = np.random.default_rng(5)
    members = {g: [i for i, of in enumerate(groups.tolist()) if of == g] for g in set(groups.tolist())}
    drawn = []
    for _ in range(3000):
        rows = [row for g in rng.integers(0, len(members), len(members)) for row in members[int(g)]]
        drawn.append(slow_shares(student[:, :2], teacher[:, :2], sharp, rows))
    for rung in range(2):
        expected = np.percentile([d[rung] for d in drawn], [2.5, 97.5])
        assert found.intervals[rung] == pytest.approx(expected, abs=0.04)
    assert found.interval == pytest.approx(np.percentile([sum(d) / 2 for d in drawn], [2.5, 97.5]), abs=0.04)


def test_all_three_terms_are_drawn_together() -> None:
    """A student that is the sharp teacher recovers all in every draw, one that is the blurred teacher nothing."""
    _, teacher, sharp, groups = world()
    full = recovered_shares(np.tile(sharp[:, None], 3), teacher, sharp, groups)
    none = recovered_shares(teacher, teacher, sharp, groups)
    assert (full.mean, full.interval, full.intervals[0]) == (1, (1, 1), (1, 1))
    assert (none.mean, none.interval, none.intervals[0]) == (0, (0, 0), (0, 0))


@given(st.integers(0, 200), st.integers(0, 200), st.integers(0, 200))
def test_the_share_is_the_fraction_where_enough_is_lost(student: int, teacher: int, sharp: int) -> None:
    """In two hundredths of the queries, half a point each."""
    found = share_of_loss(np.array([student / 2]), np.array([teacher / 2]), np.array([sharp / 2]), 5.0)
    if sharp - teacher >= 10:
        assert found[0] == pytest.approx((student - teacher) / (sharp - teacher))
    else:
        assert np.isnan(found[0])


def hits(*recall: int) -> np.ndarray:
    """Bool 100 x R: the first `recall` of 100 queries."""
    return np.stack([np.arange(100) < r for r in recall], axis=1)


def test_five_points_are_enough_and_less_is_not() -> None:
    found = recovered_shares(hits(57, 57), hits(55, 56), hits(60)[:, 0], np.arange(100))
    assert found.share[0] == pytest.approx(0.4) and np.isnan(found.share[1])
    nothing = recovered_shares(hits(70), hits(60), hits(60)[:, 0], np.arange(100))
    assert (nothing.mean, nothing.interval, nothing.worst, nothing.intervals) == (None, None, None, (None,))


def test_losses_that_vanish_in_many_draws_leave_no_interval() -> None:
    """Two groups: in one draw of four the teacher loses nothing at all."""
    found = recovered_shares(hits(30), hits(20), hits(30)[:, 0], np.arange(100) // 50)
    assert found.share[0] == pytest.approx(1) and found.intervals == (None,) and found.interval is None
    alone = recovered_shares(hits(30), hits(20), hits(30)[:, 0], np.zeros(100, int))
    assert alone.mean == pytest.approx(1) and alone.interval is None


def test_refusals() -> None:
    student, teacher, sharp, groups = world()
    with pytest.raises(LofiError, match="same queries"):
        recovered_shares(student, teacher[:, :2], sharp, groups)
    with pytest.raises(LofiError, match="same queries"):
        recovered_shares(student, teacher, sharp[:-1], groups)
    with pytest.raises(LofiError, match="at least one query"):
        recovered_shares(student[:0], teacher[:0], sharp[:0], groups[:0])


def ranks(recall: int) -> list[int]:
    return [1] * recall + [0] * (100 - recall)


def test_results_hold_rungs_and_a_summary(make_results: Maker) -> None:
    table = {"t": {"raw": 80, "60p": 40, "30p": 20, "240p": 79}, "s": {"raw": 79, "60p": 70, "30p": 35, "240p": 79}}
    found = make_results({(m, q): ranks(r) for m, row in table.items() for q, r in row.items()}, {}, {"s": "t"})
    data = found.to_dict()["recovered"]
    assert [(r["model"], r["against"], r["quality"]) for r in data["rungs"]] == [("s", "t", "60p"), ("s", "t", "30p")]
    assert [r["share"] for r in data["rungs"]] == pytest.approx([0.75, 0.25])
    (summary,) = data["models"]
    assert summary["mean"] == pytest.approx(0.5) and summary["worst"]["quality"] == "30p"
    assert summary["interval"][0] < 0.5 < summary["interval"][1]
    assert found.recovered.share("s", "240p") is None and found.recovered.share("t", "60p") is None


def test_without_raw_or_a_reference_there_is_none(make_results: Maker) -> None:
    table = {("t", "60p"): ranks(40), ("s", "60p"): ranks(70)}
    assert make_results(table, {}, {"s": "t"}).recovered.rungs == ()
    assert make_results({**table, ("t", "raw"): ranks(80)}, {}, {}).recovered.models == ()


def test_queries_that_anyone_skipped_are_left_out(make_results: Maker) -> None:
    table = {("t", "raw"): [1, 1, 1, -1, 1], ("t", "60p"): [0, 0, 1, 1, -1], ("s", "60p"): [1, 0, 1, 1, 1]}
    (row,) = make_results(table, {}, {"s": "t"}).recovered.rungs
    assert row.share == pytest.approx(0.5)  # of queries 0, 1 and 2 the teacher loses two, and one is found
