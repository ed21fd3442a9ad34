"""`Calibration`: how sure a map's answers by one model are, at every quality, and when it abstains."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from lofivpr import files
from lofivpr.errors import LofiError
from lofivpr.maps.abstain import Threshold
from lofivpr.maps.curve import CurvePoint
from lofivpr.maps.evidence import NAMES, SeenQuality, evidence
from lofivpr.maps.logistic import Logistic, Reliability
from lofivpr.maps.position import Estimates

VERSION = 1
Floats = npt.NDArray[np.float64]
Guarantee = Literal["mix", "each"]


@dataclass(frozen=True)
class Calibration:
    """What `lofivpr map calibrate` finds out, and all that an honest answer needs.

    Attributes:
        within_m: an answer is right when its position is within so many metres of the truth.
        candidates: how many candidates a search must bring (fewer only where a map holds fewer): the last of them
            says how alike pictures of other places are.
        model, map_model: digests of the models that describe queries and map.
        logistic: from `evidence.NAMES` to a probability.
        thresholds: when to abstain; the first over the mix of all qualities, then one for each quality.
        guarantee: which of them decides. "mix": of all answers together no more than promised are wrong. "each":
            also of those at any one quality; needs more pictures, and abstains at qualities that cannot keep it.
        curve: what each quality costs and finds.
        reliability: said and happened, on queries that were not fitted on.
        made_from: split, protocol, places, counts and seed, for people and reports.
    """

    within_m: float
    candidates: int
    model: str
    map_model: str
    logistic: Logistic
    thresholds: tuple[Threshold, ...]
    guarantee: Guarantee
    curve: tuple[CurvePoint, ...]
    reliability: Reliability
    made_from: dict[str, Any]

    def __post_init__(self) -> None:
        if len(self.logistic.weights) != len(NAMES):
            raise ValueError(f"expected {len(NAMES)} weights, found {len(self.logistic.weights)}")
        if self.guarantee not in ("mix", "each") or not self.thresholds or self.thresholds[0].quality != "mix":
            raise ValueError("expected a guarantee of mix or each, and the threshold of the mix first")
        if not self.within_m > 0 or self.candidates < 1:
            raise ValueError(f"expected metres above 0 and candidates, found {self.within_m}, {self.candidates}")

    def probability(self, similarity: Floats, points: Floats, found: Estimates, seen: Sequence[SeenQuality]) -> Floats:
        """That each position of `found` is within `within_m` of the truth, float64 Q; 0 where there is none.

        See `evidence.evidence` for the arguments; K should be `candidates`.
        """
        values = evidence(similarity, points, found, seen, self.within_m)
        return np.where(np.isfinite(found.points).all(axis=1), self.logistic.probability(values), 0.0)

    def threshold(self, seen: SeenQuality) -> Threshold:
        """The threshold for a query of this quality: the mix's, or that of the calibrated quality most like it."""
        if self.guarantee == "mix" or not self.curve:
            return self.thresholds[0]
        nearest = min(self.curve, key=lambda point: _unlike(point, seen))
        return next((one for one in self.thresholds if one.quality == nearest.quality), self.thresholds[0])

    @property
    def digest(self) -> str:
        """16 hex digits over all of it."""
        return files.digest(json.dumps(self.to_dict(), sort_keys=True))

    def check_models(self, model: str, map_model: str) -> None:
        """Refuse to judge the answers of another model.

        Raises:
            LofiError: the digests of the query's model or the map's differ.
        """
        if (model, map_model) != (self.model, self.map_model):
            raise LofiError(
                f"expected the models of the calibration (queries {self.model}, map {self.map_model}), found "
                f"{model} and {map_model}. Run `lofivpr map calibrate` with the model that you use."
            )

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; `from_dict` reads them back."""
        plain = {name: getattr(self, name) for name in ("within_m", "candidates", "model", "map_model", "guarantee")}
        return {
            "version": VERSION,
            **plain,
            "features": list(NAMES),
            "logistic": {name: _plain(value) for name, value in asdict(self.logistic).items()},
            "thresholds": [one.to_dict() for one in self.thresholds],
            "curve": [point.to_dict() for point in self.curve],
            "reliability": self.reliability.to_dict(),
            "made_from": self.made_from,
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Calibration:
        """What `to_dict` wrote.

        Raises:
            LofiError: another version, or damaged.
        """
        try:
            if values["version"] != VERSION or values["features"] != list(NAMES):
                raise ValueError(f"version {values['version']} where this package knows {VERSION}")
            logistic = {name: _tuple(value) for name, value in values["logistic"].items()}
            return cls(
                within_m=values["within_m"],
                candidates=values["candidates"],
                model=values["model"],
                map_model=values["map_model"],
                logistic=Logistic(**logistic),
                thresholds=tuple(Threshold(**one) for one in values["thresholds"]),
                guarantee=values["guarantee"],
                curve=tuple(CurvePoint(**point) for point in values["curve"]),
                reliability=Reliability.from_dict(values["reliability"]),
                made_from=values["made_from"],
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise LofiError(
                f"expected a calibration of this version, found {error}. Run `lofivpr map calibrate` again."
            ) from error

    def write(self, path: str | Path) -> None:
        """Write it as JSON, atomically."""
        files.write_atomic(path, json.dumps(self.to_dict(), indent=1, ensure_ascii=False, allow_nan=False) + "\n")

    @classmethod
    def read(cls, path: str | Path) -> Calibration | None:
        """The calibration in a file, None where there is no file.

        Raises:
            LofiError: another version, or damaged.
        """
        try:
            values = json.loads(Path(path).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise LofiError(
                f"expected a calibration in {path}, found {error}. Run `lofivpr map calibrate` again."
            ) from error
        return cls.from_dict(values)


def _unlike(point: CurvePoint, seen: SeenQuality) -> float:
    """How far apart two qualities are in halvings of height and bits; another codec counts as four."""
    other = SeenQuality(point.codec, point.height, point.bits_per_pixel)
    lossless = other.lacking_bits == seen.lacking_bits == 0
    codec = 0.0 if other.codec == seen.codec or lossless else 4.0
    return codec + abs(other.lacking_height - seen.lacking_height) + abs(other.lacking_bits - seen.lacking_bits)


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
