"""What an ONNX file says, against what torch says, on the same input."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lofivpr.models.condition import CONDITION_SIZE
from lofivpr.models.onnx_model import open_session
from lofivpr.quality import Quality

if TYPE_CHECKING:
    from lofivpr.models.place_model import PlaceModel

Feed = dict[str, np.ndarray]
"""The inputs of an ONNX file by their names, in the order of its graph."""
RANDOM_PICTURES = 3


def feeds(
    model: PlaceModel, pictures: Sequence[np.ndarray], qualities: Sequence[Quality | None] | None
) -> Iterator[Feed]:
    """A feed for each picture (uint8 H x W x 3 of any size) and the quality it went through."""
    for picture, quality in zip(pictures, qualities or [None] * len(pictures), strict=True):
        given = {"images": model.preprocessing.to_array([picture])}
        known = model.conditions([quality], 1)
        if known is not None:
            given["quality"] = known.numpy()
        yield given


def random_feed(model: PlaceModel, size: tuple[int, int] | None = None) -> Feed:
    """A batch of noise at random qualities, of the model's size or another (width, height)."""
    width, height = size or model.preprocessing.size
    rng = np.random.default_rng(0)
    given = {"images": rng.standard_normal((RANDOM_PICTURES, 3, height, width), dtype=np.float32)}
    if model.affines:
        given["quality"] = rng.random((RANDOM_PICTURES, CONDITION_SIZE), dtype=np.float32)
    return given


def greatest_error(model: PlaceModel, path: Path, given: Iterable[Feed]) -> float:
    """The greatest absolute difference of a descriptor's entry; features count relative to their greatest."""
    session = open_session(path)
    mode, errors = model.training, []
    model.eval()
    try:
        for one in given:
            descriptor, features = session.run(["descriptor", "features"], one)
            wanted_descriptor, wanted_features = _by_torch(model, one)
            errors.append(float(np.abs(descriptor - wanted_descriptor).max()))
            greatest = max(float(np.abs(wanted_features).max()), 1e-12)
            errors.append(float(np.abs(features - wanted_features).max()) / greatest)
    finally:
        model.train(mode)
    return float(np.max(errors))  # NaN where there is one


def _by_torch(model: PlaceModel, given: Feed) -> tuple[np.ndarray, np.ndarray]:
    import torch

    device = next(model.parameters()).device
    with torch.inference_mode():
        output = model(*(torch.from_numpy(array).to(device) for array in given.values()))
    return output.descriptor.cpu().numpy(), output.features.cpu().numpy()
