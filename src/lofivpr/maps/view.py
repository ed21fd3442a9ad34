"""What there is to see of an open map."""

from __future__ import annotations

from pathlib import Path

from lofivpr.descriptors import SkippedPicture
from lofivpr.maps.calibration import Calibration
from lofivpr.maps.contents import Contents
from lofivpr.maps.info import MapInfo, info_of
from lofivpr.maps.manifest import Manifest
from lofivpr.places import Places


class MapView:
    """The state of a map that was opened: read only."""

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self.folder = folder
        self._contents = Contents(folder, manifest)

    def __len__(self) -> int:
        return self._contents.manifest.places

    def __repr__(self) -> str:
        manifest = self._contents.manifest
        return f"Map({self.folder}: {len(self)} places, {manifest.model}, {manifest.dtype})"

    @property
    def places(self) -> Places:
        """The places of the map, in the order in which `nearest` counts them."""
        return self._contents.places

    @property
    def dimension(self) -> int:
        """Numbers in a descriptor."""
        return self._contents.manifest.dimension

    @property
    def model(self) -> str:
        """Name of the model that described the places."""
        return self._contents.manifest.model

    @property
    def model_digest(self) -> str:
        """Digest of the model that described the places."""
        return self._contents.manifest.model_digest

    @property
    def model_folder(self) -> Path:
        """Where that model lies.

        Raises:
            LofiError: the map does not know.
        """
        return self._contents.model_folder

    @property
    def skipped(self) -> tuple[SkippedPicture, ...]:
        """Pictures that could not be used, and why."""
        return tuple(one for segment in self._contents.manifest.segments for one in segment.skipped)

    @property
    def calibration_path(self) -> Path:
        """Where the calibration of the map lies, if there is one."""
        return self._contents.calibration_path

    @property
    def calibration(self) -> Calibration | None:
        """How sure the map's answers are; None if that was not found out by `lofivpr map calibrate`.

        Raises:
            LofiError: it is another version's or damaged.
        """
        return self._contents.calibration

    def info(self) -> MapInfo:
        """What the map is, in numbers."""
        return info_of(self._contents)

    def check(self) -> None:
        """Read every file to its end and compare it with its digest.

        Raises:
            LofiError: names the damaged files.
        """
        self._contents.check()
