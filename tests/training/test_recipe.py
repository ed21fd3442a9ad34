from __future__ import annotations

import json
from pathlib import Path

import pytest

from lofivpr.errors import LofiError
from lofivpr.files import digest
from lofivpr.training import SETTINGS, Recipe, RecipeError, recipe_names
from lofivpr.training.trainer import learning_rate


@pytest.mark.parametrize("name", recipe_names())
def test_packaged_recipes_load_and_round_trip(name: str, tmp_path: Path) -> None:
    recipe = Recipe.load(name)
    (tmp_path / "r.yaml").write_text(recipe.to_yaml())
    assert Recipe.load(tmp_path / "r.yaml") == recipe
    assert recipe.name == name


def test_the_paper_recipe_holds_the_published_values() -> None:
    paper = Recipe.load("paper")
    assert (paper.learning_rate, paper.weight_decay, paper.decay) == (1e-6, 2e-12, 0.99999)
    assert (paper.batch_size, paper.negatives, paper.epochs, paper.clip_norm) == (15, 5, 10, 1.0)
    # ICKD / 1000 + MSE * B * 100 + triplet / (B * 1 * 5 * 10)
    assert paper.losses["ickd"] == pytest.approx(1 / 1000)
    assert paper.losses["mse"] == pytest.approx(15 * 100)
    assert paper.losses["triplet"] == pytest.approx(1 / (15 * 1 * 5 * 10), rel=1e-4)


def test_the_seven_settings_are_all_subsets_and_keep_the_weights() -> None:
    assert len({frozenset(losses) for losses in SETTINGS.values()}) == 7
    for name, losses in SETTINGS.items():
        recipe = Recipe.load("paper").with_settings([f"losses={name}"])
        assert set(recipe.losses) == set(losses)
        # The weight of a loss does not depend on which others run.
        assert all(recipe.losses[loss] == Recipe.load("paper").losses[loss] for loss in losses)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("epochs", "key=value"),
        ("epoch=3", "epochs"),
        ("epochs=many", "epochs"),
        ("losses=mse+nothing", "losses"),
        ("learning_rate=-1", "learning_rate"),
        ("draws=0", "draws"),
        ("views=5", "batch=pictures"),
    ],
)
def test_bad_settings_name_what_is_wrong(setting: str, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        Recipe.load("paper").with_settings([setting])


def test_a_range_that_is_none_is_refused() -> None:
    with pytest.raises(LofiError, match="low before high"):
        Recipe.load("paper").with_settings(["qualities=['240p/jpeg:50..5']"])


def test_views_share_the_rows_of_a_batch() -> None:
    recipe = Recipe.load("all-qualities")
    assert recipe.with_settings(["views=4"]).pictures_per_item == 4
    for wrong in (["views=5", "draws=10"], ["views=3"], ["views=16"]):  # 24 rows, 8 draws
        with pytest.raises(RecipeError, match="multiples of views"):
            recipe.with_settings(wrong)


def test_a_ladder_holds_points_and_ranges() -> None:
    texts = ["raw", "60p", "180p..480p/jpeg:5..50", "240p/h265:qp30..47"]
    recipe = Recipe.load("all-qualities").with_settings([f"qualities={texts}"])
    assert [str(entry) for entry in recipe.ladder] == list(recipe.qualities) == texts
    assert [str(rung) for rung in recipe.rungs] == ["raw", "60p", "180p/jpeg:5", "240p/h265:qp47"]


def test_unknown_recipe_names_the_known_ones() -> None:
    with pytest.raises(RecipeError, match="all-qualities"):
        Recipe.load("nothing")


def test_digest_follows_every_field() -> None:
    recipe = Recipe.load("paper")
    assert recipe.with_settings(["seed=1"]).digest != recipe.digest == Recipe.load("paper").digest
    assert recipe.with_settings(["similarity_alpha=1"]).digest != recipe.digest
    plain = Recipe.load("all-qualities")
    assert plain.with_settings(["distances=spread"]).digest != plain.digest


def test_fields_that_came_later_leave_the_digests_of_runs_without_them() -> None:
    recipe = Recipe.load("all-qualities")
    before = {key: value for key, value in recipe.model_dump().items() if key not in ("similarity_alpha", "distances")}
    assert recipe.digest == digest(json.dumps(before, separators=(",", ":"), ensure_ascii=False))


def test_the_papers_losses_have_no_unit() -> None:
    with pytest.raises(RecipeError, match="distances=spread needs mode=mean"):
        Recipe.load("paper").with_settings(["distances=spread"])


def test_schedules() -> None:
    paper = Recipe.load("paper")
    rate = paper.learning_rate
    for step in range(3):
        assert learning_rate(paper, step, 100) == pytest.approx(rate)
        rate *= 0.99999
    cycle = Recipe.load("all-qualities")
    rates = [learning_rate(cycle, step, 100) for step in range(100)]
    assert max(rates) == pytest.approx(cycle.learning_rate) and rates.index(max(rates)) in (9, 10)
    assert rates[:10] == sorted(rates[:10]) and rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[-1] < 0.02 * cycle.learning_rate
