"""The tables of docs/scale.md are what the rates give."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import fields
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parents[1] / "benchmarks" / "scale.py"


@pytest.fixture(scope="module")
def scale() -> ModuleType:
    spec = importlib.util.spec_from_file_location("scale", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["scale"] = module
    spec.loader.exec_module(module)
    return module


def test_the_page_is_computed(scale: ModuleType) -> None:
    text = scale.PAGE.read_text(encoding="utf-8")
    assert scale.page(text) == text, "run: python -m benchmarks.scale"
    assert scale.table(scale.read_rates()[0]) in text


def test_other_rates_give_another_page(scale: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = scale.PAGE.read_text(encoding="utf-8")
    rates, where = scale.read_rates()
    monkeypatch.setattr(scale, "RATES", tmp_path / "scale.json")
    scale.write_rates(rates, where)
    assert scale.page(text) == text
    for field in fields(rates):
        doubled = scale.Rates(**{**vars(rates), field.name: 2 * getattr(rates, field.name) + 1})
        scale.write_rates(doubled, where)
        assert scale.page(text) != text, f"{field.name} changes nothing"


def test_what_is_multiplied_with_what(scale: ModuleType) -> None:
    """Each rate is a prime of its own."""
    names = [field.name for field in fields(scale.Rates)]
    rates = scale.Rates(**dict(zip(names, (2, 3, 5, 7, 11, 13, 17, 19, 23), strict=True)))
    found = scale.costs(1000, rates)
    assert found.pictures == 2000 and found.describe_h * 3600 * 16 == pytest.approx(3000)
    assert found.store == 7000 and found.write_h * 3600 == pytest.approx(11_000)
    assert (found.float16, found.pq64) == (19_000, 23_000)
    assert (found.build_memory, found.answer_memory) == (5 + 13_000, 17_000)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0 B"), (999, "999 B"), (999.6, "1 kB"), (1234, "1.23 kB"), (5.678e13, "56.8 TB"), (2e16, "20 PB")],
)
def test_bytes_are_said_in_three_digits(scale: ModuleType, value: float, text: str) -> None:
    assert scale.in_bytes(value) == text


@pytest.mark.parametrize(("value", "text"), [(0.0123, "0.012"), (5.67, "5.7"), (98.6, "99"), (1234, "1,200")])
def test_hours_are_said_in_two(scale: ModuleType, value: float, text: str) -> None:
    assert scale.in_hours(value) == text
