"""`models list` and `models show`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from lofivpr.models import aggregator_names, backbone_names, load_describer

Done = Callable[..., str]


def test_list_names_what_train_takes(done: Done) -> None:
    words = done("models", "list").split()
    for name in [*backbone_names(), *aggregator_names()]:
        assert name in words


def test_show_prints_the_configuration_and_the_card(done: Done, teacher: Path) -> None:
    shown = json.loads(done("models", "show", teacher))
    assert shown["backbone"] == "tiny" and shown["size"] == [64, 48]
    assert shown["digest"] == load_describer(teacher).digest
    assert shown["card"]["weights"]["source"]
