"""Where the pictures of a generated data set are taken: two traversals, two areas."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyproj

from lofivpr.errors import LofiError
from lofivpr.places.town.camera import PinholeCamera
from lofivpr.places.town.scene import Layout, Street, make_layout

SPACING = 9.0  # metres between the spots of the database
TEST_SHARE = 0.4
ORIGIN = (48.5, 9.0)  # latitude and longitude of the town's corner (0, 0)
MINIMUM = 32  # pictures: in both areas at least three spots of the database and one query, four views each
PROJECTION = pyproj.Proj(proj="aeqd", lat_0=ORIGIN[0], lon_0=ORIGIN[1], ellps="WGS84")


@dataclass(frozen=True)
class Shot:
    """One picture of the plan."""

    name: str
    panorama: int
    camera: PinholeCamera
    split: str
    role: str


def latitude_longitude(x: float, y: float) -> tuple[float, float]:
    """Degrees of a place in the town's metres: azimuthal equidistant about ORIGIN, WGS 84."""
    longitude, latitude = PROJECTION(x, y, inverse=True)
    return float(latitude), float(longitude)


def stations(layout: Layout, split: str) -> list[tuple[Street, np.ndarray]]:
    """Streets of an area with the positions of their spots along them."""
    low, high = layout.area(split)
    found = []
    for street in layout.streets:
        if street.axis == 1 and not low <= street.centre <= high:
            continue
        start, end = street.start + 5, street.end - 5
        if street.axis == 0:
            start, end = max(start, low), min(end, high)
        if end - start > 2 * SPACING:
            found.append((street, np.arange(start, end, SPACING)))
    return found


def quotas(pictures: int) -> dict[str, tuple[int, int]]:
    """Spots (database, query) of each split.

    Raises:
        LofiError: fewer pictures than MINIMUM.
    """
    if pictures < MINIMUM:
        raise LofiError(
            f"expected at least {MINIMUM} pictures (database and queries in both splits), found {pictures}. "
            "Ask for more."
        )
    spots = -(-pictures // 4)
    test = max(4, round(TEST_SHARE * spots))
    parts = {"train": spots - test, "test": test}
    return {split: (n - max(1, round(n / 4)), max(1, round(n / 4))) for split, n in parts.items()}


def size_town(seed: int, pictures: int) -> tuple[int, int]:
    """Columns of blocks (train, test) whose streets are long enough for that many pictures."""
    columns = [1, 1]
    need = quotas(pictures)
    while True:
        layout = make_layout(seed, columns[0], columns[1])
        short = [
            i
            for i, split in enumerate(("train", "test"))
            if sum(len(along) for _, along in stations(layout, split)) < need[split][0]
        ]
        if not short:
            return columns[0], columns[1]
        for i in short:
            columns[i] += 1


def _spots(
    layout: Layout, split: str, count: tuple[int, int], rng: np.random.Generator
) -> list[tuple[str, Street, float]]:
    """(role, street, position along it): the database street by street, queries between its spots."""
    database: list[tuple[str, Street, float]] = []
    between: list[tuple[str, Street, float]] = []
    found = stations(layout, split)
    for i in rng.permutation(len(found)):
        street, along = found[int(i)]
        along = along[: count[0] - len(database)]
        database += [("database", street, float(a + rng.uniform(-0.5, 0.5))) for a in along]
        middle = along[:-1] + SPACING / 2
        between += [("query", street, float(a + rng.uniform(-2.5, 2.5))) for a in middle]
    chosen = rng.permutation(len(between))[: count[1]]
    return database + [between[int(i)] for i in sorted(chosen)]


def plan(layout: Layout, seed: int, pictures: int, size: tuple[int, int]) -> list[Shot]:
    """All pictures: four headings a spot, the query's camera a few metres and degrees off.

    The last spot of the plan gives up views so that the number of pictures is exact.
    """
    shots: list[Shot] = []
    panorama = 0
    for number, (split, count) in enumerate(quotas(pictures).items()):
        rng = np.random.default_rng([seed, 6, number])
        for role, street, along in _spots(layout, split, count, rng):
            query = role == "query"
            x, y = street.point(along, float(rng.uniform(-1.5, 1.5) if query else rng.normal(-0.8, 0.2)))
            turn = float(np.clip(rng.normal(0, 5), -12, 12)) if query else 0.0
            tilt = rng.normal((2, 0), (1.2, 0.7)) if query else (2.0, 0.0)
            z = float(rng.uniform(1.55, 1.95) if query else 1.8)
            for heading in (0, 90, 180, 270):
                camera = PinholeCamera(
                    (x, y, z), (heading + turn) % 360, float(tilt[0]), float(tilt[1]), size[0], size[1]
                )
                shots.append(Shot(f"images/{panorama:04d}_{heading:03d}.jpg", panorama, camera, split, role))
            panorama += 1
    return shots[:pictures]
