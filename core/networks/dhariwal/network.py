"""The Dhariwal U-Net for flow matching (flow spec section 5)."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from core.networks.dhariwal.blocks import Block, Resample, groups
from core.networks.dhariwal.config import DhariwalConfig


class TimeFrequencies(nn.Module):
    """Flow time t in [0, 1], (B,) or a single one -> (B or 1, width): all cosines, then all sines. Not scaled."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.pairs = width // 2

    def forward(self, t: Tensor) -> Tensor:
        exponents = torch.arange(self.pairs, dtype=torch.float32, device=t.device) / self.pairs
        angles = t.reshape(-1).to(torch.float32)[:, None] * (1 / 10000) ** exponents
        return torch.cat((angles.cos(), angles.sin()), dim=1)


class Resampler(nn.Module):
    """Halve (mean of 2x2) or double (nearest) the resolution. The filter, always 0.25, is a buffer in the files."""

    def __init__(self, resample: Resample) -> None:
        super().__init__()
        self.resample = resample
        self.register_buffer("resample_filter", torch.full((1, 1, 2, 2), 0.25))

    def forward(self, x: Tensor) -> Tensor:
        channels = x.shape[1]
        weight = self.get_buffer("resample_filter").expand(channels, 1, 2, 2)
        if self.resample == "down":
            return F.conv2d(x, weight, stride=2, groups=channels)
        return F.conv_transpose2d(x, 4 * weight, stride=2, groups=channels)


class ResamplingConv(Resampler):
    """Change the resolution, then a 3x3 convolution."""

    def __init__(self, channels_in: int, channels_out: int, resample: Resample) -> None:
        super().__init__(resample)
        sizes = nn.Conv2d(channels_in, channels_out, 3)
        self.weight, self.bias = sizes.weight, sizes.bias

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(super().forward(x), self.weight, self.bias, padding=1)


def _norm(channels: int) -> nn.GroupNorm:
    return nn.GroupNorm(groups(channels), channels)


class UNetBlock(nn.Module):
    """Two convolutions told about time, a shortcut, and attention over all pixels where the plan has it."""

    def __init__(self, plan: Block, embedding: int, attention: bool) -> None:
        super().__init__()
        before, after = plan.channels_in, plan.channels_out
        self.heads = plan.heads if attention else 0
        self.norm0 = _norm(before)
        self.conv0 = _first_conv(plan)
        self.affine = nn.Linear(embedding, 2 * after)
        self.norm1 = _norm(after)
        self.conv1 = nn.Conv2d(after, after, 3, padding=1)
        self.skip = _shortcut(plan)
        if attention:
            self.norm2 = _norm(after)
            self.qkv = nn.Conv2d(after, 3 * after, 1)
            self.proj = nn.Conv2d(after, after, 1)

    def forward(self, x: Tensor, embedding: Tensor) -> Tensor:
        scale, shift = self.affine(embedding)[:, :, None, None].chunk(2, dim=1)  # each (B, C, 1, 1)
        h = self.conv0(F.silu(self.norm0(x)))
        h = self.conv1(F.silu(torch.addcmul(shift, self.norm1(h), scale + 1)))
        out: Tensor = h + self.skip(x)
        return out + self.proj(self._attend(out)) if self.heads else out

    def _attend(self, x: Tensor) -> Tensor:
        # Of the 3C channels the head is the slowest index, then the channel, then which of q, k, v.
        triple = self.qkv(self.norm2(x)).reshape(len(x), self.heads, -1, 3, x.shape[2] * x.shape[3])
        q, k, v = (part.transpose(2, 3) for part in triple.unbind(3))  # each (B, heads, H*W, C/heads)
        return F.scaled_dot_product_attention(q, k, v).transpose(2, 3).reshape(x.shape)


def _first_conv(plan: Block) -> nn.Module:
    if plan.resample == "none":
        return nn.Conv2d(plan.channels_in, plan.channels_out, 3, padding=1)
    return ResamplingConv(plan.channels_in, plan.channels_out, plan.resample)


def _shortcut(plan: Block) -> nn.Module:
    if plan.resample != "none":
        return Resampler(plan.resample)
    if plan.channels_in != plan.channels_out:
        return nn.Conv2d(plan.channels_in, plan.channels_out, 1)
    return nn.Identity()


class BaseUNet(nn.Module):
    """(state, t, image) -> velocity or logits (B, out_channels, H, W)."""

    def __init__(self, config: DhariwalConfig) -> None:
        super().__init__()
        self.plan = config.decoder()
        side, width = config.image_size, config.widths[0]
        self.map_noise = TimeFrequencies(config.model_channels)
        self.map_layer0 = nn.Linear(config.model_channels, config.embedding)
        self.map_layer1 = nn.Linear(config.embedding, config.embedding)
        first = nn.Conv2d(1 + config.in_channels, width, 3, padding=1)
        self.enc = nn.ModuleDict({f"{side}x{side}_conv": first, **_blocks(config, config.encoder())})
        self.dec = nn.ModuleDict(_blocks(config, self.plan))
        self.out_norm = _norm(width)
        self.out_conv = nn.Conv2d(width, config.out_channels, 3, padding=1)

    def forward(self, x: Tensor, t: Tensor, image: Tensor) -> Tensor:
        embedding = F.silu(self.map_layer0(self.map_noise(t)))
        embedding = F.silu(self.map_layer1(embedding))  # (B, E)
        first, *others = self.enc.values()
        skips = [first(torch.cat((x, image), dim=1))]
        for block in others:
            skips.append(block(skips[-1], embedding))
        x = skips[-1]
        for plan, block in zip(self.plan, self.dec.values(), strict=True):
            x = block(torch.cat((x, skips.pop()), dim=1) if plan.joins_skip else x, embedding)
        out: Tensor = self.out_conv(F.silu(self.out_norm(x)))
        return out


def _blocks(config: DhariwalConfig, plans: Iterable[Block]) -> dict[str, nn.Module]:
    """Blocks under their names without `enc.` or `dec.`."""
    return {
        plan.name.split(".", 1)[1]: UNetBlock(plan, config.embedding, plan.name in config.attention) for plan in plans
    }


class Holder(nn.Module):
    """Adds `base_unet.` before the keys of the network."""

    def __init__(self, config: DhariwalConfig) -> None:
        super().__init__()
        self.base_unet = BaseUNet(config)


class DhariwalFlow(nn.Module):
    """network(x, t, image) -> velocity or logits, (B, 1 or 2, H, W).

    x (B, 1, H, W); t (B,) or a single one, in [0, 1]; image (B, 1, H, W) in [-1, 1]. It has no FiLM, so `condition` is
    None. H and W must be multiples of `divisor`.
    """

    def __init__(self, config: DhariwalConfig) -> None:
        super().__init__()
        self.config = config
        self.unet = Holder(config)

    def forward(self, x: Tensor, t: Tensor, image: Tensor, condition: None = None) -> Tensor:
        out: Tensor = self.unet.base_unet(x, t, image)
        return out
