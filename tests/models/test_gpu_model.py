"""The compiled model, on a CPU: all but the device is what a GPU runs; where there is a GPU, it is asked, too."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from aggregator_options import declared
from lofivpr.models import GpuModel, ModelError, PlaceModel, create_model, identity_of, precision_of
from lofivpr.quality import Quality

NO_GPU = pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
QUALITIES = [Quality.RAW, Quality.parse("30p/jpeg:5"), Quality.parse("30p/h265:qp48")]


def on_cpu(model: PlaceModel, backend: str = "eager") -> GpuModel:
    return GpuModel(model, "cpu", backend)


def reference(model: PlaceModel, picture: np.ndarray, quality: Quality | None = None) -> np.ndarray:
    """One picture, not compiled: the backbone under autocast, the rest in float32."""
    pixels = torch.from_numpy(model.preprocessing.to_array([picture]))
    with torch.inference_mode():
        with torch.autocast("cpu", torch.bfloat16):
            features, token = model.see(pixels, model.conditions([quality], 1))
        return model.describe_features(features.float(), None if token is None else token.float())[0].numpy()


def cosines(found: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    return (found * wanted).sum(axis=1)


@pytest.mark.parametrize("backend", ["eager", "inductor"])
def test_is_the_model_in_bfloat16(tiny: PlaceModel, pictures: list[np.ndarray], backend: str) -> None:
    exact, rounded = tiny.describe(pictures), np.stack([reference(tiny, picture) for picture in pictures])
    found = on_cpu(tiny, backend).describe(pictures)
    assert found.dtype == np.float32 and found.shape == exact.shape
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-6)
    assert cosines(found, rounded).min() > 0.9999 and cosines(found, exact).min() > 0.999
    assert np.abs(found - exact).max() > 1e-6, "this was float32"


@pytest.mark.parametrize("aggregator", sorted(declared("OF_448")))
def test_every_aggregator_is_captured_whole(aggregator: str, pictures: list[np.ndarray]) -> None:
    model = create_model("tiny", aggregator, size=(96, 64), seed=3, **declared("OF_448")[aggregator])
    found = on_cpu(model).describe(pictures)  # a warning, that it was not, is an error here
    assert cosines(found, model.describe(pictures)).min() > 0.98  # VLAD assigns a location to one word or to another


def test_a_quality_aware_model_is_told_the_quality(tiny: PlaceModel, pictures: list[np.ndarray]) -> None:
    model = tiny.with_quality_affines()
    torch.manual_seed(0)
    for affine in model.affines:
        torch.nn.init.normal_(affine.affine.weight, std=0.1)
    told = on_cpu(model).describe(pictures[:3], QUALITIES)
    wanted = np.stack([reference(model, *pair) for pair in zip(pictures, QUALITIES, strict=False)])
    assert cosines(told, wanted).min() > 0.9999
    untold = on_cpu(model).describe(pictures[:3])
    assert np.array_equal(untold[0], told[0]) and cosines(untold, told)[1:].max() < 0.9999


def test_a_descriptor_does_not_depend_on_its_batch(
    tiny: PlaceModel, pictures: list[np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lofivpr.models.gpu_model.BATCH", 4)
    model = on_cpu(tiny)
    together = model.describe(pictures)
    assert np.array_equal(together, np.concatenate([model.describe([picture]) for picture in pictures]))
    assert np.array_equal(together[::-1], model.describe(pictures[::-1]))


def test_what_cannot_be_compiled_runs_with_a_reason(tiny: PlaceModel, pictures: list[np.ndarray]) -> None:
    def refuse(*_: object) -> object:
        raise RuntimeError("no such instruction")

    model = GpuModel(tiny, "cpu", refuse)  # type: ignore[arg-type]
    with pytest.warns(
        UserWarning, match="expected torch to compile netvlad-tiny.*no such instruction.*runs uncompiled"
    ):
        found = model.describe(pictures)
    assert cosines(found, on_cpu(tiny).describe(pictures)).min() > 0.9999
    assert np.array_equal(model.describe(pictures), found)  # and says it once


def test_it_is_the_same_model_in_another_precision(tiny_folder: Path) -> None:
    model, plain = GpuModel.load(tiny_folder), PlaceModel.load(tiny_folder)
    assert (model.name, model.digest, model.card) == (plain.name, plain.digest, plain.card)
    assert (precision_of(plain), identity_of(plain)) == ("float32", plain.digest)
    assert (precision_of(model), identity_of(model)) == ("bfloat16", f"{plain.digest} in bfloat16")


@NO_GPU
def test_no_gpu_is_told_when_it_is_needed(tiny_folder: Path, pictures: list[np.ndarray]) -> None:
    model = GpuModel.load(tiny_folder)
    assert model.describe([]).shape == (0, model.descriptor_size)
    for ask in (model.load_weights, lambda: model.describe(pictures)):
        with pytest.raises(ModelError, match="expected a GPU for the runtime 'gpu', found none that torch.*'auto'"):
            ask()


def test_too_little_memory_is_told(
    tiny: PlaceModel, pictures: list[np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has")

    model = on_cpu(tiny)
    monkeypatch.setitem(model.__dict__, "_network", full)
    with pytest.raises(ModelError, match=r"memory for 64 pictures of 96 x 64 .* CUDA out of memory\. Free it"):
        model.describe(pictures)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
def test_a_gpu_agrees(tiny: PlaceModel, pictures: list[np.ndarray]) -> None:
    wanted = tiny.describe(pictures)
    model = GpuModel(tiny)
    found = model.describe(pictures)
    assert cosines(found, wanted).min() > 0.999
    assert np.array_equal(found, np.concatenate([model.describe([picture]) for picture in pictures]))
