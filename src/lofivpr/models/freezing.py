"""What of a model training leaves alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn

from lofivpr.models.config import ModelError

if TYPE_CHECKING:
    from lofivpr.models.place_model import PlaceModel


def freeze_batch_norm_statistics(model: nn.Module) -> None:
    """Put every batch-norm layer into evaluation: its running statistics are used and never change."""
    for module in model.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.eval()


def set_trainable_stages(model: PlaceModel, last: int | None) -> None:
    """Let only the last stages of the backbone train (None: all); aggregator, whitening and what
    depends on the quality always do.

    VGG-16 with last=1 trains conv5_1..conv5_3 and the aggregator, as the paper does.

    Raises:
        ModelError: more stages than the backbone has.
    """
    stages = model.backbone.stages()
    if last is None:
        last = len(stages)
    if not 0 <= last <= len(stages):
        raise ModelError(f"expected between 0 and {len(stages)} stages to train, found {last}.")
    model.backbone.requires_grad_(False)
    for stage in stages[len(stages) - last :]:
        for module in stage:
            module.requires_grad_(True)
    for affine in model.affines:
        affine.affine.requires_grad_(True)
