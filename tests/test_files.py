from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lofivpr.errors import LofiError
from lofivpr.files import atomic_path, digest, write_atomic, write_json


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


class TestWriteAtomic:
    @pytest.mark.parametrize(("data", "stored"), [(b"\x00\xff\r\n", b"\x00\xff\r\n"), ("\u00e9\n", b"\xc3\xa9\n")])
    def test_writes_and_replaces(self, tmp_path: Path, data: bytes | str, stored: bytes) -> None:
        path = tmp_path / "deep" / "er" / "a.txt"
        for old in (None, b"old"):
            if old is not None:
                path.write_bytes(old)
            write_atomic(path, data)
            assert path.read_bytes() == stored
        assert names(path.parent) == ["a.txt"]

    def test_a_reader_sees_the_old_or_the_new(self, tmp_path: Path) -> None:
        path, stop, seen = tmp_path / "a", threading.Event(), set()
        texts = {letter * 300_000 for letter in "abc"}
        write_atomic(path, "a" * 300_000)

        def read() -> None:
            while not stop.is_set():
                seen.add(path.read_text())

        reader = threading.Thread(target=read)
        reader.start()
        for _ in range(15):
            for text in sorted(texts):
                write_atomic(path, text)
        stop.set()
        reader.join()
        assert seen and seen <= texts

    def test_json_is_readable_and_round_trips(self, tmp_path: Path) -> None:
        value = {"rows": [1, 2.5, None, "\u00e9"]}
        write_json(tmp_path / "a.json", value)
        text = (tmp_path / "a.json").read_text(encoding="utf-8")
        assert json.loads(text) == value and "\u00e9" in text and text.endswith("\n")

    def test_what_is_no_json_leaves_the_old(self, tmp_path: Path) -> None:
        write_json(tmp_path / "a.json", 1)
        with pytest.raises(TypeError):
            write_json(tmp_path / "a.json", {1, 2})
        assert (tmp_path / "a.json").read_text() == "1\n" and names(tmp_path) == ["a.json"]


