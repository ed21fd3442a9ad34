"""A whole study: what it makes, that it makes nothing twice, and that a killed one goes on."""

from __future__ import annotations

import csv
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from lofivpr.evaluation import Results, evaluate
from lofivpr.models import read_card, read_config
from lofivpr.places import Places, PlacesError
from lofivpr.studies import Findings, Study, StudyError, run_study
from lofivpr.studies import run as room

Make = Callable[..., Study]
Finished = tuple[Path, Findings]
NAMES = ["teacher", "mse", "mse+ickd", "all-qualities", "no-teacher"]


def digests(out: Path) -> dict[str, str | None]:
    return {name: read_config(out / "models" / name).digest for name in NAMES}


def test_a_study_makes_its_models_tables_and_figures(finished: Finished) -> None:
    out, findings = finished
    assert [panel.title for panel in findings.panels] == ["test, 25m", "test, 12m"]
    assert all(panel.results.models == NAMES for panel in findings.panels)
    assert all(path.is_file() and path.stat().st_size > 100 for path in findings.files)
    endings = {path.name for path in findings.files}
    assert endings >= {"table.md", "table.csv", "figure-4.png", "figure-4.svg", "figure-4-resolution.png"}
    teacher = read_config(out / "models" / "teacher").digest
    for name in NAMES[1:4]:
        assert read_card(out / "models" / name)["teacher"]["digest"] == teacher
    assert "teacher" not in read_card(out / "models" / "no-teacher")
    assert len(set(digests(out).values())) == len(NAMES)


def test_both_rules_are_what_an_evaluation_alone_finds(finished: Finished, asked: Places) -> None:
    out, findings = finished
    models = [out / "models" / name for name in NAMES]
    qualities = findings.panels[0].results.qualities
    for panel in findings.panels:
        alone = evaluate(models, asked, qualities, positives=panel.rule, progress=False)
        assert panel.results.rows == alone.rows
        assert panel.results.differences == alone.differences and panel.results.costs == alone.costs
    recalls = [[row.recall[1] for row in panel.results.rows] for panel in findings.panels]
    assert recalls[0] != recalls[1]


def test_the_tables_hold_the_rows(finished: Finished) -> None:
    out, findings = finished
    with open(out / "table.csv", newline="") as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == 2 * len(NAMES) * 4
    for line in lines:
        (results,) = [panel.results for panel in findings.panels if panel.rule == line["positives"]]
        row = results.row(line["model"], line["quality"])
        assert float(line["recall@1"]) == row.recall[1]
        assert (float(line["low"]), float(line["high"])) == row.interval[1]
        if row.bytes_per_query is None:
            assert line["kbytes_per_second"] == ""
        else:
            assert float(line["kbytes_per_second"]) == pytest.approx(row.bytes_per_query * 2.0 / 1000)
        if line["against"]:
            shift = results.row(line["against"], line["quality"]).recall[1]
            assert float(line["difference"]) == pytest.approx(row.recall[1] - shift)
    text = (out / "table.md").read_text()
    row = findings.panels[1].results.row("mse+ickd", "60p/h265:qp48")
    assert f"{row.recall[1]:.1f} [{row.interval[1][0]:.1f}, {row.interval[1][1]:.1f}]" in text
    assert text.count("Protocol: roles v1") == 2 and "positives 12m" in text


def test_the_papers_choice_is_compared_with_every_other_model(finished: Finished) -> None:
    out, findings = finished
    first = (out / "table.md").read_text().split("mse+ickd minus:\n\n")[1].split("\n\n")[0]
    head, _, *lines = ([cell.strip(" *") for cell in line.strip("|").split("|")] for line in first.splitlines())
    assert head == ["quality", *(name for name in NAMES if name != "mse+ickd")] and len(lines) == 4
    results = findings.panels[0].results
    for quality, *cells in lines:
        chosen = results.row("mse+ickd", quality.strip("`")).recall[1]
        for other, cell in zip(head[1:], cells, strict=True):
            gain = chosen - results.row(other, quality.strip("`")).recall[1]
            assert float(cell.split()[0]) == pytest.approx(gain, abs=0.051)


def test_a_second_call_makes_nothing(finished: Finished, town: Path, make_study: Make) -> None:
    out, findings = finished
    kept = [path for name in ("models", "results/test/stores") for path in (out / name).rglob("*") if path.is_file()]
    before = {path: path.stat().st_mtime_ns for path in kept}
    told: list[str] = []
    again = run_study(make_study().on(town), out, tell=told.append)
    assert {path: path.stat().st_mtime_ns for path in kept} == before and len(kept) > 20
    assert told[0] == "0 trainings, 5 already there; 40 evaluations"
    assert not any(line.startswith("training") for line in told)
    assert [panel.results.rows for panel in again.panels] == [panel.results.rows for panel in findings.panels]


