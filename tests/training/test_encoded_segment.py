from __future__ import annotations

from pathlib import Path

import pytest

from lofivpr.errors import LofiError
from lofivpr.training.encoded_segment import Entry, Stored, read_segment, write_segment

DATA = [b"first", b"", bytes(range(256))]
ENTRIES = [Entry.of(f"key{number}", (4 + number, 3), data) for number, data in enumerate(DATA)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "segments" / "a.bytes"
    assert write_segment(path, "maker", ENTRIES, DATA) == path.stat().st_size
    return path


def test_what_is_written_is_read(path: Path) -> None:
    found = read_segment(path, "maker")
    assert [stored.entry for stored in found] == ENTRIES
    assert [stored.read() for stored in found] == DATA


def test_a_damaged_byte_and_a_lost_file_are_seen(path: Path) -> None:
    found = read_segment(path, "maker")
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + b"\0")
    assert [stored.read() for stored in found] == [DATA[0], DATA[1], None]
    path.unlink()
    assert found[0].read() is None


@pytest.mark.parametrize("change", [lambda whole: whole[:-1], lambda whole: whole[:20], lambda whole: b"[]\n"])
def test_what_is_no_whole_segment_is_refused(path: Path, change: object) -> None:
    assert callable(change)
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(LofiError, match="Delete it"):
        read_segment(path, "maker")


def test_another_makers_segment_is_refused(path: Path) -> None:
    with pytest.raises(LofiError, match="made by maker"):
        read_segment(path, "other")


def test_an_entry_that_was_never_written_reads_as_damaged(path: Path) -> None:
    entry = Entry.of("key", (4, 3), b"not there")
    assert Stored(path, 0, entry).read() is None
