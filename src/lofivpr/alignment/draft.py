"""What a user of the Aligner has picked so far."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from lofivpr.alignment.plan import Plan, metres_per_pixel
from lofivpr.alignment.plane_map import Kind
from lofivpr.alignment.solve import Solution, solve

Number = Annotated[float, Field(allow_inf_nan=False, ge=-1e9, le=1e9)]
Pixel = tuple[Number, Number]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Pair(_Strict):
    """A point of the trajectory's floor, and the same point of the plan (column, row)."""

    floor: Pixel
    plan: Pixel


class KnownDistance(_Strict):
    """Two points of the plan (column, row), and the metres between them."""

    first: Pixel
    second: Pixel
    metres: Annotated[float, Field(gt=0, le=1e6, allow_inf_nan=False)]


class Draft(_Strict):
    """Pairs, the kind of map, and what sets the scale.

    Attributes:
        within: pairs that are farther off than this, in metres (pixels without a scale), do not count; None trusts all.
    """

    kind: Kind = "similarity"
    pairs: Annotated[tuple[Pair, ...], Field(max_length=500)] = ()
    known: KnownDistance | None = None
    within: Annotated[float, Field(gt=0, le=1e6, allow_inf_nan=False)] | None = None

    def plan(self, width: int, height: int) -> Plan:
        """The plan of this size, at the scale of the known distance.

        Raises:
            AlignmentError: a distance between a point and itself.
        """
        known = self.known
        scale = None if known is None else metres_per_pixel(known.first, known.second, known.metres)
        return Plan(width, height, scale)

    def solve(self, plan: Plan) -> Solution:
        """The map from the floor to the plan's units.

        Raises:
            AlignmentError: see `solve`.
        """
        source = np.array([pair.floor for pair in self.pairs]).reshape(-1, 2)
        target = plan.to_units([pair.plan for pair in self.pairs])
        return solve(source, target, self.kind, self.within)