def test_a_setting_more_trains_only_that(finished: Finished, town: Path, make_study: Make, tmp_path: Path) -> None:
    out, _ = finished
    copy = tmp_path / "copy"
    subprocess.run(["cp", "-r", str(out), str(copy)], check=True)
    told: list[str] = []
    settings = [*NAMES[1:], "raml"]
    found = run_study(make_study(settings=settings).on(town), copy, tell=told.append)
    assert [line for line in told if line.startswith("training")] == ["training raml"]
    assert found.panels[0].results.models == [*NAMES, "raml"]
    described = [line for line in told if "already there" in line]
    assert described == ["1 training, 5 already there; 48 evaluations"]


def test_a_model_of_another_recipe_is_refused(finished: Finished, town: Path, make_study: Make) -> None:
    out, _ = finished
    with pytest.raises(StudyError, match="mse .*another recipe: remove it"):
        run_study(make_study(budget={"epochs": 1, "steps_per_epoch": 3}).on(town), out, tell=lambda line: None)
    with pytest.raises(StudyError, match="teacher .*another recipe: remove it"):
        run_study(make_study(seed=1).on(town), out, tell=lambda line: None)


def test_a_killed_study_goes_on_to_the_same_models(
    finished: Finished, town: Path, make_study: Make, tmp_path: Path
) -> None:
    whole, findings = finished
    recipe, out = tmp_path / "study.yaml", tmp_path / "out"
    recipe.write_text(make_study().on(town).to_yaml())
    command = [sys.executable, "-c", "from lofivpr.cli import main; main()", "study", str(recipe), "--out", str(out)]
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 240
        while not (out / "models" / "mse").exists():
            assert running.poll() is None and time.monotonic() < deadline
            time.sleep(0.01)
    finally:
        running.send_signal(signal.SIGKILL)
        running.wait()
    assert not (out / "table.md").exists()
    teacher = (out / "models" / "teacher" / "config.json").stat().st_mtime_ns
    told: list[str] = []
    found = run_study(recipe, out, tell=told.append)
    assert not any(line in ("training teacher", "training mse") for line in told)
    assert (out / "models" / "teacher" / "config.json").stat().st_mtime_ns == teacher
    assert digests(out) == digests(whole)
    assert [panel.results.rows for panel in found.panels] == [panel.results.rows for panel in findings.panels]


def test_a_given_teacher_is_taken_as_it_is(finished: Finished, town: Path, make_study: Make, tmp_path: Path) -> None:
    whole, _ = finished
    study = make_study(teacher={"model": str(whole / "models" / "teacher")}, settings=["mse", "no-teacher"]).on(town)
    told: list[str] = []
    found = run_study(study, tmp_path / "out", tell=told.append)
    assert "  teacher     given" in "\n".join(told) and not (tmp_path / "out" / "models" / "teacher").exists()
    assert read_config(tmp_path / "out" / "models" / "mse").digest == digests(whole)["mse"]
    control, teacher = (read_config(tmp_path / "out/models/no-teacher"), read_config(whole / "models/teacher"))
    assert (control.backbone, control.aggregator_options, control.size) == (
        teacher.backbone,
        teacher.aggregator_options,
        teacher.size,
    )
    assert found.panels[0].results.row("mse", "raw").database.model == "teacher"


def test_fewer_queries_are_drawn_with_the_whole_database(asked: Places, town: Path, make_study: Make) -> None:
    study = make_study(budget={"queries": 3}).on(town)
    drawn = room._asked(study, study.tests[0], town)
    assert len(drawn.queries) == 3 < len(asked.queries)
    assert drawn.database.images == asked.database.images
    assert room._asked(study, study.tests[0], town).images == drawn.images
    other = room._asked(study.model_copy(update={"seed": 1}), study.tests[0], town)
    assert other.queries.images != drawn.queries.images


def test_pictures_that_are_not_there_are_told_with_what_to_get(make_study: Make, tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="give --places PATH"):
        run_study(make_study(), tmp_path / "out")
    with pytest.raises(PlacesError, match="Get .*netvlad_v100_datasets"):
        run_study(make_study().on(tmp_path / "pitts250k"), tmp_path / "out")


def test_results_are_files_that_an_evaluation_reads(finished: Finished) -> None:
    out, findings = finished
    assert Results.load(out / "results" / "test").rows == findings.panels[0].results.rows
    assert Results.load(out / "results" / "test" / "12m").rows == findings.panels[1].results.rows
