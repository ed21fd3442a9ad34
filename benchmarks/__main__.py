"""Run every comparison and print: what, baseline, ours, ratio. Timings are medians; trust the ratios."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from tempfile import TemporaryDirectory

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from benchmarks import training
from benchmarks.baselines import netvlad_by_clusters, recall_by_loop
from lofivpr.evaluation import recall_at
from lofivpr.models import NetVLAD, OnnxModel, create_model

REPEATS = 5


def seconds(job: Callable[[], object]) -> float:
    """Median seconds of `job`, after one run that warms up."""
    job()
    times = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        job()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def describe() -> tuple[str, str, float, float]:
    """EfficientNet-Lite0 + NetVLAD at 320 x 240, 16 pictures."""
    model = create_model("efficientnet_lite0", "netvlad", pretrained=False)
    pictures = [np.random.default_rng(i).integers(0, 256, (360, 480, 3), np.uint8) for i in range(16)]
    with TemporaryDirectory() as folder:
        model.save(f"{folder}/model")
        onnx = OnnxModel.load(f"{folder}/model")
        eager, ours = seconds(lambda: model.describe(pictures)), seconds(lambda: onnx.describe(pictures))
    return "describe 16 pictures", "eager PyTorch, NCHW", eager, ours


def netvlad() -> tuple[str, str, float, float]:
    """64 clusters over 8 x 512 x 30 x 40 features."""
    layer = NetVLAD(512, clusters=64)
    features = torch.randn(8, 512, 30, 40)
    with torch.inference_mode():
        loop, ours = seconds(lambda: netvlad_by_clusters(layer, features)), seconds(lambda: layer(features))
    return "NetVLAD", "a loop over clusters", loop, ours


def training_step() -> tuple[str, str, float, float]:
    """Forward and backward of a student, 8 pictures at 320 x 240."""
    pixels = torch.randn(8, 3, 240, 320)

    def step(model: torch.nn.Module) -> None:
        model(pixels).descriptor.sum().backward()

    plain = create_model("efficientnet_lite0", "netvlad", pretrained=False)
    last = create_model("efficientnet_lite0", "netvlad", pretrained=False).to(memory_format=torch.channels_last)
    return "forward + backward", "eager PyTorch, NCHW", seconds(lambda: step(plain)), seconds(lambda: step(last))


def recall() -> tuple[str, str, float, float]:
    """2,000 queries, 25 neighbours, 50 positives each."""
    rng = np.random.default_rng(0)
    indices = rng.integers(0, 20_000, (2000, 25))
    positives = [np.unique(rng.integers(0, 20_000, 50)) for _ in range(2000)]
    loop, ours = seconds(lambda: recall_by_loop(indices, positives)), seconds(lambda: recall_at(indices, positives))
    return "recall@{1..25}", "a Python loop", loop, ours


def main() -> None:
    """Print the table."""
    table = Table("what", "baseline", "baseline s", "ours s", "ratio")
    single = (comparison() for comparison in (describe, netvlad, training_step, recall))
    for what, baseline, before, ours in (*single, *training.rows()):
        table.add_row(what, baseline, f"{before:.4f}", f"{ours:.4f}", f"{before / ours:.1f}x")
    Console().print(table)


if __name__ == "__main__":
    main()
