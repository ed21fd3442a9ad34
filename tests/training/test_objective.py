"""What a step minimises: losses in units of the teacher's spread do not ask how far apart its descriptors are."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from lofivpr.errors import LofiError
from lofivpr.models import Output
from lofivpr.quality import Quality
from lofivpr.training import losses
from lofivpr.training.objective import Distillation
from lofivpr.training.recipe import Recipe
from lofivpr.training.sampling import Batch

COUNT, SIZE = 12, 8


def descriptors(seed: int) -> Tensor:
    """COUNT x SIZE of unit length; the last number of each is 0."""
    drawn = torch.from_numpy(np.random.default_rng(seed).normal(size=(COUNT, SIZE - 1)))
    return F.pad(F.normalize(drawn, dim=1), (0, 1))


def drawn_together(apart: Tensor, share: float) -> Tensor:
    """The same descriptors beside a part that all have in common: what they differ by is a `share` of them."""
    return share * apart + (1 - share**2) ** 0.5 * F.one_hot(torch.tensor(SIZE - 1), SIZE)


def parts(teacher: Tensor, student: Tensor, **recipe: Any) -> dict[str, float]:
    features = torch.rand(COUNT, 3, 2, 2, dtype=torch.float64)
    cache: Any = SimpleNamespace(
        channels=3,
        targets=lambda rows: (teacher, losses.channel_matrix(features)),
        bank=lambda size, seed: teacher,
    )
    chosen = Recipe.load("one-student").model_copy(update={"losses": {"mse": 2.0, "contextual": 1.0}, **recipe})
    batch = Batch(np.arange(COUNT), (Quality.RAW,) * COUNT)
    found = Distillation(chosen, cache, 3)(Output(student, features), batch)
    return {name: float(value) for name, value in found.items()}


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 1000), share=st.floats(0.05, 1.0))
def test_a_teacher_whose_descriptors_are_near_each_other_asks_as_much(seed: int, share: float) -> None:
    teacher, student = descriptors(seed), descriptors(seed + 1)
    near = drawn_together(teacher, share), drawn_together(student, share)
    wanted, found = parts(teacher, student, distances="spread"), parts(*near, distances="spread")
    assert found == pytest.approx(wanted, rel=1e-4)
    if share < 0.5:
        assert (
            parts(*near, distances="absolute")["contextual"]
            < 0.9 * parts(teacher, student, distances="absolute")["contextual"]
        ), "as they are, the losses of such a teacher fade"


def test_the_unit_is_what_the_recipe_says() -> None:
    teacher, student = descriptors(0), descriptors(1)
    unit = losses.spread(teacher)
    absolute = parts(teacher, student, distances="absolute")
    assert absolute["mse"] == pytest.approx(2 * float((student - teacher).square().sum(dim=1).mean()))
    assert parts(teacher, student, distances="spread")["mse"] == pytest.approx(absolute["mse"] / unit)
    scaled = losses.contextual(student, teacher, teacher, 0.05 * unit)
    assert parts(teacher, student, distances="spread")["contextual"] == pytest.approx(float(scaled))


def test_a_teacher_that_tells_nothing_apart_is_refused() -> None:
    same = drawn_together(descriptors(0), 0.0)
    with pytest.raises(LofiError, match="expected a teacher that tells pictures apart.*distances=absolute"):
        parts(same, same, distances="spread")
    assert parts(same, same, distances="absolute")["mse"] == 0
