"""kill -9 while a map is built and added to; `python -m benchmarks.map_kills 100` does it a hundred times."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "map_kills.py"


def test_a_killed_writer_leaves_a_whole_map_or_says_what_to_redo(tmp_path: Path) -> None:
    spec = importlib.util.spec_from_file_location("map_kills", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["map_kills"] = module
    spec.loader.exec_module(module)
    found = module.kills(4, tmp_path)
    assert found.total() == 4 and {what.split(":")[0] for what in found} == {"build", "add"}
