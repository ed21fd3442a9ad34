"""JPEG files to stored descriptors, float32 and int8; storage alone; what four models share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.baselines import hdf5_by_picture
from benchmarks.baselines_torch import describe_eagerly
from benchmarks.timing import Row, once, product_flops, scaled, seconds
from lofivpr.cores import usable_cores
from lofivpr.descriptors import DescriptorStore
from lofivpr.descriptors.segment import Block, segment_path, write_segment
from lofivpr.descriptors.segment import Row as PictureRow
from lofivpr.media import open_image
from lofivpr.models import OnnxModel, PlaceModel, Preprocessing, create_model, export_edge
from lofivpr.quality import Quality

REPEATS = 3
PHOTOGRAPH = (960, 1280)
MODELS = {"efficientnet_lite0": ((640, 480), 64), "vgg16": ((320, 240), 16)}
"""Size of the input, and pictures."""


def rows() -> list[Row]:
    """End to end, then storage alone, then what several models share."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        return [
            *(row for backbone in MODELS for row in _end_to_end(folder, backbone)),
            _storage(folder),
            _sharing(folder),
        ]


def write_photographs(folder: Path, number: int, shape: tuple[int, int] = PHOTOGRAPH) -> list[str]:
    """JPEG files of smooth shapes under some noise, about as many bytes as photographs have."""
    folder.mkdir(exist_ok=True)
    for i in range(number):
        rng = np.random.default_rng(i)
        scene = cv2.resize(rng.integers(0, 256, (12, 16, 3), np.uint8), shape[::-1], interpolation=cv2.INTER_CUBIC)
        noise = rng.normal(0, 8, (*shape, 3))
        picture = np.clip(scene + noise, 0, 255).astype(np.uint8)
        cv2.imwrite(str(folder / f"{i:04d}.jpg"), picture, [cv2.IMWRITE_JPEG_QUALITY, 90])
    return [f"{i:04d}.jpg" for i in range(number)]


def _model(folder: Path, backbone: str) -> PlaceModel:
    model = create_model(backbone, "netvlad", pretrained=False, size=MODELS[backbone][0])
    if not (folder / backbone).exists():
        model.save(folder / backbone)
    return PlaceModel.load(folder / backbone)


def _end_to_end(folder: Path, backbone: str) -> list[Row]:
    size, pictures = MODELS[backbone]
    images = write_photographs(folder / "photographs", scaled(pictures, 2))
    torch_model = _model(folder, backbone)
    model = OnnxModel.load(folder / backbone)
    fresh = (folder / f"{backbone}-{i}" for i in count())

    def ours() -> None:
        DescriptorStore.build(next(fresh), model, images, folder / "photographs", progress=False)

    def open_all() -> list[np.ndarray]:
        return [model.preprocessing.resize(open_image(image, folder / "photographs")) for image in images]

    opened = open_all()
    ready = [model.preprocessing.to_array([picture]) for picture in opened]
    with eager_layout(torch_model):
        before = seconds(lambda: describe_eagerly(torch_model, folder / "photographs", images, next(fresh)), REPEATS)
    stored, bare = seconds(ours, REPEATS), seconds(lambda: bare_runtime(model, ready), REPEATS)
    int8 = _int8(torch_model, folder / f"{backbone}-int8", opened)
    small = seconds(lambda: bare_runtime(int8, ready), REPEATS)
    decoding = seconds(open_all, REPEATS) / usable_cores()
    before, stored, bare, small, decoding = (one / len(images) for one in (before, stored, bare, small, decoding))
    what, eager = f"{backbone} at {size[0]} x {size[1]}", "eager PyTorch, NCHW, a picture at a time"
    least = operations(torch_model) / product_flops()
    busy, theory = "ONNX Runtime and decoding, no core idle", "all products as one matrix product"
    return [
        Row(f"{what}: JPEG file to stored descriptor", eager, before, stored, "s", bare + decoding, busy),
        Row(f"{what}: ONNX Runtime alone", eager, before, bare, "s", least, theory),
        Row(f"{what}: int8, ONNX Runtime alone", "float32", bare, small, "s", bare / 4, "4 int8 products for 1"),
    ]


def operations(model: PlaceModel) -> int:
    """Floating point operations of one picture, a product and its sum counted as two."""
    width, height = model.preprocessing.size
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        model(torch.zeros(1, 3, height, width, device=next(model.parameters()).device))
    return counter.get_total_flops()


@contextmanager
def eager_layout(model: PlaceModel) -> Iterator[None]:
    """The model in PyTorch's own layout, NCHW, for a while."""
    model.backbone.to(memory_format=torch.contiguous_format)
    yield
    model.backbone.to(memory_format=torch.channels_last)


def bare_runtime(model: OnnxModel, ready: Sequence[np.ndarray]) -> None:
    """ONNX Runtime on arrays that are ready, one picture a thread: no file, no decoding, no storage."""
    with ThreadPoolExecutor(usable_cores()) as pool:
        list(pool.map(lambda one: model._session.run(["descriptor"], {"images": one}), ready))


def _int8(model: PlaceModel, out: Path, pictures: Sequence[np.ndarray]) -> OnnxModel:
    export_edge(model, out, "int8", [pictures[i % len(pictures)] for i in range(48)])
    return OnnxModel.load(out)


def _storage(folder: Path) -> Row:
    """4,096 numbers a picture: blocks of 64 rows, durably, against a data set for each."""
    number = scaled(4096, 64)
    found = np.random.default_rng(0).standard_normal((number, 4096), np.float32)
    fresh = (folder / f"stored-{i}" for i in count())

    def ours() -> None:
        out = next(fresh)
        for start in range(0, number, 64):
            part = found[start : start + 64]
            rows = tuple(PictureRow(f"{start + i:06d}.jpg") for i in range(len(part)))
            write_segment(segment_path(out, start // 64), Block(rows, part), "benchmark")

    before, after = seconds(lambda: hdf5_by_picture(next(fresh), found), REPEATS), seconds(ours, REPEATS)
    data = found.tobytes()
    disk = seconds(lambda: next(fresh).write_bytes(data), REPEATS)
    what, theory = f"store {number:,} descriptors of 4,096", "one write of all bytes, not durable"
    return Row(what, "one HDF5 data set a picture", before, after, "s", disk, theory)


def _sharing(folder: Path) -> Row:
    """Four models at 240p/h265:qp40: each picture encoded once, not four times."""
    images = write_photographs(folder / "photographs", scaled(32, 4))
    models = [_Tint(digest) for digest in "abcd"]
    quality = Quality.parse("240p/h265:qp40")
    fresh = (folder / f"shared-{i}" for i in count())

    def apart() -> None:
        for model in models:
            DescriptorStore.build(next(fresh), model, images, folder / "photographs", quality, progress=False)

    def together() -> None:
        describers = {next(fresh): model for model in models}
        DescriptorStore.build_all(describers, images, folder / "photographs", quality, progress=False)

    before, after = once(apart), once(together)
    return Row("open and encode for four models", "each model by itself", before, after, "s", before / 4, "once")


class _Tint:
    """A describer that costs nothing."""

    descriptor_size = 3

    def __init__(self, digest: str) -> None:
        self.name = self.digest = digest
        self.preprocessing = Preprocessing((32, 24), (0.0,) * 3, (1.0,) * 3)

    def describe(self, images: Sequence[np.ndarray], quality: object = None) -> np.ndarray:
        return np.stack([image.mean(axis=(0, 1), dtype=np.float32) for image in images])
