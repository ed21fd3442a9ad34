"""Small options of every aggregator, which its own test file declares.

SMALL = {"boq": {"dim": 8}}     on features of 6 channels and 4 x 5 locations: tests/models/aggregators/test_every.py
OF_448 = {"boq": {"dim": 32}}   448 numbers on 32 channels: tests/training/test_every_model.py
"""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "models"


def declared(constant: str) -> dict[str, dict[str, Any]]:
    """The dictionaries of this name in all test files of models, merged, by the aggregator's name."""
    found: dict[str, dict[str, Any]] = {}
    for path in FOLDER.rglob("test_*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == constant:
                found |= ast.literal_eval(node.value)
    return dict(sorted(found.items()))
