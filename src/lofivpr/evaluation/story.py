"""What the numbers say, in sentences: chosen by rules, and with the intervals beside every claim."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lofivpr.evaluation.rows import DifferenceRow, RateRow
from lofivpr.evaluation.theme import bytes_text

if TYPE_CHECKING:
    from lofivpr.evaluation.results import Results


WITHIN_NOISE = "which is within the noise"


@dataclass(frozen=True)
class Side:
    """One model at one quality, as the gallery and the maps compare it."""

    model: str
    quality: str


@dataclass(frozen=True)
class Focus:
    """The comparison that the report is about: `before` and `after` at one low quality.

    With a student: its reference and itself at the quality of its largest gain. With one model only:
    itself on raw queries, and at the quality that costs it most.
    """

    before: Side
    after: Side
    quality: str

    @property
    def is_pair(self) -> bool:
        """Whether two models are compared, rather than one model's two qualities."""
        return self.before.model != self.after.model


def find_focus(results: Results) -> Focus | None:
    """The student of the largest mean gain, at its largest clear gain; None when there is one row only."""
    gains = [change for change in results.differences if change.n == 1]
    if gains:
        by_model: dict[str, list[float]] = {}
        for change in gains:
            by_model.setdefault(change.model, []).append(change.mean)
        model = max(by_model, key=lambda name: sum(by_model[name]) / len(by_model[name]))
        mine = [change for change in gains if change.model == model]
        mine = [change for change in mine if change.quality != "raw"] or mine
        best = max(mine, key=lambda c: (c.clear and c.mean > 0, c.mean))
        return Focus(Side(best.against, best.quality), Side(model, best.quality), best.quality)
    losses = [cost for cost in results.costs if cost.n == 1]
    if losses:
        worst = min(losses, key=lambda c: c.mean)
        return Focus(Side(worst.model, "raw"), Side(worst.model, worst.quality), worst.quality)
    return None


def kind_labels(focus: Focus) -> dict[str, str]:
    """What each kind of change is called in a legend, for two models or for one model at two qualities."""
    pair = {"fixed": "fixed", "broken": "broken"}
    alone = {"fixed": "found only when degraded", "broken": "lost to the channel"}
    return {"both right": "right in both", "both wrong": "wrong in both", **(pair if focus.is_pair else alone)}


def kind_titles(focus: Focus) -> dict[str, str]:
    """What each kind of change is called above a case of the gallery."""
    before, after = focus.before.model, focus.after.model
    if not focus.is_pair:
        before, after = "raw", focus.quality
    return {
        "fixed": f"{after} is right, {before} is wrong",
        "broken": f"{after} is wrong, {before} is right",
        "both wrong": "both are wrong",
        "both right": "both are right",
    }


def headline(results: Results, focus: Focus | None) -> str:
    """One sentence: what the channel costs, and what the student gives back."""
    if focus is None:
        row = results.rows[0]
        return f"{row.model} finds {row.recall[1]:.1f} % of the queries in first place at {row.quality}."
    loss = results.cost(focus.before.model, focus.quality)
    change = results.difference(focus.after.model, focus.quality) if focus.is_pair else None
    if change is None:
        assert loss is not None
        return f"{focus.quality} costs {loss.model} {_points(-loss.mean)} of R@1."
    if loss is None or loss.mean >= 0:
        return f"At {focus.quality}, {_verb(change)} of R@1 against {change.against}."
    gives = f"{focus.after.model} gives {change.mean:.1f} of them back"
    if change.mean <= 0:
        gives = f"{focus.after.model} gives none of them back"
    elif not change.clear:
        gives += f", {WITHIN_NOISE}"
    return f"{focus.quality} costs {focus.before.model} {_points(-loss.mean)} of R@1; {gives}."


def _points(value: float) -> str:
    return f"{value:.1f} points"


def _verb(change: DifferenceRow) -> str:
    return f"{change.model} {'gains' if change.mean >= 0 else 'loses'} {_points(abs(change.mean))}"


@dataclass(frozen=True)
class Fact:
    """A number to look at first, with what it is below it. `tone`: good, bad or plain."""

    value: str
    label: str
    note: str
    tone: str = "plain"


