"""`lofivpr align`: from pairs to positions, and the Aligner as a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image
from scipy.spatial.transform import Rotation

from lofivpr.alignment import Trajectory, write_tum
from lofivpr.places import Places, geodesic


@pytest.fixture
def walk(tmp_path: Path) -> Path:
    """A quarter of a circle of 20 m about (30, 20) m, seen by SLAM at half its size; pictures and a plan."""
    angle = np.linspace(0, np.pi / 2, 31)
    metres = np.column_stack([30 + 20 * np.cos(angle), 20 + 20 * np.sin(angle), 0 * angle])
    forward = np.column_stack([-np.sin(angle), np.cos(angle), 0 * angle])
    down = np.tile([0.0, 0.0, -1.0], (31, 1))
    axes = np.stack([np.cross(down, forward), down, forward], axis=2)
    turn = Rotation.from_euler("xyz", [80, 10, -30], degrees=True)
    way = Trajectory.of(np.arange(31.0), 0.5 * turn.apply(metres), turn * Rotation.from_matrix(axes))
    write_tum(tmp_path / "way.txt", way)
    rows = [0, 8, 16, 24, 30]
    lines = [f"{row},{metres[row, 0] / 0.1},{(50 - metres[row, 1]) / 0.1}" for row in rows]
    (tmp_path / "pairs.csv").write_text("\n".join(["time,column,row", *lines]) + "\n")
    Image.new("RGB", (600, 500), "white").save(tmp_path / "plan.png")
    (tmp_path / "places.csv").write_text(
        "image,timestamp\np.jpg#yaw=0&fov=90,100\np.jpg#yaw=90&fov=90,100\nq.jpg,130\nr.jpg,500\n"
    )
    return tmp_path


def arguments(walk: Path, *more: object) -> list[object]:
    start = ["align", "solve", walk / "pairs.csv", "--trajectory", walk / "way.txt", "--plan", walk / "plan.png"]
    return [*start, "--metres-per-pixel", "0.1", *more]


def test_solve_writes_positions_and_the_map(walk: Path, done: Callable[..., str]) -> None:
    told = done(*arguments(walk, "--places", walk, "--offset", "-100", "--out", walk / "map.json"))
    assert "3 of 4 pictures have positions" in told and "RMS of the 5 pairs used: 0.000 m" in told
    places = Places.open(walk)
    assert places.table["zone"].to_pylist() == ["local"] * 3 + [None]
    assert places.column("easting")[:3] == pytest.approx([50, 50, 30], abs=1e-4)
    assert places.column("northing")[:3] == pytest.approx([20, 20, 40], abs=1e-4)
    assert places.column("heading_deg")[:3] % 360 == pytest.approx([0, 90, 270], abs=1e-2)
    found = json.loads((walk / "map.json").read_text())
    assert found["scale"] == pytest.approx(2) and found["unit"] == "m" and found["rms"] < 1e-6
    assert found["expected_rms"] < 1e-6


def test_solve_onto_the_earth(walk: Path, done: Callable[..., str]) -> None:
    done(*arguments(walk, "--places", walk, "--offset", "-100", "--corner", "48.5,9.0", "--up", "90"))
    lat, lon = (Places.open(walk).column(name) for name in ("lat", "lon"))
    # The plan's top looks east: (50, 20) m of the plan is 20 m to the east and 50 m to the south of the corner.
    assert lat[0] < 48.5 and lon[0] > 9.0
    assert geodesic(lat[:1], lon[:1], np.array([48.5]), np.array([9.0])) == pytest.approx([np.hypot(50, 20)], abs=0.01)
    assert Places.open(walk).column("heading_deg")[0] == pytest.approx(90, abs=0.01)


def test_a_wrong_pair_is_left_out(walk: Path, done: Callable[..., str]) -> None:
    pairs = walk / "pairs.csv"
    pairs.write_text(pairs.read_text() + "4,10,10\n")
    told = done(*arguments(walk, "--within", "0.5"))
    assert told.count("left out") == 1 and "RMS of the 5 pairs used: 0.000 m" in told


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--corner", "48.5"], "LAT,LON"),
        (["--up", "30"], "corner"),
        (["--places", "PLACES"], "--offset"),
        (["--trajectory", "nowhere"], "nowhere"),
        (["--metres-per-pixel", "0"], "positive"),
    ],
)
def test_mistakes_are_told(walk: Path, refused: Callable[..., str], more: list[str], words: str) -> None:
    before = (walk / "places.csv").read_bytes()
    assert words in refused(*arguments(walk, *[walk if one == "PLACES" else one for one in more]))
    assert (walk / "places.csv").read_bytes() == before


def test_the_aligner_is_for_this_machine_and_its_own_page(walk: Path) -> None:
    """The command as a process, asked over its port: other names, other origins and forms change nothing."""
    words = ["align", "serve", walk / "plan.png", walk / "way.txt", "--places", walk, "--offset", "-100", "--port", "0"]
    command = [sys.executable, "-c", "from lofivpr.cli import main; main()", *words]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        address = process.stdout.readline().split()[-1]
        assert address.startswith("http://127.0.0.1:")
        draft = {"pairs": [{"floor": [0, 0], "plan": [1, 1]}, {"floor": [1, 0], "plan": [2, 1]}],
                 "known": {"first": [0, 0], "second": [10, 0], "metres": 1}}  # fmt: skip
        with httpx.Client(base_url=address, timeout=60) as client:
            page = client.get("/")
            assert page.status_code == 200 and "frame-ancestors 'none'" in page.headers["content-security-policy"]
            assert client.get("/api/job").json()["pictures"] == 4
            own = {"Origin": address}
            for headers, status in (({"Host": "evil.example"}, 421), ({"Origin": "https://evil.example"}, 403)):
                assert client.post("/api/save", json=draft, headers=headers).status_code == status
            form = client.post("/api/save", content=json.dumps(draft), headers=own | {"Content-Type": "text/plain"})
            assert form.status_code == 422
            assert client.post("/api/save", json=draft | {"kind": "magic"}, headers=own).status_code == 422
            assert client.get("/../places.csv").status_code == 404
            assert not (walk / "alignment.json").exists()
            unscaled = client.post("/api/save", json=draft | {"known": None}, headers=own)
            assert unscaled.status_code == 422 and "scale" in unscaled.json()["detail"]
            saved = client.post("/api/save", json=draft, headers=own)
            assert saved.status_code == 200 and saved.json()["placed"] == 3
            assert (walk / "alignment.json").is_file()
            assert client.get("/api/picture?time=nan").status_code == 422
    finally:
        process.terminate()
        process.wait(30)


def test_pairs_of_another_plan_are_not_taken_over(walk: Path, refused: Callable[..., str]) -> None:
    (walk / "alignment.json").write_text(json.dumps({"made_of": "0" * 16, "draft": {}}))
    assert "those of others" in refused("align", "serve", walk / "plan.png", walk / "way.txt", "--places", walk)
