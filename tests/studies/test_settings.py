"""Which recipe trains which model."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lofivpr.studies import Study
from lofivpr.studies.settings import budgeted, setting_of, settings_of, teacher_setting
from lofivpr.studies.study import Budget
from lofivpr.training import SETTINGS, Recipe, RecipeError

Make = Callable[..., Study]


def test_the_seven_settings_are_the_papers_subsets_with_its_weights(make_study: Make) -> None:
    paper = Recipe.load("paper").losses
    found = {one.name: one for one in settings_of(make_study(settings=list(SETTINGS)))}
    assert list(found) == list(SETTINGS)
    for name, losses in SETTINGS.items():
        assert found[name].recipe.losses == {loss: paper[loss] for loss in losses}
        assert found[name].recipe.qualities == ("60p/h265:qp48",) and found[name].taught


def test_raml_is_the_one_loss_of_its_setting(make_study: Make) -> None:
    (setting,) = settings_of(make_study(settings=["raml"]))
    assert setting.recipe.losses == {"raml": 1.0} and setting.taught


def test_what_is_trained_at_all_qualities_sees_the_ladder_without_frame_rates(make_study: Make) -> None:
    ladder = ["raw", "60p", "60p/h265:qp40@1fps", "60p/h265:qp40@2fps"]
    study = make_study(qualities=ladder, settings=["all-qualities", "no-teacher"])
    student, control = settings_of(study)
    assert student.recipe.qualities == control.recipe.qualities == ("raw", "60p", "60p/h265:qp40")
    assert student.taught and not control.taught
    stated = make_study(all_qualities={"recipe": "all-qualities", "set": {"qualities": ["60p..90p"]}})
    assert settings_of(stated)[2].recipe.qualities == ("60p..90p",)


def test_a_setting_is_trained_at_each_of_several_qualities(make_study: Make) -> None:
    study = make_study(settings=["mse", "no-teacher"], train_at=["60p", "60p/jpeg:5"])
    found = [(one.name, one.at, one.recipe.qualities[0]) for one in settings_of(study)[:2]]
    assert found == [("mse-at-60p", "60p", "60p"), ("mse-at-60p-jpeg-5", "60p/jpeg:5", "60p/jpeg:5")]
    assert {setting_of(name) for name, *_ in found} == {"mse"} and setting_of("mse+ickd") == "mse+ickd"
    assert len(settings_of(study)) == 3


def test_a_budget_caps_and_never_raises() -> None:
    recipe = Recipe.load("paper")
    assert (recipe.epochs, recipe.steps_per_epoch) == (10, None)
    capped = budgeted(recipe, Budget(epochs=3, steps_per_epoch=5))
    assert (capped.epochs, capped.steps_per_epoch) == (3, 5)
    assert budgeted(capped, Budget(epochs=4, steps_per_epoch=9)) == capped
    alone = recipe.model_copy(update={"epochs": 0})
    assert budgeted(alone, Budget(epochs=2, steps_per_epoch=5)) == alone
    assert budgeted(recipe, Budget()) == recipe


def test_seed_and_teacher_are_the_studys(make_study: Make) -> None:
    study = make_study(seed=7)
    assert {one.recipe.seed for one in settings_of(study)} == {7} == {teacher_setting(study).recipe.seed}


def test_a_key_that_a_recipe_does_not_have_is_told(make_study: Make) -> None:
    with pytest.raises(RecipeError, match="speed"):
        settings_of(make_study(losses={"recipe": "paper", "set": {"speed": 3}}))
