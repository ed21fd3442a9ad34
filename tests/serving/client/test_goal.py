from __future__ import annotations

from typing import Any

import pytest

from lofivpr.errors import LofiError
from lofivpr.serving.client.goal import Goal


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"probability": 0.0}, "a probability"),
        ({"probability": 1.1}, "a probability"),
        ({"latency_s": 0}, "seconds of latency"),
        ({"latency_s": float("nan")}, "seconds of latency"),
        ({"budget_bytes": -1}, "bytes as a budget"),
    ],
)
def test_what_cannot_be_wanted(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(LofiError, match=told):
        Goal(**wrong)
