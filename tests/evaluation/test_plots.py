from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lofivpr.evaluation import Results
from lofivpr.evaluation.plots import rate_recall, recall_by_quality
from lofivpr.evaluation.theme import (
    DARK,
    DESCRIPTOR_MARKER,
    LIGHT,
    MARKERS,
    Theme,
    bytes_text,
    codec_of,
    render,
    round_ticks,
)


def test_save_writes_png_and_svg(compared: Results, tmp_path: Path) -> None:
    paths = compared.save(tmp_path)
    assert sorted(path.name for path in paths) == [
        f"{name}.{ending}" for name in ("rate-recall", "recall-by-quality") for ending in ("png", "svg")
    ]
    for path in paths:
        if path.suffix == ".png":
            assert np.asarray(Image.open(path).convert("L")).std() > 5  # something is drawn
        else:
            assert b"<svg" in path.read_bytes()


def test_equal_results_draw_equal_files(make_results: Callable[..., Results]) -> None:
    results = make_results({("m", "raw"): [1, 0], ("m", "60p"): [0, 0]}, {}, {})
    assert render(recall_by_quality(results), "svg") == render(recall_by_quality(results), "svg")


def test_every_dot_is_where_its_recall_is(compared: Results) -> None:
    axes = recall_by_quality(compared).axes[0]
    drawn = {line.get_label(): list(line.get_xdata()) for line in axes.lines}
    for model in compared.models:
        assert drawn[model] == [compared.row(model, q).recall[1] for q in compared.qualities]


def test_the_rate_curve_holds_every_coded_point(compared: Results) -> None:
    figure = rate_recall(compared)
    assert figure is not None
    points = {(x, y) for line in figure.axes[0].lines for x, y in zip(*line.get_data(), strict=True)}
    coded = [row for row in compared.rows if row.bytes_per_query]
    assert coded and all((row.bytes_per_query, row.recall[1]) in points for row in coded)


def test_sent_descriptors_are_starred_points_of_a_line_of_their_own(compared: Results) -> None:
    figure = rate_recall(compared)
    assert figure is not None
    (line,) = [line for line in figure.axes[0].lines if str(line.get_label()).startswith("descriptor of teacher")]
    sent = [row for row in compared.descriptor_rate if row.recall is not None]
    expected = sorted((row.bytes_per_query, row.recall[1]) for row in sent if row.recall)
    assert list(zip(*line.get_data(), strict=True)) == expected and line.get_marker() == DESCRIPTOR_MARKER
    assert DESCRIPTOR_MARKER not in MARKERS.values()
    low, high = figure.axes[0].get_xlim()
    assert all(low < n_bytes < high for n_bytes, _ in expected)
    assert {text.get_text() for text in figure.axes[0].texts} == {"float16", "int8"}
    plain = rate_recall(replace(compared, descriptor_rate=()))
    assert plain is not None and len(plain.axes[0].lines) == len(figure.axes[0].lines) - 1


def test_lines_join_one_resolution_and_codec(make_results: Callable[..., Results]) -> None:
    sizes = {"240p/jpeg:5": 900.0, "240p/jpeg:9": 1500.0, "120p/jpeg:5": 1200.0}
    figure = rate_recall(make_results({("m", q): [1, 0] for q in sizes}, sizes, {}))
    assert figure is not None
    joined = [list(line.get_xdata()) for line in figure.axes[0].lines if line.get_marker() == "None"]
    assert joined == [[900, 1500], [1200]]


def test_without_bytes_there_is_no_rate_curve(make_results: Callable[..., Results]) -> None:
    assert rate_recall(make_results({("m", "raw"): [1, 0]}, {}, {})) is None


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_colours_stand_out_from_their_paper(theme: Theme) -> None:
    """WCAG contrast: 3 to 1 for marks, 4.5 to 1 for text."""

    def luminance(colour: str) -> float:
        parts = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
        linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722])

    def contrast(a: str, b: str) -> float:
        high, low = sorted([luminance(a), luminance(b)], reverse=True)
        return (high + 0.05) / (low + 0.05)

    assert all(contrast(colour, theme.paper) >= 3 for colour in theme.colours)
    assert all(contrast(c, theme.paper) >= 4.5 for c in (theme.ink, theme.soft, theme.right, theme.wrong))
    assert len({theme.colour(i) for i in range(8)}) == 8 and theme.line(0) != theme.line(8)


def test_words_of_the_byte_axis() -> None:
    assert [bytes_text(n) for n in (None, 601.4, 1234, 24_500, 3.2e6)] == ["–", "601 B", "1.2 kB", "24 kB", "3.2 MB"]
    assert list(round_ticks(400, 6000)) == [500, 1000, 2000, 5000]
    assert codec_of("240p/h264:64kbps@10fps") == "h264"
