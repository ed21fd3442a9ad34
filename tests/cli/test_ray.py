"""`--ray`: the same files as without it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ray_nodes import RayNodes
from s3 import Bucket

Done = Callable[..., str]


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != ".lock"
    }


def test_store_and_map_of_a_cluster(
    done: Done, places: Path, teacher: Path, tmp_path: Path, ray_nodes: RayNodes
) -> None:
    describe = ("describe", "--model", teacher, "--places", places, "--quality", "60p/jpeg:20")
    build = ("map", "build", places, "--model", teacher, "--split", "test")
    for folder, extra in (("one", ()), ("many", ("--ray", ray_nodes.address))):
        done(*describe, "--out", tmp_path / folder / "store", *extra)
        done(*build, "--out", tmp_path / folder / "map", *extra)
    one = contents(tmp_path / "one")
    assert contents(tmp_path / "many") == one
    assert {"store/manifest.json", "map/manifest.json"} < set(one)


def test_pictures_in_a_bucket(
    done: Done, places: Path, teacher: Path, tmp_path: Path, ray_nodes: RayNodes, bucket: Bucket
) -> None:
    url = bucket.put(places, "streets")
    describe = ("describe", "--model", teacher, "--places", url, "--split", "test")
    assert "wrote 16 descriptors" in done(*describe, "--out", tmp_path / "one")
    done(*describe, "--out", tmp_path / "many", "--ray", ray_nodes.address)
    assert contents(tmp_path / "many") == contents(tmp_path / "one")


def test_no_cluster_is_a_message(refused: Callable[..., str], places: Path, teacher: Path, tmp_path: Path) -> None:
    told = refused("map", "build", places, "--model", teacher, "--out", tmp_path / "map", "--ray", "127.0.0.1:1")
    assert "expected a Ray cluster at 127.0.0.1:1" in told and "ray start --head" in told
