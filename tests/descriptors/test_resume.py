"""Interrupts, kills and damage: what is whole is kept."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lofivpr.descriptors import DescriptorStore
from lofivpr.descriptors import build as module
from lofivpr.descriptors.manifest import MANIFEST
from lofivpr.errors import LofiError

Make = Callable[[int], list[str]]
N = 150  # two whole blocks and one of 22


def build(folder: Path, describer: Any, images: Sequence[str], root: Path, **options: Any) -> DescriptorStore:
    return DescriptorStore.build(folder, describer, images, root, progress=False, **options)


def segments(folder: Path) -> dict[str, int]:
    """Name -> inode: an immutable file keeps its own."""
    return {path.name: path.stat().st_ino for path in (folder / "segments").iterdir()}


class TestResume:
    @pytest.mark.parametrize("error", [KeyboardInterrupt(), LofiError("out of memory")])
    @pytest.mark.parametrize("done", [0, 1, 2])
    def test_goes_on_after_the_last_whole_block(
        self,
        tmp_path: Path,
        make_describer: Any,
        stops: Any,
        make_pictures: Make,
        root: Path,
        error: Any,
        done: int,
    ) -> None:
        images, folder = make_pictures(N), tmp_path / "store"
        with pytest.raises(type(error)):
            build(folder, stops(make_describer(), done, error), images, root)
        before = segments(folder) if done else {}
        assert len(before) == done
        with pytest.raises(LofiError, match=f"{done} of 3 blocks"):
            DescriptorStore.open(folder)

        second = make_describer()
        store = build(folder, second, images, root)
        assert second.described == [64, 64, 22][done:]
        assert {name: segments(folder)[name] for name in before} == before
        whole = build(tmp_path / "whole", make_describer(), images, root)
        np.testing.assert_array_equal(store.array(), whole.array())
        assert store.digest == whole.digest

    @pytest.mark.parametrize("damage", [lambda path: path.unlink(), lambda path: path.write_bytes(b"ARROW1")])
    def test_only_a_damaged_block_is_described_again(
        self, tmp_path: Path, make_describer: Any, make_pictures: Make, root: Path, damage: Any
    ) -> None:
        images, folder = make_pictures(N), tmp_path / "store"
        expected = build(folder, make_describer(), images, root).array()
        damage(folder / "segments" / "00000002.arrow")
        again = make_describer()
        np.testing.assert_array_equal(build(folder, again, images, root).array(), expected)
        assert again.described == [22]

    def test_a_segment_of_another_store_is_not_taken(
        self, tmp_path: Path, make_describer: Any, make_pictures: Make, root: Path
    ) -> None:
        images = make_pictures(N)
        expected = build(tmp_path / "a", make_describer(), images, root).array()
        build(tmp_path / "b", make_describer("d1"), images, root)
        name = Path("segments", "00000001.arrow")
        os.replace(tmp_path / "b" / name, tmp_path / "a" / name)
        again = make_describer()
        np.testing.assert_array_equal(build(tmp_path / "a", again, images, root).array(), expected)
        assert again.described == [64]

    def test_what_a_killed_process_left_is_removed_when_old(
        self, tmp_path: Path, describer: Any, make_pictures: Make, root: Path
    ) -> None:
        images, folder = make_pictures(3), tmp_path / "store"
        build(folder, describer, images, root)
        old, young = (folder / "segments" / f".00000000.arrow.{name}.tmp" for name in ("old", "young"))
        for path in (old, young):
            path.write_bytes(b"part")
        os.utime(old, (0, time.time() - 2 * module.ABANDONED_S))
        build(folder, describer, images, root)
        assert not old.exists() and young.exists()


SCRIPT = """
import sys, time
sys.path.insert(0, {here!r})
from conftest import FakeDescriber
from lofivpr.descriptors import DescriptorStore

class Slow(FakeDescriber):
    def describe(self, images, quality=None):
        time.sleep(0.05)
        return super().describe(images, quality)

images = [f"{{i:04d}}.png" for i in range({n})]
DescriptorStore.build(sys.argv[1], Slow(), images, sys.argv[2], progress=False)
"""


class TestKill:
    def start(self, folder: Path, root: Path, n: int) -> subprocess.Popen[bytes]:
        script = SCRIPT.format(here=str(Path(__file__).parent), n=n)
        return subprocess.Popen([sys.executable, "-c", script, str(folder), str(root)])

    def test_kill_9_loses_only_the_block_in_work(
        self, tmp_path: Path, make_describer: Any, make_pictures: Make, root: Path
    ) -> None:
        n = 64 * 12 + 5
        images, folder = make_pictures(n), tmp_path / "store"
        seen = 0
        for target in (1, 6):
            process = self.start(folder, root, n)
            deadline = time.monotonic() + 60
            while seen < target and time.monotonic() < deadline:
                time.sleep(0.002)
                seen = len(list(folder.glob("segments/*.arrow")))
            process.send_signal(signal.SIGKILL)
            assert process.wait() == -signal.SIGKILL, "the build ended before it was killed"
            now = len(list(folder.glob("segments/*.arrow")))
            assert now >= seen, "a whole block was lost"
            seen = now
            assert json.loads((folder / MANIFEST).read_text())["complete"] is False
        last = make_describer()
        store = build(folder, last, images, root)
        assert len(last.described) == 13 - seen
        whole = build(tmp_path / "whole", make_describer(), images, root)
        np.testing.assert_array_equal(store.array(), whole.array())
        assert store.images == images
