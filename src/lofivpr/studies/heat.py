"""Figure 6's claim, measured: on which parts of low-quality queries the heat of each setting lies."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lofivpr.errors import LofiError
from lofivpr.evaluation import Difference, Results
from lofivpr.evaluation.heat_share import HeatShare, heat_share, mean_share, share_difference
from lofivpr.media import open_image
from lofivpr.models.heatmap import feature_maps
from lofivpr.quality import Quality
from lofivpr.studies.regions import Region, regions_of
from lofivpr.studies.study import Heat, Town

COLUMNS = ("map", "region", "model", "quality", "share", "low", "high", "area", "pictures", "difference", "from", "to")


@dataclass(frozen=True)
class HeatRow:
    """Share of one model's heat on one region; `change`: paired difference to the first model at the same quality."""

    kind: str
    region: str
    model: str
    quality: str
    share: HeatShare
    change: Difference | None


def drawn_pictures(results: Results, count: int, seed: int) -> list[int]:
    """Queries drawn by `seed`, ascending: numbers of `results.scene`."""
    return sorted(np.random.default_rng(seed).permutation(len(results.scene.query_images))[:count].tolist())


def heat_rows(results: Results, heat: Heat, town: Town | None, seed: int) -> list[HeatRow]:
    """Every model's share of heat on every region, in every kind of map that it has.

    The first model, the teacher, is also measured on the raw queries.

    Args:
        results: with their `describers`.
        town: what the queries were generated as, None for photographs.
    """
    queries = drawn_pictures(results, heat.queries, seed)
    regions = regions_of(results, queries, town)
    groups = results.scene.groups[queries]
    maps: dict[tuple[str, str], dict[str, list[np.ndarray]]] = {}
    for quality, models in {"raw": results.models[:1], heat.quality: results.models}.items():
        seen = _seen(results, queries, quality)
        for model in models:
            maps[model, quality] = _maps(results.describers[model], seen, heat.kinds, Quality.parse(quality))
    names = dict.fromkeys(name for one in regions for name in one)
    return [
        row
        for kind in heat.kinds
        for region in names
        for row in _rows(kind, region, {side: of[kind] for side, of in maps.items() if kind in of}, regions, groups)
    ]


def _seen(results: Results, queries: Sequence[int], quality: str) -> list[np.ndarray]:
    """The queries as they arrive: uint8 H x W x 3 each."""
    point, scene = Quality.parse(quality), results.scene
    return [point.encode(open_image(scene.query_images[query], scene.root)).image for query in queries]


def _maps(
    describer: Any, seen: Sequence[np.ndarray], kinds: Sequence[str], quality: Quality
) -> dict[str, list[np.ndarray]]:
    """The maps of the pictures by kind, without the kinds that the model does not have."""
    able = [kind for kind in kinds if _is_able(describer, seen[0], kind, quality)]
    found = [feature_maps(describer, picture, able, quality) if able else {} for picture in seen]
    return {kind: [one[kind] for one in found] for kind in able}


def _is_able(describer: Any, picture: np.ndarray, kind: str, quality: Quality) -> bool:
    try:
        feature_maps(describer, picture, (kind,), quality)
    except (LofiError, AttributeError):  # without NetVLAD, or without features
        return False
    return True


def _rows(
    kind: str,
    region: str,
    maps: dict[tuple[str, str], list[np.ndarray]],
    regions: Sequence[dict[str, Region]],
    groups: np.ndarray,
) -> list[HeatRow]:
    shares = {side: _shares(found, region, regions) for side, found in maps.items()}
    rows = []
    for (model, quality), (values, areas) in shares.items():
        mean = mean_share(values, areas, groups)
        reference = next(other for other in shares if other[1] == quality)
        change = None
        if reference != (model, quality):
            change = share_difference(values, shares[reference][0], groups)
        if mean is not None:
            rows.append(HeatRow(kind, region, model, quality, mean, change))
    return rows


def _shares(
    maps: Sequence[np.ndarray], region: str, regions: Sequence[dict[str, Region]]
) -> tuple[np.ndarray, np.ndarray]:
    """Share of heat and of area on a region, float64 Q each, NaN for a query without it."""
    found = np.full((2, len(maps)), np.nan)
    for number, (heat, parts) in enumerate(zip(maps, regions, strict=True)):
        if region in parts:
            cells = parts[region](heat.shape)
            found[:, number] = heat_share(heat, cells), cells.mean()
    return found[0], found[1]


def to_csv(rows: Sequence[HeatRow]) -> str:
    """A line a row, numbers in percent and points."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows:
        share, change = row.share, row.change
        compared = ["", "", ""] if change is None else [change.mean, change.low, change.high]
        numbers = [share.mean, share.low, share.high, share.area, share.pictures]
        writer.writerow([row.kind, row.region, row.model, row.quality, *numbers, *compared])
    return out.getvalue()


def to_markdown(rows: Sequence[HeatRow]) -> str:
    """A table a kind of map: regions in columns, models in lines, with the difference to the teacher behind."""
    parts = []
    for kind in dict.fromkeys(row.kind for row in rows):
        mine = {(row.model, row.quality, row.region): row for row in rows if row.kind == kind}
        regions = list(dict.fromkeys(region for _, _, region in mine))
        heads = [f"{region} ({_area(mine, region):.0f} % of the area)" for region in regions]
        lines = [f"| model | {' | '.join(heads)} |", "|" + " --- |" * (1 + len(regions))]
        for model, quality in dict.fromkeys((row.model, row.quality) for row in mine.values()):
            cells = [_cell(mine.get((model, quality, region))) for region in regions]
            lines.append(f"| {model}, `{quality}` | {' | '.join(cells)} |")
        parts.append(f"Share of the heat ({kind}), percent; in brackets the difference to the teacher in points:\n\n"
                     + "\n".join(lines))  # fmt: skip
    return "\n\n".join(parts) + "\n"


def _area(rows: dict[tuple[str, str, str], HeatRow], region: str) -> float:
    return next(row.share.area for row in rows.values() if row.region == region)


def _cell(row: HeatRow | None) -> str:
    if row is None:
        return "-"
    text = f"{row.share.mean:.1f} [{row.share.low:.1f}, {row.share.high:.1f}]"
    return text if row.change is None else f"{text} ({row.change})"
