"""The town's pictures are geometry: depth, labels, views and panoramas agree with formulas written down here."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from lofivpr.errors import LofiError
from lofivpr.media.panorama import perspective_view
from lofivpr.places.town import (
    EVENING,
    MORNING,
    OVERCAST,
    Label,
    Light,
    PanoramaCamera,
    PinholeCamera,
    Town,
)
from lofivpr.places.town.light import cast as shadows_of
from lofivpr.places.town.surfaces import Balls

SIZE = {"width": 240, "height": 180}


@pytest.fixture(scope="module")
def town() -> Town:
    return Town(seed=3, columns=(1, 1), rows=2, fronts=12)


@pytest.fixture(scope="module")
def spot(town: Town) -> tuple[float, float, float]:
    street = max(town.streets, key=lambda s: s.length)
    return (*street.point((street.start + street.end) / 2 - 12, -0.8), 1.8)


def along(street_axis: int) -> float:
    """Heading along a street of that axis."""
    return 90.0 if street_axis == 0 else 0.0


def cast(town: Town, origin: np.ndarray, direction: np.ndarray) -> tuple[float, int]:
    """Distance (in lengths of `direction`) to the first rectangle of the empty town, and its label, one by one."""
    scene = town.scene(tuple(origin), MORNING, None)
    s = scene.surfaces
    best, label = np.inf, 0
    for k in range(len(s)):
        matrix = np.stack([s.u[k], s.v[k], -direction], axis=1)
        if abs(np.linalg.det(matrix)) < 1e-9 or np.cross(s.u[k], s.v[k]) @ direction >= 0:
            continue
        a, b, distance = np.linalg.solve(matrix, origin - s.origin[k])
        cut = int(s.texture[k]) in scene.atlas.alpha
        inside = 0 <= a <= s.size[k, 0] and 0 <= b <= s.size[k, 1]
        if inside and 0 < distance < best and not cut:
            best, label = distance, int(s.label[k])
    return best, label


def test_depth_and_labels_are_those_of_one_ray_at_a_time(town: Town, spot: tuple[float, float, float]) -> None:
    camera = PinholeCamera(spot, 67.0, 4.0, 1.5, **SIZE)
    view = town.render(camera, traffic=None)
    rng, compared = np.random.default_rng(0), 0
    forward = camera.rotation[2]
    for _ in range(60):
        column, row = int(rng.integers(240)), int(rng.integers(180))
        if view.labels[row, column] == Label.TREE:
            continue  # balls: test_balls_are_round
        ray = camera.rotation.T @ np.array([(column - 119.5) / camera.focal, (row - 89.5) / camera.focal, 1.0])
        assert ray @ forward == pytest.approx(1)
        depth, label = cast(town, np.array(spot), ray)
        # A gable's alpha may hide what the reference skips; everything else is exact.
        if np.isfinite(depth) and abs(depth - view.depth[row, column]) > 1e-3 * depth:
            assert view.labels[row, column] == Label.FACADE and view.depth[row, column] < depth
            continue
        assert view.labels[row, column] == label
        compared += 1
    assert compared > 40


def test_depth_is_exact_on_a_wall(town: Town) -> None:
    """Straight at the outer row of houses: a plane at a known distance, whatever the field of view."""
    west = min((s for s in town.streets if s.axis == 1), key=lambda s: s.centre)
    y = west.start + 30.0
    scene = town.scene((west.centre, y, 1.8), MORNING, None)
    s = scene.surfaces
    wall = s.normal[:, 0] > 0.9
    over = (s.origin[:, 1] <= y) & (s.origin[:, 1] + s.size[:, 0] >= y) & (s.label == Label.FACADE)
    x = s.origin[wall & over & (s.origin[:, 0] < west.centre)][:, 0].max()
    view = town.render(PinholeCamera((west.centre, y, 1.8), 270.0, 0.0, 0.0, 65, 49, 40.0), traffic=None)
    facade = view.labels == Label.FACADE
    on_wall = facade & (np.abs(view.depth - (west.centre - x)) < 0.3)
    assert on_wall.mean() > 0.3
    # Signs hang 8 cm before the wall, bays and awnings further: what is on the wall is on it to 0.1 mm.
    exact = np.abs(view.depth[on_wall] - (west.centre - x)) < 1e-4
    assert exact.mean() > 0.8


def test_ground_depth_follows_from_the_height_of_the_eye(town: Town, spot: tuple[float, float, float]) -> None:
    camera = PinholeCamera(spot, 0.0, -20.0, 0.0, **SIZE)
    view = town.render(camera, traffic=None)
    rows, columns = np.nonzero(view.mask(Label.GROUND))
    y = (rows - 89.5) / camera.focal
    # Height of a point = eye + depth (sin(pitch) - y cos(pitch)).
    p = np.radians(-20.0)
    height = spot[2] + view.depth[rows, columns] * (np.sin(p) - y * np.cos(p))
    assert height.min() > -1e-3 and height.max() < 0.2
    levels = np.array([0, 0.01, 0.02, 0.03, 0.12, 0.14, 0.15])
    near = np.abs(height[:, None] - levels).min(axis=1)
    kerb_sides = (near > 2e-3).mean()
    assert kerb_sides < 0.1
    assert len(columns) > 3000


def test_labels_partition_the_picture(town: Town, spot: tuple[float, float, float]) -> None:
    street = max(town.streets, key=lambda s: s.length)
    view = town.render(PinholeCamera(spot, along(street.axis), 0.0, **SIZE), traffic=4)
    masks = np.stack([view.mask(label) for label in Label])
    assert (masks.sum(axis=0) == 1).all()
    assert (np.isinf(view.depth) == view.mask(Label.SKY)).all()
    for label in (Label.SKY, Label.GROUND, Label.FACADE):
        assert view.mask(label).mean() > 0.03, label


def test_traffic_comes_and_goes_and_the_rest_stays(town: Town, spot: tuple[float, float, float]) -> None:
    street = max(town.streets, key=lambda s: s.length)
    camera = PinholeCamera(spot, along(street.axis), 0.0, **SIZE)
    empty, one, two = (town.render(camera, traffic=t) for t in (None, 1, 2))
    moving = (int(Label.CAR), int(Label.PERSON))
    assert not np.isin(empty.labels, moving).any()
    assert np.isin(one.labels, moving).any() and (one.labels != two.labels).any()
    still = ~np.isin(one.labels, moving)
    assert (one.labels[still] == empty.labels[still]).all()
    assert np.array_equal(one.depth[still], empty.depth[still])
    assert (one.depth[~still] < empty.depth[~still]).all()


def test_a_passer_by_stands_on_the_ground_and_is_of_human_size(town: Town) -> None:
    """From the truth alone: highest and lowest pixel of a person, at its depth, span 1.3 to 2.1 m."""
    feet = []
    for street in town.streets:
        x, y = street.point(street.start + 6, 0.0)
        camera = PinholeCamera((x, y, 1.7), along(street.axis), 0.0, width=480, height=360)
        view = town.render(camera, traffic=1)
        person = view.mask(Label.PERSON)
        for depth in np.unique(np.round(view.depth[person], 3)):
            rows, _ = np.nonzero(person & (np.abs(view.depth - depth) < 0.05))
            tall = (rows.max() - rows.min() + 1) * depth / camera.focal
            assert tall < 2.3
            if 1.3 < tall < 2.1:
                feet.append(1.7 - (rows.max() - 179.5) * depth / camera.focal)
    # On the pavement, 12 cm high; some feet are behind cars.
    assert len(feet) > 3
    assert np.median(feet) == pytest.approx(0.12, abs=0.1)


def test_panorama_equals_the_pinhole_views_along_the_same_rays(town: Town, spot: tuple[float, float, float]) -> None:
    panorama = town.panorama(spot, MORNING, 1, heading_deg=20.0, width=1024)
    for heading in (0.0, 135.0, 290.0):
        camera = PinholeCamera(spot, heading, 8.0, 0.0, **SIZE)
        view = town.render(camera, MORNING, 1)
        rows, columns = np.mgrid[4:176:3, 4:236:3]
        rays = np.stack([(columns - 119.5) / camera.focal, (rows - 89.5) / camera.focal, np.ones(rows.shape)], -1)
        world = rays.reshape(-1, 3) @ camera.rotation
        length = np.linalg.norm(world, axis=1)
        # The definition of equirectangular, written out.
        azimuth = np.degrees(np.arctan2(world[:, 0], world[:, 1])) - 20.0
        elevation = np.degrees(np.arcsin(world[:, 2] / length))
        column = ((azimuth / 360 + 0.5) % 1) * 1024 - 0.5
        row = (0.5 - elevation / 180) * 512 - 0.5
        at = np.clip(np.rint(row), 0, 511).astype(int), np.rint(column).astype(int) % 1024
        labels = view.labels[rows, columns].ravel()
        same = panorama.labels[at] == labels
        assert same.mean() > 0.95
        solid = same & np.isin(labels, (Label.GROUND, Label.FACADE))
        ratio = panorama.depth[at][solid] / (view.depth[rows, columns].ravel()[solid] * length[solid])
        assert np.median(np.abs(ratio - 1)) < 0.01
        difference = np.abs(panorama.image[at].astype(int) - view.image[rows, columns].reshape(-1, 3))
        assert np.median(difference) <= 5 and difference.mean() < 16


def test_the_view_that_media_cuts_out_of_a_panorama_is_the_pinhole(
    town: Town, spot: tuple[float, float, float]
) -> None:
    """`pano.jpg#yaw=..` of the package means the heading of the town's camera."""
    panorama = town.panorama(spot, MORNING, 1, heading_deg=20.0, width=1600).image
    cut = perspective_view(panorama, yaw=60.0, pitch=5.0, fov=75.0, size=(240, 180)).astype(int)
    right, wrong = (
        town.picture(PinholeCamera(spot, heading, 5.0, 0.0, fov_deg=75.0, **SIZE), MORNING, 1).astype(int)
        for heading in (80.0, 82.0)
    )
    assert np.abs(cut - right).mean() < 0.4 * np.abs(cut - wrong).mean()
    assert np.median(np.abs(cut - right)) <= 3


