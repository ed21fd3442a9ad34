"""Paths, names and settings that are none: one clear message and exit code 2."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Refused = Callable[..., str]


def test_paths_that_are_not_there(refused: Refused, command: Any, tmp_path: Path) -> None:
    gone = tmp_path / "gone [x]"
    for name in ("describe", "evaluate", "train"):
        assert str(gone) in refused(*command(name, places=gone))
    for name, option in {"describe": "model", "evaluate": "model", "distill": "teacher"}.items():
        assert str(gone) in refused(*command(name, **{option: gone}))
    assert str(gone) in refused(*command("evaluate", database_model=gone))
    assert str(gone) in refused("models", "show", gone)
    assert str(gone) in refused("degrade", gone, tmp_path / "out", "--quality", "raw")
    assert str(gone) in refused(*command("train", recipe=f"{gone}.yaml"))


@pytest.mark.parametrize("name", ["train", "distill"])
@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("epoch=3", "epoch"),
        ("epochs", "expected key=value"),
        ("epochs=many", "many"),
        ("epochs=-1", "epochs"),
        ("losses=mse+foo", "foo"),
        ("losses={mse: 1", "losses"),
        ("qualities=[raw", "qualities"),
        ("qualities=[]", "qualities"),
        ("positives=25 miles", "25 miles"),
        ("learning_rate=nan", "learning_rate"),
        ("=3", "A recipe has the keys name, losses"),
    ],
)
def test_a_setting_that_no_recipe_has(name: str, setting: str, said: str, refused: Refused, command: Any) -> None:
    assert said in refused(*command(name, set=setting, epochs=None))


@pytest.mark.parametrize("text", ["losses: {mse: 1", "- a\n- b", "", "name: x\n", "\xff"])
def test_a_recipe_file_that_is_none(text: str, refused: Refused, command: Any, tmp_path: Path) -> None:
    path = tmp_path / "my.yaml"
    path.write_bytes(text.encode("latin-1"))
    assert str(path) in refused(*command("distill", recipe=path))


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("train", {"recipe": "teachers"}, "no-teacher"),
        ("train", {"backbone": "resnet9000"}, "efficientnet_lite0"),
        ("train", {"aggregator": "max"}, "netvlad"),
        ("train", {"split": "validation"}, "train"),
        ("distill", {"split": "validation"}, "train"),
        ("evaluate", {"protocol": "open"}, "leave-panorama-out"),
        ("evaluate", {"positives": "25 miles"}, "25 miles"),
        ("evaluate", {"positives": "25m", "radius": 25}, "found both"),
        ("evaluate", {"radius": "-1"}, "-1"),
        ("evaluate", {"radius": "nan"}, "nan"),
        ("evaluate", {"database_quality": "jpg"}, "jpg"),
        ("evaluate", {"split": "tset"}, "tset"),
    ],
)
def test_a_name_that_is_unknown(name: str, options: Any, said: str, refused: Refused, command: Any) -> None:
    assert said in refused(*command(name, **options))
