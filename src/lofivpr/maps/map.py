"""`Map`: places that can be found again, on disk."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from lofivpr.descriptors import Cluster
from lofivpr.errors import LofiError
from lofivpr.maps.agree import check_agreement
from lofivpr.maps.build import Search, build_from_rows, build_map
from lofivpr.maps.contents import as_queries
from lofivpr.maps.edit import add_places, merge_maps, remove_places
from lofivpr.maps.evidence import SeenQuality
from lofivpr.maps.filters import TOLERANCE_DEG, Filter
from lofivpr.maps.fix import Fix
from lofivpr.maps.locate import CANDIDATES, Picture, arrived, described, fixes
from lofivpr.maps.manifest import Manifest
from lofivpr.maps.remote import local_map
from lofivpr.maps.rows import Rows
from lofivpr.maps.view import MapView
from lofivpr.models import Describer
from lofivpr.places import Places
from lofivpr.quality import Quality
from lofivpr.search import Neighbours


class Map(MapView):
    """Descriptors and positions of places, searched where they lie on disk.

    On disk: `segments/*`, folders that never change (`places.arrow`, `points.npy`, `block-*.faiss`), a list of
    removed rows, an index for large maps, `calibration.json`, and `manifest.json`, whose replacement by a rename is
    the one moment in which a map changes. An object keeps the state that it opened; `add`, `remove` and `merge`
    move it to the new one. Searching is safe from several threads.
    """

    @classmethod
    def build(
        cls,
        describer: Describer,
        places: Places,
        out: str | Path,
        *,
        dtype: str = "float16",
        skip_bad: bool = False,
        search: Search = "auto",
        model_folder: str | Path | None = None,
        progress: bool = False,
        cluster: Cluster | None = None,
    ) -> Map:
        """Describe places into a new map, or open it if that is done already.

        After an interrupt or a kill the same call goes on where it stopped. Needs the room of float32 descriptors
        beside the map while it runs.

        Args:
            places: each with a position.
            dtype: how descriptors are stored: float32, float16, int8, pq64 to pq512. What it costs in recall is
                measured on the map itself, see `info`.
            skip_bad: leave out pictures that cannot be used, and list them.
            search: compare every place (`exact`), find candidates by an index (`ivf`), or let the number of
                places decide: beyond 100,000 an index is made.
            model_folder: where the model lies, for whoever opens the map without naming one.
            cluster: machines that describe; the map is the same.

        Raises:
            LofiError: a place without position, a picture that cannot be used, another map at `out`, or another
                process that writes it.
        """
        build_map(describer, places, Path(out), dtype, skip_bad, search, model_folder, progress, cluster)
        return cls.open(out)

    @classmethod
    def from_rows(
        cls,
        rows: Rows,
        places: Places,
        out: str | Path,
        *,
        model: str,
        model_digest: str,
        dtype: str = "float16",
        search: Search = "auto",
    ) -> Map:
        """A map of descriptors that there are already, such as a `DescriptorStore` of the same pictures.

        Raises:
            LofiError: as many places as rows are expected; and as for `build`.
        """
        build_from_rows(rows, places, Path(out), model, model_digest, dtype, search)
        return cls.open(out)

    @classmethod
    def open(cls, path: str | Path) -> Map:
        """Open a map in milliseconds: its manifest is read, its files are looked at, nothing more.

        Args:
            path: its folder, or a URL (s3://, gs://, https://): then it is copied first, see `local_map`.

        Raises:
            LofiError: there is no map, it is not built to its end, or a file is missing or was cut.
        """
        folder = local_map(path)
        while True:
            manifest = Manifest.read(folder)
            try:
                return cls(folder, manifest)
            except LofiError:
                if Manifest.read(folder) == manifest:  # else it changed meanwhile, and what it was is gone
                    raise

    def _reopen(self) -> None:
        self._contents = Map.open(self.folder)._contents

    def require_model(self, describer: Describer) -> None:
        """Refuse a model whose descriptors cannot be compared with the map's.

        Raises:
            LofiError: it is neither the model that made the map nor a student whose card names that model.
        """
        check_agreement(describer, self.model, self.model_digest, self.folder)

    def nearest(
        self,
        descriptors: np.ndarray,
        k: int,
        *,
        near: tuple[float, float] | None = None,
        radius_m: float | None = None,
        heading: float | None = None,
        tolerance_deg: float = TOLERANCE_DEG,
        exact: bool = False,
    ) -> Neighbours:
        """The k nearest places of each descriptor by squared L2 distance.

        Without an index, and where no more than 100,000 places may be found, every one is compared; ties go to the
        lower row.

        Args:
            descriptors: float32 Q x D, of the model that made the map or its student.
            near, radius_m: only places within so many metres of a point; degrees of latitude and longitude, or
                metres x and y where the map's positions are local.
            heading, tolerance_deg: only places that look that way, degrees clockwise from north; those that know
                no heading are not ruled out.
            exact: compare every place although there is an index.

        Returns:
            Q x k rows of `places`; -1 and infinity where there are fewer.

        Raises:
            LofiError: another dimension, numbers that are not finite, k < 1, or a filter that is none.
        """
        if k < 1:
            raise LofiError(f"expected k of at least 1, found {k}.")
        queries = as_queries(descriptors, self.dimension)
        wanted = Filter(near, radius_m, heading, tolerance_deg)
        distances, rows = self._contents.nearest(queries, k, wanted, exact)
        return Neighbours(rows, distances)

    def locate(
        self,
        describer: Describer,
        picture: Picture,
        *,
        quality: Quality | str | None = None,
        k: int = 5,
        near: tuple[float, float] | None = None,
        radius_m: float | None = None,
        heading: float | None = None,
        calibrated: bool = True,
    ) -> Fix:
        """Where a picture was taken.

        Args:
            describer: the model that made the map, or its student.
            picture: a path or reference, or uint8 H x W x 3 RGB.
            quality: a channel that the picture goes through first, as in an evaluation; None for a picture that
                is what it is: of a file the quality is read off, or guessed, as a service does.
            k: how many places the fix names.
            near, radius_m, heading: see `nearest`.
            calibrated: False for a best guess without probability, which is then always given as an answer.

        Raises:
            LofiError: a model that does not fit the map or its calibration, or a picture that cannot be read.
        """
        self.require_model(describer)
        through = Quality.parse(quality) if isinstance(quality, str) else quality
        image, seen, known = arrived(picture, through)
        return self.fixes(
            described(describer, [image], known),
            [seen],
            model_digest=describer.digest,
            k=k,
            near=near,
            radius_m=radius_m,
            heading=heading,
            calibrated=calibrated,
        )[0]

    def fixes(
        self,
        descriptors: np.ndarray,
        seen: Sequence[SeenQuality | None] | None = None,
        *,
        model_digest: str,
        k: int = 5,
        near: tuple[float, float] | None = None,
        radius_m: float | None = None,
        heading: float | None = None,
        calibrated: bool = True,
    ) -> list[Fix]:
        """Where pictures were taken that somebody has described: one fix for each of Q descriptors.

        Args:
            descriptors: float32 Q x D, rows of unit length.
            seen: the quality in which each picture arrived; None: as good as uncompressed.
            model_digest: of the model that described them.
            k, near, radius_m, heading, calibrated: see `locate`.

        Raises:
            LofiError: of `nearest`, or the calibration is another model's.
        """
        calibration = self.calibration if calibrated else None
        if calibration is not None:
            calibration.check_models(model_digest, self.model_digest)
        count = max(k, calibration.candidates if calibration else CANDIDATES)
        found = self.nearest(descriptors, count, near=near, radius_m=radius_m, heading=heading)
        return fixes(self.places, found, calibration, seen, k)

    def add(self, describer: Describer, places: Places, *, skip_bad: bool = False, progress: bool = False) -> None:
        """Describe more places into the map. A kill leaves it as it was; the same call then goes on.

        Raises:
            LofiError: another model than the map's maker, a place that is in the map already, or as for `build`.
        """
        add_places(self.folder, describer, places, skip_bad, progress)
        self._reopen()

    def remove(self, refs: Sequence[str]) -> None:
        """Take places out of the map, by the references of their pictures as `places.images` has them.

        Raises:
            LofiError: a reference that is not in the map, or nothing would be left.
        """
        remove_places(self.folder, refs)
        self._reopen()

    def merge(self, other: Map) -> None:
        """Copy all places of another map, of the same model and number format, into this one.

        Raises:
            LofiError: another model or format, or places that are in both maps.
        """
        merge_maps(self.folder, other._contents)
        self._reopen()
