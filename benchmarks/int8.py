"""What int8 costs in recall, by quality: teacher and student, float32 and int8, on photographs.

python -m benchmarks.int8 streets --teacher TEACHER --student STUDENT
"""

from __future__ import annotations

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.page import put
from lofivpr.cli.export import export
from lofivpr.evaluation import Results, evaluate
from lofivpr.evaluation.compare import outcome_difference
from lofivpr.models import read_card
from lofivpr.models.edge import Target
from lofivpr.places import Places

NAMES = ("teacher", "student")
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
        models = [out / f"{name}-float32" for name in NAMES] + [out / f"{name}-int8" for name in NAMES]
        for folder, source in zip(models, 2 * [told.teacher, told.student], strict=True):
            to: Target = "int8" if folder.name.endswith("int8") else "onnx"
            if not folder.exists():
                export(source, folder, to, told.places, "train", told.qualities, told.pictures)
        places = _thinned(Places.open(told.places).split("test"), told.every)
        results = evaluate(models, places, told.qualities, database_model=told.teacher, out=out / "results")
        cosines = [read_card(folder)["export"]["cosine with float32, mean"] for folder in models[2:]]
    rows = [["quality", *(f"{name}, {kind}" for name in NAMES for kind in ("float32", "int8", "int8 - float32"))]]
    rows += [_row(results, quality) for quality in results.qualities]
    first = results.rows[0]
    caption = (
        f"{first.queries:,} queries, {first.database.images:,} pictures in the database. "
        f"Mean cosine of int8 with float32: {cosines[0]:.3f} (teacher), {cosines[1]:.3f} (student)."
    )
    print("\n".join([caption, *(" | ".join(row) for row in rows)]))
    if told.page:
        put(told.page, "int8", rows, caption)


def _thinned(places: Places, every: int) -> Places:
    """All of the database, and every so many queries."""
    queries = [row for row, role in enumerate(places.column("role")) if role == "query"][::every]
    return places.select(sorted({*queries, *(r for r, role in enumerate(places.column("role")) if role != "query")}))


def _row(results: Results, quality: str) -> list[str]:
    cells = [quality]
    for name in NAMES:
        pair = [f"{name}-{kind}" for kind in ("int8", "float32")]
        cells += [f"{results.row(model, quality).recall[1]:.1f}" for model in reversed(pair)]
        small, whole = (results.outcomes[model, quality] for model in pair)
        found = outcome_difference(small, whole, results.scene)
        cells.append(str(found))
    return cells


if __name__ == "__main__":
    main()
