"""Where in a picture a descriptor comes from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from lofivpr.models.config import ModelError
from lofivpr.quality import Quality

if TYPE_CHECKING:
    from lofivpr.models.onnx_model import OnnxModel
    from lofivpr.models.place_model import PlaceModel

HEATMAP_KINDS = {
    "feature-norm": "L2 norm of the backbone's feature at each location",
    "residual-energy": "squared norm of what each location adds to the NetVLAD descriptor",
    "similarity-gradient": "norm of the gradient of the similarity with the retrieved picture",
}

FEATURE_KINDS = ("feature-norm", "residual-energy")
"""Those that need the features alone, and no retrieved picture."""


def heatmap(
    model: PlaceModel | OnnxModel,
    image: np.ndarray,
    kind: str,
    retrieved: np.ndarray | None = None,
    quality: Quality | None = None,
) -> np.ndarray:
    """A map of the backbone's grid over one picture.

    Args:
        model: a `PlaceModel` or `OnnxModel`; "similarity-gradient" needs the former.
        image: uint8 H x W x 3.
        kind: a key of `HEATMAP_KINDS`, whose value says what is drawn.
        retrieved: for "similarity-gradient": the retrieved uint8 picture, or its descriptor (D).
        quality: what the picture went through, for a quality-aware model.

    Returns:
        float32 h x w, not scaled: rows and columns of the feature grid.

    Raises:
        ModelError: unknown kind, or a model or argument that does not allow it.
    """
    if kind in FEATURE_KINDS:
        return feature_maps(model, image, (kind,), quality)[kind]
    if kind == "similarity-gradient":
        return _similarity_gradient(model, image, retrieved, quality)
    raise ModelError(f"expected a heatmap of {', '.join(HEATMAP_KINDS)}, found {kind!r}.")


def feature_maps(
    model: PlaceModel | OnnxModel, image: np.ndarray, kinds: Sequence[str], quality: Quality | None = None
) -> dict[str, np.ndarray]:
    """Maps of several of `FEATURE_KINDS` from one pass: float32 h x w each, not scaled.

    Raises:
        ModelError: residual energy of a model without NetVLAD.
    """
    features = model.features([image], [quality])[0]
    draw: dict[str, Callable[[], np.ndarray]] = {
        "feature-norm": lambda: feature_norm(features),
        "residual-energy": lambda: residual_energy(features, *_netvlad_weights(model)),
    }
    return {kind: draw[kind]() for kind in kinds}


def feature_norm(features: np.ndarray) -> np.ndarray:
    """L2 norm over channels: C x h x w to float32 h x w. This is what the paper's Figure 6 draws."""
    return np.linalg.norm(features, axis=0).astype(np.float32)


def residual_energy(features: np.ndarray, assignment: np.ndarray, centroids: np.ndarray) -> np.ndarray:
    """Squared norm of each location's share of the NetVLAD descriptor.

    With V_k = sum_p a_kp (x_p - c_k), the descriptor is the concatenation of V_k / ||V_k|| over sqrt(K):
    the sum over locations p of u_p = (a_kp (x_p - c_k) / ||V_k||)_k / sqrt(K). Drawn is ||u_p||^2.

    Args:
        features: C x h x w. assignment: K x C, the weights of the 1 x 1 convolution. centroids: K x C.

    Returns:
        float32 h x w.
    """
    channels, height, width = features.shape
    local = features.reshape(channels, -1).astype(np.float64)
    local /= np.maximum(np.linalg.norm(local, axis=0), 1e-12)
    logits = assignment @ local
    soft = np.exp(logits - logits.max(axis=0))
    soft /= soft.sum(axis=0)
    residuals = soft @ local.T - soft.sum(axis=1, keepdims=True) * centroids
    cluster_energy = np.maximum((residuals**2).sum(axis=1), 1e-24)
    # ||x - c||^2 without an array of K x C x locations
    squared = (local**2).sum(axis=0) - 2 * centroids @ local + (centroids**2).sum(axis=1)[:, None]
    energy = (soft**2 * squared / cluster_energy[:, None]).mean(axis=0)
    return energy.reshape(height, width).astype(np.float32)


def _netvlad_weights(model: PlaceModel | OnnxModel) -> tuple[np.ndarray, np.ndarray]:
    """Assignment (K x C) and centroids (K x C) in float64."""
    if model.config.aggregator != "netvlad":
        raise ModelError(
            "expected a model with NetVLAD for the heatmap of residual energy, "
            f"found {model.config.aggregator}. Draw 'feature-norm'."
        )
    weights = model.weights()
    assignment = weights["aggregator.assignment.weight"][:, :, 0, 0]
    return assignment.astype(np.float64), weights["aggregator.centroids"].astype(np.float64)


def _similarity_gradient(
    model: PlaceModel | OnnxModel, image: np.ndarray, retrieved: np.ndarray | None, quality: Quality | None
) -> np.ndarray:
    """||z_p|| * ||d (d_query . d_retrieved) / d z_p||: the change for a relative change of a feature."""
    if not hasattr(model, "describe_features"):
        raise ModelError(
            "expected a torch model for the gradient, found an ONNX one. Use load_describer(folder, 'torch')."
        )
    if retrieved is None:
        raise ModelError("expected the retrieved picture or its descriptor for the gradient, found none.")
    import torch

    from lofivpr.models.place_model import PlaceModel

    assert isinstance(model, PlaceModel)
    target = retrieved if retrieved.ndim == 1 else model.describe([retrieved])[0]
    device = next(model.parameters()).device
    pixels = torch.from_numpy(model.preprocessing.to_array([image])).to(device)
    known = model.conditions([quality], 1)
    with torch.no_grad():
        features, token = model.see(pixels, None if known is None else known.to(device))
    features.requires_grad_()
    similarity = model.describe_features(features, token)[0] @ torch.from_numpy(target).to(device)
    (gradient,) = torch.autograd.grad(similarity, features)
    scaled = gradient[0].norm(dim=0) * features.detach()[0].norm(dim=0)
    return scaled.cpu().numpy().astype(np.float32)
