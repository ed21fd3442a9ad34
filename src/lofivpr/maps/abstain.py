"""When to abstain: the threshold that keeps "wrong at most p % of the answers", with a finite-sample guarantee.

Learn then test (Angelopoulos, Bates, Candes, Jordan, Lei, arXiv 2110.01052): each threshold is a hypothesis "of the
answers above it, more than p % are wrong"; those that are rejected while the chance of any false rejection stays
below 1 - confidence can all be used, and the lowest of them answers most. Their section on selective classification
has this risk, wrong among answered. Given how many are answered, the wrong ones are binomial, so that the
p-value is exact. Thresholds are tested one after the other from a start (fixed-sequence testing), order and start
chosen on other pictures, so that no correction is paid for their number.

The guarantee holds for queries drawn like those of the calibration: same kind of area, pictures and qualities.

Pictures of one panorama are right and wrong together. Counted singly they would pretend more evidence than there
is, so one picture at one quality of each panorama is drawn, and the panoramas are the sample.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import bdtr, betainc, betaincinv

from lofivpr.errors import LofiError

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Indices = npt.NDArray[np.int64]
STEPS = 100
"""Thresholds that are tested at most."""
ROOM = 0.25
"""The part of the allowed p-value at which the first test is expected: chance must not end it at once."""


@dataclass(frozen=True)
class Threshold:
    """Answer where the probability is at least `probability`; None: no threshold keeps the promise, so never.

    The promise: with `confidence`, of the answers to queries like those of the calibration at most `wrong_at_most`
    (a share) are wrong. It was tested on `groups` panoramas, of which `answered` were answered and `wrong` of these
    wrong; `p_value` belongs to them. `quality`: the one it is for, or "mix".
    """

    wrong_at_most: float
    confidence: float
    probability: float | None
    groups: int
    answered: int
    wrong: int
    p_value: float
    quality: str = "mix"

    def __post_init__(self) -> None:
        check_promise(self.wrong_at_most, self.confidence)
        if not 0 <= self.wrong <= self.answered <= self.groups:
            raise ValueError(f"expected wrong <= answered <= groups, found {self}")

    @property
    def wrong_upper(self) -> float:
        """Clopper-Pearson upper bound of the share of wrong answers at this confidence."""
        return clopper_pearson_upper(self.wrong, self.answered, self.confidence)

    def answers(self, probability: Floats) -> Bools:
        """bool Q: which queries are sure enough."""
        if self.probability is None:
            return np.zeros(len(probability), bool)
        return np.asarray(probability >= self.probability)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def check_promise(wrong_at_most: float, confidence: float) -> None:
    """Refuse shares that promise nothing or cannot be kept.

    Raises:
        LofiError: not between 0 and 1.
    """
    if not (0 < wrong_at_most < 1 and 0 < confidence < 1):
        raise LofiError(
            f"expected a share of wrong answers and a confidence between 0 and 1, found {wrong_at_most} and "
            f"{confidence}. For example 0.05 (5 %) with a confidence of 0.9."
        )


def risk_p_value(wrong: npt.ArrayLike, answered: npt.ArrayLike, wrong_at_most: float) -> Floats:
    """The chance of so few wrong answers if the true share were `wrong_at_most`: P(Bin(answered, share) <= wrong)."""
    return np.asarray(bdtr(np.asarray(wrong, np.float64), np.asarray(answered), wrong_at_most), np.float64)


def clopper_pearson_upper(wrong: int, answered: int, confidence: float) -> float:
    """The largest true share under which so few wrong answers are not rarer than 1 - confidence; 1 without answers."""
    if wrong >= answered:
        return 1.0
    return float(betaincinv(wrong + 1, answered - wrong, confidence))


def groups_needed(wrong_at_most: float, confidence: float) -> int:
    """Answers that must all be right before any threshold can be promised."""
    return int(np.ceil(np.log(1 - confidence) / np.log(1 - wrong_at_most)))


def one_of_each(groups: Indices, seed: int) -> Indices:
    """One row of each group at random, int64, ascending: independent where groups are."""
    order = np.random.default_rng(seed).permutation(len(groups))
    _, first = np.unique(groups[order], return_index=True)
    return np.sort(order[first])


def learn_threshold(
    candidates: Floats,
    probability: Floats,
    right: Bools,
    wrong_at_most: float = 0.05,
    confidence: float = 0.9,
    quality: str = "mix",
) -> Threshold:
    """The lowest threshold that fixed-sequence testing reaches from the first of `candidates`.

    Args:
        candidates: thresholds in the order of testing (see `order_of_testing`), chosen without these queries.
        probability: float64 Q, one query of each group, by a calibration that was not fitted on them.
        right: bool Q.
        wrong_at_most, confidence: the promise.
        quality: what to call it.
    """
    check_promise(wrong_at_most, confidence)
    answered, wrong = _counts(candidates, probability, right)
    p_value = np.where(answered > 0, risk_p_value(wrong, answered, wrong_at_most), 1.0)
    kept = int(np.logical_and.accumulate(p_value <= 1 - confidence).sum())
    if not kept:
        return Threshold(wrong_at_most, confidence, None, len(right), 0, 0, 1.0, quality)
    last = kept - 1
    facts = (len(right), int(answered[last]), int(wrong[last]), float(p_value[last]))
    return Threshold(wrong_at_most, confidence, float(candidates[last]), *facts, quality)


def _counts(thresholds: Floats, probability: Floats, right: Bools) -> tuple[Indices, Indices]:
    """How many are answered at each threshold, and how many of these are wrong, int64 each."""
    order = np.argsort(probability)
    below = np.searchsorted(probability[order], thresholds, side="left")
    wrong_below = np.concatenate(([0], np.cumsum(~right[order])))
    return len(right) - below, wrong_below[-1] - wrong_below[below]


def order_of_testing(
    probability: Floats, right: Bools, groups: int, wrong_at_most: float = 0.05, confidence: float = 0.9
) -> Floats:
    """Thresholds to test, from a high one that is likely kept down to the one that answers all.

    The highest thresholds answer too few to prove anything, so a sequence that starts there ends there; one that
    starts too low may fail at once. It starts at the highest where these queries, scaled to the size of the test,
    give a p-value with room to spare, or else at the smallest.

    Args:
        probability, right: of the queries that the calibration was fitted on, never those of the test.
        groups: of the test.
        wrong_at_most, confidence: the promise.
    """
    # Shares of queries, not steps of probability: each test then adds as many answers as the last.
    grid = np.unique(np.quantile(probability, np.linspace(0, 1, STEPS)))[::-1]
    scale = groups / max(len(probability), 1)
    answered, wrong = (counted * scale for counted in _counts(grid, probability, right))
    # The binomial sum for counts that are no whole numbers.
    p_value = betainc(np.maximum(answered - wrong, 1e-9), wrong + 1, 1 - wrong_at_most)
    likely = p_value <= ROOM * (1 - confidence)
    return grid[int(np.argmax(likely)) if likely.any() else int(np.argmin(p_value)) :]
