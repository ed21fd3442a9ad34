"""Everything that a study shows, written into its folder."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from lofivpr.evaluation import Results
from lofivpr.evaluation.theme import render
from lofivpr.files import digest, write_atomic
from lofivpr.models import load_describer
from lofivpr.studies import figure1, figure4, figure6, heat, table
from lofivpr.studies.examine import Panel
from lofivpr.studies.published_curves import PublishedCurves
from lofivpr.studies.study import Study, Town

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HEAT, HEAT_MADE_OF = "heat", ".heat-made-of"


def draw_all(study: Study, panels: Sequence[Panel], made_of: str, models: Sequence[Path], out: Path) -> list[Path]:
    """Write tables and figures; returns the paths.

    Args:
        made_of: digest of what the first panel's results were made of: heat is measured once for it.
        models: the folders, in the order of the results.
    """
    published = None if study.published is None else PublishedCurves.load(study.published)
    paths = [
        _text(out / "table.md", f"# {study.name}\n\n{table.to_markdown(panels, study.frame_rate)}"),
        _text(out / "table.csv", table.to_csv(panels, study.frame_rate)),
        *_figure(out, figure4.NAME, figure4.figure4(panels, study.frame_rate, published)),
        *_figure(out, figure4.RESOLUTION_NAME, figure4.figure4_resolution(panels)),
    ]
    first = panels[0].results
    paths += _figure(out, figure1.NAME, figure1.figure1(first, study.seed), endings=("png",))
    return paths + _heat(study, first, made_of, models, out)


def _heat(study: Study, results: Results, made_of: str, models: Sequence[Path], out: Path) -> list[Path]:
    """Figure 6 and the shares of heat, unless they are there of the same results."""
    key = digest(made_of, study.heat_at.model_dump_json(), str(study.seed))
    paths = [out / f"{HEAT}.md", out / f"{HEAT}.csv", out / f"{figure6.NAME}.png"]
    with suppress(OSError):
        if (out / HEAT_MADE_OF).read_text() == key:
            return [path for path in paths if path.is_file()]
    loaded = zip(results.models, map(load_describer, models), strict=True)
    asked = replace(results, describers=dict(loaded))
    rows = heat.heat_rows(asked, study.heat_at, _town(study), study.seed)
    _text(paths[0], f"# {study.name}: where the models look\n\n{heat.to_markdown(rows)}")
    _text(paths[1], heat.to_csv(rows))
    drawn = _figure(out, figure6.NAME, figure6.figure6(asked, study.heat_at, study.seed), endings=("png",))
    _text(out / HEAT_MADE_OF, key)
    return [*paths[:2], *drawn]


def _town(study: Study) -> Town | None:
    """What the pictures of the first test were generated as, None for photographs."""
    first = study.tests[0]
    return study.train.town if first.town is None and first.places is None else first.town


def _text(path: Path, text: str) -> Path:
    write_atomic(path, text)
    return path


def _figure(out: Path, name: str, figure: Figure | None, endings: Sequence[str] = ("png", "svg")) -> list[Path]:
    if figure is None:
        return []
    paths = [out / f"{name}.{ending}" for ending in endings]
    for path, ending in zip(paths, endings, strict=True):
        write_atomic(path, render(figure, ending))
    return paths
