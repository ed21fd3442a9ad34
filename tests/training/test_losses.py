"""Each loss against a slow reference written from its equation, and its invariances."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pytorch_metric_learning.losses import MultiSimilarityLoss
from pytorch_metric_learning.miners import MultiSimilarityMiner
from pytorch_metric_learning.reducers import AvgNonZeroReducer

from lofivpr.training import losses


def _random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(size=shape))


def _unit(x: torch.Tensor) -> torch.Tensor:
    return x / x.norm(dim=-1, keepdim=True)


def _slow_matrix(z: np.ndarray, rows: bool) -> np.ndarray:
    n, c = z.shape[:2]
    out = np.zeros((n, c, c))
    for k in range(n):
        maps = [z[k, i].ravel() / math.sqrt((z[k, i] ** 2).sum()) for i in range(c)]
        for i in range(c):
            for j in range(c):
                out[k, i, j] = sum(a * b for a, b in zip(maps[i], maps[j], strict=True))
            if rows:
                out[k, i] /= math.sqrt((out[k, i] ** 2).sum())
    return out


def test_channel_matrix_equals_the_loops() -> None:
    z = _random(2, 5, 3, 4)
    np.testing.assert_allclose(losses.channel_matrix(z), _slow_matrix(z.numpy(), rows=False), atol=1e-12)


@pytest.mark.parametrize("mode", ["mean", "paper"])
def test_ickd_equals_the_equation_and_takes_two_sizes(mode: losses.Mode) -> None:
    low, high = _random(3, 5, 2, 3), _random(3, 5, 4, 6, seed=1)
    difference = _slow_matrix(low.numpy(), True) - _slow_matrix(high.numpy(), True)
    squares = (difference**2).sum()
    expected = math.sqrt(squares) if mode == "paper" else squares / 3 / 5
    assert losses.ickd(low, losses.channel_matrix(high), mode).item() == pytest.approx(expected, rel=1e-9)


@given(copies=st.integers(1, 5), scale=st.floats(0.1, 10))
@settings(deadline=None, max_examples=20)
def test_ickd_mean_does_not_depend_on_the_batch_nor_the_scale(copies: int, scale: float) -> None:
    low, high = _random(2, 4, 3, 3), losses.channel_matrix(_random(2, 4, 3, 3, seed=1))
    once = losses.ickd(low, high).item()
    many = losses.ickd(scale * low.repeat(copies, 1, 1, 1), high.repeat(copies, 1, 1)).item()
    assert many == pytest.approx(once, rel=1e-9)
    paper = losses.ickd(low.repeat(copies, 1, 1, 1), high.repeat(copies, 1, 1), "paper").item()
    assert paper == pytest.approx(math.sqrt(copies) * losses.ickd(low, high, "paper").item(), rel=1e-9)


def test_ickd_refuses_other_widths_and_the_adapter_mends_it() -> None:
    low, high = _random(1, 3, 2, 2).float(), losses.channel_matrix(_random(1, 5, 2, 2).float())
    with pytest.raises(ValueError, match="ChannelAdapter"):
        losses.ickd(low, high)
    assert torch.isfinite(losses.ickd(losses.ChannelAdapter(3, 5)(low), high))


def test_mse_modes() -> None:
    a, b = _random(3, 7), _random(3, 7, seed=1)
    total = sum((a[i, j] - b[i, j]).item() ** 2 for i in range(3) for j in range(7))
    assert losses.mse(a, b).item() == pytest.approx(total / 3)
    assert losses.mse(a, b, "paper").item() == pytest.approx(total / 21)


@pytest.mark.parametrize("mode", ["mean", "paper"])
def test_triplet_equals_the_loops(mode: losses.Mode) -> None:
    anchor, positive, negatives = _unit(_random(2, 6)), _unit(_random(2, 6, seed=1)), _unit(_random(2, 5, 6, seed=2))
    values = [
        max(0.0, math.dist(anchor[i], positive[i]) - math.dist(anchor[i], negatives[i, j]) + math.sqrt(0.2))
        for i in range(2)
        for j in range(5)
    ]
    expected = sum(values) if mode == "paper" else sum(values) / 10
    assert 0 < losses.triplet(anchor, positive, negatives, mode).item() == pytest.approx(expected)


def test_raml_is_zero_at_the_teacher_and_equals_the_loops() -> None:
    student, teacher = _unit(_random(4, 6)), _unit(_random(4, 6, seed=1))
    direct = np.mean([(1 - float(student[i] @ teacher[i])) ** 2 for i in range(4)])
    pairs = [float(student[i] @ teacher[j] - teacher[i] @ teacher[j]) ** 2 for i in range(4) for j in range(4)]
    assert losses.raml(student, teacher, 0.6).item() == pytest.approx(direct + 0.6 * np.mean(pairs))
    assert losses.raml(teacher, teacher).item() == pytest.approx(0, abs=1e-12)


LABELS = torch.tensor([0, 0, 0, 1, 1, 2, 2, 3])


def _masks(neither: list[tuple[int, int]]) -> tuple[torch.Tensor, torch.Tensor]:
    """Positives and negatives by `LABELS`, without the pairs that are `neither`."""
    same = LABELS[:, None] == LABELS[None]
    kept = ~torch.eye(len(LABELS), dtype=torch.bool)
    for i, j in neither:
        kept[i, j] = kept[j, i] = False
    return same & kept, ~same & kept


@pytest.mark.parametrize("neither", [[], [(0, 1), (2, 5), (3, 6)]])
@pytest.mark.parametrize(("alpha", "base"), [(2.0, 0.5), (1.0, 0.0)])
def test_multi_similarity_equals_the_loops(neither: list[tuple[int, int]], alpha: float, base: float) -> None:
    x = _unit(_random(len(LABELS), 4))
    positive, negative = _masks(neither)
    s = (x @ x.T).numpy()
    values = []
    for i in range(len(LABELS)):
        positives, negatives = (np.flatnonzero(mask[i].numpy()) for mask in (positive, negative))
        kept_positives = [j for j in positives if s[i, j] - 0.1 < max(s[i, k] for k in negatives)]
        kept_negatives = [j for j in negatives if s[i, j] + 0.1 > min((s[i, k] for k in positives), default=9)]
        if kept_positives and kept_negatives:
            pull = math.log(1 + sum(math.exp(-alpha * (s[i, j] - base)) for j in kept_positives)) / alpha
            push = math.log(1 + sum(math.exp(50 * (s[i, j] - base)) for j in kept_negatives)) / 50
            values.append(pull + push)
    found = losses.multi_similarity(x @ x.T, positive, negative, alpha=alpha, base=base).item()
    assert 0 < len(values) < len(LABELS) and found == pytest.approx(np.mean(values))


@pytest.mark.parametrize("seed", range(5))
def test_multi_similarity_of_labels_is_that_of_pytorch_metric_learning(seed: int) -> None:
    x, y = (_unit(_random(len(LABELS), 5, seed=seed)).requires_grad_() for _ in range(2))
    theirs = MultiSimilarityLoss(reducer=AvgNonZeroReducer())(x, LABELS, MultiSimilarityMiner(epsilon=0.1)(x, LABELS))
    ours = losses.multi_similarity(y @ y.T, *_masks([]))
    theirs.backward(), ours.backward()
    assert ours.item() == pytest.approx(theirs.item(), rel=1e-12) and ours.item() > 0
    assert x.grad is not None and y.grad is not None
    tangent = y.grad - (y.grad * y).sum(dim=1, keepdim=True) * y.detach()  # theirs scales to unit length once more
    torch.testing.assert_close(tangent, x.grad)


def test_multi_similarity_counts_a_single_pair_of_each_kind() -> None:
    cosines = torch.tensor([[1.0, 0.9, 0.6], [0.9, 1.0, 0.85], [0.6, 0.85, 1.0]], dtype=torch.float64)
    x, labels = torch.linalg.cholesky(cosines), torch.tensor([0, 0, 1])  # only the middle one is near another place
    same = labels[:, None] == labels[None]
    found = losses.multi_similarity(cosines, same & ~torch.eye(3, dtype=torch.bool), ~same).item()
    pull, push = (math.log(1 + math.exp(factor * (s - 0.5))) / abs(factor) for factor, s in ((-2, 0.9), (50, 0.85)))
    assert found == pytest.approx(pull + push)
    theirs = MultiSimilarityLoss()(x, labels, MultiSimilarityMiner(epsilon=0.1)(x, labels))
    assert theirs == 0  # why the library's loss is not used


def test_multi_similarity_without_pairs_is_zero_with_a_gradient() -> None:
    x = _unit(_random(3, 4)).requires_grad_()
    none = torch.zeros(3, 3, dtype=torch.bool)
    value = losses.multi_similarity(x @ x.T, none, none)
    value.backward()
    assert value.item() == 0 and x.grad is not None and not x.grad.any()


def test_gradients_in_double_precision() -> None:
    low = _random(2, 3, 2, 2).requires_grad_()
    high = losses.channel_matrix(_random(2, 3, 2, 2, seed=1))
    assert torch.autograd.gradcheck(lambda z: losses.ickd(z, high), low)
    d = _random(2, 5).requires_grad_()
    target = _unit(_random(2, 5, seed=1))
    assert torch.autograd.gradcheck(lambda z: losses.mse(z, target), d)
    assert torch.autograd.gradcheck(lambda z: losses.raml(z, target), d)


def test_contextual_equals_the_loops() -> None:
    student, teacher, bank = (_unit(_random(n, 6, seed=seed)) for seed, n in enumerate((3, 3, 5)))
    expected = 0.0
    for s, t in zip(student.numpy(), teacher.numpy(), strict=True):
        wanted = np.array([math.exp(float(t @ b) / 0.1) for b in bank.numpy()])
        found = np.array([math.exp(float(s @ b) / 0.1) for b in bank.numpy()])
        wanted, found = wanted / wanted.sum(), found / found.sum()
        expected += sum(p * math.log(p / q) for p, q in zip(wanted, found, strict=True)) / 3
    assert losses.contextual(student, teacher, bank, temperature=0.1).item() == pytest.approx(expected, rel=1e-9)


def test_contextual_is_nothing_at_the_teacher_and_blind_to_what_no_place_of_the_bank_has() -> None:
    teacher, bank = _unit(_random(4, 6)), _unit(_random(7, 6, seed=1))
    assert losses.contextual(teacher, teacher, bank).item() == pytest.approx(0, abs=1e-12)
    flat = torch.cat([bank, torch.zeros(7, 1).double()], dim=1)
    known = torch.cat([teacher, torch.zeros(4, 1).double()], dim=1)
    moved = torch.cat([teacher, torch.ones(4, 1).double()], dim=1)  # a change that no cosine with the bank shows
    assert losses.contextual(moved, known, flat).item() == pytest.approx(0, abs=1e-12)


def test_spread_equals_the_loops() -> None:
    descriptors = _unit(_random(8, 6))
    rows = descriptors.numpy()
    cosines = sorted(float(rows[i] @ rows[j]) for i in range(8) for j in range(i))
    assert losses.spread(descriptors) == pytest.approx(1 - cosines[(len(cosines) - 1) // 2])


@given(seed=st.integers(0, 100))
@settings(deadline=None, max_examples=20)
def test_spread_depends_neither_on_the_order_nor_on_the_axes(seed: int) -> None:
    descriptors = _unit(_random(9, 5, seed=seed))
    rotation, _ = torch.linalg.qr(_random(5, 5, seed=seed + 1))
    order = torch.randperm(9, generator=torch.Generator().manual_seed(seed))
    assert losses.spread(descriptors[order] @ rotation) == pytest.approx(losses.spread(descriptors), abs=1e-9)
