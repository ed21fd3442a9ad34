from __future__ import annotations

from pathlib import Path

import pytest

from lofivpr.models import ModelError
from lofivpr.models.registry import import_torch_file
from lofivpr.models.weights import import_weights, importable_weights
from lofivpr.models.weights.layout import published_models


def test_every_name_has_a_source_a_licence_and_an_importer() -> None:
    known = importable_weights()
    assert set(published_models()) < set(known)
    for entry in known.values():
        module, _, function = entry.importer.partition(":")
        assert callable(getattr(import_torch_file(f"weights.{module}"), function))
        assert entry.source.startswith("https://") and entry.licence and entry.file


def test_names_files_folders_and_pictures_are_checked_first(tmp_path: Path) -> None:
    file = tmp_path / "weights"
    file.touch()
    with pytest.raises(ModelError, match=r"such as .*netvlad-pitts30k.*, found 'netvlad-pitts30'"):
        import_weights(file, "netvlad-pitts30", tmp_path / "out")
    with pytest.raises(ModelError, match=r"expected Pitts30K_struct.mat, found no file .*willow/research/netvlad"):
        import_weights(tmp_path / "none.mat", "netvlad-pitts30k", tmp_path / "out")
    with pytest.raises(ModelError, match="expected a new folder"):
        import_weights(file, "netvlad-pitts30k", tmp_path)
    with pytest.raises(ModelError, match="expected pictures to make NetVLAD's clusters of, found none"):
        import_weights(file, "vgg16-netvlad", tmp_path / "out")
    with pytest.raises(ModelError, match="expected no pictures for vgg16-gem, found some"):
        import_weights(file, "vgg16-gem", tmp_path / "out", pictures=[])
