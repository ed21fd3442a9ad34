from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from lofivpr.errors import LofiError
from lofivpr.evaluation import Results, Row
from lofivpr.evaluation.results import JSON_NAME, NEIGHBOURS_NAME


def test_load_gives_back_what_was_saved(compared: Results, tmp_path: Path) -> None:
    compared.save_tables(tmp_path)
    loaded = Results.load(tmp_path)
    for name in ("rows", "differences", "costs", "rates", "recovered", "descriptor_rate", "references"):
        assert getattr(loaded, name) == getattr(compared, name)
    for name in ("protocol", "models", "qualities"):
        assert getattr(loaded, name) == getattr(compared, name)
    for key, outcome in compared.outcomes.items():
        for name in ("ranks", "indices", "distances"):
            assert np.array_equal(getattr(loaded.outcomes[key], name), getattr(outcome, name))
    for kept, was in zip(loaded.scene.positives, compared.scene.positives, strict=True):
        assert np.array_equal(kept, was)
    assert loaded.scene.root == compared.scene.root
    assert loaded.scene.metres(0, 1) == pytest.approx(compared.scene.metres(0, 1))


def test_results_of_before_descriptors_were_sent_can_be_read(compared: Results, tmp_path: Path) -> None:
    compared.save_tables(tmp_path)
    data = json.loads((tmp_path / JSON_NAME).read_text())
    for name in ("recovered", "descriptor_rate"):
        del data[name]
    (tmp_path / JSON_NAME).write_text(json.dumps(data))
    loaded = Results.load(tmp_path)
    assert loaded.rows == compared.rows and loaded.descriptor_rate == () and loaded.recovered.rungs == ()


def test_the_table_has_the_recovered_share_where_there_is_one(compared: Results) -> None:
    lines = {(line["model"], line["quality"]): line for line in csv.DictReader(io.StringIO(compared.to_csv()))}
    assert compared.recovered.rungs and len(lines) == len(compared.rows)
    for (model, quality), line in lines.items():
        share = compared.recovered.share(model, quality)
        assert (line["recovered"] == "") == (share is None)
        if share is not None and share.interval is not None:
            values = [float(line[name]) for name in ("recovered", "recovered_low", "recovered_high")]
            assert values == pytest.approx([share.share, *share.interval])


def test_scene_keeps_empty_positives_apart(compared: Results, tmp_path: Path) -> None:
    from dataclasses import replace

    lonely = [np.zeros(0, np.int64), *compared.scene.positives[1:-1], np.zeros(0, np.int64)]
    replace(compared, scene=replace(compared.scene, positives=tuple(lonely))).save_tables(tmp_path)
    found = Results.load(tmp_path).scene.positives
    assert [len(p) for p in found] == [len(p) for p in lonely]


def test_metres_are_those_of_the_road(compared: Results) -> None:
    assert compared.scene.metres(0, 0) == pytest.approx(3)
    assert compared.scene.metres(0, 2) == pytest.approx(np.hypot(80, 3))


def test_row_of_an_unknown_model_says_what_there_is(compared: Results) -> None:
    with pytest.raises(LofiError, match="'nobody'.*teacher"):
        compared.row("nobody", "raw")


@pytest.mark.parametrize("name", [JSON_NAME, NEIGHBOURS_NAME])
@pytest.mark.parametrize("damage", ["missing", "text", "other"])
def test_damaged_files_are_clear_errors(compared: Results, tmp_path: Path, name: str, damage: str) -> None:
    compared.save_tables(tmp_path)
    if damage == "missing":
        (tmp_path / name).unlink()
    else:
        (tmp_path / name).write_text("{" if damage == "text" else json.dumps({"rows": [{"model": 1}]}))
    with pytest.raises(LofiError, match="Run the evaluation again"):
        Results.load(tmp_path)


def test_rows_are_frozen_and_refuse_unknown_fields(compared: Results) -> None:
    row = compared.rows[0]
    with pytest.raises(ValidationError):
        row.model = "other"
    with pytest.raises(ValidationError):
        Row.model_validate({**row.model_dump(), "speed": 3})