def facts(results: Results, focus: Focus | None) -> list[Fact]:
    """The few numbers at the top of the report."""
    if focus is None:
        return []
    found = [_size_fact(results, focus), *_recall_facts(results, focus), _tally_fact(results, focus)]
    found += [_recovered_fact(results, focus), _rate_fact(results, focus)]
    return [fact for fact in found if fact is not None]


def _recovered_fact(results: Results, focus: Focus) -> Fact | None:
    mine = next((m for m in results.recovered.models if m.model == focus.after.model), None)
    if mine is None:
        return None
    interval = "" if mine.interval is None else f"[{100 * mine.interval[0]:.0f}, {100 * mine.interval[1]:.0f}]; "
    note = f"{interval}least at {mine.worst.quality}: {100 * mine.worst.share:.0f} %"
    clear = mine.interval is not None and (mine.interval[0] > 0 or mine.interval[1] < 0)
    tone = "plain" if not clear else "good" if mine.mean > 0 else "bad"
    return Fact(f"{100 * mine.mean:.0f} %", "of the loss recovered, on average", note, tone)


def _rate_fact(results: Results, focus: Focus) -> Fact | None:
    """The rate on the ladder that the report is about, else on the one of most rungs; never a mixed one."""
    mine = [r for r in results.rates if r.model == focus.after.model]
    measured = [r for r in mine if r.percent is not None]
    best = max(measured, key=lambda r: (focus.quality in r.qualities, len(r.qualities)), default=None)
    if best is not None and best.percent is not None and best.recall_range is not None:
        interval = f" [{best.interval[0]:+.0f}, {best.interval[1]:+.0f}]" if best.interval else ""
        low, high = best.recall_range
        note = f"{best.ladder}, R@1 {low:.0f} to {high:.0f} %{interval}"
        return Fact(f"{best.percent:+.0f} %", "bytes for the same recall", note, _rate_tone(best))
    bounds = [(r.bound, r) for r in mine if r.bound is not None]
    if not bounds:
        return None
    bound, rate = max(bounds, key=lambda pair: focus.quality in pair[1].qualities)
    note = f"a bound: {rate.ladder}, at R@1 {bound.against_recall:.0f} %, the best of {rate.against}"
    return Fact(f"≥ {bound.percent:.0f} %", "fewer bytes", note)


def _rate_tone(rate: RateRow) -> str:
    """Good or bad only where the interval leaves out zero."""
    if not rate.clear or rate.percent is None:
        return "plain"
    return "good" if rate.percent < 0 else "bad"


def _size_fact(results: Results, focus: Focus) -> Fact | None:
    n_bytes = results.row(focus.after.model, focus.quality).bytes_per_query
    if n_bytes is None:
        return None
    return Fact(bytes_text(n_bytes), "a query", f"mean at {focus.quality}")


def _recall_facts(results: Results, focus: Focus) -> list[Fact]:
    found = []
    pairs = [(focus.before.model, "raw")] if "raw" in results.qualities else []
    for model, quality in [*pairs, (focus.before.model, focus.quality), (focus.after.model, focus.quality)]:
        row = results.row(model, quality)
        low, high = row.interval[1]
        note = f"R@1 of {model}, 95 % interval {low:.1f} to {high:.1f}"
        fact = Fact(f"{row.recall[1]:.1f} %", f"{model}, {quality}", note)
        if fact not in found:
            found.append(fact)
    return found


def _tally_fact(results: Results, focus: Focus) -> Fact | None:
    """How often the student is clearly better and clearly worse: the sentence nobody should leave out."""
    if not focus.is_pair:
        return None
    mine = [d for d in results.differences if (d.model, d.n) == (focus.after.model, 1)]
    better = sum(d.clear and d.mean > 0 for d in mine)
    worse = sum(d.clear and d.mean < 0 for d in mine)
    note = f"clearly worse at {worse or 'none'}, against {focus.before.model}"
    tone = "bad" if worse else "good" if better else "plain"
    return Fact(f"{better} of {len(mine)}", "qualities clearly better", note, tone)
