from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lofivpr.media import BadImageError, ImageRef

angles = st.floats(-720, 720, allow_nan=False)
refs = st.builds(
    ImageRef,
    path=st.sampled_from(["a.jpg", "dir/b c.png", "s3://bucket/pano.jpg", "a#b.jpg", "odd#frame.mp4", "x=1#y=2"]),
    frame=st.none() | st.integers(0, 10**9),
) | st.builds(
    ImageRef,
    path=st.just("pano.jpg"),
    frame=st.none() | st.integers(0, 99),
    yaw=angles,
    pitch=st.floats(-90, 90),
    fov=st.floats(1, 170),
    mask=st.none() | st.sampled_from(["mask.png", "a b/x=1.png", "/m.png"]),
)


@given(refs)
def test_text_reads_back(ref: ImageRef) -> None:
    assert ImageRef.parse(str(ref)) == ref


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a.jpg", ImageRef("a.jpg")),
        ("clip.mp4#frame=123", ImageRef("clip.mp4", frame=123)),
        ("pano.jpg#yaw=40&fov=90", ImageRef("pano.jpg", yaw=40, fov=90)),
        ("pano.jpg#fov=60&pitch=-5&yaw=1.5", ImageRef("pano.jpg", yaw=1.5, pitch=-5, fov=60)),
        ("pano.jpg#yaw=40", ImageRef("pano.jpg", yaw=40, fov=90)),
        ("s3://bucket/clip.mp4#frame=0", ImageRef("s3://bucket/clip.mp4", frame=0)),
        ("file#1.jpg", ImageRef("file#1.jpg")),
        ("file#1.mp4#frame=2", ImageRef("file#1.mp4", frame=2)),
        ("a.jpg#", ImageRef("a.jpg#")),
        ("c.mp4#frame=1&mask=m/who.png", ImageRef("c.mp4", frame=1, mask="m/who.png")),
    ],
)
def test_parse(text: str, expected: ImageRef) -> None:
    assert ImageRef.parse(text) == expected


def test_canonical_text() -> None:
    assert str(ImageRef.parse("p.jpg#fov=90.0&yaw=40.0")) == "p.jpg#yaw=40&fov=90"
    assert str(ImageRef("p.jpg", pitch=2.5, fov=60)) == "p.jpg#yaw=0&pitch=2.5&fov=60"


@pytest.mark.parametrize(
    "text",
    [
        *("", "#frame=1", "c.mp4#frame=-1", "c.mp4#frame=x", "c.mp4#frame=1.5", "c.mp4#frame=", "p#yaw=left"),
        *(
            "p.jpg#fov=0",
            "p.jpg#mask=",
            "p.jpg#fov=171",
            "p.jpg#fov=nan",
            "p.jpg#yaw=nan",
            "p.jpg#yaw=inf",
            "p.jpg#pitch=91",
        ),
        *("p.jpg#yaw=1&yaw=2",),
    ],
)
def test_refusals(text: str) -> None:
    with pytest.raises(BadImageError):
        ImageRef.parse(text)


def test_angles_without_a_view_are_refused() -> None:
    with pytest.raises(BadImageError, match="fov"):
        ImageRef("p.jpg", yaw=3)
    with pytest.raises(BadImageError, match="parse"):
        ImageRef("p.jpg#yaw=3")
