"""The card of a model: what it was made from, for programs (card.json) and for people (README.md)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from lofivpr.files import write_atomic
from lofivpr.models.config import ModelConfig, ModelError
from lofivpr.models.folder import CARD_FILE, README_FILE, read_config

USAGE = """```python
import lofivpr

model = lofivpr.load_describer("FOLDER")
descriptors = model.describe([picture])  # pictures: uint8, height x width x 3; rows of unit length
```
"""


def write_card(folder: str | Path, config: ModelConfig, card: dict[str, Any] | None) -> None:
    """Write card.json (`card` plus source and licence of the weights) and README.md into a folder.

    `card` is what the maker knows: `{"teacher": {"digest", "path"}, "training": {...}}`.
    """
    weights = {"source": config.weights_source or "random", "licence": config.weights_licence or "none"}
    _write(Path(folder), config, {"weights": weights, **(card or {})})


def add_to_card(folder: str | Path, section: str, title: str, rows: list[dict[str, Any]]) -> None:
    """Put a table under a section of a card, in place of the one with the same title.

    Args:
        rows: records of plain values with the same keys.

    Raises:
        ModelError: no model folder, or a card that cannot be read.
    """
    config, card = read_config(folder), read_card(folder)
    card[section] = {**card.get(section, {}), title: rows}
    _write(Path(folder), config, card)


def _write(folder: Path, config: ModelConfig, card: dict[str, Any]) -> None:
    text = json.dumps(card, indent=1, ensure_ascii=False, default=str)
    write_atomic(folder / CARD_FILE, text + "\n")
    write_atomic(folder / README_FILE, render_card(config, card))


def read_card(folder: str | Path) -> dict[str, Any]:
    """The card of a model folder; empty when it has none. Raises ModelError: no JSON object."""
    path = Path(folder) / CARD_FILE
    if not path.is_file():
        return {}
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"expected JSON in {path}, found: {error}. Correct it or delete it.") from None
    if not isinstance(card, dict):
        raise ModelError(f"expected a JSON object in {path}, found a {type(card).__name__}. Correct or delete it.")
    return card


def render_card(config: ModelConfig, card: dict[str, Any]) -> str:
    """The card as Markdown."""
    width, height = config.size
    rows = {
        "backbone": config.backbone,
        "aggregator": config.aggregator + "".join(f" {k}={v}" for k, v in config.aggregator_options.items()),
        "whitening": config.whitening or "none",
        "input (width x height)": f"{width} x {height}, {config.interpolation}",
        "mean / deviation": f"{config.mean} / {config.std}, pixel scale {config.scale:.6g}",
        "digest": config.digest,
    }
    lines = [f"# {config.name}", "", "A place recognition model of lofivpr: a picture to a descriptor.", ""]
    lines += ["| | |", "|---|---|", *(f"| {key} | {value} |" for key, value in rows.items())]
    for section, value in card.items():
        lines += ["", f"## {section.capitalize()}", ""]
        facts = value if isinstance(value, dict) else {section: value}
        for key, fact in facts.items():
            lines += [key, "", *_table(fact), ""] if _is_table(fact) else [f"- {key}: {_short(fact)}"]
    return "\n".join([*lines, "", USAGE])


def _is_table(value: Any) -> bool:
    """Records of plain values, all with the same keys."""
    if not (isinstance(value, list) and value and all(isinstance(row, dict) for row in value)):
        return False
    plain = all(not isinstance(cell, dict | list) for row in value for cell in row.values())
    return plain and len({tuple(row) for row in value}) == 1


def _table(rows: list[dict[str, Any]]) -> list[str]:
    head = [f"| {' | '.join(rows[0])} |", "|" + "---|" * len(rows[0])]
    return [*head, *(f"| {' | '.join('-' if cell is None else str(cell) for cell in row.values())} |" for row in rows)]


def _short(value: Any) -> str:
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)
