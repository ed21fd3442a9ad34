"""Memory of NetVLAD, of ICKD and of whitening, against the ways that spell everything out."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch

from benchmarks.baselines import whitening_in_ram
from benchmarks.baselines_torch import channel_cosines_spelled_out, netvlad_spelled_out
from benchmarks.timing import Row, in_own_process, scaled
from lofivpr.models import NetVLAD, fit_whitening_by_blocks
from lofivpr.training.losses import channel_matrix

FLOAT_MIB = 4 / 2**20
BLOCK = 1024


def rows() -> list[Row]:
    """Forward and backward of the two; the fit of a whitening."""
    batch = scaled(4)
    number, dimension = scaled(20_000, 600), scaled(2048, 64)
    # What has to be there: the features, their gradients, and the results with theirs.
    least_vlad = 2 * batch * (512 * 1200 + 64 * 1200 + 64 * 512) * FLOAT_MIB
    least_ickd = 2 * batch * (320 * 1200 + 320 * 320) * FLOAT_MIB
    covariance = 2 * dimension**2 * FLOAT_MIB
    return [
        *_pair(f"NetVLAD, {batch} x 512 x 30 x 40, forward + backward", "netvlad", "N x K x D x HW spelled out",
               (batch,), least_vlad, "features, assignments, residuals, gradients"),
        *_pair(f"ICKD's matrix, {batch} x 320 x 30 x 40, forward + backward", "ickd", "N x C x C x HW spelled out",
               (batch,), least_ickd, "features, matrices, gradients"),
        *_pair(f"whitening of {number:,} x {dimension:,}", "whitening", "SVD of all rows in memory",
               (number, dimension), covariance, "the covariance in float64"),
    ]  # fmt: skip


def _pair(what: str, job: str, baseline: str, sizes: tuple[int, ...], least: float, theory: str) -> list[Row]:
    before, ours = (in_own_process(f"benchmarks.memory:{job}", *sizes, way) for way in ("spelled out", "ours"))
    return [
        Row(f"{what}: memory", baseline, before.mib, ours.mib, "MiB", least, theory),
        Row(f"{what}: time", baseline, before.seconds, ours.seconds),
    ]


def netvlad(batch: int, way: str) -> Callable[[], object]:
    """64 clusters."""
    layer = NetVLAD(512, clusters=64)
    features = torch.randn(batch, 512, 30, 40, requires_grad=True)
    return lambda: (layer(features) if way == "ours" else netvlad_spelled_out(layer, features)).sum().backward()


def ickd(batch: int, way: str) -> Callable[[], object]:
    """320 channels."""
    features = torch.randn(batch, 320, 30, 40, requires_grad=True)
    matrix = channel_matrix if way == "ours" else channel_cosines_spelled_out
    return lambda: matrix(features).sum().backward()


def whitening(number: int, dimension: int, way: str) -> Callable[[], object]:
    """Blocks are made as they are read, as a store gives them."""

    def blocks() -> Iterator[np.ndarray]:
        for start in range(0, number, BLOCK):
            rows = np.random.default_rng(start).standard_normal((min(BLOCK, number - start), dimension), np.float32)
            yield rows * np.linspace(1, 2, dimension, dtype=np.float32)

    kept = min(256, dimension // 2)
    if way == "ours":
        return lambda: fit_whitening_by_blocks(blocks(), kept)
    return lambda: whitening_in_ram(np.concatenate(list(blocks())), kept)
