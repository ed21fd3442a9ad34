"""One line of the table of a degraded copy, and the file that holds them."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import cv2
import numpy as np

from lofivpr.quality.metrics import WINDOW, psnr, ssim


@dataclass(frozen=True)
class DegradedRow:
    """One picture of the table: its name in the copy and in the source, and what the channel did to it.

    Frames of clips are pictures, too: `weak.mp4#frame=12` of `sharp.mp4#frame=36`.

    `width` and `height` are those of the degraded picture. `bytes` is None without a codec. `psnr_db` and
    `ssim` compare with the source at the source's size (the degraded picture is enlarged by OpenCV's
    INTER_CUBIC), so they count lost resolution; `psnr_db` is infinite where nothing was lost, `ssim` None
    below 11 pixels a side.
    """

    image: str
    source: str
    width: int
    height: int
    bytes: int | None
    psnr_db: float
    ssim: float | None


def degraded_row(
    image: str, source: str, original: np.ndarray, degraded: np.ndarray, n_bytes: int | None
) -> DegradedRow:
    """The row of one picture, uint8 H x W x 3 before and H' x W' x 3 after the channel."""
    height, width = degraded.shape[:2]
    size = (original.shape[1], original.shape[0])
    if degraded.shape != original.shape:
        degraded = cv2.resize(degraded, size, interpolation=cv2.INTER_CUBIC)
    likeness = ssim(original, degraded) if min(size) >= WINDOW else None
    return DegradedRow(image, source, width, height, n_bytes, psnr(original, degraded), likeness)


def write_rows(path: Path, rows: Sequence[DegradedRow]) -> None:
    """Write the table as CSV, numbers to six digits, None as an empty cell."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([f.name for f in fields(DegradedRow)])
        for row in rows:
            cells = ["" if cell is None else cell for cell in astuple(row)]
            writer.writerow([f"{cell:.6g}" if isinstance(cell, float) else cell for cell in cells])
