"""The rooms of the house: each imports only those above it in the table; the base has no torch."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import lofivpr

SOURCE = Path(lofivpr.__file__).parent
# The table of rooms, the highest first; `errors`, `cores`, `files` and `urls` are the ground that all stand on.
ROOMS = (
    *("errors", "cores", "files", "urls", "media", "quality", "places", "models", "descriptors", "search"),
    *("evaluation", "training", "studies", "maps", "alignment", "serving", "cli"),
)
FACE = "__init__"  # `lofivpr` itself: it shows names of all rooms, so that only the commands may stand on it
TORCH = {"torch", "torchvision", "timm", "lightning_fabric", "onnx", "onnxscript"}
WITH_TORCH = {"models", "training"}


@dataclass(frozen=True)
class Import:
    """One import of a file: the dotted name, with the names that are taken from it spelled out."""

    line: int
    target: str


def imports(source: str, package: str) -> Iterator[Import]:
    """Every import in `source`, a file of `package`: at the top, in functions, for types only, by importlib."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (Import(node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield from (Import(node.lineno, f"{base}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("import_module", "__import__")):
            first = node.args[0].values[0] if isinstance(node.args[0], ast.JoinedStr) else node.args[0]
            if isinstance(first, ast.Constant):
                yield Import(node.lineno, str(first.value).rstrip("."))


def room_of(target: str) -> str | None:
    """The room that a dotted name leads to, None outside the package; a name of `lofivpr` itself is the face."""
    package, _, rest = target.partition(".")
    if package != "lofivpr":
        return None
    room = rest.partition(".")[0]
    is_room = room in ROOMS or (SOURCE / room / "__init__.py").is_file() or (SOURCE / f"{room}.py").is_file()
    return room if room and is_room else FACE


def faults(source: str, package: str) -> list[str]:
    """What is wrong with the imports of a file of `package` ("lofivpr.quality"); empty if nothing."""
    own = room_of(package) or ""
    if own not in ROOMS:
        return [f"{own!r} is no room of the table"]
    found = []
    for entry in imports(source, package):
        room = room_of(entry.target)
        if room is None or own == "cli":
            continue
        if room not in ROOMS:
            found.append(f"line {entry.line}: {entry.target} is in no room of the table")
        elif ROOMS.index(room) > ROOMS.index(own):
            found.append(f"line {entry.line}: {own} imports {entry.target}, which is below it")
    return found


def package_of(path: Path) -> str:
    """The package that a file's relative imports start from; of those that are no room, their own name."""
    parts = path.relative_to(SOURCE).with_suffix("").parts
    return ".".join(["lofivpr", *(parts if len(parts) == 1 else parts[:-1])])


FILES = sorted(path for path in SOURCE.rglob("*.py") if path != SOURCE / "__init__.py")


def test_there_is_a_house_to_look_at() -> None:
    assert {path.relative_to(SOURCE).parts[0].removesuffix(".py") for path in FILES} >= set(ROOMS[:10])
    assert sum(1 for path in FILES for _ in imports(path.read_text(), package_of(path))) > 500


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_every_import_points_up(path: Path) -> None:
    assert faults(path.read_text(), package_of(path)) == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_only_models_and_training_know_torch(path: Path) -> None:
    found = {entry.target.partition(".")[0] for entry in imports(path.read_text(), package_of(path))} & TORCH
    assert not found or package_of(path).split(".")[1] in WITH_TORCH


@pytest.mark.parametrize(
    ("package", "source"),
    [
        ("lofivpr.quality", "from lofivpr.places import Places"),
        ("lofivpr.quality", "from lofivpr import places"),
        ("lofivpr.quality", "import lofivpr.places.town as town"),
        ("lofivpr.quality", "from ..places import Places"),
        ("lofivpr.places.town", "from ...models.config import ModelError"),
        ("lofivpr.quality", "def late():\n    from lofivpr.places import Places"),
        ("lofivpr.quality", "if TYPE_CHECKING:\n    from lofivpr.places import Places"),
        ("lofivpr.quality", "importlib.import_module('lofivpr.places')"),
        ("lofivpr.quality", "importlib.import_module(f'lofivpr.places.{name}')"),
        ("lofivpr.errors", "from lofivpr.files import digest"),
        ("lofivpr.training", "from lofivpr.cli.app import app"),
        ("lofivpr.training", "import lofivpr"),
        ("lofivpr.training", "from lofivpr import Places"),
        ("lofivpr.attic", "import numpy"),
    ],
)
def test_a_bad_import_is_found(package: str, source: str) -> None:
    assert len(faults(source, package)) == 1


@pytest.mark.parametrize(
    ("package", "source"),
    [
        ("lofivpr.quality", "from lofivpr.media import open_image\nfrom lofivpr import files\nimport numpy as np"),
        ("lofivpr.quality", "from lofivpr.quality.grammar import CODECS\nfrom .grammar import CODECS"),
        ("lofivpr.places.town", "from ..geodesy import LocalFrame\nfrom ...media import open_image"),
        ("lofivpr.files", "from lofivpr.errors import LofiError"),
        ("lofivpr.cli", "import lofivpr\nfrom lofivpr.serving import create_app"),
        ("lofivpr.errors", "import lofivprs.places"),
    ],
)
def test_a_good_import_is_left_alone(package: str, source: str) -> None:
    assert faults(source, package) == []
