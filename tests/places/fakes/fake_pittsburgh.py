"""Pittsburgh in its layout: python fake_pittsburgh.py FOLDER writes both .mat sets and their pictures.

datasets/pitts30k_train.mat ...   000/000000_pitch1_yaw1.jpg ...   queries_real/000000_pitch1_yaw1.jpg ...
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from fake_picture import write_picture
from scipy.io import savemat

ORIGIN = np.array([587900.0, 4477200.0])  # UTM 17T, in Pittsburgh
STEP_M = 12.0  # between panoramas on a line
PANORAMAS = {"train": range(0, 10), "val": range(10, 13), "test": range(13, 18)}
VIEWS = [(pitch, yaw) for pitch in (1, 2) for yaw in range(1, 13)]


def position(panorama: int, aside: float = 0.0) -> np.ndarray:
    """Easting and northing of a panorama; splits are 1 km apart."""
    split = next(number for number, numbers in enumerate(PANORAMAS.values()) if panorama in numbers)
    return ORIGIN + (panorama * STEP_M + 1000 * split, aside)


def struct(split: str, views: list[tuple[int, int]] = VIEWS) -> dict:
    """`dbStruct` of one split: every panorama with its views, and a query 5 m beside every second one."""
    database, queries, utm_db, utm_q = [], [], [], []
    for panorama in PANORAMAS[split]:
        for pitch, yaw in views:
            database.append(f"{panorama // 1000:03d}/{panorama:06d}_pitch{pitch}_yaw{yaw}.jpg")
            utm_db.append(position(panorama))
        if panorama % 2 == 0 or len(PANORAMAS[split]) == 1:
            queries.append(f"{panorama:06d}_pitch1_yaw{1 + panorama % 12}.jpg")
            utm_q.append(position(panorama, aside=5.0))
    return {
        "whichSet": split,
        "dbImage": cells(database),
        "utmDb": np.array(utm_db).T,
        "qImage": cells(queries),
        "utmQ": np.array(utm_q).T,
        "numImages": float(len(database)),
        "numDb": float(len(database)),
        "numQ": float(len(queries)),
        "posDistThr": 25.0,
        "posDistSqThr": 625.0,
        "nonTrivPosDistSqThr": 100.0,
    }


def cells(names: list[str]) -> np.ndarray:
    """A MATLAB cell array N x 1 of texts."""
    column = np.empty((len(names), 1), dtype=object)
    column[:, 0] = names
    return column


def write_pittsburgh(root: Path, names: tuple[str, ...] = ("pitts30k", "pitts250k"), pictures: bool = True) -> Path:
    """Both sets, as the archive of splits holds them; pitts250k has all views, pitts30k every sixth."""
    (root / "datasets").mkdir(parents=True, exist_ok=True)
    for name in names:
        for split in PANORAMAS:
            values = struct(split, VIEWS if name == "pitts250k" else VIEWS[::6])
            savemat(root / "datasets" / f"{name}_{split}.mat", {"dbStruct": values})
            if pictures:
                for image in values["dbImage"][:, 0]:
                    write_picture(root / image)
                for image in values["qImage"][:, 0]:
                    write_picture(root / "queries_real" / image)
    return root


if __name__ == "__main__":
    write_pittsburgh(Path(sys.argv[1]))
