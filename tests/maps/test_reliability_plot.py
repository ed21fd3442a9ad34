from __future__ import annotations

import numpy as np

from lofivpr.maps.logistic import reliability
from lofivpr.maps.reliability_plot import reliability_diagram


def test_a_dot_stands_where_what_was_said_meets_what_happened() -> None:
    said = np.array([0.15, 0.15, 0.85, 0.85, 0.85, 0.85])
    right = np.array([True, False, True, True, True, False])
    figure = reliability_diagram(reliability(said, right))
    above, below = figure.axes
    np.testing.assert_allclose(above.collections[0].get_offsets(), [[15, 50], [85, 75]])
    assert [bar.get_height() for bar in below.patches if bar.get_height()] == [2, 4]
    small, large = above.collections[0].get_sizes()
    assert small < large
