from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest
import torch

from lofivpr.models import PlaceModel, aggregator_names, create_model, export_onnx, registry


def test_the_template_is_a_working_aggregator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_AGGREGATORS", dict(registry._AGGREGATORS))
    assert "template" not in aggregator_names()
    monkeypatch.delitem(sys.modules, "lofivpr.models.aggregators._template", raising=False)
    importlib.import_module("lofivpr.models.aggregators._template")
    assert "template" in aggregator_names()
    for backbone, size in (("tiny", (48, 32)), ("tiny_vit", (42, 28))):
        model = create_model(backbone, "template", size=size, dim=7)
        assert export_onnx(model, tmp_path / "m.onnx") <= 1e-4
        model.save(tmp_path / "m", onnx=False)
        assert PlaceModel.load(tmp_path / "m").digest == model.digest
        with torch.no_grad():
            output = model(torch.randn(2, 3, size[1], size[0]))
        torch.testing.assert_close(output.descriptor.norm(dim=1), torch.ones(2))


def test_every_file_of_the_folder_is_found_by_its_text() -> None:
    folder = Path(registry.__file__).parent / "aggregators"
    files = {path.stem for path in folder.glob("[!_]*.py")} - {"attention"}  # a part, not an aggregator
    assert files == {file.rpartition(".")[2] for file in registry._BUILTIN_AGGREGATORS.values()} - {"gem", "netvlad"}
    for name in aggregator_names():
        assert registry.aggregator_parameters(name) is not None