def test_a_panorama_ray_hits_where_a_pinhole_looks(town: Town, spot: tuple[float, float, float]) -> None:
    """The exact ray of a panorama's pixel, taken by a pinhole turned there: equal range, to float32."""
    camera = PanoramaCamera(spot, 0.0, 256, 128)
    view = town.render(camera, traffic=2)
    for row, column in ((60, 10), (66, 100), (58, 130), (80, 200), (50, 255)):
        heading, pitch = ((column + 0.5) / 256 - 0.5) * 360, 90 - (row + 0.5) / 128 * 180
        pinhole = town.render(PinholeCamera(spot, heading, pitch, 0.0, 33, 33, 20.0), traffic=2)
        assert pinhole.labels[16, 16] == view.labels[row, column]
        if np.isfinite(view.depth[row, column]):
            assert pinhole.depth[16, 16] == pytest.approx(view.depth[row, column], rel=1e-4)


def test_two_views_of_a_facade_agree_in_place_and_colour(town: Town, spot: tuple[float, float, float]) -> None:
    """A pixel of one view, lifted by its depth and projected into the other, has its depth and its colour there."""
    street = max(town.streets, key=lambda s: s.length)
    heading = along(street.axis) + 40
    shift = np.array(street.point(0.0, 0.6)) - street.point(-1.5, 0.0)
    first = PinholeCamera(spot, heading, 6.0, 0.0, 480, 360)
    second = PinholeCamera((spot[0] + shift[0], spot[1] + shift[1], 1.7), heading + 6, 4.0, -1.0, 480, 360)
    a, b = (town.render(camera, MORNING, None) for camera in (first, second))
    rows, columns = np.nonzero(a.mask(Label.FACADE))
    rays = np.stack([(columns - 239.5) / first.focal, (rows - 179.5) / first.focal, np.ones(len(rows))], axis=1)
    points = np.array(spot) + (rays * a.depth[rows, columns][:, None]) @ first.rotation
    pixels, depth = second.project(points)
    at = np.rint(pixels).astype(int)
    inside = (depth > 0) & (at >= 1).all(axis=1) & (at[:, 0] < 479) & (at[:, 1] < 359)
    at, depth, rows, columns = at[inside], depth[inside], rows[inside], columns[inside]
    visible = np.abs(b.depth[at[:, 1], at[:, 0]] / depth - 1) < 0.02
    assert visible.mean() > 0.8 and visible.sum() > 5000
    colour_a = a.image[rows, columns][visible].astype(int)
    colour_b = b.image[at[visible][:, 1], at[visible][:, 0]].astype(int)
    difference = np.abs(colour_a - colour_b)
    assert np.median(difference) <= 6
    # The same pixels against a view that is not the place: far more different, so the agreement means something.
    other = np.abs(colour_a - np.roll(colour_b, 2000, axis=0))
    assert difference.mean() < 0.45 * other.mean()


