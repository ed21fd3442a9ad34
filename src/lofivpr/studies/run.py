"""`run_study`: the plan, the models, the tests, and what is drawn of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lofivpr.files import write_atomic
from lofivpr.places import Places
from lofivpr.studies.examine import Panel, examine, made_of_digest
from lofivpr.studies.plan import plan_of
from lofivpr.studies.sources import drawn_queries, open_pictures, pictures_of
from lofivpr.studies.study import Study, Trial
from lofivpr.studies.workshop import Workshop

MODELS, RESULTS, STUDY = "models", "results", "study.yaml"


@dataclass(frozen=True)
class Findings:
    """What a study found: a panel for each test and rule of positives, and the files that show them."""

    panels: tuple[Panel, ...]
    files: tuple[Path, ...]


def run_study(study: Study | str | Path, out: str | Path, tell: Callable[[str], None] = print) -> Findings:
    """Make the models of a study, test them, and write tables and figures into `out`.

    Whatever is finished in `out` is kept: a study that was interrupted, or that was given more settings or
    qualities, goes on from there.

    Args:
        study: a Study, the name of one, or a YAML file.
        tell: is told the plan, and each model and test as its turn comes.

    Raises:
        LofiError: of the study, its pictures, models and recipes; each says what to do.
    """
    study, out = study if isinstance(study, Study) else Study.load(study), Path(out)
    training = open_pictures(study.train, out)
    asked = [(trial, _asked(study, trial, out)) for trial in study.tests]
    workshop = Workshop(study, training, out / MODELS)
    for line in plan_of(study, workshop).lines():
        tell(line)
    write_atomic(out / STUDY, study.to_yaml())
    models = workshop.make_all(tell)
    panels: list[Panel] = []
    for trial, places in asked:
        tell(f"evaluating on {trial.name}")
        panels += examine(trial, places, models, study.qualities, out / RESULTS / trial.name)
    first, places = asked[0]
    made_of = made_of_digest(first, places, models, study.qualities)
    tell("drawing")
    from lofivpr.studies.draw import draw_all  # brings matplotlib, for which no other command should wait

    return Findings(tuple(panels), tuple(draw_all(study, panels, made_of, models, out)))


def _asked(study: Study, trial: Trial, out: Path) -> Places:
    places = open_pictures(pictures_of(trial, study.train), out)
    return places if study.budget.queries is None else drawn_queries(places, study.budget.queries, study.seed)
