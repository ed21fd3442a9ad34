from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from lofivpr.errors import LofiError
from lofivpr.maps.fix import Candidate, Fix
from lofivpr.serving.client.journal import COLUMNS, Journal, Row
from lofivpr.serving.client.located import Located, Missed

FIX = Fix((Candidate("p.jpg", 52.0, 13.0, 90.0, 0.8, 3),), 52.0, 13.0, 0.9, 25.0, True, None, 1.0)
ROWS = [
    Row.of('a,"b".jpg', Located(FIX, "240p/jpeg:5", 900, 0.12345)),
    Row.of("c.jpg", Missed(1, 0, "the service was too busy for it.")),
    Row.of("d.jpg", Located(FIX.abstained("too unsure"), "240p/jpeg:5", 900, 0.2, asked=2)),
]


def read(path: Path) -> list[dict[str, object]]:
    if path.suffix == ".csv":
        with path.open(newline="") as file:
            return list(csv.DictReader(file))
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize("name", ["fixes.csv", "fixes.jsonl", "fixes.json", "new/fixes.csv"])
def test_rows_are_read_back(name: str, tmp_path: Path) -> None:
    with Journal(tmp_path / name) as journal:
        for row in ROWS:
            journal.write(row)
            assert read(tmp_path / name)[-1]["source"] == row.source, "on disk at once"
    rows = read(tmp_path / name)
    assert list(rows[0]) == COLUMNS and [row["source"] for row in rows] == [row.source for row in ROWS]
    assert (str(rows[0]["lat"]), rows[0]["place"], str(rows[0]["seconds"])) == ("52.0", "p.jpg", "0.1235")
    assert rows[1]["lat"] in ("", None) and rows[2]["reason"] == "too unsure"


@pytest.mark.parametrize("name", ["fixes.csv", "fixes.jsonl"])
def test_a_run_that_was_killed_at_any_byte_goes_on(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    with Journal(path) as journal:
        for row in ROWS:
            journal.write(row)
    whole = path.read_bytes()
    for cut in range(len(whole)):
        path.write_bytes(whole[:cut])
        with Journal(path) as journal:
            for row in ROWS:
                if row.source not in journal.done:
                    journal.write(row)
            assert journal.done == {row.source for row in ROWS}
        assert path.read_bytes() == whole


@pytest.mark.parametrize(
    ("name", "text"), [("a.csv", "x,y\n1,2\n"), ("a.csv", "\xff\n"), ("a.jsonl", "{}\n"), ("a.jsonl", "no json\n")]
)
def test_a_file_of_something_else_is_not_touched(name: str, text: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(text.encode("latin-1"))
    with pytest.raises(LofiError, match="Name another --out"):
        Journal(tmp_path / name)
    assert (tmp_path / name).read_bytes() == text.encode("latin-1")
