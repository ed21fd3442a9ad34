"""Some columns of a CSV of a public data set, by name and type."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
from pyarrow import csv as arrow_csv

from lofivpr.places.geodesy import PlacesError


def read_columns(file: Path, types: Mapping[str, pa.DataType]) -> pa.Table:
    """The columns of `types`, in that order; booleans are written True and False.

    Raises:
        PlacesError: no CSV, a column that is missing, or a cell that does not fit.
    """
    try:
        options = arrow_csv.ConvertOptions(
            column_types=types, include_columns=list(types), true_values=["True"], false_values=["False"]
        )
        return arrow_csv.read_csv(file, convert_options=options)
    except (pa.ArrowException, KeyError) as error:
        raise PlacesError(f"expected columns {', '.join(types)} in {file}, found: {error}.") from None
