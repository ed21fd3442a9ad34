"""Names and shapes of the tensors of published checkpoints, written down from their public sources.

Each function gives `{name: shape}`; nothing of the package is used.
"""

from __future__ import annotations

import torch

Shapes = dict[str, tuple[int, ...]]
WIDTHS = {"resnet18": 1, "resnet50": 4, "resnet101": 4, "resnet152": 4}
DEPTHS = {"resnet18": (2, 2, 2, 2), "resnet50": (3, 4, 6, 3), "resnet101": (3, 4, 23, 3), "resnet152": (3, 8, 36, 3)}


def dense(name: str, out: int, wide: int, *kernel: int) -> Shapes:
    return {f"{name}.weight": (out, wide, *kernel), f"{name}.bias": (out,)}


def norm(name: str, size: int) -> Shapes:
    return {f"{name}.weight": (size,), f"{name}.bias": (size,)}


def batch_norm(name: str, size: int) -> Shapes:
    running = {f"{name}.running_mean": (size,), f"{name}.running_var": (size,), f"{name}.num_batches_tracked": ()}
    return norm(name, size) | running


def resnet(kind: str, stem: tuple[str, str], layers: list[str]) -> Shapes:
    """torchvision's ResNet: `stem` names the first convolution and norm, `layers` the stages that are there."""
    found: Shapes = {f"{stem[0]}.weight": (64, 3, 7, 7)} | batch_norm(stem[1], 64)
    wide_in, expansion = 64, WIDTHS[kind]
    for stage, name in enumerate(layers):
        width = 64 * 2**stage
        for block in range(DEPTHS[kind][stage]):
            prefix, out = f"{name}.{block}", width * expansion
            sizes = [(3, width, wide_in), (3, width, width)]
            if expansion == 4:
                sizes = [(1, width, wide_in), (3, width, width), (1, out, width)]
            for i, (k, c_out, c_in) in enumerate(sizes, start=1):
                found |= {f"{prefix}.conv{i}.weight": (c_out, c_in, k, k)} | batch_norm(f"{prefix}.bn{i}", c_out)
            if block == 0 and (stage > 0 or expansion == 4):
                found |= {f"{prefix}.downsample.0.weight": (out, wide_in, 1, 1)}
                found |= batch_norm(f"{prefix}.downsample.1", out)
            wide_in = out
    return found


def cosplace_resnet(kind: str, dim: int) -> Shapes:
    """gmberton/CosPlace and EigenPlaces: the children of a ResNet by number, GeM, a fully connected layer."""
    channels = 512 * WIDTHS[kind]
    found = resnet(kind, ("backbone.0", "backbone.1"), [f"backbone.{i}" for i in (4, 5, 6, 7)])
    return found | {"aggregation.1.p": (1,)} | dense("aggregation.3", dim, channels)


def cosplace_vgg16(dim: int) -> Shapes:
    found: Shapes = {}
    wide = 3
    for index, out in zip(
        (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28), (64, 64, 128, 128, *[256] * 3, *[512] * 6), strict=True
    ):
        found |= dense(f"backbone.{index}", out, wide, 3, 3)
        wide = out
    return found | {"aggregation.1.p": (1,)} | dense("aggregation.3", dim, 512)


def mixvpr(dim: int, rows: int) -> Shapes:
    """amaralibey/MixVPR: ResNet-50 without layer4, four mixers of 20 x 20 locations."""
    found = resnet(
        "resnet50", ("backbone.model.conv1", "backbone.model.bn1"), [f"backbone.model.layer{i}" for i in (1, 2, 3)]
    )
    for i in range(4):
        prefix = f"aggregator.mix.{i}.mix"
        found |= norm(f"{prefix}.0", 400) | dense(f"{prefix}.1", 400, 400) | dense(f"{prefix}.3", 400, 400)
    return found | dense("aggregator.channel_proj", dim, 1024) | {"aggregator.row_proj.weight": (rows, 400)}


def dinov2(
    prefix: str, dim: int = 768, depth: int = 12, patches: int = 37, ratio: int = 4, mask: bool = True
) -> Shapes:
    """facebookresearch/dinov2 without registers."""
    found: Shapes = {f"{prefix}cls_token": (1, 1, dim), f"{prefix}pos_embed": (1, patches**2 + 1, dim)}
    found |= {f"{prefix}mask_token": (1, dim)} if mask else {}
    found |= dense(f"{prefix}patch_embed.proj", dim, 3, 14, 14)
    for i in range(depth):
        block = f"{prefix}blocks.{i}"
        found |= (
            norm(f"{block}.norm1", dim)
            | dense(f"{block}.attn.qkv", 3 * dim, dim)
            | dense(f"{block}.attn.proj", dim, dim)
        )
        found |= {f"{block}.ls1.gamma": (dim,), f"{block}.ls2.gamma": (dim,)} | norm(f"{block}.norm2", dim)
        found |= dense(f"{block}.mlp.fc1", ratio * dim, dim) | dense(f"{block}.mlp.fc2", dim, ratio * dim)
    return found | norm(f"{prefix}norm", dim)


