"""`study`: what it says of recipes and pictures that are not there; tests/studies run it to its end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["nothing"], "expected a study out of gsv-cities-v2"),
        (["nothing.yaml"], "expected a study in UTF-8 at nothing.yaml"),
        (["places"], "give --places PATH"),
        (["places", "--places", "pictures"], "pictures"),
        (["pitts250k-v1"], "netvlad_v100_datasets"),
    ],
)
def test_what_is_not_there_is_told_in_one_line(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], told: str
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = run("study", *arguments, "--out", "out")
    assert ran.code == 2 and told in ran.err and ran.err.startswith("error: expected")
    assert not Path("out").exists()


def test_the_studies_are_named_in_the_help(run: Run) -> None:
    ran = run("study", "--help")
    assert ran.code == 0 and "pitts250k-v1" in ran.out and "walks" in ran.out
