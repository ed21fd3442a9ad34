"""The test sets of UTM-named pictures, each in its layout: python fake_utm_sets.py FOLDER.

Every set is written into a folder with an @ in its name, which must not be taken for a field.
"""

from __future__ import annotations

import sys
from pathlib import Path

from fake_picture import write_picture

NORDLAND_M = 25 / 10.5  # of pseudo-UTM a frame: 25 m is 10 frames
SUBSET_M = 25 / 1.5  # of the set with every tenth query: 25 m is one frame


def full(east: float, north: float, zone: str, lat: float, lon: float, panorama: str, heading: str = "") -> str:
    """A name with every field; zone such as `10S`."""
    place = f"@{east:010.2f}@{north:010.2f}@{zone[:-1]}@{zone[-1]}@{lat:09.5f}@{lon:010.5f}"
    return f"{place}@{panorama}@03@{heading}@@@@20130801@@.jpg"


def pseudo(north: float, number: object) -> str:
    """A name of a data set without positions: metres on a line, and a number in the panorama's place."""
    return f"@0@{north:07.1f}@@@@@{number}@@@@@@@@.jpg"


SAN_FRANCISCO = (551000.0, 4180000.0, "10S", 37.76630, -122.42100)
TOKYO = (386000.0, 3950000.0, "54S", 35.68780, 139.74020)
BRISBANE = (500100.0, 6957000.0, "56J", -27.50830, 153.00100)
OXFORD = (613000.0, 5737000.0, "30U", 51.77200, -1.36200)


def real(origin: tuple, metres: float, name: str) -> str:
    east, north, zone, lat, lon = origin
    return full(east + metres, north, zone, lat, lon, name, "270")


def line(origin: tuple, folder: str, count: int, aside: float = 0.0) -> list[str]:
    return [f"{folder}/{real(origin, 100 * n + aside, f'{folder[-3:]}{n:02d}')}" for n in range(count)]


def frames(folder: str, numbers: range, metres: float) -> list[str]:
    return [f"{folder}/{pseudo(number * metres, number)}" for number in numbers]


TEST = "images/test"
SETS: dict[str, list[str]] = {
    "tokyo247": line(TOKYO, f"{TEST}/database", 4) + line(TOKYO, f"{TEST}/queries", 2, 10),
    "st-lucia": line(BRISBANE, f"{TEST}/gallery", 4) + line(BRISBANE, f"{TEST}/queries", 3, 12),
    "eynsham": line(OXFORD, f"{TEST}/database", 3) + line(OXFORD, f"{TEST}/queries", 3, 20),
    "amstertime": frames(f"{TEST}/database", range(4), 1000) + frames(f"{TEST}/queries", range(4), 1000),
    "sped": frames(f"{TEST}/database", range(3), 1000) + frames(f"{TEST}/queries", range(3), 1000),
    "sf-xl": line(SAN_FRANCISCO, "test/database", 5)
    + line(SAN_FRANCISCO, "test/queries_v1", 3, 8)
    + line(SAN_FRANCISCO, "test/queries_v2", 2, 9)
    + line(SAN_FRANCISCO, "val/database", 2, 5000)
    + line(SAN_FRANCISCO, "val/queries", 2, 5010),
    "nordland": frames(f"{TEST}/database", range(60), NORDLAND_M) + frames(f"{TEST}/queries", range(60), NORDLAND_M),
    "nordland-subset": frames(f"{TEST}/database", range(60), SUBSET_M)
    + frames(f"{TEST}/queries", range(0, 60, 10), SUBSET_M),
    "svox": line(OXFORD, f"{TEST}/gallery", 4)
    + line(OXFORD, f"{TEST}/queries", 4, 11)
    + line(OXFORD, f"{TEST}/queries_night", 2, 13)
    + line(OXFORD, f"{TEST}/queries_rain", 3, 14),
    "tum-lsi": [f"{TEST}/database/@{10 * n:.2f}@5.00@.jpg" for n in range(9)] + [f"{TEST}/queries/@12.00@9.00@.jpg"],
    "gangnam-station": [f"{TEST}/database/@{20 * n:.2f}@-5.00@.jpg" for n in range(9)]
    + [f"{TEST}/queries/@52.00@-9.00@.jpg"],
}


def write_utm_set(root: Path, name: str) -> Path:
    """One set in `<root>/at@home/<name>`."""
    folder = root / "at@home" / name
    for image in SETS[name]:
        write_picture(folder / image)
    return folder


if __name__ == "__main__":
    for each in SETS:
        write_utm_set(Path(sys.argv[1]), each)
