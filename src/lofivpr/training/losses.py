"""Losses of distillation and of metric learning: pure functions of tensors.

By default each is a mean over pictures, so that its value depends neither on the batch size nor on the
number of processes. `mode="paper"` gives the exact value of "Distillation Improves Visual Place
Recognition for Low-Quality Queries" (arXiv 2310.06906).
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

Mode = Literal["mean", "paper"]
PAPER_MARGIN = 0.2**0.5


def channel_matrix(features: Tensor) -> Tensor:
    """Cosines between the channel maps of each picture, before any row normalisation.

    Args:
        features: N x C x H x W, any float dtype.

    Returns:
        N x C x C. It does not depend on H and W, so two branches may run at different sizes.
    """
    maps = F.normalize(features.flatten(2), dim=2)
    return maps @ maps.transpose(1, 2)


def ickd(student: Tensor, teacher_matrix: Tensor, mode: Mode = "mean") -> Tensor:
    """Inter-channel correlation distillation (ICCV 2021, as the paper uses it).

    Args:
        student: features N x C x H x W of the low-quality pictures.
        teacher_matrix: N x C x C, `channel_matrix` of the teacher's features of the sharp pictures.
        mode: "mean" = mean over pictures of ||G_low - G_high||_F^2 / C;
            "paper" = the Frobenius norm of the whole difference, not squared, not averaged.

    Raises:
        ValueError: the channel counts differ; adapt the student's width with a 1x1 convolution first.
    """
    matrix = channel_matrix(student)
    if matrix.shape != teacher_matrix.shape:
        raise ValueError(
            f"ICKD expected channel matrices of one shape, found {tuple(matrix.shape)} and "
            f"{tuple(teacher_matrix.shape)}: adapt the student's width with a ChannelAdapter."
        )
    difference = F.normalize(matrix, dim=2) - F.normalize(teacher_matrix.to(matrix), dim=2)
    if mode == "paper":
        return difference.norm()
    return difference.square().sum(dim=(1, 2)).mean() / matrix.shape[1]


class ChannelAdapter(torch.nn.Module):
    """1x1 convolution that brings a student's features to the teacher's width (official ICKD).

    The batch normalisation of the official code is left out: its statistics would depend on the batch.
    """

    def __init__(self, channels: int, teacher_channels: int) -> None:
        super().__init__()
        self.convolution = torch.nn.Conv2d(channels, teacher_channels, kernel_size=1, bias=False)

    def forward(self, features: Tensor) -> Tensor:
        """N x C x H x W -> N x C_teacher x H x W."""
        return self.convolution(features)


def mse(student: Tensor, teacher: Tensor, mode: Mode = "mean") -> Tensor:
    """Squared distance of descriptors, N x D each.

    mode "mean" = mean over pictures of ||d_low - d_high||^2, free of the dimension;
    "paper" = mean over N * D.
    """
    squared = (student - teacher.to(student)).square()
    return squared.mean() if mode == "paper" else squared.sum(dim=1).mean()


def spread(descriptors: Tensor) -> float:
    """How far apart descriptors of different pictures are: 1 - the median of their cosines.

    About 1 for NetVLAD, 0.02 for GeM: what a distance or a temperature is large against.

    Args:
        descriptors: N x D, unit length, N at least 2.
    """
    above = torch.triu(torch.ones(len(descriptors), len(descriptors), dtype=torch.bool), diagonal=1)
    return 1 - float((descriptors @ descriptors.T)[above].median())


def triplet(anchor: Tensor, positive: Tensor, negatives: Tensor, mode: Mode = "mean") -> Tensor:
    """Weakly supervised ranking loss with Euclidean distances and margin sqrt(0.2).

    Args:
        anchor, positive: B x D; negatives: B x M x D.
        mode: "paper" = sum over all triplets; "mean" = mean over them.
    """
    to_positive = (anchor - positive).norm(dim=1)
    to_negatives = (anchor[:, None] - negatives).norm(dim=2)
    hinge = F.relu(to_positive[:, None] - to_negatives + PAPER_MARGIN)
    return hinge.sum() if mode == "paper" else hinge.mean()


def raml(student: Tensor, teacher: Tensor, relation_weight: float = 0.7) -> Tensor:
    """Resolution-asymmetric metric learning (arXiv 2210.05463) on unit descriptors, N x D each.

    Mean (1 - cos)^2 to the teacher's descriptor, plus the mean squared difference between the
    student-teacher and the teacher-teacher similarity matrices of the batch. It needs no equal channels.
    """
    teacher = teacher.to(student)
    direct = (1 - (student * teacher).sum(dim=1)).square().mean()
    relations = (student @ teacher.T - teacher @ teacher.T).square().mean()
    return direct + relation_weight * relations


def contextual(student: Tensor, teacher: Tensor, bank: Tensor, temperature: float = 0.05) -> Tensor:
    """Contextual similarity distillation (Wu et al., CVPR 2022): the same neighbours, in the same order.

    The mean over pictures of the Kullback-Leibler divergence from the teacher's distribution over a bank of
    places to the student's, each the softmax of cosines / temperature. A distance to the teacher's descriptor
    counts errors in all directions alike; this counts those that change what would be retrieved.

    Args:
        student, teacher: N x D, unit length; bank: M x D, the teacher's descriptors of M sharp pictures.
    """
    teacher, bank = teacher.to(student), bank.to(student)
    wanted = F.softmax(teacher @ bank.T / temperature, dim=1)
    found = F.log_softmax(student @ bank.T / temperature, dim=1)
    return F.kl_div(found, wanted, reduction="batchmean")


def multi_similarity(
    similarity: Tensor,
    positives: Tensor,
    negatives: Tensor,
    *,
    alpha: float = 2.0,
    beta: float = 50.0,
    base: float = 0.5,
    margin: float = 0.1,
) -> Tensor:
    """Multi-similarity loss with its pair mining (CVPR 2019, equations 5 to 8).

    pytorch-metric-learning gives the same value and gradients where pairs come from labels. Not used, since its miner
    knows labels only, and a pair here may be neither (too far for one place, too near for two); and its loss is 0
    where one pair of each kind is left.

    Args:
        similarity: N x N cosines; positives, negatives: N x N boolean masks (a pair may be neither).

    Returns:
        The mean over the anchors that keep at least one positive and one negative pair; 0 if none does.
    """
    infinity = torch.inf
    hardest_negative = similarity.masked_fill(~negatives, -infinity).amax(dim=1, keepdim=True)
    hardest_positive = similarity.masked_fill(~positives, infinity).amin(dim=1, keepdim=True)
    kept_positives = positives & (similarity - margin < hardest_negative)
    kept_negatives = negatives & (similarity + margin > hardest_positive)
    pull = torch.exp(-alpha * (similarity - base)).masked_fill(~kept_positives, 0).sum(dim=1)
    push = torch.exp(beta * (similarity - base)).masked_fill(~kept_negatives, 0).sum(dim=1)
    anchors = kept_positives.any(dim=1) & kept_negatives.any(dim=1)
    losses = torch.log1p(pull) / alpha + torch.log1p(push) / beta
    return losses[anchors].mean() if bool(anchors.any()) else similarity.sum() * 0
