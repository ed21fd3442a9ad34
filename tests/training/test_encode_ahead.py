"""Encoding in processes: the same segments as here, without torch, and errors that say what was met."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from lofivpr.errors import LofiError
from lofivpr.places import Places
from lofivpr.quality import Quality
from lofivpr.training import encode_ahead
from lofivpr.training.encode_ahead import Block, encode_block, encode_blocks, encoded_bytes


def _blocks(places: Places, folder: Path, qualities: Sequence[str] = ("48p/jpeg:5", "16p")) -> list[Block]:
    return [
        Block(
            path=str(folder / f"{start}.bytes"),
            maker="test",
            root=str(places.root),
            images=tuple(places.images[start : start + 2]),
            qualities=(tuple(qualities),) * 2,
            keys=tuple(tuple(f"{row} {quality}" for quality in qualities) for row in (start, start + 1)),
        )
        for start in (0, 2, 4)
    ]


def test_processes_write_the_segments_that_this_one_writes(places: Places, tmp_path: Path) -> None:
    here = {Path(block.path).name: encode_block(block) for block in _blocks(places, tmp_path / "here")}
    there = {Path(block.path).name: size for block, size in encode_blocks(_blocks(places, tmp_path / "there"), 2)}
    assert here == there and len(here) == 3
    for name in here:
        assert (tmp_path / "here" / name).read_bytes() == (tmp_path / "there" / name).read_bytes()


def test_a_process_knows_no_torch() -> None:
    code = "import sys, lofivpr.training.encode_ahead; assert not {'torch', 'timm', 'onnxruntime'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_processs_error_names_the_picture(places: Places, tmp_path: Path) -> None:
    lost = _blocks(places, tmp_path)[0]
    lost = Block(**{**vars(lost), "images": (places.images[0], "lost.png")})
    with pytest.raises(LofiError, match="lost.png"):
        list(encode_blocks([lost], 1))
    with pytest.raises(LofiError, match="clip"):
        list(encode_blocks(_blocks(places, tmp_path, ["h264:64kbps"]), 1))


def test_a_process_that_dies_is_an_error(places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encode_ahead, "__name__", "abc")  # a module that ends at once
    with pytest.raises(LofiError, match="ended"):
        list(encode_blocks(_blocks(places, tmp_path), 1))


def test_closing_early_leaves_no_process_and_no_part_of_a_file(places: Places, tmp_path: Path) -> None:
    with closing(encode_blocks(_blocks(places, tmp_path), 1)) as done:
        next(done)
    assert all(path.suffix == ".bytes" for path in tmp_path.iterdir())


def test_a_reduction_is_stored_lossless_only_where_that_is_quicker(places: Places) -> None:
    source = places.open_image(0)
    data, size = encoded_bytes(Quality.parse("16p"), source)
    assert data[:4] == b"RIFF" and size == (21, 16)
    assert encoded_bytes(Quality.parse("90p"), source) == (b"", (120, 90))
    black = np.zeros((300, 300, 3), np.uint8)
    assert encoded_bytes(Quality.parse("30p"), black)[0]
