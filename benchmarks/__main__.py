"""Run comparisons and print: what, baseline, ours, ratio, bound. Timings are medians; trust the ratios.

A subject is a file of this folder with a function `rows() -> list[Row]` without arguments, see
`benchmarks/timing.py`: a new one is found by itself.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import os
import platform
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks import timing
from benchmarks.machine import processor
from benchmarks.page import put
from benchmarks.timing import Row
from lofivpr.cores import usable_cores

HEAD = ("what", "baseline", "baseline takes", "ours", "ratio", "bound", "reached")


def main() -> None:
    """Print the table of the subjects that were named, or of all."""
    subjects, commands = _files()
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=(__doc__ or "").partition("\n")[0],
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="\n".join(
            [
                *("subjects:", *(f"  {name:12} {about}" for name, about in subjects.items())),
                *("", "with options of their own:"),
                *(f"  python -m benchmarks.{name:12} {about}" for name, about in commands.items()),
            ]
        ),
    )
    parser.add_argument("subject", nargs="*", help="one of those below; all if none is named")
    parser.add_argument("--page", type=Path, help="a page of docs/results: the table there is replaced, too")
    parser.add_argument("--fraction", type=float, default=1.0, help="of all sizes: to see whether everything runs")
    told = parser.parse_args()
    chosen = told.subject or list(subjects)
    if unknown := [name for name in chosen if name not in subjects]:
        parser.error(f"expected subjects among {', '.join(subjects)}, found {', '.join(unknown)}.")
    timing.fraction = told.fraction
    found = []
    for name in chosen:
        rows = importlib.import_module(f"benchmarks.{name}").rows()
        found += rows
        if rows:  # of a GPU where there is one
            _print(rows)
    if told.page:
        put(told.page, "speed", [list(HEAD), *map(_cells, found)], _machine())


def _print(rows: list[Row]) -> None:
    table = Table(*HEAD)
    for row in rows:
        table.add_row(*_cells(row))
    Console().print(table)


def _cells(row: Row) -> list[str]:
    bound = "" if row.bound is None else f"{_figures(row.bound)} {row.unit}: {row.theory}"
    reached = "" if row.bound is None else f"{100 * row.bound / row.ours:.0f} %"
    ratio = f"{row.before / row.ours:.1f}x"
    return [
        row.what,
        row.baseline,
        *(f"{_figures(v)} {row.unit}" for v in (row.before, row.ours)),
        ratio,
        bound,
        reached,
    ]


def _figures(value: float) -> str:
    """Three significant figures, without an exponent."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}" if value >= 0.001 else f"{value:.6f}"


def _machine() -> str:
    import onnxruntime
    import torch

    name = f" ({processor()})" if processor() else ""
    versions = (
        f"Python {platform.python_version()}, PyTorch {torch.__version__}, ONNX Runtime {onnxruntime.__version__}"
    )
    sizes = "" if timing.fraction == 1 else f" A trial run: sizes times {timing.fraction}."
    return f"{usable_cores()} cores{name} of {os.uname().machine}, {versions}.{sizes}"


def _files() -> tuple[dict[str, str], dict[str, str]]:
    """Name and first line of each subject, and of each other file that is a command; nothing is imported."""
    subjects, commands = {}, {}
    for path in sorted(Path(__file__).parent.glob("[!_]*.py")):
        text = path.read_text(encoding="utf-8")
        tree = ast.parse(text)
        about = (ast.get_docstring(tree) or "").partition("\n")[0]
        functions = (node for node in tree.body if isinstance(node, ast.FunctionDef))
        if any(function.name == "rows" and not function.args.args for function in functions):
            subjects[path.stem] = about
        elif "__main__" in text and path.stem != "timing":
            commands[path.stem] = about
    return subjects, commands


if __name__ == "__main__":
    main()
