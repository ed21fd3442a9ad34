"""Figure 6 of the paper: heatmaps of the teacher and of every setting on low-quality queries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lofivpr.evaluation import Results
from lofivpr.evaluation.arrival import sent_query
from lofivpr.evaluation.heatmaps import Shown, first_kind, overlays
from lofivpr.evaluation.theme import LIGHT, Theme, styled
from lofivpr.evaluation.thumbs import picture
from lofivpr.models import HEATMAP_KINDS
from lofivpr.studies.heat import drawn_pictures
from lofivpr.studies.study import Heat

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure

NAME = "figure-6"
ROWS = 4
WIDTH = 2.1  # inches a picture


def figure6(results: Results, heat: Heat, seed: int, theme: Theme = LIGHT) -> Figure | None:
    """A row a query, a column a setting; None where the models have no maps.

    Columns: the query as sent, the teacher on the sharp query, then every model on the query as sent. The maps of a
    row have one scale.
    """
    sides = [(results.models[0], "raw"), *((model, heat.quality) for model in results.models)]
    found = first_kind(lambda kind: _grid(results, heat, sides, kind, seed))
    if found is None or not found[1]:
        return None
    kind, rows = found
    from matplotlib.figure import Figure

    titles = [heat.quality, f"{results.models[0]}, raw", *results.models]
    with styled(theme):
        height, width = rows[0][0].shape[:2]
        size = WIDTH * len(titles), WIDTH * height / width * len(rows) + 0.9
        figure = Figure(figsize=size, layout="constrained")
        for line, axes_of in zip(rows, figure.subplots(len(rows), len(titles), squeeze=False), strict=True):
            for image, axes in zip(line, axes_of, strict=True):
                axes.imshow(image)
                axes.axis("off")
        for title, axes in zip(titles, figure.axes, strict=False):
            axes.set_title(title, fontsize=12, loc="center")
        figure.supxlabel(f"Drawn: {HEATMAP_KINDS[kind]}; one scale a row", fontsize=12)
    return figure


def _grid(results: Results, heat: Heat, sides: list[tuple[str, str]], kind: str, seed: int) -> list[list[np.ndarray]]:
    import cv2

    rows = []
    for query in drawn_pictures(results, min(ROWS, heat.queries), seed):
        sharp = picture(results.scene.root, results.scene.query_images[query])
        if sharp is None:
            continue
        size = sharp.shape[1], sharp.shape[0]

        def seen(quality: str, sharp: np.ndarray = sharp, query: int = query) -> np.ndarray:
            return sent_query(results.scene, query, sharp, quality).image

        shown = [Shown(results.describers[model], seen(quality), quality) for model, quality in sides]
        low = cv2.resize(seen(heat.quality), size, interpolation=cv2.INTER_NEAREST)
        rows.append([low, *(one.image for one in overlays(shown, kind, size))])
    return rows
