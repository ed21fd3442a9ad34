from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from lofivpr.evaluation import Results
from lofivpr.evaluation.claims import bound_claim, descriptor_claims, listed, recovery_claims, share_text
from lofivpr.evaluation.rows import DescriptorRow, RateBound
from lofivpr.evaluation.table import rivals

Maker = Callable[..., Results]


def ranks(recall: float) -> list[int]:
    return [1] * round(recall) + [0] * (100 - round(recall))


def sent(coding: str, n_bytes: int, recall: float | None, model: str = "t") -> DescriptorRow:
    row = DescriptorRow(model=model, coding=coding, bytes_per_query=n_bytes, milliseconds=41.6, refused="too few")
    if recall is None:
        return row
    return row.model_copy(update={"recall": {1: recall}, "interval": {1: (recall, recall)}, "refused": None})


def with_pictures(make_results: Maker, *rows: DescriptorRow) -> Results:
    """A student that finds 30, 50 and 70 % with 1, 2 and 4 kB."""
    sizes = {"jpeg:5": 1000.0, "jpeg:10": 2000.0, "jpeg:40": 4000.0}
    found = {("s", q): ranks(r) for q, r in zip(sizes, (30, 50, 70), strict=True)}
    return replace(make_results({**found, ("s", "60p"): ranks(99)}, sizes, {}), descriptor_rate=rows)


def test_a_picture_wins_only_with_fewer_bytes_and_no_less_recall(make_results: Maker) -> None:
    rows = [sent("float16", 8000, 70), sent("int8", 2001, 45), sent("pq64", 2000, 45), sent("pq128", 9000, 70.1)]
    found = rivals(with_pictures(make_results, *rows, sent("pq256", 9000, None)), "s")
    assert [r.picture.quality if r.picture else None for r in found] == ["jpeg:40", "jpeg:10", None, None, None]


def test_wins_and_losses_are_both_said(make_results: Maker) -> None:
    rows = [sent("float16", 8000, 70), sent("pq64", 64, 45), sent("pq128", 128, 47), sent("pq256", 256, None)]
    claims = descriptor_claims(rivals(with_pictures(make_results, *rows), "s"), "s")
    assert claims == [
        "Pictures sent to s win, by fewer bytes for no less R@1, against "
        "float16 (8.0 kB, 70.0 %) by jpeg:40 (4.0 kB, 70.0 %).",
        "They do not win against pq64 and pq128: no picture that was measured finds as much for fewer bytes.",
        "A descriptor must be computed on the device: on the machine of this evaluation t takes 42 ms a picture.",
    ]
    only = descriptor_claims(rivals(with_pictures(make_results, *rows[1:]), "s"), "s")
    assert only[0].startswith("Pictures sent to s do not win against pq64 and pq128:")
    assert descriptor_claims(rivals(with_pictures(make_results, rows[3]), "s"), "s") == []


def test_several_teachers_are_told_apart(make_results: Maker) -> None:
    rows = [sent("pq64", 64, 45), sent("pq64", 64, 45, model="u")]
    claims = descriptor_claims(rivals(with_pictures(make_results, *rows), "s"), "s")
    assert "t's pq64 and u's pq64" in claims[0] and "u takes 42 ms" in claims[-1]


def test_recovery_says_the_mean_and_the_worst(make_results: Maker) -> None:
    table = {"t": {"raw": 80, "60p": 40, "30p": 20}, "s": {"raw": 79, "60p": 70, "30p": 35}}
    (claim,) = recovery_claims(
        make_results({(m, q): ranks(r) for m, t in table.items() for q, r in t.items()}, {}, {"s": "t"})
    )
    assert "Over the 2 qualities at which t loses 5 points or more to the channel, s recovers 50" in claim
    assert claim.endswith("of the loss on average, and least at 30p 25\u00a0%.")
    few = {key: ranks(r) for key, r in {("t", "raw"): 80, ("t", "60p"): 40, ("s", "60p"): 30}.items()}
    (claim,) = recovery_claims(make_results(few, {}, {"s": "t"}))
    assert claim.startswith("At 60p, the only quality at which t loses 5 points or more to the channel, s recovers −25")


def test_students_of_one_teacher_share_a_sentence(make_results: Maker) -> None:
    table = {"t": {"raw": 80, "60p": 40, "30p": 20}, "s": {"60p": 70, "30p": 35}, "u": {"60p": 60, "30p": 50}}
    ranked = {(m, q): ranks(r) for m, t in table.items() for q, r in t.items()}
    (claim,) = recovery_claims(
        make_results({**ranked, ("s", "raw"): ranks(80), ("u", "raw"): ranks(80)}, {}, {"s": "t", "u": "t"})
    )
    assert claim.count("Over the 2 qualities") == 1 and "; u recovers 50" in claim


def test_a_bound_calls_itself_one() -> None:
    bound = RateBound(
        percent=63.2,
        quality="jpeg:5",
        n_bytes=2600,
        recall=60,
        against_quality="jpeg:40",
        against_bytes=7060,
        against_recall=52.5,
        difference=(-1.25, 9),
    )
    text = bound_claim("s", "t", bound)
    assert text.startswith("A bound instead, at one recall: s at jpeg:5 finds 60.0 % with 2.6 kB")
    assert "at least 63 % fewer bytes there" in text and "[−1.2, +9.0] points" in text


def test_small_words() -> None:
    assert share_text(0.624, (0.5, -0.051)) == "62\u00a0% [50, −5]" and share_text(-0.1, None) == "−10\u00a0%"
    assert [listed(list("abc")[:n]) for n in (1, 2, 3)] == ["a", "a and b", "a, b and c"]
