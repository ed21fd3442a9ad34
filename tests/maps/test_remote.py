"""A map in a bucket is copied once, whole or not at all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lofivpr.errors import LofiError
from lofivpr.maps import ArrayRows, Map
from lofivpr.maps import remote as module
from lofivpr.maps.manifest import MANIFEST
from lofivpr.maps.remote import cache_folder, local_map
from lofivpr.maps.writer import check_not_copied
from s3 import Bucket

N = 300


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return cache_folder()


@pytest.fixture
def town(tmp_path: Path, places_of: Any, unit_rows: Any) -> Path:
    """A map of two segments."""
    rows, folder = unit_rows(N), tmp_path / "town.map"
    options = {"model": "made", "model_digest": "made", "dtype": "float32"}
    Map.from_rows(ArrayRows(rows[:200]), places_of(200), folder, **options)
    Map.from_rows(ArrayRows(rows[200:]), places_of(N - 200, first=200), tmp_path / "more.map", **options)
    Map.open(folder).merge(Map.open(tmp_path / "more.map"))
    return folder


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that were copied, in order."""
    names: list[str] = []

    def copied(url: str, name: str, *rest: Any, go: Callable[..., Any] = module._copied) -> Any:
        names.append(name)
        return go(url, name, *rest)

    monkeypatch.setattr(module, "_copied", copied)
    return names


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name not in (".lock", module.ORIGIN)
    }


def test_it_is_copied_once_and_answers_alike(
    bucket: Bucket, cache: Path, town: Path, unit_rows: Any, fetched: list[str]
) -> None:
    url = bucket.put(town, "a.map")
    copy = Map.open(url)
    assert copy.folder.parent == cache and files(copy.folder) == files(town)
    assert sorted(fetched) == sorted(Map.open(town)._contents.manifest.files)
    for again in (Map.open(url), Map.open(Path(url)), Map.open(f"{url}/")):
        assert again.folder == copy.folder
    assert len(fetched) == len(Map.open(town)._contents.manifest.files), "copied twice"
    asked = unit_rows(5, seed=1)
    found, expected = copy.nearest(asked, 3), Map.open(town).nearest(asked, 3)
    np.testing.assert_array_equal(found.indices, expected.indices)
    copy.check()


def test_an_interrupted_copy_goes_on(
    bucket: Bucket, cache: Path, town: Path, fetched: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, whole = bucket.put(town, "a.map"), len(Map.open(town)._contents.manifest.files)

    def broken(url: str, go: Callable[..., Any] = module.chunks_of_url) -> Any:
        if len(fetched) == 3:
            yield next(go(url))[:5]
            raise KeyboardInterrupt
        yield from go(url)

    with monkeypatch.context() as patched:
        patched.setattr(module, "chunks_of_url", broken)
        with pytest.raises(KeyboardInterrupt):
            Map.open(url)
    (folder,) = cache.iterdir()
    assert not (folder / MANIFEST).exists() and len(files(folder)) == 2
    with pytest.raises(LofiError, match="expected a map at"):
        Map.open(folder)
    first = set(fetched[:2])
    fetched.clear()
    assert files(Map.open(url).folder) == files(town)
    assert len(fetched) == whole - 2 and not first & set(fetched)


def test_a_wrong_file_is_told_and_not_kept(bucket: Bucket, cache: Path, town: Path) -> None:
    url = bucket.put(town, "a.map")
    name = next(name for name in Map.open(town)._contents.manifest.files if name.endswith(".npy"))
    data = bytearray((town / name).read_bytes())
    data[-1] ^= 1
    bucket.write(f"a.map/{name}", bytes(data))
    with pytest.raises(LofiError, match=f"expected {name} of the map s3://town/a.map with the digest .*, found"):
        Map.open(url)
    (folder,) = cache.iterdir()
    assert not (folder / name).exists() and not list(folder.rglob("*.tmp"))
    bucket.write(f"a.map/{name}", (town / name).read_bytes())
    assert files(Map.open(url).folder) == files(town)


def test_what_is_missing_is_told(bucket: Bucket, cache: Path, town: Path) -> None:
    with pytest.raises(LofiError, match=r"expected a map at s3://town/none, found for its manifest.json: no such file"):
        Map.open("s3://town/none")
    url = bucket.put(town, "b.map")
    name = next(iter(Map.open(town)._contents.manifest.files))
    bucket.delete(f"b.map/{name}")
    with pytest.raises(LofiError, match=f"expected a map at {url}, found for its {name}: no such file"):
        Map.open(url)
    bucket.write("c.map/manifest.json", b"{}")
    with pytest.raises(LofiError, match="expected s3://town/c.map/manifest.json to be the manifest of a map"):
        Map.open("s3://town/c.map")


def test_files_outside_the_map_are_refused(bucket: Bucket, cache: Path, town: Path) -> None:
    manifest = (town / MANIFEST).read_text()
    name = Map.open(town)._contents.manifest.segments[0].name
    bucket.write("evil.map/manifest.json", manifest.replace(name, "../../../evil").encode())
    with pytest.raises(LofiError, match="expected a map whose files lie in its folder, found"):
        Map.open("s3://town/evil.map")
    assert not cache.exists()


def test_a_changed_map_is_another_copy_and_a_calibration_follows(
    bucket: Bucket, cache: Path, town: Path, places_of: Any, unit_rows: Any
) -> None:
    url = bucket.put(town, "a.map")
    before = local_map(url)
    bucket.write("a.map/calibration.json", b"{}")
    assert (local_map(url) / "calibration.json").read_bytes() == b"{}" and local_map(url) == before
    bucket.delete("a.map/calibration.json")
    assert not (local_map(url) / "calibration.json").exists()
    Map.open(town).remove([places_of(1).images[0]])
    bucket.put(town, "a.map")
    assert local_map(url) != before and len(Map.open(url)) == N - 1 == len(Map.open(before)) - 1


def test_a_copy_is_not_changed(bucket: Bucket, cache: Path, town: Path, grey: Any, places_of: Any) -> None:
    copy = Map.open(bucket.put(town, "a.map"))
    with pytest.raises(LofiError, match="expected a map of this machine to change, found s3://town/a.map"):
        copy.remove([copy.places.images[0]])
    with pytest.raises(LofiError, match="expected a map of this machine to change, found s3://town/new.map"):
        Map.build(grey, places_of(3), Path("s3://town/new.map"))
    assert not Path("s3:").exists()
    check_not_copied(town)
