from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lofivpr.media import BadImageError, count_frames, read_clip, read_frame, survey_clip
from recordings import cut, moving, write_clip

FASTSTART = {"movflags": "faststart"}


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts", "a.mov", "a.h264"])
@pytest.mark.parametrize("sound", [False, True])
def test_a_whole_clip(name: str, sound: bool, tmp_path: Path) -> None:
    if sound and name == "a.h264":
        pytest.skip("a bare stream has no sound")
    survey = survey_clip(write_clip(tmp_path / name, moving(50), sound=sound))
    assert survey.cut is None and survey.fps == 25
    assert np.abs(survey.seconds - np.arange(50) / 25).max() < 1e-3
    assert survey.kept(5) == list(range(0, 50, 5)) and survey.kept(25) == list(range(50))


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts"])
def test_uneven_times_are_those_of_the_file(name: str, tmp_path: Path) -> None:
    """A phone in the dark: frames come when they come, with a pause of two seconds."""
    steps = np.random.default_rng(0).integers(1, 5, 49)
    steps[20] = 50
    times = [0, *np.cumsum(steps).tolist()]
    survey = survey_clip(write_clip(tmp_path / name, moving(50), times=times))
    assert np.abs(survey.seconds - np.array(times) / 25).max() < 2e-3
    expected = {next(i for i, time in enumerate(times) if time >= tick) for tick in range(0, times[-1] + 1, 25)}
    assert survey.kept(1) == sorted(expected)
    assert survey.cut is None


@pytest.mark.parametrize(
    ("name", "container"), [("a.mp4", FASTSTART), ("a.mkv", None), ("a.mp4", {"movflags": "frag_keyframe+empty_moov"})]
)
@pytest.mark.parametrize("sound", [False, True])
@pytest.mark.parametrize("share", [0.45, 0.6])
def test_a_clip_cut_short_says_so_and_gives_its_whole_frames(
    name: str, container: dict[str, str] | None, sound: bool, share: float, tmp_path: Path
) -> None:
    images = moving(100)
    whole = write_clip(tmp_path / f"whole-{name}", images, sound=sound, container=container)
    part = cut(write_clip(tmp_path / name, images, sound=sound, container=container), share)
    survey = survey_clip(part)
    fragmented = container is not None and container is not FASTSTART  # which announces only what it has
    assert fragmented or (survey.cut is not None and " of 4.00 s" in survey.cut)
    number = len(survey.seconds)
    assert 20 < number < 80 and count_frames(part) == number
    expected = dict(zip(np.round(survey_clip(whole).seconds, 3), read_clip(whole), strict=True))
    decoded = list(read_clip(part))
    assert len(decoded) == number
    for index, (second, image) in enumerate(zip(np.round(survey.seconds, 3), decoded, strict=True)):
        assert np.array_equal(image, expected[second]), index
    for index in (0, number // 2, number - 1):
        assert np.array_equal(read_frame(part, index), decoded[index])


def test_a_clip_without_its_head_is_no_clip(tmp_path: Path) -> None:
    with pytest.raises(BadImageError, match="readable video clip"):
        survey_clip(cut(write_clip(tmp_path / "a.mov", moving(50)), 0.6))
