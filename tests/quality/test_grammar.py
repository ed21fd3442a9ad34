from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lofivpr.errors import LofiError
from lofivpr.quality.grammar import CODECS, Parts, QualityError, check_parts, format_parts, parse_parts


@st.composite
def parts(draw: st.DrawFn) -> Parts:
    size = draw(st.sampled_from(["none", "height", "exact"]))
    pixels = st.integers(1, 65535)
    height = draw(pixels) if size != "none" else None
    width = draw(pixels) if size == "exact" else None
    codec = draw(st.sampled_from([None, *CODECS.values()]))
    if codec is None:
        return Parts(width, height)
    mode = value = fps = None
    if codec.limits:
        mode = draw(st.sampled_from(sorted(codec.limits)))
        value = draw(st.integers(*codec.limits[mode]))
    if codec.is_video and draw(st.booleans()):
        fps = draw(st.integers(1, 1_000_000)) / 1000
    return Parts(width, height, codec.name, mode, value, fps, draw(st.sampled_from(codec.presets)))


@given(parts())
def test_text_of_any_quality_reads_back(value: Parts) -> None:
    check_parts(value)
    assert parse_parts(format_parts(value)) == value


@given(parts(), parts())
def test_different_qualities_have_different_texts(a: Parts, b: Parts) -> None:
    assert (format_parts(a) == format_parts(b)) == (a == b)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("raw", Parts()),
        (" RAW ", Parts()),
        ("240p", Parts(height=240)),
        ("360x203", Parts(360, 203)),
        ("jpeg:10", Parts(codec="jpeg", mode="q", value=10)),
        ("jpeg:q10", Parts(codec="jpeg", mode="q", value=10)),
        ("png", Parts(codec="png")),
        ("405p/h265:qp30", Parts(height=405, codec="h265", mode="qp", value=30)),
        ("h265:crf35", Parts(codec="h265", mode="crf", value=35)),
        ("h264:64kbps@10fps", Parts(codec="h264", mode="kbps", value=64, fps=10.0)),
        ("203p/h265:qp30,paper", Parts(height=203, codec="h265", mode="qp", value=30, preset="paper")),
        ("h264:qp30@7.5fps", Parts(codec="h264", mode="qp", value=30, fps=7.5)),
    ],
)
def test_grammar(text: str, expected: Parts) -> None:
    assert parse_parts(text) == expected
    check_parts(expected)


def test_canonical_text_is_the_short_one() -> None:
    assert format_parts(parse_parts("240P/JPEG:q10")) == "240p/jpeg:10"


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "/",
            "240p/",
            "/jpeg:10",
            "p",
            "240",
            "0p",
            "0x10",
            "70000p",
            "-5p",
            "240px",
            "360x",
            "1e3p",
            "0240p",
        ),
        *("jpeg", "jpeg:", "jpeg:0", "jpeg:101", "jpeg:ten", "jpeg:crf10", "jpeg:10.5", "jpg:10", "mjpeg:5"),
        *(
            "png:3",
            "h264",
            "h264:42",
            "h264:qp0",
            "h264:qp52",
            "h264:qp",
            "av1:qp30",
            "av1:crf64",
            "h266:qp30",
        ),
        *(
            "h264:0kbps",
            "h264:qp64kbps",
            "h264:64kbps@",
            "h264:64kbps@10",
            "h264:64kbps@0fps",
            "jpeg:10@10fps",
        ),
        *("h265:qp30,", "h265:qp30,slow", "av1:crf30,paper", "jpeg:10,paper", "raw/jpeg:10", "raw,paper"),
        *("240p/240p", "240p/raw", "jpeg:10/240p", "240p jpeg:10"),
    ],
)
def test_everything_else_is_refused_with_help(text: str) -> None:
    with pytest.raises(QualityError, match="expected a quality such as") as caught:
        check_parts(parse_parts(text))
    assert isinstance(caught.value, LofiError)
    assert repr(text.strip().lower())[1:-1] in str(caught.value)


@given(st.text(alphabet="0123456789pxraw/:jegqch4265@f,. kbs", max_size=24))
def test_no_text_escapes_the_grammar(text: str) -> None:
    try:
        value = parse_parts(text)
        check_parts(value)
    except QualityError:
        return
    assert parse_parts(format_parts(value)) == value


@pytest.mark.parametrize(
    "change",
    [
        *({"width": 3, "height": None}, {"codec": "mp3"}, {"codec": None}, {"mode": None}, {"value": None}),
        {"codec": "h264", "mode": "qp", "fps": 1 / 3},  # would not read back
    ],
)
def test_parts_that_do_not_belong_together(change: dict) -> None:
    good = Parts(None, 240, "jpeg", "q", 10)
    check_parts(good)
    with pytest.raises(QualityError):
        check_parts(replace(good, **change))


def test_examples_in_messages_are_valid() -> None:
    for codec in CODECS.values():
        check_parts(parse_parts(codec.example))
