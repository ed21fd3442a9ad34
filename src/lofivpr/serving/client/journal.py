"""A table of fixes that grows line by line, so that an interrupted run keeps what was answered and goes on."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from lofivpr.errors import LofiError
from lofivpr.serving.client.located import Located, Missed


@dataclass(frozen=True)
class Row:
    """One picture or frame: where it was taken, how surely, and what that cost; None where there is none.

    `place`: the place of the map that resembles it most. `reason`: why it was not answered.
    """

    source: str
    answered: bool
    lat: float | None = None
    lon: float | None = None
    probability: float | None = None
    within_m: float | None = None
    place: str | None = None
    reason: str | None = None
    quality: str | None = None
    bytes: int | None = None
    seconds: float | None = None
    asked: int | None = None

    @classmethod
    def of(cls, source: str, answer: Located | Missed) -> Row:
        """What came back for `source`."""
        if isinstance(answer, Missed):
            return cls(source, False, reason=answer.reason)
        fix = answer.fix
        return cls(
            source=source,
            answered=fix.answered,
            lat=fix.lat,
            lon=fix.lon,
            probability=fix.probability,
            within_m=fix.within_m,
            place=None if fix.best is None else fix.best.ref,
            reason=fix.reason,
            quality=answer.quality,
            bytes=answer.n_bytes,
            seconds=round(answer.seconds, 4),
            asked=answer.asked,
        )


COLUMNS = [field.name for field in fields(Row)]


class Journal:
    """A CSV, or JSON lines where the name ends in .json or .jsonl; a context. Each row is on disk once written."""

    def __init__(self, path: str | Path) -> None:
        """Open it; a line that an earlier run was killed in is cut off.

        Raises:
            LofiError: a file that no run of this package wrote.
        """
        self.path = Path(path)
        self._is_json = self.path.suffix.lower() in (".json", ".jsonl")
        whole = self._whole_lines()
        self.done = self._sources(whole)
        """Names that there are rows of."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file: IO[bytes] = self.path.open("r+b" if self.path.exists() else "w+b")
        self._file.truncate(len(whole))
        self._file.seek(0, io.SEEK_END)
        if not whole and not self._is_json:
            self._append(_csv_line(COLUMNS))

    def write(self, row: Row) -> None:
        """Add a row."""
        values = asdict(row)
        if self._is_json:
            self._append(json.dumps(values, ensure_ascii=False) + "\n")
        else:
            self._append(_csv_line([values[name] for name in COLUMNS]))
        self.done.add(row.source)

    def _append(self, text: str) -> None:
        self._file.write(text.encode())
        self._file.flush()

    def _whole_lines(self) -> bytes:
        data = self.path.read_bytes() if self.path.exists() else b""
        return data[: data.rfind(b"\n") + 1]

    def _sources(self, data: bytes) -> set[str]:
        try:
            text = data.decode()
            if self._is_json:
                return {json.loads(line)["source"] for line in text.splitlines()}
            reader = csv.DictReader(io.StringIO(text, newline=""))
            if text and reader.fieldnames != COLUMNS:
                raise ValueError(f"the columns {reader.fieldnames}")
            return {row["source"] for row in reader}
        except (ValueError, KeyError, TypeError, csv.Error) as error:  # UnicodeDecodeError is a ValueError
            raise LofiError(
                f"expected a table of `lofivpr localize` in {self.path}, found {error}. Name another --out."
            ) from None

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()


def _csv_line(values: list[Any]) -> str:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerow(["" if value is None else value for value in values])
    return out.getvalue()
