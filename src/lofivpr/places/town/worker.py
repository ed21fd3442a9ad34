"""`python -m lofivpr.places.town.worker FOLDER SEED PICTURES WIDTH HEIGHT SHARE SHARES`: one share of a town."""

from __future__ import annotations

import sys
from pathlib import Path

import cv2

from lofivpr.places.town.generate import write_share

if __name__ == "__main__":
    # The processes are the parallelism; threads beside them would only get in each other's way.
    cv2.setNumThreads(1)
    seed, pictures, width, height, share, shares = (int(n) for n in sys.argv[2:])
    write_share(Path(sys.argv[1]), seed, pictures, (width, height), share, shares)
