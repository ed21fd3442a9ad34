"""A disk that fills up: one clear error, and a store that is whole or goes on."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lofivpr.descriptors import DescriptorStore
from lofivpr.errors import LofiError

Make = Callable[[int], list[str]]
N = 150


@pytest.fixture
def tiny_disk(small_disk: Callable[[str], Path]) -> Path:
    """A file system that holds a manifest and one segment, but not two."""
    return small_disk("80k")


def test_a_truly_full_disk(
    tiny_disk: Path, tmp_path: Path, make_describer: Any, make_pictures: Make, root: Path
) -> None:
    images, folder = make_pictures(N), tiny_disk / "store"
    with pytest.raises(LofiError, match="No space left on device.*Free space"):
        DescriptorStore.build(folder, make_describer(dimension=144), images, root, progress=False)
    done = sorted(path.name for path in (folder / "segments").iterdir())
    assert done == ["00000000.arrow"], "a whole block and no part of another"
    subprocess.run(["mount", "-o", "remount,size=4m", str(tiny_disk)], check=True)
    again = make_describer(dimension=144)
    store = DescriptorStore.build(folder, again, images, root, progress=False)
    assert again.described == [64, 22]
    expected = DescriptorStore.build(tmp_path / "roomy", make_describer(dimension=144), images, root, progress=False)
    np.testing.assert_array_equal(store.array(), expected.array())


@pytest.mark.parametrize("write", range(5))
def test_any_write_may_fail(
    tmp_path: Path, make_describer: Any, make_pictures: Make, root: Path, monkeypatch: Any, write: int
) -> None:
    """Manifest, three segments, manifest: whichever finds the disk full, the next call goes on."""
    images, folder = make_pictures(N), tmp_path / "store"
    count, replace = [0], os.replace

    def full(source: Any, target: Any) -> None:
        count[0] += 1
        if count[0] == write + 1:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        replace(source, target)

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(LofiError, match="No space left"):
        DescriptorStore.build(folder, make_describer(), images, root, progress=False)
    monkeypatch.undo()
    assert not [path for path in folder.rglob("*") if path.name.endswith(".tmp")]
    with pytest.raises(LofiError):
        DescriptorStore.open(folder)
    again = make_describer()
    DescriptorStore.build(folder, again, images, root, progress=False)
    assert again.described == [64, 64, 22][max(0, write - 1) :]
    store = DescriptorStore.open(folder)
    assert len(store) == len(store.array()) == N


SCRIPT = """
import resource, sys
sys.path.insert(0, {here!r})
from conftest import FakeDescriber
from lofivpr.descriptors import DescriptorStore
from lofivpr.errors import LofiError
resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000))
try:
    DescriptorStore.build(sys.argv[1], FakeDescriber(), ["0000.png"] * 64, sys.argv[2], progress=False)
except LofiError as error:
    print(error)
"""


def test_a_write_that_the_system_cuts_leaves_nothing(tmp_path: Path, make_pictures: Make, root: Path) -> None:
    """The system refuses within a file, after the first bytes of it are written."""
    make_pictures(1)
    script = SCRIPT.format(here=str(Path(__file__).parent))
    command = [sys.executable, "-c", script, str(tmp_path / "store"), str(root)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "File too large" in done.stdout and "Traceback" not in done.stderr
    assert not list((tmp_path / "store" / "segments").iterdir())
