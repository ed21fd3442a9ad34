"""The results of an evaluation: rows, comparisons and what was found for every query."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from lofivpr.errors import LofiError
from lofivpr.evaluation.compare import channel_costs, model_differences, rate_differences
from lofivpr.evaluation.outcome import Outcomes, Scene, load_outcomes, save_outcomes
from lofivpr.evaluation.recovery import recovered
from lofivpr.evaluation.rows import DescriptorRow, DifferenceRow, RateRow, Recovered, Row, SkippedPicture
from lofivpr.files import write_atomic, write_json

JSON_NAME, CSV_NAME, NEIGHBOURS_NAME = "results.json", "results.csv", "neighbours.npz"
COMPARED_NS = (1, 5, 10)


@dataclass(frozen=True)
class Results:
    """Rows in the order of the options, models outermost, and the comparisons between them.

    differences: model minus its reference at the same quality, paired. costs: each quality minus raw
    for the same model, paired. rates: Bjontegaard differences. recovered: share of the reference's loss
    that a model gives back. descriptor_rate: a descriptor sent instead of a picture. references: model ->
    whom it is compared with. protocol: as data, for the report. describers: the models, when at hand.
    """

    rows: tuple[Row, ...]
    differences: tuple[DifferenceRow, ...]
    costs: tuple[DifferenceRow, ...]
    rates: tuple[RateRow, ...]
    skipped: tuple[SkippedPicture, ...]
    references: dict[str, str]
    protocol: dict[str, Any]
    scene: Scene = field(repr=False)
    outcomes: Outcomes = field(repr=False)
    recovered: Recovered = Recovered()
    descriptor_rate: tuple[DescriptorRow, ...] = ()
    describers: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def compare(
        cls,
        rows: Sequence[Row],
        outcomes: Outcomes,
        scene: Scene,
        references: dict[str, str],
        protocol: dict[str, Any],
        skipped: Sequence[SkippedPicture] = (),
        describers: dict[str, Any] | None = None,
        descriptor_rate: Sequence[DescriptorRow] = (),
    ) -> Results:
        """Results with every comparison that the outcomes allow."""
        ns = [n for n in COMPARED_NS if n in rows[0].recall]
        return cls(
            rows=tuple(rows),
            differences=tuple(model_differences(references, outcomes, scene, ns)),
            costs=tuple(channel_costs(outcomes, scene, ns)),
            rates=tuple(rate_differences(rows, references, outcomes, scene)),
            skipped=tuple(skipped),
            references=references,
            protocol=protocol,
            scene=scene,
            outcomes=outcomes,
            recovered=recovered(references, outcomes, scene),
            descriptor_rate=tuple(descriptor_rate),
            describers=describers or {},
        )

    @property
    def models(self) -> list[str]:
        """Names of the models, in order."""
        return list(dict.fromkeys(row.model for row in self.rows))

    @property
    def qualities(self) -> list[str]:
        """The qualities, in order."""
        return list(dict.fromkeys(row.quality for row in self.rows))

    def row(self, model: str, quality: str) -> Row:
        """The row of one model at one quality.

        Raises:
            LofiError: it was not evaluated.
        """
        for row in self.rows:
            if (row.model, row.quality) == (model, quality):
                return row
        raise LofiError(
            f"expected a row of model {model!r} at quality {quality!r}, found models {self.models} "
            f"and qualities {self.qualities}."
        )

    def difference(self, model: str, quality: str, n: int = 1) -> DifferenceRow | None:
        """Paired difference of a model to its reference, None when it is its own reference."""
        return next((d for d in self.differences if (d.model, d.quality, d.n) == (model, quality, n)), None)

    def cost(self, model: str, quality: str, n: int = 1) -> DifferenceRow | None:
        """Paired difference of a quality to raw for one model, None when raw was not evaluated."""
        return next((d for d in self.costs if (d.model, d.quality, d.n) == (model, quality, n)), None)

    def to_dict(self) -> dict[str, Any]:
        """What results.json holds."""
        return {
            "rows": _plain(self.rows),
            "differences": _plain(self.differences),
            "costs": _plain(self.costs),
            "rates": _plain(self.rates),
            "recovered": self.recovered.model_dump(mode="json"),
            "descriptor_rate": _plain(self.descriptor_rate),
            "references": self.references,
            "protocol": self.protocol,
            "skipped": _plain(self.skipped),
        }

    def to_csv(self) -> str:
        """One line a row, recall and its interval in columns; recovered share and rate of a stream where they are."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        ns = list(self.rows[0].recall)
        numbers = [f"{name}@{n}" for n in ns for name in ("recall", "low", "high")]
        fixed = "model quality protocol queries queries_without_positives".split()
        sides = ["database_images", "database_model", "database_quality", "bytes_per_query"]
        rates = ["fps", "kbytes_per_second", "kbits_per_second"]
        writer.writerow([*fixed, *sides, *numbers, "recovered", "recovered_low", "recovered_high", *rates])
        for row in self.rows:
            side = row.database
            values: list[float | str] = [v for n in ns for v in (row.recall[n], *row.interval[n])]
            share = self.recovered.share(row.model, row.quality)
            values += ["", "", ""] if share is None else [share.share, *(share.interval or ("", ""))]
            writer.writerow(
                [*(getattr(row, name) for name in fixed), side.images, side.model, side.quality]
                + ["" if row.bytes_per_query is None else row.bytes_per_query, *values]
                + [getattr(row.stream, name, "") for name in rates]
            )
        return out.getvalue()

    def save_tables(self, folder: str | Path) -> None:
        """Write results.json, results.csv and neighbours.npz into `folder`."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        save_outcomes(folder / NEIGHBOURS_NAME, self.scene, self.outcomes)
        write_atomic(folder / CSV_NAME, self.to_csv())
        write_json(folder / JSON_NAME, self.to_dict())

    def save(self, folder: str | Path) -> list[Path]:
        """Write the tables and the plots (PNG and SVG) into `folder`; returns the plots' paths."""
        from lofivpr.evaluation.plots import save_plots

        self.save_tables(folder)
        return save_plots(self, Path(folder) / "plots")

    def report(self, path: str | Path, title: str | None = None, pictures: bool = True) -> Path:
        """Write one self-contained HTML file and return its path; see `lofivpr.evaluation.report.write_report`."""
        from lofivpr.evaluation.report import write_report

        return write_report(self, path, title, pictures)

    @classmethod
    def load(cls, folder: str | Path, root: Path | None = None) -> Results:
        """Read what `save_tables` wrote.

        Args:
            root: folder of the pictures, if they have moved.

        Raises:
            LofiError: a file is missing, or is not one of ours.
        """
        folder = Path(folder)
        scene, outcomes = load_outcomes(folder / NEIGHBOURS_NAME, root)
        try:
            data = json.loads((folder / JSON_NAME).read_text())
            return cls(
                rows=tuple(Row.model_validate(row) for row in data["rows"]),
                differences=tuple(DifferenceRow.model_validate(d) for d in data["differences"]),
                costs=tuple(DifferenceRow.model_validate(d) for d in data["costs"]),
                rates=tuple(RateRow.model_validate(r) for r in data["rates"]),
                skipped=tuple(SkippedPicture.model_validate(s) for s in data["skipped"]),
                references=data["references"],
                protocol=data["protocol"],
                scene=scene,
                outcomes=outcomes,
                recovered=Recovered.model_validate(data.get("recovered", {})),
                descriptor_rate=tuple(DescriptorRow.model_validate(d) for d in data.get("descriptor_rate", [])),
            )
        except (OSError, ValueError, KeyError, ValidationError) as error:
            raise LofiError(
                f"expected the results of an evaluation in {folder / JSON_NAME}, found: {error}. "
                "Run the evaluation again with this output folder."
            ) from error


def _plain(records: Sequence[Any]) -> list[dict[str, Any]]:
    return [record.model_dump(mode="json") for record in records]
