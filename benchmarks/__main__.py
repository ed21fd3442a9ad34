"""Run comparisons and print: what, baseline, ours, ratio. Timings are medians; trust the ratios.

A subject is a file of this folder with a function `rows() -> list[Row]` without arguments, see
`benchmarks/timing.py`: a new one is found by itself.
"""

from __future__ import annotations

import argparse
import ast
import importlib
from pathlib import Path

from rich.console import Console
from rich.table import Table


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
    chosen = parser.parse_args().subject or list(subjects)
    if unknown := [name for name in chosen if name not in subjects]:
        parser.error(f"expected subjects among {', '.join(subjects)}, found {', '.join(unknown)}.")
    table = Table("what", "baseline", "baseline s", "ours s", "ratio")
    for name in chosen:
        for what, baseline, before, ours in importlib.import_module(f"benchmarks.{name}").rows():
            table.add_row(what, baseline, f"{before:.4f}", f"{ours:.4f}", f"{before / ours:.1f}x")
    Console().print(table)


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
        elif "__main__" in text:
            commands[path.stem] = about
    return subjects, commands


if __name__ == "__main__":
    main()
