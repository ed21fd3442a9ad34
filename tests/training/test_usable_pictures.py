from __future__ import annotations

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from lofivpr.errors import LofiError
from lofivpr.places import Places
from lofivpr.quality import QualityRange
from lofivpr.training.usable_pictures import usable_pictures


@pytest.fixture
def damaged(places: Places, tmp_path: Path) -> Places:
    root = Path(shutil.copytree(places.root, tmp_path / "places"))
    (root / places.images[3]).write_bytes(b"no picture")
    (root / places.images[5]).unlink()
    cv2.imwrite(str(root / places.images[7]), np.zeros((40, 60, 3), np.uint8))
    return Places.open(root)


@pytest.mark.parametrize(
    ("ladder", "bad"),
    [("raw", [3, 5]), ("48p/jpeg:5", [3, 5, 7]), ("30p..90p", [3, 5]), ("raw 60x41", [3, 5, 7])],
)
def test_the_others_stay_in_their_order(ladder: str, bad: list[int], damaged: Places) -> None:
    kept, skipped = usable_pictures(damaged, [QualityRange.parse(text) for text in ladder.split()])
    assert [picture.index for picture in skipped] == bad
    assert [picture.image for picture in skipped] == [damaged.images[row] for row in bad]
    assert kept.images == [image for row, image in enumerate(damaged.images) if row not in bad]
    assert all(damaged.images[picture.index] in picture.reason or "60 x 40" in picture.reason for picture in skipped)


def test_none_is_an_error_that_says_why(damaged: Places) -> None:
    with pytest.raises(LofiError, match="found none of 48, the first: .*1080p"):
        usable_pictures(damaged, [QualityRange.parse("1080p")])
