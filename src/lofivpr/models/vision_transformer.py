"""Vision transformers as backbones: DINOv2 (with and without registers), and a tiny one for tests."""

from __future__ import annotations

import functools
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from lofivpr.models.backbone import Backbone, draw_weights, normalisation
from lofivpr.models.config import ModelError
from lofivpr.models.conv_adapter import AdaptedBlock
from lofivpr.models.imagenet import timm_network
from lofivpr.models.position_embedding import resize_positions
from lofivpr.models.registry import register_backbone

FACETS = ("token", "query", "key", "value")
NETWORKS = {
    f"dinov2_{letter}14{suffix}": f"vit_{size}_patch14_{registers}dinov2"
    for letter, size in (("s", "small"), ("b", "base"), ("l", "large"))
    for suffix, registers in (("", ""), ("_reg", "reg4_"))
}


class Embedding(nn.Module):
    """Pictures to tokens: class token, registers, then the patches row by row, each with its position.

    `positions` are 1 x (1 + S*S) x C with the class token's, or 1 x S*S x C without, where there are registers.
    """

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.projection: nn.Conv2d = network.patch_embed.proj
        self.cls_token: nn.Parameter = network.cls_token
        self.positions: nn.Parameter = network.pos_embed
        self.registers: nn.Parameter | None = network.reg_token
        self.prefix = 1 + (0 if self.registers is None else self.registers.shape[1])

    def forward(self, images: Tensor) -> Tensor:
        """N x 3 x H x W to N x (prefix + h*w) x C."""
        patches = self.projection(images)
        grid = (int(patches.shape[2]), int(patches.shape[3]))
        tokens = patches.flatten(2).transpose(1, 2)
        first: Tensor = self.cls_token
        if self.registers is None:
            positions = resize_positions(self.positions[:, 1:], grid, offset=0.1, antialias=False)
            first = first + self.positions[:, :1]
        else:
            positions = resize_positions(self.positions, grid, offset=0.0, antialias=True)
            first = torch.cat([first, self.registers], dim=1)
        return torch.cat([first.expand(tokens.shape[0], -1, -1), tokens + positions], dim=1)


class Facet(nn.Module):
    """Query, key or value of a block's attention: N x T x C to N x T x C (AnyLoc, Keetha et al. 2023)."""

    def __init__(self, block: Any, facet: str) -> None:
        super().__init__()
        self.norm, size = block.norm1, block.attn.qkv.in_features
        part = slice(size * (FACETS.index(facet) - 1), size * FACETS.index(facet))
        qkv = block.attn.qkv
        with torch.device("meta"):
            self.linear = nn.Linear(size, size)
        self.linear.weight, self.linear.bias = (
            nn.Parameter(whole[part].detach().clone()) for whole in (qkv.weight, qkv.bias)
        )

    def forward(self, tokens: Tensor) -> Tensor:
        """The facet of every token."""
        return self.linear(self.norm(tokens))


