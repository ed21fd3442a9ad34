"""JPEG files to stored descriptors on a GPU; no rows where there is none."""

from __future__ import annotations

from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from benchmarks.baselines_torch import describe_eagerly
from benchmarks.describing import MODELS, eager_layout, operations, write_photographs
from benchmarks.timing import Row, scaled, seconds
from lofivpr.cores import usable_cores
from lofivpr.descriptors import DescriptorStore
from lofivpr.media import open_image
from lofivpr.models import GpuModel, create_model
from lofivpr.models.gpu_model import BATCH

REPEATS = 3
PICTURES = 8 * BATCH
SIDE = 8192
"""Of the matrices whose product says what the GPU can do."""


def rows() -> list[Row]:
    """Of each model of `describing`."""
    if not torch.cuda.is_available():
        return []
    with TemporaryDirectory() as name:
        return [row for backbone in MODELS for row in measure(Path(name), backbone, "cuda")]


def measure(folder: Path, backbone: str, device: str) -> list[Row]:
    """End to end, then the network alone."""
    size, _ = MODELS[backbone]
    images = write_photographs(folder / "photographs", scaled(PICTURES, 2))
    eager = create_model(backbone, "netvlad", pretrained=False, size=size, seed=0).to(device)
    model = GpuModel(create_model(backbone, "netvlad", pretrained=False, size=size, seed=0), device)
    fresh = (folder / f"{backbone}-{i}" for i in count())

    def ours() -> None:
        DescriptorStore.build(next(fresh), model, images, folder / "photographs", progress=False)

    def opened() -> list[np.ndarray]:
        return [model.preprocessing.resize(open_image(image, folder / "photographs")) for image in images]

    pictures = opened()
    pixels = torch.from_numpy(model.preprocessing.to_array(pictures[:BATCH])).to(device)

    def bare_eager() -> None:
        with torch.inference_mode():
            eager.describe_features(eager.backbone.layers(pixels)).cpu()

    with eager_layout(eager):
        before = seconds(lambda: describe_eagerly(eager, folder / "photographs", images, next(fresh)), REPEATS)
        bare_before = seconds(bare_eager, REPEATS) / len(pixels)
    stored, bare = seconds(ours, REPEATS), seconds(lambda: model.describe(pictures), REPEATS)
    decoding = seconds(opened, REPEATS) / usable_cores()
    before, stored, bare, decoding = (one / len(images) for one in (before, stored, bare, decoding))
    what, least = f"{backbone} at {size[0]} x {size[1]}", operations(eager) / product_rate(device)
    slower = "the GPU alone" if bare > decoding else "decoding on all cores"
    return [
        Row(
            f"{what} on {name_of(device)}: JPEG file to stored descriptor",
            "eager PyTorch there, float32, NCHW, a picture at a time",
            *(before, stored, "s", max(bare, decoding), slower),
        ),
        Row(
            f"{what} on {name_of(device)}: alone",
            f"eager PyTorch there, float32, NCHW, {len(pixels)} at a time",
            *(bare_before, bare, "s", least, "all products as one bfloat16 matrix product"),
        ),
    ]


def product_rate(device: str) -> float:
    """Floating point operations a second of a large bfloat16 product."""
    side = scaled(SIDE, 256)
    left, right = (torch.rand(side, side, dtype=torch.bfloat16, device=device) for _ in range(2))
    return 2 * side**3 / seconds(lambda: (left @ right)[0, 0].item())


def name_of(device: str) -> str:
    """What the device calls itself."""
    return torch.cuda.get_device_name() if device == "cuda" else device
