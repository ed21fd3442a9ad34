"""Sentences of the report on what a student recovers, what it saves at least, and what sending descriptors would do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lofivpr.evaluation.recovery import LEAST_LOSS
from lofivpr.evaluation.rows import RateBound, RecoveredSummary, Row
from lofivpr.evaluation.table import Rival
from lofivpr.evaluation.theme import bytes_text, minus

if TYPE_CHECKING:
    from lofivpr.evaluation.results import Results


def share_text(share: float, interval: tuple[float, float] | None) -> str:
    """`62 % [55, 70]`, with true minus signs and no line break before the percent; the interval where there is one."""
    text = f"{100 * share:.0f}\u00a0%"
    return minus(text if interval is None else f"{text} [{100 * interval[0]:.0f}, {100 * interval[1]:.0f}]")


def recovery_claims(results: Results) -> list[str]:
    """How much the models give back on average, and where least: a sentence for those of one reference and rungs."""
    alike: dict[tuple[str, ...], list[RecoveredSummary]] = {}
    for summary in results.recovered.models:
        rungs = [r.quality for r in results.recovered.rungs if r.model == summary.model]
        alike.setdefault((summary.against, *rungs), []).append(summary)
    return [_recovery_claim(against, rungs, mine) for (against, *rungs), mine in alike.items()]


def _recovery_claim(against: str, rungs: list[str], models: Sequence[RecoveredSummary]) -> str:
    loss = f"{against} loses {LEAST_LOSS:.0f} points or more to the channel"
    shares = [f"{m.model} recovers {share_text(m.mean, m.interval)}" for m in models]
    if len(rungs) == 1:
        return f"At {rungs[0]}, the only quality at which {loss}, {listed(shares)} of that."
    worst = [f"at {m.worst.quality} {share_text(m.worst.share, None)}" for m in models]
    means = [f"{share} of the loss on average, and least {least}" for share, least in zip(shares, worst, strict=True)]
    return f"Over the {len(rungs)} qualities at which {loss}, {'; '.join(means)}."


def bound_claim(model: str, against: str, bound: RateBound) -> str:
    """What holds at the reference's best recall on a ladder, said as the bound that it is."""
    low, high = bound.difference
    return (
        f"A bound instead, at one recall: {model} at {bound.quality} finds {bound.recall:.1f} % with "
        f"{bytes_text(bound.n_bytes)}, {against} at its best on this ladder, {bound.against_quality}, "
        f"{bound.against_recall:.1f} % with {bytes_text(bound.against_bytes)}: at least {bound.percent:.0f} % fewer "
        f"bytes there. Recall differs by {minus(f'[{low:+.1f}, {high:+.1f}]')} points."
    )


def descriptor_claims(found: Sequence[Rival], sender: str) -> list[str]:
    """Where sending pictures to `sender` wins over sending descriptors, where it does not, and what that costs."""
    measured = [rival for rival in found if rival.row.recall is not None]
    if not measured:
        return []
    lost = [_coding(rival, measured) for rival in measured if rival.picture is None]
    won = [_won(rival, rival.picture, measured) for rival in measured if rival.picture is not None]
    claims = []
    if won:
        claims.append(f"Pictures sent to {sender} win, by fewer bytes for no less R@1, against {listed(won, ';')}.")
    if lost:
        verb = "They do not win against" if won else f"Pictures sent to {sender} do not win against"
        claims.append(f"{verb} {listed(lost)}: no picture that was measured finds as much for fewer bytes.")
    times = {rival.row.model: rival.row.milliseconds for rival in measured}
    spent = listed([f"{model} takes {ms:.0f} ms a picture" for model, ms in times.items()])
    return [*claims, f"A descriptor must be computed on the device: on the machine of this evaluation {spent}."]


def _won(rival: Rival, picture: Row, among: Sequence[Rival]) -> str:
    """`int8 (7.2 kB, 48.0 %) by 240p/jpeg:20 (4.8 kB, 49.0 %)`."""
    size, smaller = (bytes_text(n) for n in (rival.row.bytes_per_query, picture.bytes_per_query))
    coding = f"{_coding(rival, among)} ({size}, {rival.recall:.1f} %)"
    return f"{coding} by {picture.quality} ({smaller}, {picture.recall[1]:.1f} %)"


def _coding(rival: Rival, among: Sequence[Rival]) -> str:
    """`pq64`, with the model where there are several."""
    several = len({other.row.model for other in among}) > 1
    return f"{rival.row.model}'s {rival.row.coding}" if several else rival.row.coding


def listed(parts: Sequence[str], comma: str = ",") -> str:
    """`a`, `a and b`, `a, b and c`."""
    return parts[0] if len(parts) == 1 else f"{f'{comma} '.join(parts[:-1])} and {parts[-1]}"
