"""The tests of a study: every model at every quality, under every rule of positives, kept with what made it."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from lofivpr.evaluation import Results, evaluate
from lofivpr.evaluation.judge import judge
from lofivpr.evaluation.verified import verify_results
from lofivpr.files import digest, write_json
from lofivpr.models import read_config
from lofivpr.places import Places, Positives, Protocol
from lofivpr.places.protocol import GENERAL
from lofivpr.studies.study import Trial

MADE_OF = "made-of.json"


@dataclass(frozen=True)
class Panel:
    """Results of one test under one rule; `title` says both to a reader."""

    trial: str
    rule: str
    results: Results

    @property
    def title(self) -> str:
        """Such as `test, 25 m`."""
        return f"{self.trial}, {self.rule}"


def examine(
    trial: Trial, places: Places, models: Sequence[Path], qualities: Sequence[str], folder: Path
) -> list[Panel]:
    """A panel for each rule of the trial, the first one's results and the descriptors in `folder`.

    What is there of the same models, places, protocol and qualities is read; pictures are described and searched
    once, whatever the number of rules.
    """
    first = _measured(trial, places, models, qualities, folder)
    rules = trial.positives or (str(Protocol.from_dict(first.protocol).positives),)
    panels = []
    for rule in rules:
        results = first if rule == rules[0] else judge(first, places, rule)
        panels.append(Panel(trial.name, rule, results))
        if trial.verify is not None:
            verified = verify_results(results, places, trial.verify, keep=folder / "stores")
            panels.append(Panel(trial.name, f"{rule}, {trial.verify}", verified))
    for panel in panels[1:]:
        panel.results.save_tables(folder / re.sub("[^0-9A-Za-z]+", "-", panel.rule))
    return panels


def made_of_digest(trial: Trial, places: Places, models: Sequence[Path], qualities: Sequence[str]) -> str:
    """Digest of what the results of a trial under its first rule are made of."""
    return digest(
        trial.model_copy(update={"positives": trial.positives[:1], "verify": None}).model_dump_json(),
        places.digest,
        *(f"{model.name} {read_config(model).digest}" for model in models),
        *qualities,
    )


def _measured(trial: Trial, places: Places, models: Sequence[Path], qualities: Sequence[str], folder: Path) -> Results:
    made_of = made_of_digest(trial, places, models, qualities)
    with suppress(OSError, ValueError, KeyError):
        if json.loads((folder / MADE_OF).read_text())["digest"] == made_of:
            return Results.load(folder, places.root)
    results = evaluate(models, places, qualities=qualities, protocol=_protocol(trial), out=folder)
    write_json(folder / MADE_OF, {"digest": made_of})
    return results


def _protocol(trial: Trial) -> Protocol:
    """The trial's protocol under the first of its rules."""
    if trial.protocol not in GENERAL:
        return replace(Protocol.named(trial.protocol), database_quality=trial.database_quality)
    return Protocol(
        name=trial.protocol,
        positives=Positives.parse(trial.positives[0]),
        without_positives=trial.without_positives,
        database_quality=trial.database_quality,
    )
