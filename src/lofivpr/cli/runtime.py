"""`--runtime`: what describes."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

Runtime = Annotated[
    Literal["auto", "onnx", "torch", "gpu"],
    typer.Option(help="What describes: ONNX Runtime or torch on the CPU, or torch on a GPU in bfloat16."),
]
