"""MSLS in its layout: python fake_msls.py FOLDER.

{train_val,test}/<city>/{query,database}/ with images/<key>.jpg and four CSVs, whose first column is a number
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from fake_picture import write_picture

CITIES = {
    "train_val/trondheim": (63.43, 10.39),
    "train_val/cph": (55.67, 12.57),
    "train_val/sf": (37.77, -122.42),
    "test/athens": (37.98, 23.73),
}
METRE = 1 / 111_320  # degrees of latitude
SUBTASKS = ("all", "s2w", "w2s", "o2n", "n2o", "d2n", "n2d")


@dataclass(frozen=True)
class Shot:
    """A picture: metres north of its city, whether it is a panorama, and whether im2im asks for it."""

    north: float
    pano: bool = False
    asked: bool = True


DATABASE = [Shot(0), Shot(20), Shot(40), Shot(60, pano=True), Shot(80), Shot(2000)]
# At 60 m only the panorama is near to 10 m, at 80 m there is a picture; 500 m has no positive.
QUERIES = [Shot(5), Shot(30, asked=False), Shot(61, pano=True), Shot(78), Shot(500)]


def write_msls(root: Path) -> Path:
    for number, (city, (lat, lon)) in enumerate(CITIES.items()):
        for role, shots in (("database", DATABASE), ("query", QUERIES)):
            write_side(root / city / role, f"{number}{role[0]}", shots, lat, lon, secret=city.startswith("test"))
    return root


def write_side(folder: Path, prefix: str, shots: list[Shot], lat: float, lon: float, secret: bool) -> None:
    keys = [f"{prefix}_{number:02d}-xY" for number in range(len(shots))]
    for key in keys:
        write_picture(folder / "images" / f"{key}.jpg")
    table(folder / "seq_info.csv", "key,sequence_key,frame_number", [(k, f"s{prefix}", i) for i, k in enumerate(keys)])
    inside = [(key, *[shot.asked] * len(SUBTASKS)) for key, shot in zip(keys, shots, strict=True)]
    table(folder / "subtask_index.csv", ",".join(("key", *SUBTASKS)), inside)
    if secret:  # the test cities are published without positions
        return
    raw, processed = [], []
    for key, shot in zip(keys, shots, strict=True):
        raw.append((key, lon, lat + shot.north * METRE, 123.4, "2018-07-14", shot.pano))
        processed.append((key, 500000.0, 6000000.0 + shot.north, "c1", False, False, "Forward"))
    table(folder / "raw.csv", "key,lon,lat,ca,captured_at,pano", raw)
    table(
        folder / "postprocessed.csv",
        "key,easting,northing,unique_cluster,night,control_panel,view_direction",
        processed,
    )


def table(path: Path, header: str, rows: list[tuple]) -> None:
    lines = [f",{header}", *(f"{number}," + ",".join(map(str, row)) for number, row in enumerate(rows))]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write_msls(Path(sys.argv[1]))
