"""`--runtime`: what describes."""

from __future__ import annotations

from typing import Annotated

import typer

from lofivpr.models import Runtime

RuntimeOption = Annotated[
    Runtime, typer.Option(help="What describes: ONNX Runtime or torch on the CPU, or torch on a GPU in bfloat16.")
]
