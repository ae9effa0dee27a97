"""The MedSegDiff flow network: mask path and image path side by side, joined by FFT conditioning (spec section 3)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from core.networks.blocks import (
    GROUPS,
    HEAD_DIM,
    HIDDEN,
    ChannelNorm,
    Residual,
    ResnetBlock,
    down_level,
    merge_heads,
    split_heads,
    time_mlp,
    up_stage,
)
from core.networks.film import AS_TRAINED, FilmControl, FilmHeads, Modulation, apply_film
from core.networks.medsegdiff.config import FilmPoint, MedSegDiffConfig


class FFTConditioning(nn.Module):
    """Join mask features x and image features c, both (B, C, H, W): x is filtered in the frequency plane first."""

    def __init__(self, channels: int, size: int) -> None:
        super().__init__()
        self.ff_parser_attn_map = nn.Parameter(torch.ones(channels, size, size))
        self.norm_input = ChannelNorm(channels, bias=True)
        self.norm_condition = ChannelNorm(channels, bias=True)
        self.block = ResnetBlock(channels, channels)

    def forward(self, x: Tensor, c: Tensor) -> Tensor:
        filtered = torch.fft.ifft2(torch.fft.fft2(x) * self._map(x.shape[-2:])).real
        joined = self.norm_input(filtered) * self.norm_condition(c) * c
        out: Tensor = self.block(joined)
        return out

    def _map(self, size: torch.Size) -> Tensor:
        weights = self.ff_parser_attn_map
        if weights.shape[-2:] == size:
            return weights
        return F.interpolate(weights[None], size=tuple(size), mode="bilinear", align_corners=False)[0]


class CrossAttention(nn.Module):
    """Queries from c, keys and values from x. The unused thirds of both projections are in the files, so also here."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.pre_norm_x = ChannelNorm(channels)
        self.pre_norm_c = ChannelNorm(channels)
        self.to_qkv_x = nn.Conv2d(channels, 3 * HIDDEN, 1, bias=False)
        self.to_qkv_c = nn.Conv2d(channels, 3 * HIDDEN, 1, bias=False)
        self.to_out = nn.Conv2d(HIDDEN, channels, 1)

    def forward(self, x: Tensor, c: Tensor) -> Tensor:
        _, k, v = (split_heads(part) for part in self.to_qkv_x(self.pre_norm_x(x)).chunk(3, dim=1))
        q = split_heads(self.to_qkv_c(self.pre_norm_c(c))[:, :HIDDEN])
        attended = F.scaled_dot_product_attention(q, k, v, scale=HEAD_DIM**-0.5)
        out: Tensor = self.to_out(merge_heads(attended, *x.shape[-2:]))
        return out


def feed_forward(channels: int) -> nn.Sequential:
    """(B, C, H, W) -> same, four times as wide in between."""
    return nn.Sequential(
        ChannelNorm(channels), nn.Conv2d(channels, 4 * channels, 1), nn.GELU(), nn.Conv2d(4 * channels, channels, 1)
    )


