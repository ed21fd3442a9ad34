"""Recordings become a data set of references; every clip here is really encoded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lofivpr.errors import LofiError
from lofivpr.media import BadImageError, perspective_view, survey_clip
from lofivpr.media.mask import HIDDEN
from lofivpr.places import Places
from lofivpr.places import video as module
from lofivpr.places.geodesy import PlacesError
from lofivpr.places.video import Views, gather_video
from lofivpr.quality import Quality, degrade_folder
from recordings import cut, moving, write_clip


def test_a_frame_every_second(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "walk.mp4", moving(80), fps=25)
    found = gather_video([clip], tmp_path / "data")
    places = Places.open(tmp_path / "data")
    assert found.pictures == len(places) == 4 and not found.missing
    assert places.images == [f"clips/walk.mp4#frame={number}" for number in (0, 25, 50, 75)]
    assert places.column("frame").tolist() == [0, 25, 50, 75]
    assert places.column("timestamp").tolist() == [0, 1, 2, 3]
    assert set(places.column("sequence")) == {"clips/walk.mp4"} and set(places.column("panorama")) == {None}
    for row, number in enumerate((0, 25, 50, 75)):
        assert np.abs(places.open_image(row).astype(int) - moving(80)[number]).mean() < 16
    assert sum(path.stat().st_size for path in (tmp_path / "data").iterdir() if path.is_file()) < 1000
    assert not (tmp_path / "data" / ".video").exists()


def test_views_of_a_360_degree_clip(tmp_path: Path) -> None:
    frames = moving(30, 256, 128)
    write_clip(tmp_path / "pano.mkv", frames, fps=10, codec="ffv1")
    Image.fromarray(np.where(np.arange(128) < 96, 255, 0).astype(np.uint8)[:, None].repeat(256, 1)).save(
        tmp_path / "who.png"
    )
    gather_video([tmp_path / "pano.mkv"], tmp_path / "data", 0.5, Views(90, -30, 60), tmp_path / "who.png")
    places = Places.open(tmp_path / "data")
    assert len(places) == 6 * 4 and len(set(places.groups())) == 6, "views of an instant are one panorama"
    assert len(set(places.column("sequence"))) == 4, "a view is a sequence"
    numbers = places.column("frame").astype(int)
    assert numbers.tolist() == sorted(numbers), "all views of a frame follow each other"
    for row in range(len(places)):
        painted = frames[numbers[row]].copy()
        painted[96:] = HIDDEN
        assert np.array_equal(places.open_image(row), perspective_view(painted, 90 * (row % 4), -30, 60))
    (tmp_path / "who.png").unlink()
    assert places.open_image(0).shape, "the data set keeps its own mask"


def test_uneven_times(tmp_path: Path) -> None:
    """Seconds are those of the clip, not its frames counted."""
    times = np.cumsum([0, *np.random.default_rng(5).integers(1, 8, 59)]).tolist()
    clip = write_clip(tmp_path / "phone.mp4", moving(60), fps=25, times=times)
    gather_video([clip], tmp_path / "data", 2)
    places = Places.open(tmp_path / "data")
    wanted = sorted({next(i for i, time in enumerate(times) if time >= tick) for tick in range(0, times[-1] + 1, 50)})
    assert places.column("frame").tolist() == wanted
    assert np.abs(places.column("timestamp") - np.array(times)[wanted] / 25).max() < 1e-3


def test_a_turned_phone(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "phone.mp4", moving(10), g="1", bf="0")
    data = bytearray(clip.read_bytes())
    at = data.index(b"tkhd") + 4 + 40
    matrix = [0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30]  # 90 degrees clockwise
    data[at : at + 36] = b"".join(value.to_bytes(4, "big", signed=True) for value in matrix)
    clip.write_bytes(data)
    gather_video([clip], tmp_path / "data")
    upright = Places.open(tmp_path / "data").open_image(0)
    assert upright.shape == (128, 96, 3)
    assert np.abs(np.rot90(upright).astype(int) - moving(10)[0]).mean() < 16


@pytest.mark.parametrize("sound", [False, True])
@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.mov", "a.ts", "a.avi"])
def test_with_and_without_sound(name: str, sound: bool, tmp_path: Path) -> None:
    codec = {"codec": "mpeg4"} if name == "a.avi" else {}
    clip = write_clip(tmp_path / name, moving(50), sound=sound, **codec)
    found = gather_video([clip], tmp_path / "data")
    late = name == "a.avi" and sound  # AVI's writer shows the first frame twice, until the sound has come
    assert found.pictures == 2 + late and not found.missing


def test_a_clip_cut_short_is_told(tmp_path: Path) -> None:
    clip = cut(write_clip(tmp_path / "a.mp4", moving(100), container={"movflags": "faststart"}, sound=True), 0.6)
    with pytest.raises(BadImageError, match=r"whole of .*a.mp4, found \d+ whole frames up to .* of 4.00 s.*--skip-bad"):
        gather_video([clip], tmp_path / "data")
    assert not (tmp_path / "data" / "places.csv").exists()
    found = gather_video([clip], tmp_path / "data", 0.5, skip_bad=True)
    ((name, why),) = found.missing
    assert name == str(clip) and "of 4.00 s" in why
    places = Places.open(tmp_path / "data")
    assert 3 <= len(places) < 8 and places.column("frame")[-1] < len(survey_clip(clip).seconds)
    for row in range(len(places)):
        places.open_image(row)


def test_a_bad_clip_ends_it_or_is_listed(tmp_path: Path) -> None:
    good, bad = write_clip(tmp_path / "good.mp4", moving(30)), tmp_path / "bad.mp4"
    bad.write_bytes(b"no clip")
    with pytest.raises(BadImageError, match="bad.mp4"):
        gather_video([bad, good], tmp_path / "data")
    found = gather_video([bad, good], tmp_path / "data", skip_bad=True)
    assert [name for name, _ in found.missing] == [str(bad)] and found.pictures == 2
    with pytest.raises(PlacesError, match="found none of 1; the first: .*bad.mp4"):
        gather_video([bad], tmp_path / "other", skip_bad=True)


def test_an_interrupted_run_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clips = [write_clip(tmp_path / f"{name}.mp4", moving(30)) for name in "abc"]
    looked: list[str] = []
    real = module.survey_clip

    def survey(path: str, stop: bool) -> object:
        looked.append(Path(path).name)
        if stop and len(looked) == 2:
            raise KeyboardInterrupt
        return real(path)

    monkeypatch.setattr(module, "survey_clip", lambda path: survey(path, True))
    with pytest.raises(KeyboardInterrupt):
        gather_video(clips, tmp_path / "data")
    assert not (tmp_path / "data" / "places.csv").exists()
    looked.clear()
    monkeypatch.setattr(module, "survey_clip", lambda path: survey(path, False))
    gather_video(clips, tmp_path / "data")
    assert looked == ["b.mp4", "c.mp4"]
    gather_video(clips, tmp_path / "again")
    assert (tmp_path / "data" / "places.csv").read_bytes() == (tmp_path / "again" / "places.csv").read_bytes()


def test_a_clip_inside_the_data_set_needs_no_link(tmp_path: Path) -> None:
    (tmp_path / "data" / "day").mkdir(parents=True)
    clip = write_clip(tmp_path / "data" / "day" / "a.mp4", moving(5))
    gather_video([clip], tmp_path / "data")
    assert Places.open(tmp_path / "data").images == ["day/a.mp4#frame=0"]
    assert not (tmp_path / "data" / "clips").exists()


def test_the_data_set_can_be_degraded(tmp_path: Path) -> None:
    write_clip(tmp_path / "a.mkv", moving(20), fps=10, codec="ffv1")
    Image.new("L", (128, 96), 255).save(tmp_path / "who.png")
    gather_video([tmp_path / "a.mkv"], tmp_path / "data", 0.5, mask=tmp_path / "who.png")
    copy = degrade_folder(tmp_path / "data", tmp_path / "copy", Quality.parse("h264:qp40@2fps"))
    places = Places.open(copy.path)
    assert [image.partition("&")[0] for image in places.images] == [f"clips/a.mp4#frame={n}" for n in range(4)]
    assert places.open_image(3).shape == (96, 128, 3)


def without(folder: Path) -> tuple[list[Path], dict[str, object]]:
    return [], {}


def twice(folder: Path) -> tuple[list[Path], dict[str, object]]:
    (folder / "x").mkdir()
    return [write_clip(folder / "a.mp4", moving(3)), write_clip(folder / "x" / "a.mp4", moving(3))], {}


def there(folder: Path) -> tuple[list[Path], dict[str, object]]:
    (folder / "data").mkdir()
    (folder / "data" / "places.csv").write_text("positions that somebody made")
    return [write_clip(folder / "a.mp4", moving(3))], {}


def flat(folder: Path) -> tuple[list[Path], dict[str, object]]:
    return [write_clip(folder / "a.mp4", moving(3))], {"views": Views()}


def unmasked(folder: Path) -> tuple[list[Path], dict[str, object]]:
    return [write_clip(folder / "a.mp4", moving(3))], {"mask": folder / "gone.png"}


def other_link(folder: Path) -> tuple[list[Path], dict[str, object]]:
    (folder / "data" / "clips").mkdir(parents=True)
    (folder / "data" / "clips" / "a.mp4").write_text("mine")
    return [write_clip(folder / "a.mp4", moving(3))], {}


def hasty(folder: Path) -> tuple[list[Path], dict[str, object]]:
    return [write_clip(folder / "a.mp4", moving(3))], {"every_s": 0.0}


@pytest.mark.parametrize(
    ("case", "said"),
    [
        (without, "at least one clip"),
        (twice, "different names, found a.mp4 twice"),
        (there, "without places.csv"),
        (flat, "equirectangular.*128 x 96"),
        (unmasked, "mask at .*gone.png"),
        (other_link, "expected no file at .*clips/a.mp4"),
        (hasty, "above 0 s"),
    ],
)
def test_refusals(case: Callable[[Path], tuple[list[Path], dict[str, object]]], said: str, tmp_path: Path) -> None:
    clips, options = case(tmp_path)
    before = sorted(path for path in tmp_path.rglob("*") if path.suffix == ".csv")
    with pytest.raises(LofiError, match=said):
        gather_video(clips, tmp_path / "data", **options)  # type: ignore[arg-type]
    assert sorted(path for path in tmp_path.rglob("*") if path.suffix == ".csv") == before
    assert case is not there or (tmp_path / "data" / "places.csv").read_text() == "positions that somebody made"


@pytest.mark.parametrize("angles", [(0, 0, 90), (361, 0, 90), (45, 91, 90), (45, 0, 171)])
def test_views_check_themselves(angles: tuple[float, float, float]) -> None:
    with pytest.raises(LofiError):
        Views(*angles)
