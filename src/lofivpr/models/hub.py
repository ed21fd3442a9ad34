"""Model folders on the Hugging Face Hub: found by `org/name`, published with their card. Folders here come first."""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lofivpr.models.config import ModelError
from lofivpr.models.folder import CARD_FILE, CONFIG_FILE, ONNX_FILE, README_FILE, WEIGHTS_FILE, read_config

if TYPE_CHECKING:
    from lofivpr.models.place_model import PlaceModel

FILES = (CONFIG_FILE, WEIGHTS_FILE, CARD_FILE, README_FILE, ONNX_FILE)
NAME = re.compile(r"(?P<repo>[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*)(?:@(?P<revision>[\w./-]+))?")
# How the hub spells licences that occur here; any other is "other", and the card says it in full.
LICENCES = {"MIT": "mit", "Apache-2.0": "apache-2.0", "BSD-3-Clause": "bsd-3-clause", "GPL-3.0": "gpl-3.0"}


def find_folder(name: str | Path) -> Path:
    """The model folder that a path or a hub name means.

    A folder on this machine comes first. Else `org/name` or `org/name@revision` is looked up among what was
    downloaded before, and downloaded if it is not there; `HF_HUB_OFFLINE=1` forbids that. A path that is
    none (a `Path`, an absolute one, one whose parent folder exists) never asks the hub.

    Raises:
        ModelError: the hub has no such model, or cannot be reached.
    """
    path = Path(name)
    match = NAME.fullmatch(name) if isinstance(name, str) else None
    if path.exists() or match is None or path.parent.is_dir():
        return path
    hub = _library()
    wanted: dict[str, Any] = {"repo_id": match["repo"], "revision": match["revision"], "allow_patterns": list(FILES)}
    try:
        return Path(hub.snapshot_download(**wanted, local_files_only=True))
    except Exception:  # not downloaded yet: the hub's library has several errors for that
        pass
    try:
        return Path(hub.snapshot_download(**wanted))
    except Exception as error:  # whatever its network library raises
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ModelError(
            f"expected a model folder or the name of a model on the hub, found no folder {name}, and the hub says: "
            f"{reason}. Check the name, the connection and, for a private model, the token."
        ) from error


def push_to_hub(
    model: PlaceModel | str | Path, repo: str, *, private: bool = False, message: str = "Publish the model"
) -> str:
    """Publish a model folder under `org/name`; the token is the hub library's own.

    Args:
        model: a model, which is saved first, or a model folder.
        private: only for a repository that is new.

    Returns:
        The address of the commit.

    Raises:
        ModelError: no such folder, not a hub name, or the hub refuses.
    """
    match = NAME.fullmatch(repo)
    if match is None or match["revision"]:
        raise ModelError(f"expected the hub name as org/name, found {repo!r}.")
    hub = _library()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "model"
        if isinstance(model, (str, Path)):
            _copy(Path(model), folder)
        else:
            model.save(folder, model.card or None)
        _write_front_matter(folder)
        try:
            hub.HfApi().create_repo(repo, private=private, exist_ok=True)
            return str(hub.HfApi().upload_folder(repo_id=repo, folder_path=folder, commit_message=message))
        except Exception as error:  # whatever the hub or its network library raises
            raise ModelError(
                f"expected to publish {repo}, found: {error}. Check the name and the token ('hf auth login')."
            ) from error


def _copy(source: Path, folder: Path) -> None:
    """The files of a model folder, and no others that may lie beside them."""
    read_config(source)
    folder.mkdir()
    for name in FILES:
        if (source / name).is_file():
            shutil.copyfile(source / name, folder / name)


def _write_front_matter(folder: Path) -> None:
    """Put before the card what the hub sorts models by."""
    config = read_config(folder)
    licence = LICENCES.get(config.weights_licence, "other")
    lines = ["---", "library_name: lofivpr", f"license: {licence}"]
    lines += [f"license_name: {config.weights_licence or 'none stated'}"] if licence == "other" else []
    lines += ["pipeline_tag: image-feature-extraction", "tags:", "- visual-place-recognition", "---", "", ""]
    readme = folder / README_FILE
    text = readme.read_text(encoding="utf-8") if readme.is_file() else f"# {config.name}\n"
    readme.write_text("\n".join(lines) + text, encoding="utf-8")


def _library() -> Any:
    try:
        import huggingface_hub
    except ImportError:
        raise ModelError(
            "expected huggingface_hub for models on the hub, found none. Run 'pip install huggingface_hub', "
            "or give a model folder."
        ) from None
    return huggingface_hub