def test_a_camera_is_found_again_from_matched_points(town: Town, spot: tuple[float, float, float]) -> None:
    """SIFT between two views, depth of the first, PnP: the second camera to 5 cm and 0.2 degrees, by OpenCV."""
    street = max(town.streets, key=lambda s: s.length)
    heading = along(street.axis) + 15
    first = PinholeCamera(spot, heading, 5.0, 0.0, 480, 360)
    second = PinholeCamera((spot[0] + 0.8, spot[1] + 0.9, 1.65), heading + 5, 3.0, 1.0, 480, 360)
    a, b = (town.render(camera, MORNING, traffic) for camera, traffic in ((first, 1), (second, 2)))
    sift = cv2.SIFT_create()
    (keys_a, words_a), (keys_b, words_b) = (sift.detectAndCompute(view.image, None) for view in (a, b))
    pairs = [m for m, n in cv2.BFMatcher().knnMatch(words_a, words_b, k=2) if m.distance < 0.75 * n.distance]
    pixels = np.array([keys_a[m.queryIdx].pt for m in pairs])
    seen = np.array([keys_b[m.trainIdx].pt for m in pairs])
    depth = a.depth[tuple(np.rint(pixels).astype(int).T[::-1])]
    pixels, seen, depth = (values[np.isfinite(depth)] for values in (pixels, seen, depth))
    rays = np.column_stack([(pixels - (239.5, 179.5)) / first.focal, np.ones(len(pixels))])
    points = np.array(spot) + (rays * depth[:, None]) @ first.rotation
    ok, turn, shift, inliers = cv2.solvePnPRansac(points, seen, second.matrix, None, reprojectionError=2.0)
    rotation = cv2.Rodrigues(turn)[0]
    assert ok and len(inliers) > 40
    assert np.linalg.norm(-rotation.T @ shift[:, 0] - second.position) < 0.05
    cosine = (np.trace(rotation @ second.rotation.T) - 1) / 2
    assert np.degrees(np.arccos(np.clip(cosine, -1, 1))) < 0.2


