"""The table of contents of a map: the one file whose replacement by a rename is a change of the map."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lofivpr.descriptors import SkippedPicture
from lofivpr.errors import LofiError
from lofivpr.files import atomic_path
from lofivpr.places import LocalFrame

MANIFEST = "manifest.json"
STAGING = "staging"
FORMAT = 1


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class StoredFile(_Frozen):
    """A file of a map. `digest`: SHA-256 (first 16 hex digits) of its bytes, `size`: how many there are."""

    size: int = Field(ge=0)
    digest: str


class Loss(_Frozen):
    """What storing descriptors in fewer bits, or searching them by an index, costs: measured on the map itself.

    `queries` of its pictures were asked as float32, each without its own panorama. `recall` and
    `recall_exact`: percent of them whose first place lies within `radius_m`, here and with float32 compared one
    by one; None where no picture has another place so near. `agreement`: percent with the same first place.
    """

    queries: int = Field(ge=0)
    agreement: float
    recall: float | None = None
    recall_exact: float | None = None
    radius_m: float = 25.0

    @property
    def points(self) -> float | None:
        """Percentage points of recall@1 that are lost; None where it cannot be told."""
        if self.recall is None or self.recall_exact is None:
            return None
        return self.recall_exact - self.recall


class Segment(_Frozen):
    """A folder below `segments` that never changes: places, their points, and blocks of codes.

    `source` names what it was made of (places, model, number format), so that an addition is not made twice.
    """

    name: str
    rows: int = Field(ge=0)
    source: str
    files: dict[str, StoredFile]
    blocks: tuple[int, ...] = Field(description="rows of each file of codes")
    skipped: tuple[SkippedPicture, ...] = ()
    loss: Loss | None = None


class Tombstones(_Frozen):
    """A file of rows (int64, ascending, counted over all segments) that are no longer in the map."""

    name: str
    rows: int = Field(gt=0)
    file: StoredFile


class Index(_Frozen):
    """An approximate index over the first `rows` rows."""

    name: str
    kind: str
    rows: int = Field(gt=0)
    file: StoredFile
    nprobe: int = Field(gt=0)
    loss: Loss | None = None


class Manifest(_Frozen):
    """What a map is made of.

    `search`: whether every place is compared, an index finds candidates, or their number decides.
    `root`: the folder of the pictures, and `model_folder` that of the model, relative to the map's folder.
    `frame`: latitude and longitude of the origin of the local metric frame, None where positions are metres in a
    frame of their own.
    """

    format: int = FORMAT
    model: str
    model_digest: str
    model_folder: str | None = None
    dimension: int = Field(gt=0)
    dtype: str
    search: Literal["auto", "exact", "ivf"] = "auto"
    root: str
    frame: tuple[float, float] | None
    segments: tuple[Segment, ...]
    tombstones: Tombstones | None = None
    index: Index | None = None

    @property
    def rows(self) -> int:
        """Rows of all segments, the removed ones among them."""
        return sum(segment.rows for segment in self.segments)

    @property
    def places(self) -> int:
        """Places in the map."""
        return self.rows - (self.tombstones.rows if self.tombstones else 0)

    @property
    def local_frame(self) -> LocalFrame | None:
        """`frame` as the places know it."""
        return None if self.frame is None else LocalFrame(*self.frame)

    @property
    def files(self) -> dict[str, StoredFile]:
        """Every file that the map needs, by its path below the map's folder."""
        found = {
            f"segments/{segment.name}/{name}": file for segment in self.segments for name, file in segment.files.items()
        }
        if self.tombstones:
            found[self.tombstones.name] = self.tombstones.file
        if self.index:
            found[self.index.name] = self.index.file
        return found

    def write(self, folder: Path) -> None:
        """Replace the manifest of `folder` by this one, atomically and durably."""
        with atomic_path(folder / MANIFEST) as temporary, open(temporary, "w", encoding="utf-8") as file:
            file.write(self.model_dump_json(indent=1) + "\n")
            file.flush()
            os.fsync(file.fileno())

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        """Read the manifest of `folder`.

        Raises:
            LofiError: there is none, it is another version's, or the map is not built to its end.
        """
        try:
            data = (folder / MANIFEST).read_bytes()
        except OSError as error:
            if (folder / STAGING).is_dir():
                raise LofiError(
                    f"expected a finished map at {folder}, found one whose building was interrupted. "
                    "Run the command that builds it again: it goes on where it stopped."
                ) from error
            raise LofiError(
                f"expected a map at {folder}, found no readable {MANIFEST} in it ({error.strerror or error}). "
                "Build one with `lofivpr map build`, or name another folder."
            ) from error
        return cls.parse(data, folder)

    @classmethod
    def parse(cls, data: bytes, folder: str | Path) -> Manifest:
        """Read the manifest that lies in `folder`. Raises LofiError: it is damaged or another version's."""
        try:
            return cls.model_validate_json(data)
        except ValidationError as error:
            raise LofiError(
                f"expected {folder}/{MANIFEST} to be the manifest of a map of format {FORMAT}, found a damaged one or "
                f"another version's ({error.error_count()} fields do not fit). Delete the folder {folder} and build it "
                "again."
            ) from error
