"""Figure 1 of the paper: queries as sent, and what the settings retrieve first."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from lofivpr.evaluation import Results
from lofivpr.evaluation.gallery import Case, gallery, gallery_sides
from lofivpr.evaluation.story import find_focus, kind_titles
from lofivpr.evaluation.theme import LIGHT, Theme, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAME = "figure-1"
WIDTH = 2.6  # inches a picture


def figure1(results: Results, seed: int, theme: Theme = LIGHT) -> Figure | None:
    """A row a query of the report's gallery: sharp, as sent, and the first answer of up to four models.

    A right answer has a green frame, a wrong one a red frame; below it its distance. None where no query can be shown.
    """
    focus = find_focus(results)
    cases = [] if focus is None else gallery(results, focus, seed)
    if focus is None or not cases:
        return None
    from matplotlib.figure import Figure

    heads = ["query", f"sent: {focus.quality}", *(side.model for side in gallery_sides(results, focus))]
    titles = kind_titles(focus)
    with styled(theme):
        height, width = _pixels(cases[0].sharp).shape[:2]
        each = WIDTH * height / width + 0.35
        figure = Figure(figsize=(WIDTH * len(heads), each * len(cases) + 0.4), layout="constrained")
        for case, line in zip(cases, figure.subplots(len(cases), len(heads), squeeze=False), strict=True):
            _row(line, case, titles[case.kind], theme)
        for head, axes in zip(heads, figure.axes, strict=False):
            axes.set_title(head, fontsize=12, loc="center")
    return figure


def _row(line: np.ndarray, case: Case, title: str, theme: Theme) -> None:
    _show(line[0], case.sharp, title)
    _show(line[1], case.sent, case.size)
    for axes, answer in zip(line[2:], case.answers, strict=True):
        first = answer.retrieved[0] if answer.retrieved else None
        _show(axes, None if first is None else first.uri, "" if first is None else first.caption)
        if first is not None:
            for spine in axes.spines.values():
                spine.set(visible=True, color=theme.right if first.right else theme.wrong, linewidth=4)


def _show(axes: Axes, uri: str | None, caption: str) -> None:
    if uri is not None:
        axes.imshow(_pixels(uri))
    axes.set(xticks=[], yticks=[])
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.set_xlabel(caption, fontsize=10)


def _pixels(uri: str) -> np.ndarray:
    """Uint8 H x W x 3 of a thumbnail."""
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))))