def test_balls_are_round(town: Town) -> None:
    """Depth on the crown of a tree: the point lies on one of the town's balls."""
    scene = town.scene((0.0, 0.0, 0.0), MORNING, None)
    centre = scene.balls.centre[0]
    eye = centre + (0.0, 6.0, -1.0)
    view = town.render(PinholeCamera(tuple(map(float, eye)), 180.0, 5.0, 0.0, **SIZE), traffic=None)
    camera = PinholeCamera(tuple(map(float, eye)), 180.0, 5.0, 0.0, **SIZE)
    rows, columns = np.nonzero(view.mask(Label.TREE) & (view.depth < 9))
    rays = np.stack([(columns - 119.5) / camera.focal, (rows - 89.5) / camera.focal, np.ones(len(rows))], axis=1)
    points = eye + (rays * view.depth[rows, columns][:, None]) @ camera.rotation
    gap = np.abs(np.linalg.norm(points[:, None] - scene.balls.centre[None], axis=2) - scene.balls.radius).min(axis=1)
    assert len(rows) > 1000
    assert np.quantile(gap, 0.9) < 1e-3  # the rest is the trunk


def test_light_changes_colours_and_nothing_else(town: Town, spot: tuple[float, float, float]) -> None:
    camera = PinholeCamera(spot, 30.0, 4.0, 0.0, **SIZE)
    views = [town.render(camera, light, 1) for light in (MORNING, EVENING, OVERCAST)]
    for other in views[1:]:
        assert np.array_equal(views[0].labels, other.labels) and np.array_equal(views[0].depth, other.depth)
        assert np.abs(views[0].image.astype(int) - other.image).mean() > 8


