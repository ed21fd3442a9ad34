"""Tables, splits and labels that a command cannot work with: one clear message and exit code 2."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Refused = Callable[..., str]
BAD = "test-03-query.png"
TABLE = "places.csv"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("image,split\n{image},test\n", "expected positions"),
        ("image,x,y,split\n{image},,,test\n", "expected positions"),
        ("image,x,split\n{image},1,test\n", "`x` and `y` together"),
        ("image,x,y,split\n{image},east,3,test\n", "line 2"),
        ("image,x,y,split\n{image},1\n", "line 2"),
        ("picture,x,y\n{image},1,2\n", "expected a column `image`"),
        ("image,lat,lon,split\n{image},91,0,test\n", "91"),
        ("image,x,y,split\n", "expected rows"),
        ("", "expected a column `image`"),
    ],
)
@pytest.mark.parametrize("name", ["evaluate", "train"])
def test_a_table_without_positions(
    name: str, text: str, said: str, refused: Refused, command: Any, own_places: Path
) -> None:
    (own_places / TABLE).write_text(text.format(image=BAD))
    assert said in refused(*command(name, places=own_places))


def test_pictures_without_labels_have_no_recall(refused: Refused, command: Any, own_places: Path) -> None:
    (own_places / TABLE).unlink()
    assert "role `query`" in refused(*command("evaluate", places=own_places, split=None))
    message = refused(*command("evaluate", places=own_places, split=None, protocol="leave-panorama-out"))
    assert "expected a position" in message
    assert "expected a split 'test', found no splits" in refused(*command("evaluate", places=own_places))


@pytest.mark.parametrize("role", ["database", "query"])
def test_a_split_without_database_or_queries(role: str, refused: Refused, command: Any, own_places: Path) -> None:
    table = own_places / TABLE
    other = {"database": "query", "query": "database"}[role]
    table.write_text(table.read_text().replace(f"test,{role}\n", f"test,{other}\n"))
    message = refused(*command("evaluate", places=own_places))
    assert f"expected pictures of role `{role}`" in message and f"16 {other}" in message


def test_queries_without_any_positives(refused: Refused, command: Any) -> None:
    assert "expected queries with positives by 1m, found none" in refused(*command("evaluate", radius=1))


def test_training_pictures_without_positives(refused: Refused, command: Any, tmp_path: Path) -> None:
    message = refused(*command("train", epochs=1, set="validation_gap_m=30"), "--set", "positives=1m")
    assert "expected training pictures with positives" in message
    assert not (tmp_path / "out").exists()
