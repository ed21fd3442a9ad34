"""Tables that benchmarks put into the pages of docs/results."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from lofivpr.files import write_atomic


def put(page: Path, name: str, rows: Sequence[Sequence[str]], caption: str) -> None:
    """Replace what stands between `<!-- NAME -->` and `<!-- end NAME -->` by a table; the first row is its head."""
    head, *body = (f"| {' | '.join(row)} |" for row in rows)
    table = "\n".join([caption, "", head, "|" + "---|" * len(rows[0]), *body])
    text, count = re.subn(
        rf"(?s)(<!-- {name} -->\n).*?(<!-- end {name} -->)",
        lambda found: f"{found[1]}{table}\n{found[2]}",
        page.read_text(encoding="utf-8"),
    )
    if count != 1:
        raise SystemExit(f"expected <!-- {name} --> and <!-- end {name} --> once in {page}, found {count}.")
    write_atomic(page, text)
