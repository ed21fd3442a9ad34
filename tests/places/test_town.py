"""The town's pictures are geometry: depth and labels agree with formulas written down here."""

from __future__ import annotations

import numpy as np
import pytest

from lofivpr.errors import LofiError
from lofivpr.places.town import (
    MORNING,
    Label,
    Light,
    PanoramaCamera,
    PinholeCamera,
    Town,
)

SIZE = {"width": 240, "height": 180}


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