def test_shadow_falls_away_from_the_sun(town: Town) -> None:
    """A plain box of 10 m under a sun in the south at 45 degrees: shade 10 m to the north, light to the south."""
    none = Balls(np.zeros((0, 3)), np.zeros(0), np.zeros(0, np.int64), np.zeros((0, 3)))
    light = Light("south", 180, 45, (1, 1, 1), (1, 1, 1), (0, 0, 0), (0, 0, 0))
    shadows = shadows_of((100.0, 100.0), np.array([[40.0, 40, 60, 60, 10]]), np.zeros((0, 4)), none, light)

    def lit(x: float, y: float, z: float) -> float:
        return float(shadows.lit(*(np.full((1, 1), v, np.float32) for v in (x, y, z)))[0, 0])

    # Half a metre above the ground: the renderer asks a little way towards the sun.
    assert lit(50, 65, 0.5) == 0 and lit(50, 68.5, 0.5) == 0
    assert lit(50, 71, 0.5) == 1 and lit(50, 35, 0.5) == 1 and lit(35, 65, 0.5) == 1
    assert lit(50, 65, 6) == 1 and lit(50, 65, 4) == 0  # the shadow's upper edge is 5 m high, 5 m behind


def test_supersampling_smooths_edges_without_moving_them(town: Town, spot: tuple[float, float, float]) -> None:
    camera = PinholeCamera(spot, 30.0, 4.0, 0.0, **SIZE)
    one, two, four = (town.picture(camera, supersample=n).astype(int) for n in (1, 2, 4))
    assert np.abs(two - four).mean() < np.abs(one - four).mean()
    assert np.abs(two.mean(axis=(0, 1)) - four.mean(axis=(0, 1))).max() < 1.0


def test_clip_walks_forward_and_time_moves_the_passers_by(town: Town) -> None:
    street = max(town.streets, key=lambda s: s.length)
    frames = list(town.clip(street, frames=3, fps=2.0, traffic=1, size=(160, 120)))
    positions = np.array([camera.position[:2] for camera, _ in frames])
    steps = np.diff(positions[:, street.axis if street.axis == 0 else 1])
    assert steps == pytest.approx([0.7, 0.7])
    assert all(frame.image.shape == (120, 160, 3) for _, frame in frames)
    camera = frames[0][0]
    now, later = town.render(camera, traffic=1), town.render(camera, traffic=1, time=20.0)
    assert (now.mask(Label.PERSON) != later.mask(Label.PERSON)).any()
    assert np.array_equal(
        now.mask(Label.CAR) & ~later.mask(Label.PERSON), later.mask(Label.CAR) & ~now.mask(Label.PERSON)
    )


def test_a_seed_is_a_town(spot: tuple[float, float, float]) -> None:
    camera = PinholeCamera(spot, 30.0, 4.0, 0.0, 96, 72)
    first, again, other = (Town(seed, (1, 1), 1, 6).picture(camera) for seed in (7, 7, 8))
    assert np.array_equal(first, again)
    assert np.abs(first.astype(int) - other).mean() > 5


def test_impossible_cameras_and_lights_are_refused() -> None:
    with pytest.raises(LofiError, match="field of view"):
        PinholeCamera((0, 0, 1), fov_deg=190)
    with pytest.raises(LofiError, match="at least 1 x 1"):
        PinholeCamera((0, 0, 1), width=0)
    with pytest.raises(LofiError, match="position"):
        PanoramaCamera((0, 0, float("nan")))
    with pytest.raises(LofiError, match="above the horizon"):
        Light("night", 0, -3, (1, 1, 1), (1, 1, 1), (0, 0, 0), (0, 0, 0))
    with pytest.raises(LofiError, match="at least 1 column"):
        Town(columns=(0, 1))
