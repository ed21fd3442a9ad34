"""`data check`, `data list` and `data export`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from lofivpr.places import Places
from lofivpr.places.datasets import public_datasets

Done = Callable[..., str]


def test_check_tells_convention_counts_and_positives(done: Done, places: Path, tmp_path: Path) -> None:
    told = done("data", "check", places, "--out", tmp_path / "map.svg")
    assert "convention: csv" in told and "pictures: 64, 64 of them on disk" in told and "nothing is missing" in told
    assert "split train: 24 database, 24 queries" in told and "split test: 8 database, 8 queries" in told
    (row,) = [line for line in told.splitlines() if "roles v1" in line]
    assert [cell.strip() for cell in row.split("│")[1:-1]] == ["roles v1", "25m", "32", "32", "3", "32"]
    assert b"<svg" in (tmp_path / "map.svg").read_bytes()


def test_check_ends_in_1_when_pictures_are_missing(run: Callable[..., Any], own_places: Path) -> None:
    (own_places / "test-00-query.png").unlink()
    ran = run("data", "check", own_places)
    assert ran.code == 1 and "missing: 1 pictures in ., first test-00-query.png" in ran.out
    assert "nothing is missing" not in ran.out


def test_counts_that_differ_from_the_published_ones_are_told(done: Done, tmp_path: Path) -> None:
    told = done("data", "check", svox(tmp_path))
    assert "svox-night: 2 / 4 differ from the published 823 / 17166" in told
    assert "svox-snow: expected queries in a folder queries_snow" in told


def test_evaluate_asks_a_published_protocol(done: Done, refused: Done, teacher: Path, tmp_path: Path) -> None:
    words = ("evaluate", "--model", teacher, "--places", svox(tmp_path), "--out", tmp_path / "results")
    done(*words, "--protocol", "svox-night")
    (row,) = json.loads((tmp_path / "results" / "results.json").read_text())["rows"]
    assert row["queries"] == 2 and row["database"]["images"] == 4 and row["protocol"].startswith("svox-night v1")
    told = refused(*words, "--protocol", "svox-night", "--positives", "5m")
    assert "--protocol svox-night, which fixes its positives, found --positives 5m" in told


def svox(root: Path) -> Path:
    """A set of noise pictures in the layout of SVOX."""
    folders = {"gallery": 4, "queries": 3, "queries_night": 2}
    for side, (folder, count) in enumerate(folders.items()):
        for number in range(count):
            path = root / "svox" / "images" / "test" / folder / f"@{50 * number + side:.2f}@7.00@.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            picture = np.random.default_rng([number, side]).integers(0, 256, (48, 64, 3), np.uint8)
            cv2.imwrite(str(path), picture)
    return root / "svox"


def test_not_found_says_what_to_get(refused: Done, tmp_path: Path) -> None:
    told = refused("data", "check", tmp_path / "gsv-cities")
    assert "expected GSV-Cities, found nothing" in told and "Get gsv-cities from https://" in told


def test_list_names_every_set_and_protocol(done: Done) -> None:
    words = done("data", "list").replace(",", " ").split()
    for dataset in public_datasets().values():
        assert {dataset.name, *dataset.protocols} <= set(words)


def test_export_as_links_and_as_pairs(done: Done, refused: Done, places: Path, teacher: Path, tmp_path: Path) -> None:
    done("data", "export", places, "--to", "utm-names", "--split", "test", "--out", tmp_path / "links")
    links = Places.open(tmp_path / "links")
    assert len(links) == 16 and len(links.split("test").queries) == 8

    words = ("evaluate", "--model", teacher, "--places", places, "--split", "test", "--out", tmp_path / "results")
    done(*words, "--quality", "raw", "--quality", "24p")
    pairs = ("data", "export", tmp_path / "results", "--to", "hloc", "--out", tmp_path / "pairs.txt")
    assert "--quality raw" in refused(*pairs)
    done(*pairs, "--quality", "raw", "-k", "3")
    lines = [line.split(" ") for line in (tmp_path / "pairs.txt").read_text().splitlines()]
    assert len(lines) == 8 * 3 and {a for a, _ in lines} == {f"test-{i:02d}-query.png" for i in range(8)}
    assert {b for _, b in lines} <= {f"test-{i:02d}-database.png" for i in range(8)}
