from __future__ import annotations

import torch

from lofivpr.models.gem import GeM

SMALL = {"gem": {"dim": 5}}
OF_448 = {"gem": {"dim": 448}}


def positive() -> torch.Tensor:
    return torch.rand(2, 5, 3, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) + 0.1


def test_equals_the_formula() -> None:
    layer, features = GeM(5, p=2.5).double(), positive()
    wanted = torch.stack(
        [
            torch.stack([(sum(v**2.5 for v in channel.flatten()) / 12) ** 0.4 for channel in picture])
            for picture in features
        ]
    )
    wanted = wanted / wanted.norm(dim=1, keepdim=True)
    torch.testing.assert_close(layer(features), wanted)


def test_limits_are_mean_and_maximum() -> None:
    features = positive()
    for p, wanted in ((1.0, features.mean(dim=(2, 3))), (400.0, features.amax(dim=(2, 3)))):
        found = GeM(5, p=p).double()(features)
        torch.testing.assert_close(found, wanted / wanted.norm(dim=1, keepdim=True), atol=3e-3, rtol=0)


def test_gradients_reach_p() -> None:
    layer = GeM(5).double()
    assert torch.autograd.gradcheck(
        lambda x, p: torch.func.functional_call(layer, {"p": p}, (x,)), (positive().requires_grad_(), layer.p)
    )


def test_negative_features_stay_finite() -> None:
    assert GeM(5)(-torch.ones(1, 5, 2, 2)).isfinite().all()
