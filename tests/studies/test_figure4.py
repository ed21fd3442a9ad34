"""Figure 4: what its lines and bands are drawn at."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lofivpr.evaluation import Row
from lofivpr.evaluation.rows import StreamRate
from lofivpr.studies import Findings
from lofivpr.studies.figure4 import figure4, figure4_resolution
from lofivpr.studies.table import rate_of

Finished = tuple[Path, Findings]


def test_every_setting_is_a_line_over_the_rate_in_every_panel(finished: Finished) -> None:
    panels = finished[1].panels
    figure = figure4(panels, frame_rate=3.0)
    assert figure is not None and len(figure.axes) == 2
    for axes, panel in zip(figure.axes, panels, strict=True):
        assert panel.title in axes.get_title(loc="left") and "3 frames a second" in axes.get_xlabel()
        lines = {line.get_label(): line for line in axes.get_lines() if not str(line.get_label()).startswith("_")}
        assert list(lines) == panel.results.models
        for model, line in lines.items():
            rows = [panel.results.row(model, f"60p/h265:qp{qp}") for qp in (48, 40)]  # the cheaper one first
            assert np.allclose(line.get_xdata(), [(row.bytes_per_query or 0) * 3.0 / 1000 for row in rows])
            assert np.allclose(line.get_ydata(), [row.recall[1] for row in rows])
        bands = [band for band in axes.collections if type(band).__name__ == "FillBetweenPolyCollection"]
        assert len(bands) == len(lines)
        heights = {float(y) for band in bands for path in band.get_paths() for _, y in path.vertices}
        ends = {end for row in panel.results.rows if "h265" in row.quality for end in row.interval[1]}
        assert sorted(heights) == pytest.approx(sorted(ends))


def test_what_has_no_codec_is_drawn_over_its_height(finished: Finished) -> None:
    panels = finished[1].panels
    figure = figure4_resolution(panels)
    assert figure is not None
    ticks = [tick.get_text() for tick in figure.axes[0].get_xticklabels()]
    assert ticks == ["40p", "raw"]
    line = next(line for line in figure.axes[1].get_lines() if line.get_label() == "mse")
    assert list(line.get_ydata()) == [panels[1].results.row("mse", quality).recall[1] for quality in ticks]


def test_the_rate_of_a_stream_is_its_own(finished: Finished) -> None:
    row: Row = finished[1].panels[0].results.row("teacher", "60p/h265:qp48")
    stream = row.model_copy(update={"stream": StreamRate.of(1000.0, 10.0)})
    assert rate_of(stream, 2.0) == 10.0
    assert rate_of(row, 2.0) == pytest.approx((row.bytes_per_query or 0) / 500)
    assert rate_of(finished[1].panels[0].results.row("teacher", "40p"), 2.0) is None
