"""A user's own pictures: python fake_own.py FOLDER writes `exif` (GPS in EXIF) and `gpx` (a track and a clock).

exif/walk/0.jpg ...   gpx/track.gpx, gpx/0.jpg ... with times in EXIF
"""

from __future__ import annotations

import sys
from pathlib import Path

from fake_picture import write_picture
from PIL import Image
from PIL.TiffImagePlugin import IFDRational

GPX = """<?xml version="1.0" encoding="UTF-8"?>
<gpx version="1.1" creator="a watch" xmlns="http://www.topografix.com/GPX/1/1"><trk><name>walk</name><trkseg>
{points}
</trkseg></trk></gpx>
"""
POINT = """<trkpt lat="{lat:.6f}" lon="11.5"><ele>500</ele>
<time>2024-05-01T10:{minute:02d}:{second:02d}Z</time></trkpt>"""


def angle(degrees: float) -> tuple[IFDRational, IFDRational, IFDRational]:
    """Degrees, minutes and seconds, as cameras write them."""
    whole, rest = divmod(abs(degrees), 1)
    minutes, rest = divmod(rest * 60, 1)
    return IFDRational(int(whole)), IFDRational(int(minutes)), IFDRational(round(rest * 60 * 10000), 10000)


def exif(
    lat: float | None = None,
    lon: float | None = None,
    heading: float | None = None,
    time: str = "",
    offset: str = "",
    reference: str = "T",
) -> Image.Exif:
    tags = Image.Exif()
    if lat is not None and lon is not None:
        gps = {1: "N" if lat >= 0 else "S", 2: angle(lat), 3: "E" if lon >= 0 else "W", 4: angle(lon)}
        if heading is not None:
            gps |= {16: reference, 17: IFDRational(round(heading * 100), 100)}
        tags[0x8825] = gps
    if time:
        tags[0x8769] = {0x9003: time} | ({0x9011: offset} if offset else {})
    return tags


def write_exif(root: Path) -> Path:
    """Four pictures: three with a position south of the equator and west of Greenwich, one without."""
    for number in range(3):
        tags = exif(-22.9 - number * 1e-4, -43.2, 90.0 + number, f"2024:05:01 10:00:0{number}", "-03:00")
        write_picture(root / "walk" / "database" / f"{number}.jpg", tags)
    write_picture(root / "walk" / "queries" / "none.jpg")
    return root


def write_gpx(root: Path, offset: str = "+02:00") -> Path:
    """A track of 10 s steps to the north, silent from 10:00:20 to 10:02:30, and pictures on it and off it."""
    root.mkdir(parents=True, exist_ok=True)
    seconds = [0, 10, 20, 150, 160]
    points = "\n".join(POINT.format(lat=48 + s * 1e-5, minute=s // 60, second=s % 60) for s in seconds)
    (root / "track.gpx").write_text(GPX.format(points=points), encoding="utf-8")
    for name, clock in (("a", "12:00:05"), ("b", "12:00:20"), ("gap", "12:01:00"), ("after", "13:00:00")):
        write_picture(root / f"{name}.jpg", exif(time=f"2024:05:01 {clock}", offset=offset))
    return root


if __name__ == "__main__":
    write_exif(Path(sys.argv[1]) / "exif")
    write_gpx(Path(sys.argv[1]) / "gpx")
