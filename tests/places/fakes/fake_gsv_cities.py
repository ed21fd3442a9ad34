"""GSV-Cities in its layout: python fake_gsv_cities.py FOLDER.

Dataframes/London.csv   Images/London/London_0000001_2018_05_090_51.50_-0.1200_<panoid>.jpg
"""

from __future__ import annotations

import sys
from pathlib import Path

from fake_picture import write_picture

HEADER = "place_id,year,month,northdeg,city_id,lat,lon,panoid"
# Latitudes as texts that change when they are read as numbers and written again.
ROWS = {
    "London": [
        ("1", "2018", "5", "90", "London", "51.50", "-0.1200", "aB_-1"),
        ("1", "2019", "11", "9", "London", "51.500010", "-0.12001", "cD2"),
        ("2", "2018", "5", "359", "London", "51.6000000000000001", "-0.1", "eF3"),
        ("2", "2017", "12", "0", "London", "51.6000100", "-0.1000", "gH4"),
    ],
    "PRG": [
        ("1", "2014", "7", "180", "PRG", "50.08750", "14.42", "iJ5"),
        ("1", "2016", "1", "200", "PRG", "50.0875", "14.420", "kL6"),
    ],
}
# Written out, not computed: what a reader must come to.
IMAGES = [
    "Images/London/London_0000001_2018_05_090_51.50_-0.1200_aB_-1.jpg",
    "Images/London/London_0000001_2019_11_009_51.500010_-0.12001_cD2.jpg",
    "Images/London/London_0000002_2018_05_359_51.6000000000000001_-0.1_eF3.jpg",
    "Images/London/London_0000002_2017_12_000_51.6000100_-0.1000_gH4.jpg",
    "Images/PRG/PRG_0000001_2014_07_180_50.08750_14.42_iJ5.jpg",
    "Images/PRG/PRG_0000001_2016_01_200_50.0875_14.420_kL6.jpg",
]


def write_gsv_cities(root: Path) -> Path:
    (root / "Dataframes").mkdir(parents=True, exist_ok=True)
    for city, rows in ROWS.items():
        lines = [HEADER, *(",".join(row) for row in rows)]
        (root / "Dataframes" / f"{city}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    for image in IMAGES:
        write_picture(root / image)
    return root


if __name__ == "__main__":
    write_gsv_cities(Path(sys.argv[1]))
