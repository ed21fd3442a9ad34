"""`lofivpr export`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from lofivpr.models import OnnxModel, load_describer

Done = Callable[..., str]


def test_float32_by_real_pictures(done: Done, teacher: Path, places: Path, tmp_path: Path) -> None:
    told = done("export", teacher, "--places", places, "--pictures", 5, "--out", tmp_path / "edge")
    assert "onnx of" in told and "torch on 3 random and 5 real pictures" in told and "error: " in told
    assert load_describer(tmp_path / "edge").digest == load_describer(teacher).digest


def test_int8_by_pictures_at_their_qualities(
    done: Done, refused: Done, teacher: Path, places: Path, tmp_path: Path
) -> None:
    out = tmp_path / "edge"
    order = ("export", teacher, "--to", "int8", "--out", out)
    assert "at least 48 pictures to calibrate int8 with, found 0" in refused(*order) and not out.exists()
    few = refused(*order, "--places", places, "--pictures", 47)
    assert "found 47" in few and not out.exists()
    told = done(*order, "--places", places, "--pictures", 56, "--quality", "raw", "--quality", "jpeg:30")
    assert "calibrated on: 40 pictures" in told and "cosine with float32, mean: " in told
    found = load_describer(out)
    assert isinstance(found, OnnxModel) and found.digest in told != load_describer(teacher).digest
    again = done(*order, "--places", places, "--pictures", 56, "--quality", "raw", "--quality", "jpeg:30")
    assert again == told, "the same pictures give the same file"
