"""`lofivpr localize` as a user runs it, of a real service; and what a camera would bring."""

from __future__ import annotations

import csv
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from lofivpr.cli import main
from lofivpr.cli.localize import parse_bytes
from lofivpr.errors import LofiError
from lofivpr.serving import Client
from lofivpr.serving.client.localize import Summary, _live
from lofivpr.serving.client.located import Missed
from lofivpr.serving.client.source import Frame

See = Callable[..., np.ndarray]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    def go(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setenv("COLUMNS", "200")
        monkeypatch.setattr(sys, "argv", ["lofivpr", "localize", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        told = capsys.readouterr()
        return int(end.value.code or 0), told.out, told.err

    return go


@pytest.fixture
def folder(tmp_path: Path, see: See) -> Path:
    (tmp_path / "queries").mkdir()
    for place in (2, 5, 9):
        cv2.imwrite(str(tmp_path / "queries" / f"{place}.png"), see(place)[:, :, ::-1])
    return tmp_path / "queries"


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_picture_and_a_table(answering: Any, folder: Path, run: Any) -> None:
    code, out, err = run(folder / "5.png", "--server", answering.url, "--budget", "3kB")
    assert code == 0, err
    assert "5.png: 52.00" in out and "120p/jpeg:20" in out and "median latency" in out and "1     │ 0" in out


def test_a_folder_goes_on_where_it_stopped(answering: Any, folder: Path, run: Any, tmp_path: Path) -> None:
    """A picture that cannot be read ends the run; what was answered is kept, and not asked again."""
    out = tmp_path / "fixes.csv"
    (folder / "3.png").write_bytes(b"no picture")
    code, _, err = run(folder, "--server", answering.url, "--out", out)
    assert code == 2 and "3.png" in err and [row["source"] for row in rows_of(out)] == ["2.png"]
    asked = answering.metric("lofivpr_responses_total", status="200")
    code, told, _ = run(folder, "--server", answering.url, "--out", out, "--skip-bad")
    assert code == 0 and "holds 1 answers" in told
    rows = rows_of(out)
    assert [row["source"] for row in rows] == ["2.png", "3.png", "5.png", "9.png"]
    assert [row["place"] for row in rows] == ["02-database.png", "", "05-database.png", "09-database.png"]
    assert "expected a picture" in rows[1]["reason"] and rows[1]["answered"] == "False"
    again = answering.metric("lofivpr_responses_total", status="200")
    code, told, _ = run(folder, "--server", answering.url, "--out", out)
    assert code == 0 and answering.metric("lofivpr_responses_total", status="200") == again, "nothing is left to ask"
    assert asked <= again


def test_a_clip(answering: Any, run: Any, tmp_path: Path, see: See) -> None:
    writer = cv2.VideoWriter(str(tmp_path / "drive.avi"), cv2.VideoWriter_fourcc(*"MJPG"), 4, (160, 120))
    for number in range(8):
        writer.write(see(number)[:, :, ::-1].copy())
    writer.release()
    out = tmp_path / "fixes.jsonl"
    code, told, err = run(tmp_path / "drive.avi", "--server", answering.url, "--out", out, "--fps", 2)
    assert code == 0, err
    assert out.read_text().count("\n") == 4 and '"place": "06-database.png"' in out.read_text()
    assert "holds 4 answers" in run(tmp_path / "drive.avi", "--server", answering.url, "--out", out, "--fps", 4)[1]
    assert out.read_text().count("\n") == 8


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--server", "nowhere"), "address of a service"),
        (("--server", "http://127.0.0.1:9", "--budget", "much"), "2kB"),
        (("--server", "http://127.0.0.1:9", "--fps", "0"), "--fps"),
        (("--server", "http://127.0.0.1:9", "--quality", "jpeg:5", "--latency", "1"), "found both"),
        (("--server", "http://127.0.0.1:9", "--key-file", "none"), "a file of API keys"),
        (("--server", "http://vpr.example", "--key-file", "KEYS"), "--insecure"),
    ],
)
def test_a_mistake_is_one_message(options: tuple[str, ...], told: str, folder: Path, run: Any, tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("robot:a-key-that-is-long-enough\n")
    arguments = [str(tmp_path / "keys") if one == "KEYS" else one for one in options]
    code, _, err = run(folder / "5.png", *arguments)
    assert code == 2 and told in err and "Traceback" not in err


def test_a_camera(answering: Any, see: See) -> None:
    """Faster than the service answers: the newest frame is asked about, those that gave way are not told."""

    def camera() -> Iterator[Frame]:
        for number in range(60):
            yield Frame(f"camera:0@{number}", see(number % 16), None)
            time.sleep(0.005)

    with Client(answering.url, quality="60p/h264:qp40") as client:
        found = list(_live(client, camera()))
    assert found[-1][0] == "camera:0@59" and 1 <= len(found) <= 60
    numbers = [int(name.partition("@")[2]) for name, _ in found]
    assert numbers == sorted(numbers) and not any(isinstance(one, Missed) for _, one in found)
    assert [one.fix.candidates[0].ref for _, one in found] == [f"{n % 16:02d}-database.png" for n in numbers]  # type: ignore[union-attr]


@pytest.mark.parametrize(("text", "n_bytes"), [("2000", 2000), ("2kB", 2000), ("1.5 KB", 1500), ("700B", 700)])
def test_numbers_of_bytes(text: str, n_bytes: int) -> None:
    assert parse_bytes(text) == n_bytes
    with pytest.raises(LofiError):
        parse_bytes(text + "it")


def test_a_run_without_answers() -> None:
    summary = Summary()
    summary.add(Missed(0, 0, "x"))
    assert (summary.missed, summary.bytes_per_fix, summary.median_s) == (1, None, None)