class VisionTransformer(Backbone):
    """Blocks on patch tokens; the features are the patches, the token is the class token."""

    def forward(self, images: Tensor) -> Tensor:
        """N x 3 x H x W normalised pictures to N x channels x H/stride x W/stride features."""
        return self.see(images)[0]

    def see(self, images: Tensor) -> tuple[Tensor, Tensor | None]:
        """Features (N x channels x h x w) and class token (N x channels)."""
        grid = (int(images.shape[2]) // self.stride, int(images.shape[3]) // self.stride)
        embedding: Any = self.layers.embedding
        tokens = embedding(images)
        for block in self.layers.blocks:  # type: ignore[union-attr]
            adapted = isinstance(block, AdaptedBlock)
            tokens = block(tokens, grid, embedding.prefix) if adapted else block(tokens)
        tokens = self.layers.end(tokens)  # type: ignore[operator]
        return tokens[:, embedding.prefix :].transpose(1, 2).unflatten(2, grid), tokens[:, 0]


def assemble(network: Any, layer: int | None, facet: str, norm: bool, adapters: bool) -> tuple[nn.Sequential, str]:
    """Embedding, blocks and end of a timm vision transformer, and what its features are in words.

    Raises:
        ModelError: no such layer or facet.
    """
    blocks: list[nn.Module] = list(network.blocks)
    last = len(blocks) - 1 if layer is None else layer
    if not 0 <= last < len(blocks) or facet not in FACETS:
        raise ModelError(
            f"expected layer=0 to {len(blocks) - 1} and facet={', '.join(FACETS)}, found layer={last}, facet={facet}."
        )
    whole = last == len(blocks) - 1 and facet == "token"
    kept = blocks[: last + (facet == "token")]
    end: nn.Module = nn.Identity()
    if facet != "token":
        end = Facet(blocks[last], facet)
    elif whole and norm:
        end = network.norm
    parts = [AdaptedBlock(block) if adapters else block for block in kept]
    layers = OrderedDict(embedding=Embedding(network), blocks=nn.Sequential(*parts), end=end)
    ending = ", normalised" if whole and norm else ""
    return nn.Sequential(layers), f"{facet} of the patches after blocks.{last}{ending}"


def transformer(
    name: str,
    pretrained: bool = True,
    download: bool = False,
    layer: int | None = None,
    facet: str = "token",
    norm: int = 1,
    adapters: int = 0,
) -> Backbone:
    """DINOv2 (Oquab et al., 2023; registers: Darcet et al., 2023) of patches of 14 x 14.

    Args:
        layer: number of the last block, from 0; all by default.
        facet: "token", or "query", "key" or "value" of that block's attention.
        norm: 0 leaves out the last layer normalisation.
        adapters: 1 puts CricaVPR's convolutional adapters beside the MLPs.

    Raises:
        ModelError: no such layer or facet; weights without permission to download them.
    """
    timm_name = NETWORKS[name]
    network = timm_network(name, timm_name, pretrained, download)
    source = f"timm {timm_name} (LVD-142M)" if pretrained else ""
    return _backbone(network, layer, facet, bool(norm), bool(adapters), pretrained, source)


def _backbone(
    network: Any, layer: int | None, facet: str, norm: bool, adapters: bool, pretrained: bool, source: str
) -> Backbone:
    layers, features_name = assemble(network, layer, facet, norm, adapters)
    return VisionTransformer(
        layers if pretrained else draw_weights(layers),
        channels=network.embed_dim,
        stride=network.patch_embed.patch_size[0],
        stage_names=_stages(layers),
        **normalisation(network),
        weights_source=source,
        weights_licence="Apache-2.0" if source else "",
        features_name=features_name,
    )


def _stages(layers: nn.Sequential) -> Sequence[list[str]]:
    """The embedding, each block, and the end with the last block."""
    blocks = [[f"blocks.{name}"] for name, _ in layers.blocks.named_children()]  # type: ignore[union-attr]
    stages = [["embedding"], *blocks]
    stages[-1].append("end")
    return stages


@register_backbone("tiny_vit")
def tiny_vit(
    pretrained: bool = True,
    download: bool = False,
    layer: int | None = None,
    facet: str = "token",
    norm: int = 1,
    adapters: int = 0,
) -> Backbone:
    """Two blocks of 32 channels on patches of 14 x 14 pixels. Always random: for tests."""
    from timm.models.vision_transformer import VisionTransformer as TimmTransformer

    with torch.device("meta"):
        network: Any = TimmTransformer(
            img_size=56, patch_size=14, embed_dim=32, depth=2, num_heads=2, mlp_ratio=2, init_values=1e-5, num_classes=0
        )
    network.default_cfg = {"mean": (0.5, 0.5, 0.5), "std": (0.5, 0.5, 0.5)}
    return _backbone(network, layer, facet, bool(norm), bool(adapters), False, "")


for _name in NETWORKS:
    register_backbone(_name)(functools.partial(transformer, _name))
