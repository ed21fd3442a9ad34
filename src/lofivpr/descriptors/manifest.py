"""What made a descriptor store, and the one file that says so."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lofivpr.errors import LofiError
from lofivpr.files import digest, write_atomic
from lofivpr.models import in_precision, precision_of

if TYPE_CHECKING:
    from lofivpr.models import Describer
    from lofivpr.quality import Quality
    from lofivpr.quality.stream import Footage

BLOCK_ROWS = 64
CODE_VERSION = 1
"""Raised whenever pictures are opened, degraded, described or stored differently than before."""
MANIFEST = "manifest.json"

Dtype = Literal["float32", "float16"]


class StaleStoreError(LofiError):
    """A store was made by something else than what is asked for now."""

    @classmethod
    def of(cls, folder: Path, differences: Sequence[str]) -> StaleStoreError:
        """The error that names every difference and how to rebuild."""
        return cls(
            f"expected {folder} to hold the descriptors asked for, found others: {'; '.join(differences)}. "
            f"To rebuild, delete the folder {folder} and run again, or name another folder."
        )


class Maker(BaseModel):
    """Everything that decides the numbers in a store, except the contents of the pictures.

    `images_digest` covers the references, in order, and of streams the frames between them; what the pictures hold is
    recorded per row. `precision` is what the network computed in, `dtype` what its descriptors are stored in.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    model_digest: str
    quality: str
    quality_digest: str
    images_digest: str
    rows: int = Field(gt=0)
    dimension: int = Field(gt=0)
    dtype: Dtype
    precision: str = "float32"
    code: int = CODE_VERSION

    @classmethod
    def of(
        cls,
        describer: Describer,
        images: Sequence[str],
        quality: Quality | None,
        dtype: str,
        footage: Sequence[Footage] = (),
    ) -> Maker:
        """The maker of the descriptors of `images` by `describer` at `quality` (None = raw), sent in `footage`."""
        raw = quality is None or quality.is_raw
        return cls(
            model=describer.name,
            model_digest=describer.digest,
            quality="raw" if raw else str(quality),
            quality_digest="raw" if quality is None or raw else quality.digest,
            images_digest=digest(*images, *(part for one in footage for part in one.key)),
            rows=len(images),
            dimension=describer.descriptor_size,
            dtype=dtype,  # type: ignore[arg-type]  # pydantic checks it
            precision=precision_of(describer),
        )

    @property
    def key(self) -> str:
        """One digest of all that is compared."""
        return digest(*(identity for _, identity, _ in self._compared()))

    def differences(self, asked: Maker) -> list[str]:
        """What differs between this store and the one asked for, one phrase each; empty if nothing."""
        return [
            f"{label} is {mine} in the store but {theirs} now"
            for (label, my_identity, mine), (_, their_identity, theirs) in zip(
                self._compared(), asked._compared(), strict=True
            )
            if my_identity != their_identity
        ]

    def _compared(self) -> list[tuple[str, str, str]]:
        """Label, what is compared, what is shown: names are only shown, digests decide."""
        model = in_precision(f"{self.model} ({self.model_digest})", self.precision)
        quality = f"{self.quality} ({self.quality_digest})"
        plain = {
            "the number of pictures": str(self.rows),
            "the digest of the list of pictures": self.images_digest,
            "the dimension": str(self.dimension),
            "the number format": self.dtype,
            "the version of the describing code": str(self.code),
        }
        return [
            ("the model", in_precision(self.model_digest, self.precision), model),
            ("the quality", self.quality_digest, quality),
            *((label, value, value) for label, value in plain.items()),
        ]


class SkippedPicture(BaseModel):
    """A picture that could not be used: its row is zeros. `index` is its row."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    index: int
    image: str
    reason: str


class Manifest(BaseModel):
    """The table of contents of a store: written when a build starts, replaced when it ends.

    `pictures` holds a digest of the contents of the pictures of each block; empty until complete.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    maker: Maker
    block_rows: int = Field(default=BLOCK_ROWS, gt=0)
    complete: bool = False
    pictures: tuple[str, ...] = ()
    skipped: tuple[SkippedPicture, ...] = ()

    @property
    def n_blocks(self) -> int:
        """How many blocks the rows fill; the last one may be shorter."""
        return -(-self.maker.rows // self.block_rows)

    def rows_of(self, block: int) -> range:
        """The rows of a block."""
        start = block * self.block_rows
        return range(start, min(start + self.block_rows, self.maker.rows))

    def block_key(self, block: int) -> str:
        """What a segment carries, so that one of another store is never taken for this one's."""
        return digest(self.maker.key, str(self.block_rows), str(block))

    def write(self, folder: Path) -> None:
        """Replace the manifest of `folder` by this one, atomically."""
        write_atomic(folder / MANIFEST, self.model_dump_json(indent=1) + "\n")

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        """Read the manifest of `folder`.

        Raises:
            LofiError: there is none, or this version cannot read it.
        """
        path = folder / MANIFEST
        try:
            return cls.model_validate_json(path.read_bytes())
        except OSError as error:
            raise LofiError(
                f"expected a descriptor store at {folder}, found no readable {MANIFEST} in it "
                f"({error.strerror or error}). Build it with `lofivpr describe`, or name another folder."
            ) from error
        except ValidationError as error:
            raise LofiError(
                f"expected {path} to be the manifest of a descriptor store, found a damaged one "
                f"or another version's ({error.error_count()} fields do not fit). "
                f"Delete the folder {folder} and build it again."
            ) from error
