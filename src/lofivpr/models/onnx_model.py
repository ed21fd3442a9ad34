"""A place model run by ONNX Runtime: describes as `PlaceModel` does, without torch."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from lofivpr.cores import usable_cores
from lofivpr.models.card import read_card
from lofivpr.models.condition import conditions
from lofivpr.models.config import ModelConfig, ModelError
from lofivpr.models.folder import METADATA_PREFIX as PREFIX
from lofivpr.models.folder import ONNX_FILE, read_config, read_weights, require_file, verify_digest
from lofivpr.quality import Quality

REFUSALS = ("Fail", "InvalidGraph", "NotImplemented")
"""Names of ONNX Runtime's errors about a file that is whole but beyond it."""


class UnsupportedModelError(ModelError):
    """A whole ONNX file with an operator or opset that this ONNX Runtime does not know."""


class OnnxModel:
    """Pictures to descriptors of places, from a model folder; safe to call from several threads."""

    def __init__(self, config: ModelConfig, path: str | Path, threads: int | None = None) -> None:
        """Open an ONNX file.

        Args:
            config: of the model folder, with its digest.
            path: of the ONNX file.
            threads: pictures that are described at a time, each by one thread; None = one for each core that
                this process may use.

        Raises:
            ModelError: not an ONNX file, or one of other weights than `config` states.
        """
        self.config, self.path = config, Path(path)
        self.card: dict[str, Any] = {}
        self.preprocessing = config.preprocessing
        self._session = open_session(self.path)
        self._threads = ThreadPoolExecutor(threads or usable_cores(), thread_name_prefix="describe")
        self._check_origin()
        self.descriptor_size = int(self._session.get_outputs()[0].shape[1])

    @classmethod
    def load(cls, folder: str | Path, threads: int | None = None, verify: bool = True) -> OnnxModel:
        """Read a model folder.

        `verify` also reads model.safetensors and checks the digest; without it, and where the folder was exported
        for the edge, config.json and model.onnx are enough.

        Raises:
            ModelError: a missing or damaged file, or files that do not belong together.
        """
        config = read_config(folder)
        path = require_file(
            folder, ONNX_FILE, "Export it: PlaceModel.load(folder).save(folder), which needs lofivpr[train]."
        )
        if verify and config.exported is None:
            verify_digest(folder, config, read_weights(folder))
        model = cls(config, path, threads)
        model.card = read_card(folder)
        return model

    @property
    def name(self) -> str:
        """The model's name; it is not part of the digest."""
        return self.config.name

    @property
    def digest(self) -> str:
        """Digest of the configuration and the weights, equal to that of the torch model."""
        assert self.config.digest is not None
        return self.config.digest

    @property
    def metadata(self) -> dict[str, str]:
        """What the exporter noted, see `export_onnx`: digest, name, preprocessing, error against torch, and more."""
        return read_metadata(self._session)

    def weights(self) -> dict[str, np.ndarray]:
        """All tensors by name, read from the folder's model.safetensors. Raises ModelError."""
        return read_weights(self.path.parent)

    def describe(self, images: Sequence[np.ndarray], quality: Sequence[Quality | None] | None = None) -> np.ndarray:
        """Describe uint8 H x W x 3 RGB pictures of any sizes; returns float32 N x D, unit length.

        `quality` is what each picture went through; only a quality-aware model looks at it.

        Raises:
            LofiError: a picture that is not uint8 H x W x 3.
        """
        return self._run(images, "descriptor", quality)

    def features(self, images: Sequence[np.ndarray], quality: Sequence[Quality | None] | None = None) -> np.ndarray:
        """The backbone's features of uint8 pictures: float32 N x C x h x w."""
        return self._run(images, "features", quality)

    def _run(self, images: Sequence[np.ndarray], what: str, quality: Sequence[Quality | None] | None) -> np.ndarray:
        known = conditions(quality, len(images), self.preprocessing.size[1]) if self.config.quality_aware else None
        if len(images) == 0:
            return np.empty((0, self.descriptor_size), dtype=np.float32)

        def run(row: int) -> np.ndarray:
            given = {"images": self.preprocessing.to_array([images[row]])}
            if known is not None:
                given["quality"] = known[row : row + 1]
            return self._session.run([what], given)[0]

        # A picture a run, and a run a thread: a descriptor cannot depend on its batch, and threads that work on one
        # picture wait for each other in every layer.
        return np.concatenate(list(self._threads.map(run, range(len(images)))))

    def _check_origin(self) -> None:
        found = self.metadata.get("digest")
        if found is None or found != self.config.digest:
            raise ModelError(
                f"expected {self.path} to be exported from the weights of digest {self.config.digest}, "
                f"found {found or 'no digest in it'}. Export it again: PlaceModel.load(folder).save(folder)."
            )


def open_session(path: Path) -> Any:
    """ONNX Runtime on a file, by one thread. Raises ModelError."""
    try:
        import onnxruntime
    except ImportError:
        raise ModelError("expected ONNX Runtime, found none. Run 'pip install onnxruntime'.") from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4  # what goes wrong is raised, and need not be printed, too
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's exceptions share no public base class
        reason = " ".join(str(error).split())
        if type(error).__name__ in REFUSALS:
            raise UnsupportedModelError(
                f"expected an ONNX model in {path} that ONNX Runtime {onnxruntime.__version__} can take, found: "
                f"{reason} Upgrade onnxruntime, or export the model again here."
            ) from None
        raise ModelError(f"expected an ONNX model in {path}, found: {reason} Copy the folder again.") from None


def read_metadata(session: Any) -> dict[str, str]:
    """What the exporter noted in the file of an `open_session`."""
    found = session.get_modelmeta().custom_metadata_map
    return {key[len(PREFIX) :]: value for key, value in found.items() if key.startswith(PREFIX)}
