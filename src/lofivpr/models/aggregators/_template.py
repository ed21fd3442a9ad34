"""TEMPLATE (Author et al., Conference Year): one sentence on what it does.

Copy this file; a name that begins with _ is not looked into.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from lofivpr.models.registry import register_aggregator


@register_aggregator("template")  # the name in `create_model`, recipes and config.json
class Template(nn.Module):
    """The mean of the features and the token, a fully connected layer, unit length.

    Say the order of the descriptor's entries, and what each option is in the paper.
    """

    takes_token = True  # drop it if the class token is of no use; `forward` then takes the features only

    def __init__(self, channels: int, dim: int = 256) -> None:
        super().__init__()
        self.size = int(dim)  # required: numbers in a descriptor
        self.fc = nn.Linear(int(channels), self.size)

    def forward(self, features: Tensor, token: Tensor | None = None) -> Tensor:
        """Aggregate N x channels x h x w features and the N x channels token; returns N x dim, unit length."""
        mean = features.mean(dim=(2, 3))
        return F.normalize(self.fc(mean if token is None else (mean + token) / 2), dim=1)
