"""Describing, NetVLAD, and the forward and backward pass of one step."""

from __future__ import annotations

from tempfile import TemporaryDirectory

import numpy as np
import torch

from benchmarks.baselines_torch import describe_by_all_threads, netvlad_by_clusters
from benchmarks.timing import Row, seconds
from lofivpr.models import NetVLAD, OnnxModel, PlaceModel, create_model


def rows() -> list[Row]:
    """One line each."""
    return [*_describe(), _netvlad(), _step()]


def _model() -> PlaceModel:
    return create_model("efficientnet_lite0", "netvlad", pretrained=False)


def _describe() -> list[Row]:
    """EfficientNet-Lite0 + NetVLAD at 320 x 240, 16 pictures of 480 x 360."""
    model = _model()
    pictures = [np.random.default_rng(i).integers(0, 256, (360, 480, 3), np.uint8) for i in range(16)]
    with TemporaryDirectory() as folder:
        model.save(f"{folder}/model")
        onnx = OnnxModel.load(f"{folder}/model")
        all_threads = describe_by_all_threads(onnx)
        eager, ours = seconds(lambda: model.describe(pictures)), seconds(lambda: onnx.describe(pictures))
        together = seconds(lambda: all_threads(pictures))
    return [
        Row("describe 16 pictures", "eager PyTorch, channels last", eager, ours),
        Row("describe 16 pictures", "ONNX Runtime, all threads on one picture", together, ours),
    ]


def _netvlad() -> Row:
    """64 clusters over 8 x 512 x 30 x 40 features."""
    layer = NetVLAD(512, clusters=64)
    features = torch.randn(8, 512, 30, 40)
    with torch.inference_mode():
        loop, ours = seconds(lambda: netvlad_by_clusters(layer, features)), seconds(lambda: layer(features))
    return Row("NetVLAD", "a loop over clusters", loop, ours)


def _step() -> Row:
    """Forward and backward, 8 pictures at 320 x 240."""
    pixels = torch.randn(8, 3, 240, 320)
    plain, last = _model(), _model()
    layers = plain.backbone.to(memory_format=torch.contiguous_format).layers

    def nchw() -> None:
        plain.aggregator(layers(pixels)).sum().backward()

    def ours() -> None:
        last(pixels).descriptor.sum().backward()

    return Row("forward + backward", "eager PyTorch, NCHW", seconds(nchw), seconds(ours))
