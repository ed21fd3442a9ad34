"""Training pictures that can be used, told from those that cannot before anything is computed."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from lofivpr.cores import usable_cores
from lofivpr.descriptors.manifest import SkippedPicture
from lofivpr.errors import LofiError
from lofivpr.places import Places
from lofivpr.quality import QualityRange


def usable_pictures(places: Places, ladder: Sequence[QualityRange]) -> tuple[Places, list[SkippedPicture]]:
    """The pictures that can be opened and sent at every rung of `ladder`, in their order, and the others.

    Every picture is decoded once.

    Raises:
        LofiError: none can be used.
    """

    def fault(row: int) -> str | None:
        try:
            height, width = places.open_image(row).shape[:2]
            for rung in ladder:
                rung.low.output_size((width, height))  # a range is drawn up to the picture's height
        except LofiError as error:
            return str(error)
        return None

    with ThreadPoolExecutor(usable_cores()) as pool:
        faults = list(pool.map(fault, range(len(places))))
    skipped = [
        SkippedPicture(index=row, image=places.images[row], reason=reason)
        for row, reason in enumerate(faults)
        if reason
    ]
    if len(skipped) == len(places):
        raise LofiError(
            f"expected training pictures that can be used, found none of {len(places)}, the first: {faults[0]}"
        )
    return places.select([row for row, reason in enumerate(faults) if not reason]), skipped
