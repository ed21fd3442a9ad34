"""Pictures and qualities that cannot be used: one clear message and exit code 2."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Refused = Callable[..., str]


@pytest.mark.parametrize("name", ["degrade", "describe", "evaluate", "train"])
@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda data: b"no picture", "expected a picture"),
        (lambda data: b"", "an empty file"),
        (lambda data: data[: len(data) // 2], "truncated"),
        (lambda data: b"\0\0\0\x20ftypheic" + 20 * b"\0", "HEIC"),
        (None, "No such file"),
    ],
    ids=["text", "empty", "truncated", "heic", "missing"],
)
def test_a_picture_that_cannot_be_used(
    name: str, damage: Any, said: str, refused: Refused, command: Any, own_places: Path, tmp_path: Path
) -> None:
    if name == "degrade" and damage is None:
        pytest.skip("a folder has no missing pictures")
    for path in own_places.glob("*-03-*.png"):  # of both splits
        data = path.read_bytes()
        path.write_bytes(damage(data)) if damage else path.unlink()
    message = refused(*command(name, places=own_places))
    assert said in message and "-03-" in message
    if name in ("degrade", "train"):  # the other two keep what is described, to go on from there
        assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["degrade", "describe", "evaluate"])
@pytest.mark.parametrize(
    ("quality", "said"),
    [
        ("jpg:10", "'jpg' is no codec"),
        ("jpeg:qp10", "qp"),
        ("jpeg:101", "1..100"),
        ("h264:52", "qp"),
        ("240p/", "240p/"),
        ("", "''"),
        ("p240", "p240"),
        ("97p", "97"),
        ("129x96/jpeg:5", "129"),
    ],
)
def test_a_quality_that_is_none_or_above_the_source(
    name: str, quality: str, said: str, refused: Refused, command: Any, places: Path
) -> None:
    assert said in refused(*command(name, places=places, quality=quality))


def test_a_quality_of_a_recipe(refused: Refused, command: Any) -> None:
    assert "'jpg' is no codec" in refused(*command("distill", set="qualities=[raw, jpg:10]"))
    assert "1080" in refused(*command("distill", epochs=1, set="qualities=[1080p]"))
