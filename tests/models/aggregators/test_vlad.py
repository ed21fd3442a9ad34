from __future__ import annotations

import numpy as np
import pytest
import torch
from small import features, locations, small, unit

from lofivpr.models import ModelError, create_model
from lofivpr.models.initialise import initialise_vocabulary

SMALL = {"vlad": {"clusters": 3}}
OF_448 = {"vlad": {"clusters": 14}}


def test_equals_the_definition() -> None:
    layer, x = small("vlad"), features()
    rows = []
    for picture in x:
        sums = [torch.zeros(6, dtype=torch.float64) for _ in range(3)]
        for v in locations(picture):
            v = unit(v)
            cosines = [float(v @ unit(centroid)) for centroid in layer.centroids]
            k = cosines.index(max(cosines))
            sums[k] = sums[k] + v - layer.centroids[k]
        rows.append(unit(torch.cat([unit(total) if total.norm() > 0 else total for total in sums])))
    torch.testing.assert_close(layer(x), torch.stack(rows), atol=1e-12, rtol=0)


def test_an_empty_cluster_is_zero() -> None:
    layer = small("vlad")
    with torch.no_grad():
        layer.centroids[1] = -layer.centroids[0]
    x = layer.centroids[0].detach()[None, :, None, None].expand(1, 6, 2, 2) + 0.01
    found = layer(x).unflatten(1, (3, 6))[0]
    assert found[1].norm() == 0 and found[0].norm() == pytest.approx(1.0)


@pytest.mark.parametrize("facet", ["value", "token"])
def test_the_vocabulary_is_of_the_users_pictures(facet: str, pictures: list[np.ndarray]) -> None:
    model = create_model(f"tiny_vit:layer=1,facet={facet}", "vlad", size=(84, 70), clusters=4)
    initialise_vocabulary(model, pictures, seed=0)
    found = model.aggregator.centroids.detach().numpy()
    local = model.features(pictures).transpose(0, 2, 3, 1).reshape(-1, 32)
    local /= np.linalg.norm(local, axis=1, keepdims=True)
    nearest = np.square(local[:, None] - found).sum(axis=2).argmin(axis=1)
    for k in range(4):  # a fixed point of k-means
        np.testing.assert_allclose(found[k], local[nearest == k].mean(axis=0), atol=1e-4)
    with pytest.raises(ModelError, match="VLAD"):
        initialise_vocabulary(create_model("gem-tiny"), pictures)
