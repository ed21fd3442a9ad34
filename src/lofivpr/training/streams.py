"""Training pictures as they arrive in streams: clips and sequences, each sent whole at each quality."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from lofivpr.files import digest
from lofivpr.places import Places
from lofivpr.quality import Quality
from lofivpr.quality.stream import Footage, PictureFootage, footage_of


class Streams:
    """Whose frames the pictures of `places` are.

    A stream always brings every picture of its clip or sequence, whichever are wanted: how a frame is coded depends on
    those around it.

    Raises:
        QualityError: a picture that is of no clip and no sequence.
    """

    def __init__(self, places: Places) -> None:
        self.places = places
        self.footage: list[Footage] = footage_of(places.images, places.sequences)
        self._wholes: dict[int, str] = {}
        self.home = {row: number for number, one in enumerate(self.footage) for row in one.rows}

    def key(self, row: int, digests: Sequence[str]) -> str:
        """What decides how picture `row` is coded beside the quality; `digests` of the contents of all pictures."""
        number = self.home[row]
        if number not in self._wholes:  # asked for every picture of every batch
            footage = self.footage[number]
            self._wholes[number] = digest("stream", *footage.key, *(digests[one] for one in footage.rows))
        return digest(self._wholes[number], digests[row])

    def picture(self, row: int, quality: Quality) -> np.ndarray:
        """Picture `row` as its stream brings it, uint8 H x W x 3. The stream is sent from its start."""
        arrived = self.footage[self.home[row]].send(quality, self.places.root)
        return next(one.image for one in arrived if one.row == row and one.image is not None)

    def wanted(self, orders: Mapping[int, Sequence[Quality]]) -> Iterator[tuple[int, Quality, set[int]]]:
        """Number of the footage, quality, and the rows wanted of that stream, for what each row is wanted at."""
        rows: defaultdict[tuple[int, Quality], set[int]] = defaultdict(set)
        for row, qualities in orders.items():
            for quality in qualities:
                rows[self.home[row], quality].add(row)
        for (number, quality), of_one in rows.items():
            yield number, quality, of_one

    def sequences(self, number: int) -> tuple[tuple[str, ...], ...]:
        """What `footage_of` has to be told to find this footage again."""
        footage = self.footage[number]
        return (footage.images,) if isinstance(footage, PictureFootage) else ()
