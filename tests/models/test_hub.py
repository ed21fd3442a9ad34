"""The hub is a stand-in here: a folder of repositories. Nothing is asked of the network."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import huggingface_hub
import numpy as np
import pytest

from lofivpr.models import ModelError, PlaceModel, load_describer
from lofivpr.models.hub import find_folder, push_to_hub


class Hub:
    """`snapshot_download` and `HfApi` over two folders: the hub, and what was downloaded."""

    def __init__(self, root: Path) -> None:
        self.remote, self.cache = root / "remote", root / "cache"
        self.calls: list[dict[str, Any]] = []

    def snapshot_download(self, **wanted: Any) -> str:
        self.calls.append(wanted)
        repo, revision = wanted["repo_id"], wanted["revision"] or "main"
        cached = self.cache / repo / revision
        if not cached.exists():
            if wanted.get("local_files_only"):
                raise FileNotFoundError("not in the cache")
            if not (self.remote / repo).exists():
                raise OSError(f"404 for {repo}\nRequest ID 7")
            cached.mkdir(parents=True)
            for name in wanted["allow_patterns"]:
                if (self.remote / repo / name).is_file():
                    shutil.copy(self.remote / repo / name, cached / name)
        return str(cached)

    def create_repo(self, repo: str, private: bool, exist_ok: bool) -> None:
        assert exist_ok
        (self.remote / repo).mkdir(parents=True, exist_ok=True)

    def upload_folder(self, repo_id: str, folder_path: Path, commit_message: str) -> str:
        shutil.copytree(folder_path, self.remote / repo_id, dirs_exist_ok=True)
        return f"https://hub/{repo_id}/commit/1"


@pytest.fixture()
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hub:
    found = Hub(tmp_path / "hub")
    monkeypatch.setattr(huggingface_hub, "snapshot_download", found.snapshot_download)
    monkeypatch.setattr(huggingface_hub, "HfApi", lambda: found)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return found


def test_a_model_goes_there_and_comes_back(hub: Hub, tiny: PlaceModel, pictures: list[np.ndarray]) -> None:
    tiny.card = {"training": {"steps": 3}}
    assert tiny.push_to_hub("someone/streets") == "https://hub/someone/streets/commit/1"
    found = PlaceModel.load("someone/streets")
    np.testing.assert_array_equal(found.describe(pictures), tiny.describe(pictures))
    assert found.digest == tiny.digest and found.card["training"] == {"steps": 3}
    np.testing.assert_allclose(load_describer("someone/streets").describe(pictures), tiny.describe(pictures), atol=1e-4)


def test_what_was_downloaded_needs_no_hub(hub: Hub, tiny: PlaceModel) -> None:
    tiny.push_to_hub("someone/streets")
    find_folder("someone/streets")
    shutil.rmtree(hub.remote)
    assert PlaceModel.load("someone/streets").digest == tiny.digest
    assert hub.calls[-1]["local_files_only"]


def test_a_revision_is_asked_for(hub: Hub, tiny: PlaceModel) -> None:
    tiny.push_to_hub("someone/streets")
    assert find_folder("someone/streets@v1.2").name == "v1.2" and hub.calls[-1]["revision"] == "v1.2"


def test_a_folder_here_comes_first_and_is_never_looked_up(hub: Hub, tiny_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny_folder, Path("someone/streets"))
    assert find_folder("someone/streets") == Path("someone/streets")
    for name in ("someone/else", Path("no/where"), str(tmp_path / "a" / "b"), "teacher", "a/b/c", "../a/b"):
        assert find_folder(name) == Path(name)  # the folder's own error follows
    assert hub.calls == []
    with pytest.raises(ModelError, match="expected a model folder, found none at someone/else"):
        PlaceModel.load("someone/else")


def test_no_such_model(hub: Hub) -> None:
    with pytest.raises(ModelError, match="no folder nobody/nothing, and the hub says: 404 for nobody/nothing. Check"):
        PlaceModel.load("nobody/nothing")


def test_a_folder_is_published_with_its_card_and_nothing_else(hub: Hub, tiny_folder: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_folder, tmp_path / "m")
    (folder / "secret.txt").write_text("x")
    push_to_hub(folder, "someone/streets")
    there = {path.name for path in (hub.remote / "someone/streets").iterdir()}
    assert there == {"config.json", "model.safetensors", "model.onnx", "card.json", "README.md"}
    text = (hub.remote / "someone/streets/README.md").read_text()
    assert text.startswith("---\nlibrary_name: lofivpr\nlicense: other\nlicense_name: none stated\n")
    assert "\n---\n\n# netvlad-tiny" in text and "0123456789abcdef" in text  # the card of the run
    assert not (folder / "README.md").read_text().startswith("---")


def test_refusals(hub: Hub, tiny: PlaceModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("streets", "a/b/c", "a/b@v1"):
        with pytest.raises(ModelError, match="org/name"):
            push_to_hub(tiny, name)
    with pytest.raises(ModelError, match="model folder"):
        push_to_hub(tmp_path / "nowhere", "someone/streets")

    def refuse(*arguments: Any, **options: Any) -> None:
        raise PermissionError("401")

    monkeypatch.setattr(Hub, "create_repo", refuse)
    with pytest.raises(ModelError, match="expected to publish someone/streets, found: 401"):
        push_to_hub(tiny, "someone/streets")
