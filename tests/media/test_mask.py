from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lofivpr.media import BadImageError, image_digest, open_image, perspective_view
from lofivpr.media.mask import HIDDEN
from recordings import moving, write_clip


def write_mask(path: Path, seen: np.ndarray) -> Path:
    Image.fromarray(np.where(seen, 255, 0).astype(np.uint8)).save(path)
    return path


def test_black_is_hidden_and_white_stays(tmp_path: Path) -> None:
    images = moving(4)
    write_clip(tmp_path / "a.mkv", images, codec="ffv1")
    seen = np.ones((48, 64), bool)
    seen[24:, :16] = False  # half the frame's size
    write_mask(tmp_path / "who.png", seen)
    found = open_image("a.mkv#frame=2&mask=who.png", tmp_path)
    full = seen.repeat(2, 0).repeat(2, 1)
    assert np.array_equal(found[full], images[2][full]) and (found[~full] == HIDDEN).all()
    assert np.array_equal(open_image("a.mkv#frame=2", tmp_path), images[2]), "the frame itself is left alone"


def test_a_mask_of_a_url_root(tmp_path: Path) -> None:
    Image.new("RGB", (8, 4), "white").save(tmp_path / "p.png")
    write_mask(tmp_path / "m.png", np.arange(32).reshape(4, 8) > 0)
    found = open_image("p.png#mask=m.png", f"file://{tmp_path}")
    assert (found[0, 0] == HIDDEN).all() and (found[1:] == 255).all()


def test_a_view_is_cut_of_what_the_mask_leaves(tmp_path: Path) -> None:
    panorama = np.random.default_rng(0).integers(0, 256, (64, 128, 3), dtype=np.uint8)
    Image.fromarray(panorama).save(tmp_path / "pano.png")
    seen = np.ones((64, 128), bool)
    seen[40:, 50:70] = False
    write_mask(tmp_path / "who.png", seen)
    painted = np.where(seen[..., None], panorama, HIDDEN).astype(np.uint8)
    for yaw in (0, 90):
        found = open_image(f"pano.png#yaw={yaw}&pitch=-20&fov=90&mask=who.png", tmp_path)
        assert np.array_equal(found, perspective_view(painted, yaw, -20, 90))


def test_the_digest_follows_the_mask_and_not_where_it_lies(tmp_path: Path) -> None:
    digests = []
    for folder, black in (("a", 1), ("b", 1), ("c", 2)):
        (tmp_path / folder).mkdir()
        Image.new("RGB", (8, 4)).save(tmp_path / folder / "p.png")
        write_mask(tmp_path / folder / "m.png", np.arange(32).reshape(4, 8) >= black)
        digests.append(image_digest("p.png#mask=m.png", tmp_path / folder))
    assert digests[0] == digests[1] != digests[2]
    assert digests[0] != image_digest("p.png", tmp_path / "a")


def test_refusals(tmp_path: Path) -> None:
    Image.new("RGB", (64, 32)).save(tmp_path / "p.png")
    (tmp_path / "text.png").write_text("no picture")
    write_mask(tmp_path / "square.png", np.ones((32, 32), bool))
    for name, said in (("gone.png", "mask at .*gone.png"), ("text.png", "mask at"), ("square.png", "64 x 32.*32 x 32")):
        with pytest.raises(BadImageError, match=said):
            open_image(f"p.png#mask={name}", tmp_path)