class MidTransformer(nn.Module):
    """At the lowest resolution: cross attention, two feed-forwards side by side, cross attention between the two.

    With `depth` 0 (diffusion networks of sofl-seg) x passes unchanged.
    """

    def __init__(self, channels: int, depth: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(self._layer(channels) for _ in range(depth))

    @staticmethod
    def _layer(channels: int) -> nn.ModuleList:
        parts = (CrossAttention(channels), feed_forward(channels), feed_forward(channels), CrossAttention(channels))
        return nn.ModuleList(Residual(part) for part in parts)

    def forward(self, x: Tensor, c: Tensor) -> Tensor:
        for layer in self.layers:
            first, forward_1, forward_2, last = cast(Iterable[Residual], layer)
            a = first(x, c)
            x = last(forward_1(a), forward_2(a))
        return x


class BaseUNet(nn.Module):
    """(state, t, image) -> features (B, d, H, W) before the output; `final_conv` makes K channels of them.

    As a whole, called without FiLM, it is the denoiser of the diffusion models: (state, t, image) -> (B, K, H, W).
    """

    def __init__(self, config: MedSegDiffConfig) -> None:
        super().__init__()
        widths, levels = config.widths, config.levels
        base, deepest, time = widths[0], widths[-1], 4 * widths[0]
        self.init_conv = nn.Conv2d(config.state_channels, base, 7, padding=3)
        self.cond_init_conv = nn.Conv2d(config.in_channels, base, 7, padding=3)
        self.time_mlp = time_mlp(base, config.time_scale)
        full = config.full_attention
        self.downs = nn.ModuleList(down_level(widths, full, level) for level in range(levels))
        self.cond_downs = nn.ModuleList(down_level(widths, full, level) for level in range(levels))
        self.conditioners = nn.ModuleList(
            FFTConditioning(widths[level], max(1, config.image_size >> level)) for level in range(levels)
        )
        self.mid_block1 = ResnetBlock(deepest, deepest, time)
        self.cond_mid_block1 = ResnetBlock(deepest, deepest, time)
        self.mid_transformer = MidTransformer(deepest, config.mid_depth)
        self.mid_block2 = ResnetBlock(deepest, deepest, time)
        self.ups = nn.ModuleList(up_stage(widths, full, stage) for stage in range(levels))
        self.final_res_block = ResnetBlock(2 * base, base, time)
        self.final_conv = nn.Conv2d(base, config.state_channels, 1)

    def forward(self, x: Tensor, t: Tensor, image: Tensor) -> Tensor:
        out: Tensor = self.final_conv(self.features(x, t, image, {}, "A", None))
        return out

    def features(
        self, x: Tensor, t: Tensor, image: Tensor, film: Modulation, point: FilmPoint, gate: Tensor | None
    ) -> Tensor:
        time = self.time_mlp(t)  # (B, 4d)
        x = self.init_conv(x)
        first = x
        x, skips = self._encode(x, self.cond_init_conv(image), time)
        for stage, parts in enumerate(self.ups):
            block1, block2, attention, up = cast(Iterable[nn.Module], parts)
            pair = film.get(stage)
            x = block1(torch.cat((x, skips.pop()), dim=1), time)
            x = apply_film(x, pair if point == "A" else None, gate)
            x = block2(torch.cat((x, skips.pop()), dim=1), time)
            x = apply_film(x, pair if point == "B" else None, gate)
            x = up(attention(x))
        out: Tensor = self.final_res_block(torch.cat((x, first), dim=1), time)
        return out

    def _encode(self, x: Tensor, c: Tensor, time: Tensor) -> tuple[Tensor, list[Tensor]]:
        skips: list[Tensor] = []
        for level, cond_level, join in zip(self.downs, self.cond_downs, self.conditioners, strict=True):
            block1, block2, attention, down = cast(Iterable[nn.Module], level)
            cond1, cond2, cond_attention, cond_down = cast(Iterable[nn.Module], cond_level)
            x = block1(x, time)
            skips.append(x)
            c = cond_attention(cond2(cond1(c, time), time))
            x = join(attention(block2(x, time)), c)
            skips.append(x)
            x, c = down(x), cond_down(c)
        c = self.cond_mid_block1(c, time)
        x = self.mid_transformer(self.mid_block1(x, time) + c, c)
        return self.mid_block2(x, time), skips


class Refine(nn.Module):
    """Optional refinement before a head: `depth` times 3x3 convolution, GroupNorm, SiLU."""

    def __init__(self, channels: int, depth: int) -> None:
        super().__init__()
        parts: list[nn.Module] = []
        for _ in range(depth):
            parts += [nn.Conv2d(channels, channels, 3, padding=1), nn.GroupNorm(GROUPS, channels), nn.SiLU()]
        self.net = nn.Sequential(*parts)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.net(x)
        return out


class SingleHead(nn.Module):
    """One output channel, straight from `final_conv`."""

    def __init__(self, config: MedSegDiffConfig) -> None:
        super().__init__()
        self.base_unet = BaseUNet(config)

    def output(self, features: Tensor) -> Tensor:
        out: Tensor = self.base_unet.final_conv(features)
        return out


class MultitaskHead(nn.Module):
    """Two output channels, hard then soft. `final_conv` is in the file and unused, as in the producers' network."""

    def __init__(self, config: MedSegDiffConfig) -> None:
        super().__init__()
        width = config.widths[0]
        self.base_unet = BaseUNet(config)
        self.hard_refine = Refine(width, config.refine_depth) if config.refine_depth else nn.Identity()
        self.soft_refine = Refine(width, config.refine_depth) if config.refine_depth else nn.Identity()
        self.hard_head = nn.Conv2d(width, 1, 1)
        self.soft_head = nn.Conv2d(width, 1, 1)

    def output(self, features: Tensor) -> Tensor:
        hard = self.hard_head(self.hard_refine(features))
        return torch.cat((hard, self.soft_head(self.soft_refine(features))), dim=1)


class Soft2HardHead(nn.Module):
    """The soft velocity gates the features that the hard velocity is made of; output hard, then soft."""

    def __init__(self, config: MedSegDiffConfig) -> None:
        super().__init__()
        width = config.widths[0]
        self.base_unet = BaseUNet(config)
        self.soft_head = nn.Conv2d(width, 1, 1)
        self.soft_feat = nn.Sequential(nn.Conv2d(1, width, 3, padding=1), nn.ReLU())
        self.gate_conv = nn.Conv2d(width, width, 1)
        self.hard_head = nn.Conv2d(width, 1, 1)

    def output(self, features: Tensor) -> Tensor:
        soft = self.soft_head(features)
        gate = torch.sigmoid(self.gate_conv(self.soft_feat(soft)))
        return torch.cat((self.hard_head(features * (1 + gate)), soft), dim=1)


HEADS_BY_NAME: dict[str, type[SingleHead] | type[MultitaskHead] | type[Soft2HardHead]] = {
    "single": SingleHead,
    "multitask": MultitaskHead,
    "soft2hard": Soft2HardHead,
}


class MedSegDiffFlow(nn.Module):
    """network(x, t, image, condition=None) -> velocity or logits, (B, out_channels, H, W).

    x (B, state_channels, H, W); t (B,) in [0, 1]; image (B, 1, H, W) in [-1, 1]; condition (B, cond_dim), None = off.
    `control` weakens or restricts FiLM, `gate` (B, 1, H, W) closes it locally. H and W must be multiples of `divisor`.
    """

    def __init__(self, config: MedSegDiffConfig) -> None:
        super().__init__()
        self.config = config
        self.unet: SingleHead | MultitaskHead | Soft2HardHead = HEADS_BY_NAME[config.head](config)
        self.vlm_film_heads = None if config.film is None else FilmHeads(config.film)

    @property
    def divisor(self) -> int:
        return self.config.divisor

    def forward(
        self,
        x: Tensor,
        t: Tensor,
        image: Tensor,
        condition: Tensor | None = None,
        *,
        control: FilmControl = AS_TRAINED,
        gate: Tensor | None = None,
    ) -> Tensor:
        film = self.modulation(condition, control)
        point: FilmPoint = "A" if self.config.film is None else self.config.film.point
        return self.unet.output(self.unet.base_unet.features(x, t, image, film, point, gate))

    def modulation(self, condition: Tensor | None, control: FilmControl = AS_TRAINED) -> Modulation:
        """Gamma and beta by stage; empty without a condition or without heads."""
        if condition is None or self.vlm_film_heads is None:
            return {}
        return self.vlm_film_heads.modulation(condition, control)
