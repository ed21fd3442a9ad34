"""What maps of a city, a country and a billion pictures cost, computed from the rates in `scale.json`.

python -m benchmarks.scale_rates     # measures the rates on this machine, and writes scale.json
python -m benchmarks.scale           # writes the tables into docs/scale.md
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from lofivpr.files import write_json

SIZES = {"a city": 100_000, "a country": 50_000_000, "a billion": 1_000_000_000}
CORES = 16
"""Of the machine that a machine-hour is of."""
RATES = Path(__file__).with_name("scale.json")
PAGE = Path(__file__).parents[1] / "docs" / "scale.md"


@dataclass(frozen=True)
class Rates:
    """What one picture takes, and what is taken however many there are. Seconds are of one core's work."""

    picture_bytes: float
    """Of a picture file, which is read once."""
    describe_s: float
    """To open, describe and store a picture."""
    worker_bytes: float
    """Memory of the process that describes, with its model."""
    store_bytes: float
    """Of a stored float32 descriptor with what is known of its picture."""
    write_s: float
    """To write a stored descriptor."""
    place_bytes: float
    """Memory of a place in the process that builds a map."""
    open_bytes: float
    """Memory of a place in a process that answers, beside codes and index, which are pages of files."""
    float16_bytes: float
    """On disk, of a place in a map of float16, its position included."""
    pq64_bytes: float
    """On disk, of a place in a map of pq64."""


@dataclass(frozen=True)
class Costs:
    """Of a map of `places`, in bytes, and hours of a machine of `CORES` cores that is busy with it alone."""

    places: int
    pictures: float
    describe_h: float
    store: float
    write_h: float
    float16: float
    pq64: float
    build_memory: float
    answer_memory: float


def costs(places: int, rates: Rates) -> Costs:
    """Everything grows with the places; memory of a worker does not."""
    hour = 3600 * CORES
    return Costs(
        places=places,
        pictures=places * rates.picture_bytes,
        describe_h=places * rates.describe_s / hour,
        store=places * rates.store_bytes,
        write_h=places * rates.write_s / 3600,  # one process writes
        float16=places * rates.float16_bytes,
        pq64=places * rates.pq64_bytes,
        build_memory=rates.worker_bytes + places * rates.place_bytes,
        answer_memory=places * rates.open_bytes,
    )


def table(rates: Rates) -> str:
    """Markdown: a column for each size."""
    found = [costs(places, rates) for places in SIZES.values()]
    lines = {
        "pictures": [f"{one.places:,}" for one in found],
        "bytes of the pictures, read once": [in_bytes(one.pictures) for one in found],
        f"describing, machine-hours of {CORES} cores": [in_hours(one.describe_h) for one in found],
        "memory of a node that describes": [in_bytes(rates.worker_bytes) for _ in found],
        "float32 descriptors on disk while a map is built": [in_bytes(one.store) for one in found],
        "writing them, core-hours of the one process that does": [in_hours(one.write_h) for one in found],
        "map of float16, bytes": [in_bytes(one.float16) for one in found],
        "map of pq64, bytes": [in_bytes(one.pq64) for one in found],
        "memory of the process that builds": [in_bytes(one.build_memory) for one in found],
        "memory of a process that answers": [in_bytes(one.answer_memory) for one in found],
    }
    head = f"| | {' | '.join(SIZES)} |\n|---|{'---:|' * len(SIZES)}\n"
    return head + "".join(f"| {what} | {' | '.join(cells)} |\n" for what, cells in lines.items())


def rates_table(rates: Rates, where: str) -> str:
    """Markdown: what was measured, and where."""
    lines = []
    for field in fields(Rates):
        value = getattr(rates, field.name)
        shown = f"{1000 * value:.3g} ms" if field.name.endswith("_s") else in_bytes(value)
        lines.append(f"| `{field.name}` | {MEANING[field.name]} | {shown} |\n")
    return f"{where}\n\n| rate | of | |\n|---|---|---:|\n{''.join(lines)}"


MEANING = {
    "picture_bytes": "a picture file",
    "describe_s": "a picture opened, described and stored, on one core",
    "worker_bytes": "the process that describes, most memory",
    "store_bytes": "a stored descriptor and what is known of its picture",
    "write_s": "a stored descriptor written, on one core",
    "place_bytes": "a place in the memory of the process that builds",
    "open_bytes": "a place in the memory of a process that answers",
    "float16_bytes": "a place in a map of float16, position included",
    "pq64_bytes": "a place in a map of pq64, position included",
}


def in_bytes(value: float) -> str:
    """Three digits and a unit."""
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if value < 999.5:
            return f"{value:.3g} {unit}"
        value /= 1000
    return f"{value:.3g} PB"


def in_hours(value: float) -> str:
    """Two digits; no more are known."""
    return f"{value:.2g}" if value < 99.5 else f"{float(f'{value:.2g}'):,.0f}"


def read_rates() -> tuple[Rates, str]:
    """The rates of `scale.json`, and where they were measured."""
    values = json.loads(RATES.read_text(encoding="utf-8"))
    return Rates(**values["rates"]), values["where"]


def write_rates(rates: Rates, where: str) -> None:
    """Put rates into `scale.json`."""
    write_json(RATES, {"where": where, "rates": {name: float(f"{value:.4g}") for name, value in asdict(rates).items()}})


def page(text: str) -> str:
    """The page with both tables in their places."""
    rates, where = read_rates()
    for mark, content in (("costs", table(rates)), ("rates", rates_table(rates, where))):
        start, end = f"<!-- {mark} -->\n", f"<!-- end {mark} -->\n"
        before, rest = text.split(start)
        text = before + start + content + end + rest.split(end)[1]
    return text


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
