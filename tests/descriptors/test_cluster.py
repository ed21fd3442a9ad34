"""A store of many machines is that of one; a lost node costs time, not results. Real Ray nodes and real models."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lofivpr.descriptors import Cluster, DescriptorStore
from lofivpr.descriptors import build as build_module
from lofivpr.descriptors.build import Build
from lofivpr.descriptors.crew import Crew
from lofivpr.descriptors.pictures import Pictures
from lofivpr.errors import LofiError
from lofivpr.models import create_model, load_describer
from lofivpr.quality import Quality
from ray_nodes import RayNodes

Make = Callable[[int], list[str]]
QUALITY = Quality.parse("6p/jpeg:50")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "model"
    create_model("tiny", size=(64, 48), clusters=4).save(folder)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def build(folder: Path, model: Path, images: list[str], root: Path, **options: Any) -> DescriptorStore:
    describer = load_describer(model)
    return DescriptorStore.build(folder, describer, images, root, quality=QUALITY, progress=False, **options)


def test_the_store_is_that_of_one_machine(
    tmp_path: Path, model: Path, make_pictures: Make, ray_nodes: RayNodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = make_pictures(150)
    (tmp_path / "pictures" / images[70]).write_bytes(b"no picture")
    monkeypatch.chdir(tmp_path)  # a relative root is the nodes' too
    one = build(Path("one"), model, images, Path("pictures"), skip_bad=True)
    cluster = Cluster(ray_nodes.address, model)
    many = build(Path("many"), model, images, Path("pictures"), skip_bad=True, cluster=cluster)
    assert contents(Path("many")) == contents(Path("one")) and len(contents(Path("one"))) == 4
    assert many.digest == one.digest and [picture.index for picture in many.skipped] == [70]


def test_what_a_machine_began_is_gone_on_with(
    tmp_path: Path, model: Path, make_pictures: Make, root: Path, ray_nodes: RayNodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    images, folder = make_pictures(150), tmp_path / "store"
    expected = contents(build(folder, model, images, root).folder)
    (folder / "segments" / "00000001.arrow").unlink()
    written: list[int] = []
    monkeypatch.setattr(build_module, "write_segment", spy(build_module.write_segment, written))
    build(folder, model, images, root, cluster=Cluster(ray_nodes.address, model))
    assert written == [64] and contents(folder) == expected


def spy(write: Callable[..., None], written: list[int]) -> Callable[..., None]:
    """`write_segment` that also notes how many rows it wrote."""

    def write_and_note(path: Path, block: Any, key: str) -> None:
        written.append(len(block))
        write(path, block, key)

    return write_and_note


def test_a_lost_node_costs_no_block(
    tmp_path: Path, model: Path, make_pictures: Make, root: Path, ray_nodes: RayNodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = make_pictures(32) * 80  # 40 blocks
    expected = contents(build(tmp_path / "one", model, images, root).folder)
    crews: list[Crew] = []
    lost: list[int] = []

    def look(crew: Crew, go: Any = Crew._look) -> None:
        crews.append(crew)
        go(crew)

    def note(crew: Crew, seat: Any, error: Exception, go: Any = Crew._lost) -> None:
        lost.append(len(crew._hired[seat].under_way))
        go(crew, seat, error)

    monkeypatch.setattr(Crew, "_look", look)
    monkeypatch.setattr(Crew, "_lost", note)

    def kill_when_both_work(path: Path, block: Any, key: str, write: Any = build_module.write_segment) -> None:
        write(path, block, key)
        both_work = crews and all(hired.busy for hired in crews[-1]._hired.values())
        if both_work and ray_nodes.has_second and not lost:
            ray_nodes.kill_second()

    monkeypatch.setattr(build_module, "write_segment", kill_when_both_work)
    build(tmp_path / "many", model, images, root, cluster=Cluster(ray_nodes.address, model))
    assert lost and lost[0] > 0, "the node was lost with nothing to do"
    assert contents(tmp_path / "many") == expected


def test_a_bad_picture_is_told_as_on_one_machine(
    tmp_path: Path, model: Path, make_pictures: Make, root: Path, ray_nodes: RayNodes
) -> None:
    images = make_pictures(70)
    (root / images[66]).write_bytes(b"no picture")
    told = []
    for cluster in (None, Cluster(ray_nodes.address, model)):
        with pytest.raises(LofiError, match="expected a picture") as caught:
            build(tmp_path / "store", model, images, root, cluster=cluster)
        told.append((type(caught.value), str(caught.value)))
    assert told[0] == told[1]


@pytest.mark.parametrize(("runtime", "asked"), [("auto", "onnx"), ("torch", "onnx"), ("gpu", "gpu")])
def test_what_was_asked_for_decides_where_it_runs(
    tmp_path: Path, model: Path, make_pictures: Make, root: Path, runtime: str, asked: str
) -> None:
    pictures = Pictures.of(make_pictures(3), root, None, False, None, ())
    ray = SimpleNamespace(put=lambda value: value)
    crew = Cluster("auto", model)._crew(ray, Build(tmp_path, load_describer(model, runtime), pictures))
    assert crew._order.runtime == asked


@pytest.mark.parametrize("address", ["127.0.0.1:1", "ray://127.0.0.1:1", "nowhere"])
def test_no_cluster_is_told_at_once(tmp_path: Path, model: Path, make_pictures: Make, root: Path, address: str) -> None:
    with pytest.raises(LofiError, match=f"expected a Ray cluster at {address}, found"):
        build(tmp_path / "store", model, make_pictures(3), root, cluster=Cluster(address, model))


def test_without_ray_it_says_what_to_install(
    tmp_path: Path, model: Path, make_pictures: Make, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(LofiError, match=r"pip install 'lofivpr\[cluster\]'"):
        build(tmp_path / "store", model, make_pictures(3), root, cluster=Cluster("auto", model))


def test_streams_are_refused(tmp_path: Path, model: Path, make_pictures: Make, root: Path) -> None:
    images, stream = make_pictures(3), Quality.parse("12p/h264:qp40@10fps")
    with pytest.raises(LofiError, match="expected a quality that sends each picture by itself"):
        DescriptorStore.build(
            tmp_path / "store",
            load_describer(model),
            images,
            root,
            quality=stream,
            progress=False,
            sequences=[images],
            cluster=Cluster("auto", model),
        )