def salad_head(prefix: str, dim: int, clusters: int, cluster_dim: int, token: int, hidden: int) -> Shapes:
    found = {f"{prefix}dust_bin": ()}
    found |= dense(f"{prefix}token_features.0", hidden, dim) | dense(f"{prefix}token_features.2", token, hidden)
    for name, out in (("cluster_features", cluster_dim), ("score", clusters)):
        found |= dense(f"{prefix}{name}.0", hidden, dim, 1, 1) | dense(f"{prefix}{name}.3", out, hidden, 1, 1)
    return found


def attention(name: str, dim: int) -> Shapes:
    found = {f"{name}.in_proj_weight": (3 * dim, dim), f"{name}.in_proj_bias": (3 * dim,)}
    return found | dense(f"{name}.out_proj", dim, dim)


def encoder_layer(name: str, dim: int, wide: int) -> Shapes:
    found = (
        attention(f"{name}.self_attn", dim) | dense(f"{name}.linear1", wide, dim) | dense(f"{name}.linear2", dim, wide)
    )
    return found | norm(f"{name}.norm1", dim) | norm(f"{name}.norm2", dim)


def boq_head(channels: int, dim: int, queries: int, layers: int, rows: int) -> Shapes:
    """amaralibey/Bag-of-Queries."""
    found = dense("aggregator.proj_c", dim, channels, 3, 3) | norm("aggregator.norm_input", dim)
    for i in range(layers):
        block = f"aggregator.boqs.{i}"
        found |= encoder_layer(f"{block}.encoder", dim, 4 * dim) | {f"{block}.queries": (1, queries, dim)}
        for name in ("self_attn", "cross_attn"):
            found |= attention(f"{block}.{name}", dim)
        found |= norm(f"{block}.norm_q", dim) | norm(f"{block}.norm_out", dim)
    return found | dense("aggregator.fc", rows, layers * queries)


def adapters(prefix: str, dim: int, depth: int) -> Shapes:
    """Lu-Feng/CricaVPR: MulConvAdapter of every block."""
    half = dim // 2
    thin, quarter = half // 16, half // 4
    found: Shapes = {}
    for i in range(depth):
        name = f"{prefix}blocks.{i}.adapter"
        convolutions = [("branch1", half // 2, half, 1), ("branch2.0", thin, half, 1), ("branch2.1", quarter, thin, 3)]
        convolutions += [("branch3.0", thin, half, 1), ("branch3.1", quarter, thin, 5)]
        for part, out, wide, k in convolutions:
            found |= dense(f"{name}.{part}.conv", out, wide, k, k) | batch_norm(f"{name}.{part}.bn", out)
        found |= dense(f"{name}.D_fc1", half, dim) | dense(f"{name}.D_fc2", dim, half)
    return found


def cricavpr(dim: int = 768, depth: int = 12, patches: int = 37, ratio: int = 4, wide: int = 2048) -> Shapes:
    found = dinov2("backbone.", dim, depth, patches, ratio) | adapters("backbone.", dim, depth)
    found |= {"aggregation.1.p": (1,)}
    for i in range(2):
        found |= encoder_layer(f"encoder.layers.{i}", dim, wide)
    return {f"module.{name}": shape for name, shape in found.items()}


def published(name: str) -> Shapes:
    """The tensors of the published file of a model, at full size."""
    family, backbone, size = name.split("-")
    if family in ("cosplace", "eigenplaces"):
        return cosplace_vgg16(int(size)) if backbone == "vgg16" else cosplace_resnet(backbone, int(size))
    if family == "mixvpr":
        return mixvpr(*{"4096": (1024, 4), "512": (256, 2), "128": (64, 2)}[size])
    if family == "salad":
        return dinov2("backbone.model.") | salad_head("aggregator.", 768, 64, 128, 256, 512)
    if family == "megaloc":
        head = salad_head("aggregator.agg.", 768, 64, 256, 256, 512) | dense("aggregator.linear", 8448, 16640)
        return dinov2("backbone.model.") | head
    if name == "boq-resnet50-16384":
        net = resnet("resnet50", ("backbone.net.0", "backbone.net.1"), [f"backbone.net.{i}" for i in (4, 5, 6)])
        return net | boq_head(1024, 512, 64, 2, 32)
    if name == "boq-dinov2_b14-12288":
        return dinov2("backbone.dino.") | boq_head(768, 384, 64, 2, 32)
    return cricavpr()


def fill(shapes: Shapes, seed: int = 0) -> dict[str, torch.Tensor]:
    """Random tensors of these names and shapes; variances and counts are positive."""
    generator = torch.Generator().manual_seed(seed)
    found = {}
    for name, shape in shapes.items():
        if name.endswith("num_batches_tracked"):
            found[name] = torch.tensor(7)
        else:
            tensor = torch.randn(shape, generator=generator) / max(1, (shape[-1] if shape else 1)) ** 0.5
            found[name] = tensor.abs() + 0.5 if name.endswith(("running_var", ".p")) else tensor
    return found
