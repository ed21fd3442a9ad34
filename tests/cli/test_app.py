"""How the command line ends: usage errors, mistakes, interrupts, and bugs."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lofivpr.errors import LofiError

COMMANDS = (
    *("demo", "town", "video", "degrade", "train", "distill", "describe", "evaluate"),
    *("serve", "models", "data", "map"),
)
SLOW = ("torch", "fastapi", "uvicorn", "matplotlib", "onnxruntime")


def test_help_names_every_command(run: Any) -> None:
    ran = run("--help")
    assert ran.code == 0
    assert [name for name in COMMANDS if name not in ran.out] == []


def test_the_commands_load_nothing_that_only_some_of_them_need() -> None:
    code = f"import sys, lofivpr.cli.app; print(*[name for name in {SLOW} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str, done: Callable[..., str]) -> None:
    assert f"lofivpr {command}" in done(command, "--help")


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ("fly", "fly"),
        ("evaluate --modle a", "--modle"),
        ("evaluate --places p --out o", "--model"),
        ("train --places p", "--out"),
        ("distill --places p --out o", "--teacher"),
        ("degrade src dst", "--quality"),
        ("train --places p --out o --epochs -1", "--epochs"),
        ("town --out o --pictures 31", "--pictures"),
        ("town --out o --seed -1", "--seed"),
        ("evaluate --model m --places p --out o --radius far", "--radius"),
        ("evaluate --model m --places p --out o --without-positives maybe", "maybe"),
    ],
)
def test_a_wrong_usage_ends_with_2_and_names_what_is_wrong(arguments: str, named: str, run: Any) -> None:
    ran = run(*arguments.split())
    assert ran.code == 2
    assert named in ran.err and "Usage: lofivpr" in ran.err and "Traceback" not in ran.err


def _fail(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr("lofivpr.cli.pictures.generate_town", fail)


def test_a_message_is_printed_as_it_is(refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    text = "expected [bold]a[/bold] at /data/[run 1]/x[/], found :warning: 'b'. " + 40 * "Try again. "
    _fail(monkeypatch, LofiError(text))
    assert refused("town", "--out", "town") == f"error: {text}\n"


def test_a_fault_of_the_system_is_a_message(refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    _fail(monkeypatch, PermissionError(errno.EACCES, os.strerror(errno.EACCES), "/some/where"))
    assert "Permission denied (/some/where)" in refused("town", "--out", "town")


def test_an_interrupt_ends_with_130(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    _fail(monkeypatch, KeyboardInterrupt())
    ran = run("town", "--out", "town")
    assert ran.code == 130 and ran.err.startswith("interrupted") and "Traceback" not in ran.err


@pytest.mark.parametrize("bug", [ZeroDivisionError("a bug"), OSError("without a number")])
def test_a_bug_keeps_its_traceback(bug: Exception, run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    _fail(monkeypatch, bug)
    with pytest.raises(type(bug), match=str(bug)):
        run("town", "--out", "town")


def test_commands_are_functions_that_python_can_call(tmp_path: Path, places: Path) -> None:
    from lofivpr.cli.pictures import degrade

    degrade(places, tmp_path / "copy", quality="jpeg:10")
    assert (tmp_path / "copy" / "quality.csv").is_file()