class TestAtomicPath:
    @pytest.mark.parametrize("error", [ValueError("x"), KeyboardInterrupt(), LofiError("x")])
    @pytest.mark.parametrize("folder", [False, True])
    def test_an_error_leaves_the_old_and_nothing_else(self, tmp_path: Path, error: BaseException, folder: bool) -> None:
        path = tmp_path / "a"
        with atomic_path(path) as temporary:
            fill(temporary, "old", folder)
        with pytest.raises(type(error)):
            with atomic_path(path) as temporary:
                fill(temporary, "new", folder)
                raise error
        assert content(path) == "old" and names(tmp_path) == ["a"]

    def test_a_folder_is_replaced_as_a_whole(self, tmp_path: Path) -> None:
        for text in ("old", "new"):
            with atomic_path(tmp_path / "a") as temporary:
                fill(temporary, text, folder=True)
                (temporary / f"only-{text}").touch()
        assert names(tmp_path) == ["a"] and names(tmp_path / "a") == ["content", "only-new"]
        assert content(tmp_path / "a") == "new"

    def test_a_folder_comes_back_if_the_new_one_cannot_take_its_place(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path, replace = tmp_path / "a", os.replace
        with atomic_path(path) as temporary:
            fill(temporary, "old", folder=True)

        def fail(source: Any, target: Any) -> None:
            if str(source).endswith(".tmp"):
                raise OSError(errno.ENOSPC, "No space left on device")
            replace(source, target)

        monkeypatch.setattr(os, "replace", fail)
        with pytest.raises(LofiError, match="untouched"):
            with atomic_path(path) as temporary:
                fill(temporary, "new", folder=True)
        assert content(path) == "old" and names(tmp_path) == ["a"]

    def test_the_temporary_lies_beside_the_target_and_is_its_own(self, tmp_path: Path) -> None:
        with atomic_path(tmp_path / "a.txt") as one, atomic_path(tmp_path / "a.txt") as two:
            assert one.parent == two.parent == tmp_path and one != two
            assert one.name.startswith(".") and not one.exists()
            one.write_text("1")
            two.write_text("2")
        assert (tmp_path / "a.txt").read_text() == "1", "the outer one is renamed last"

    def test_kill_9_leaves_the_old(self, tmp_path: Path) -> None:
        path = tmp_path / "a"
        path.write_text("old")
        script = (
            "import sys, time\nfrom lofivpr.files import atomic_path\n"
            "with atomic_path(sys.argv[1]) as t:\n    t.write_text('new')\n    time.sleep(60)\n"
        )
        process = subprocess.Popen([sys.executable, "-c", script, str(path)])
        deadline = time.monotonic() + 30
        while len(names(tmp_path)) < 2 and time.monotonic() < deadline:
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        assert path.read_text() == "old" and len(names(tmp_path)) == 2
        write_atomic(path, "newer")
        assert path.read_text() == "newer"


class TestErrors:
    def test_a_full_disk(self, tmp_path: Path) -> None:
        write_atomic(tmp_path / "a", "old")
        with pytest.raises(LofiError, match=r"expected to write .*a, found: No space left on device\. Free space"):
            with atomic_path(tmp_path / "a") as temporary:
                temporary.write_text("part")
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(temporary))
        assert (tmp_path / "a").read_text() == "old" and names(tmp_path) == ["a"]

    def test_a_folder_that_cannot_be_made(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        with pytest.raises(LofiError, match="Not a directory|File exists"):
            write_atomic(tmp_path / "file" / "deeper" / "a", "x")

    def test_a_file_where_a_folder_is(self, tmp_path: Path) -> None:
        (tmp_path / "a").mkdir()
        with pytest.raises(LofiError, match="Is a directory"):
            write_atomic(tmp_path / "a", "x")
        assert names(tmp_path) == ["a"]

    def test_nothing_was_written(self, tmp_path: Path) -> None:
        with pytest.raises(LofiError, match="No such file"), atomic_path(tmp_path / "a"):
            pass

    def test_an_error_about_another_file_names_it(self, tmp_path: Path) -> None:
        with pytest.raises(LofiError, match=r"No such file or directory \(.*source\.txt\)"):
            with atomic_path(tmp_path / "a") as temporary:
                temporary.write_text((tmp_path / "source.txt").read_text())


class TestDigest:
    def test_is_sha_256_of_lengths_and_parts(self) -> None:
        import hashlib

        expected = hashlib.sha256(b"\x02" + bytes(7) + b"ab" + b"\x01" + bytes(7) + b"c").hexdigest()[:16]
        assert digest("ab", b"c") == expected

    @given(st.lists(st.binary(max_size=9), max_size=5), st.lists(st.binary(max_size=9), max_size=5))
    def test_two_lists_agree_only_if_equal(self, one: list[bytes], two: list[bytes]) -> None:
        assert (digest(*one) == digest(*two)) == (one == two)

    @given(st.lists(st.binary(max_size=20), min_size=1, max_size=4), st.data())
    def test_moving_a_border_changes_it(self, parts: list[bytes], data: st.DataObject) -> None:
        """The same bytes in other parts."""
        joined = b"".join(parts)
        cut = data.draw(st.integers(0, len(joined)))
        other = [joined[:cut], joined[cut:]]
        assert (digest(*parts) == digest(*other)) == (parts == other)

    def test_lengths_within_the_data_do_not_fool_it(self) -> None:
        inner = (1).to_bytes(8, "little") + b"b"
        assert digest(b"a", b"b") != digest(b"a" + inner)
        assert digest() != digest("") != digest("", "")

    def test_text_is_its_utf_8(self) -> None:
        assert digest("\u00e9") == digest("\u00e9".encode())


def fill(path: Path, text: str, folder: bool) -> None:
    if folder:
        path.mkdir()
        path = path / "content"
    path.write_text(text)


def content(path: Path) -> str:
    return (path / "content" if path.is_dir() else path).read_text()
