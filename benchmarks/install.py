"""Size of a base install and how long its import takes, against an install that trains."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import venv
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.timing import Row, seconds

ROOT = Path(__file__).parents[1]
IMPORTS = {
    "import lofivpr": "import lofivpr",
    "all that describes and evaluates": "import lofivpr; lofivpr.OnnxModel; lofivpr.evaluate",
}


def rows() -> list[Row]:
    """A fresh virtual environment with `pip install .`, which takes a minute or two and an index of packages."""
    with TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        python = Path(folder) / "bin" / "python"
        empty = _megabytes(Path(folder))
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, str(ROOT)], check=True)
        base = _megabytes(Path(folder)) - empty
        everything = _megabytes(Path(sysconfig.get_path("purelib")))
        torch = _import_seconds(Path(sys.executable), "import torch")
        return [
            Row("size of a base install", "this environment: all extras and what tests need", everything, base, "MB"),
            *(
                Row(f"{name}, base install", "import torch", torch, _import_seconds(python, statement))
                for name, statement in IMPORTS.items()
            ),
        ]


def _megabytes(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink()) / 1e6


def _import_seconds(python: Path, statement: str) -> float:
    """Beyond what an interpreter takes to start."""
    started = seconds(lambda: subprocess.run([str(python), "-c", "pass"], check=True, cwd="/"))
    return seconds(lambda: subprocess.run([str(python), "-c", statement], check=True, cwd="/")) - started
