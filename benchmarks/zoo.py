"""Every aggregator on one backbone: a teacher and its student under one budget, and what a bad channel does to them.

    python -m benchmarks.zoo OUT                     on the generated town, which anyone can repeat
    python -m benchmarks.zoo OUT --places streets    on pictures of one's own with the splits train and test

OUT keeps every model and every descriptor: the same command goes on where the last one stopped. Its tables are
printed, and written to OUT/zoo.md.

EigenPlaces is the network of CosPlace, and MegaLoc that of SALAD and a fully connected layer, each trained another way:
under one budget neither is a row of its own. AnyLoc's VLAD has nothing to train: its teacher is its vocabulary.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.zoo_tables import STUDENT, TEACHER, tables
from lofivpr.evaluation import evaluate
from lofivpr.files import write_atomic
from lofivpr.models import load_describer, read_card
from lofivpr.places import Places
from lofivpr.places.town import generate_town
from lofivpr.training import Recipe, distill, train
from lofivpr.training.sampling import Relations

BACKBONE, SIZE = "efficientnet_lite0", (256, 192)
# Descriptors of 1,792 numbers, 16 times the backbone's channels; CricaVPR has one of these for each of 14 regions.
AGGREGATORS = {
    "gem": "gem:dim=1792",
    "cosplace": "cosplace:dim=1792",
    "convap": "convap:dim=448",
    "mixvpr": "mixvpr:dim=448",
    "salad": "salad:clusters=16,cluster_dim=104,token_dim=128",
    "boq": "boq:dim=256,rows=7",
    "cricavpr": "cricavpr",
    "netvlad": "netvlad:clusters=16",
    "vlad": "vlad:clusters=16",
}
UNTRAINED = {"vlad"}
LADDER = ["raw", "60p", "240p/jpeg:5", "240p/jpeg:10", "240p/h264:qp42", "240p/h265:qp48", "240p/av1:crf55"]
TEACHER_EPOCHS, STUDENT_EPOCHS = 1, 2
TEACHER_SETTINGS = ["batch_size=8", "positives=25m,45deg", "negative_radius_m=50"]
# NetVLAD starts at its k-means and others at random numbers: each takes the rate that validates better.
RATES = (5e-5, 5e-4)
PAIRS = 200
TOWN_PICTURES = 1000


def main() -> None:
    """Make what is missing, evaluate all on the test split, print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("out", type=Path, help="folder of the models and results")
    parser.add_argument("--places", type=Path, help="places.csv or a folder; default: the generated town")
    chosen = parser.parse_args()
    places = Places.open(chosen.places or _town(chosen.out / "town"))
    folders = [folder for name in AGGREGATORS for folder in make_pair(chosen.out, name, places.split("train"))]
    print(measure(folders, places.split("test"), chosen.out))


def make_pair(out: Path, name: str, places: Places) -> list[Path]:
    """The folders of the teacher and of the student with this aggregator, trained now where they are not there."""
    teacher, student = out / f"{name}{TEACHER}", out / f"{name}{STUDENT}"
    if not teacher.exists():
        started = time.monotonic()
        said = make_teacher(teacher, name, places)
        _log(started, f"{teacher.name}: {said}")
    if not student.exists():
        started = time.monotonic()
        recipe = Recipe.load("one-student").with_settings([f"epochs={STUDENT_EPOCHS}"])
        distill(teacher, places, recipe, student)
        _log(started, f"{student.name}: {read_card(student)['training']['steps']} steps")
    return [teacher, student]


def make_teacher(out: Path, name: str, places: Places) -> str:
    """Train at each of the rates, keep the better on validation; what there is to say of it."""
    recipe = Recipe.load("gsv-cities").with_settings([f"epochs={TEACHER_EPOCHS}", *TEACHER_SETTINGS])
    if name in UNTRAINED:
        _train(out, name, recipe.with_settings(["epochs=0"]), places)
        return f"no training, {cosines(out, places, recipe)}"
    tried = {}
    for rate in RATES:
        folder = out.with_name(f"{name}-rate-{rate:g}")
        _train(folder, name, recipe.with_settings([f"learning_rate={rate}"]), places)
        tried[folder] = read_card(folder)["training"]["validation"][-1]["recall@1"]
    best = max(tried, key=tried.__getitem__)
    best.rename(out)
    recalls = ", ".join(f"{recall:.1f} at {rate:g}" for rate, recall in zip(RATES, tried.values(), strict=True))
    return f"validation {recalls}; {cosines(out, places, recipe)}"


def cosines(folder: Path, places: Places, recipe: Recipe) -> str:
    """Medians over positive and negative pairs of `PAIRS` pictures with a positive of each: are they apart?"""
    model, relations = load_describer(folder), Relations(places, recipe.positives, recipe.negative_radius_m)
    rng = np.random.default_rng(0)
    anchors = rng.permutation(relations.anchors)[:PAIRS]
    others = np.array([rng.choice(relations.positives[row]) for row in anchors])
    first, second = (model.describe([places.open_image(int(row)) for row in rows]) for rows in (anchors, others))
    similarity = first @ second.T
    negative = similarity[np.stack([relations.negative(int(row), others) for row in anchors])]
    return f"cosine of positives {np.median(similarity.diagonal()):.2f}, of negatives {np.median(negative):.2f}"


def measure(folders: Sequence[Path], places: Places, out: Path) -> str:
    """Evaluate all at once, so that each picture is encoded once; the tables, which are written too."""
    started = time.monotonic()
    results = evaluate(folders, places, LADDER, "25m", "roles", out=out / "results")
    text = tables(results)
    write_atomic(out / "zoo.md", text)
    _log(started, f"evaluated {len(folders)} models at {len(LADDER)} qualities")
    return text


def _train(out: Path, name: str, recipe: Recipe, places: Places) -> None:
    if not out.exists():
        train(places, BACKBONE, AGGREGATORS[name], recipe, out, size=SIZE)


def _town(folder: Path) -> Path:
    return folder if folder.exists() else generate_town(folder, pictures=TOWN_PICTURES, progress=False)


def _log(started: float, text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {time.monotonic() - started:5.0f} s  {text}", flush=True)


if __name__ == "__main__":
    main()
