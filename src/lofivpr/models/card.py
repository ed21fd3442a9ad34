"""The card of a model: what it was made from, for programs (card.json) and for people (README.md)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from lofivpr.models.config import ModelConfig, ModelError
from lofivpr.models.folder import CARD_FILE, README_FILE

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
    full = {"weights": weights, **(card or {})}
    text = json.dumps(full, indent=1, ensure_ascii=False, default=str)
    (Path(folder) / CARD_FILE).write_text(text + "\n", encoding="utf-8")
    (Path(folder) / README_FILE).write_text(render_card(config, full), encoding="utf-8")


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
        lines += [f"- {key}: {_short(fact)}" for key, fact in facts.items()]
    return "\n".join([*lines, "", USAGE])


def _short(value: Any) -> str:
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)
