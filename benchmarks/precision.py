"""What int8 and bfloat16 cost in recall, by quality: teacher and student against float32, on photographs.

python -m benchmarks.precision streets --teacher TEACHER --student STUDENT

bfloat16 is what `--runtime gpu` computes in; here it runs on whatever this machine has.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from benchmarks.page import put
from lofivpr.cli.export import export
from lofivpr.evaluation import Results, evaluate
from lofivpr.evaluation.compare import outcome_difference
from lofivpr.models import GpuModel, PlaceModel, read_card
from lofivpr.models.edge import Target
from lofivpr.places import Places

NAMES, KINDS = ("teacher", "student"), ("float32", "int8", "bfloat16")
LADDER = ("raw", "240p/jpeg:5", "120p", "240p/h265:qp42")
CALIBRATED = 112


def main() -> None:
    """Export, evaluate, print; with --page into a page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("places", type=Path, help="photographs with a train and a test split")
    parser.add_argument("--teacher", type=Path, required=True)
    parser.add_argument("--student", type=Path, required=True)
    parser.add_argument("--qualities", nargs="+", default=list(LADDER))
    parser.add_argument("--pictures", type=int, default=CALIBRATED, help="drawn for int8, 16 of them to compare on")
    parser.add_argument("--every", type=int, default=1, help="only every so many queries of the test split")
    parser.add_argument("--out", type=Path, help="keeps models and descriptors, so that a second call goes on")
    parser.add_argument("--page", type=Path)
    told = parser.parse_args()
    with TemporaryDirectory() as temporary:
        out = told.out or Path(temporary)
        models = [_model(told, out, name, kind) for name in NAMES for kind in KINDS]
        places = _thinned(Places.open(told.places).split("test"), told.every)
        results = evaluate(models, places, told.qualities, database_model=told.teacher, out=out / "results")
        cosines = [read_card(out / f"{name}-int8")["export"]["cosine with float32, mean"] for name in NAMES]
    head = [f"{name}, {kind}" for name in NAMES for kind in ("float32", *(f"{kind} - float32" for kind in KINDS[1:]))]
    rows = [["quality", *head], *(_row(results, quality) for quality in results.qualities)]
    first = results.rows[0]
    caption = (
        f"{first.queries:,} queries, {first.database.images:,} pictures in the database. "
        f"Mean cosine of int8 with float32: {cosines[0]:.3f} (teacher), {cosines[1]:.3f} (student)."
    )
    print("\n".join([caption, *(" | ".join(row) for row in rows)]))
    if told.page:
        put(told.page, "precision", rows, caption)


def _model(told: argparse.Namespace, out: Path, name: str, kind: str) -> Any:
    source: Path = vars(told)[name]
    if kind == "bfloat16":
        return GpuModel(PlaceModel.load(source), "cuda" if torch.cuda.is_available() else "cpu")
    to: Target = "int8" if kind == "int8" else "onnx"
    if not (folder := out / f"{name}-{kind}").exists():
        export(source, folder, to, told.places, "train", told.qualities, told.pictures)
    return folder


def _thinned(places: Places, every: int) -> Places:
    """All of the database, and every so many queries."""
    queries = [row for row, role in enumerate(places.column("role")) if role == "query"][::every]
    return places.select(sorted({*queries, *(r for r, role in enumerate(places.column("role")) if role != "query")}))


def _row(results: Results, quality: str) -> list[str]:
    cells, size = [quality], len(KINDS)
    for start in range(0, len(results.models), size):
        whole, *others = results.models[start : start + size]
        cells.append(f"{results.row(whole, quality).recall[1]:.1f}")
        pairs = ((results.outcomes[other, quality], results.outcomes[whole, quality]) for other in others)
        cells += [str(outcome_difference(*pair, results.scene)) for pair in pairs]
    return cells


if __name__ == "__main__":
    main()
