"""Denoisers of `DiffusionModel` files: a U-Net and the schedule it was trained with (diffusion spec 4, 5). No torch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.networks.architecture import Architecture, Shapes, plain_contradictions, shape_of
from core.networks.medsegdiff import config as two_paths
from core.networks.segdiff import config as one_path

if TYPE_CHECKING:
    from torch import nn

PROCESS = "diffusion_model."
BASE = PROCESS + "model."
MAP = BASE + "conditioners.0.ff_parser_attn_map"
MOST_TIMESTEPS = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class DenoiserConfig:
    """`unet`: the network; `timesteps`: length of the schedule's tables; `alphas`: it has the table of single steps."""

    unet: two_paths.MedSegDiffConfig | one_path.SegDiffConfig
    timesteps: int
    alphas: bool = False

    @property
    def in_channels(self) -> int:
        return self.unet.in_channels

    @property
    def state_channels(self) -> int:
        return self.unet.state_channels

    @property
    def out_channels(self) -> int:
        return self.unet.out_channels

    @property
    def image_size(self) -> None:
        """The frequency maps may be smaller than the window (`conditioning_fmap_size`), so they do not tell."""

    @property
    def divisor(self) -> int:
        return self.unet.divisor

    def to_dict(self) -> dict[str, Any]:
        sizes = self.unet.to_dict()
        sizes["dim"] = sizes.pop("model_channels")
        sizes.pop("head", None), sizes.pop("refine_depth", None)
        if isinstance(self.unet, two_paths.MedSegDiffConfig):
            sizes["map_size"] = sizes.pop("image_size")
            sizes["mid_transformer_depth"] = self.unet.mid_depth
        return sizes | {"timesteps": self.timesteps}

    def witnesses(self) -> Mapping[str, str]:
        stem = "F_model" if isinstance(self.unet, one_path.SegDiffConfig) and self.unet.stem == "sum" else "init_conv"
        return {
            "state_channels": f"{BASE}{stem}.weight takes the state",
            "in_channels": f"{BASE}{stem}.weight and its partner take one image channel",
            "out_channels": f"{BASE}final_conv.weight has {self.out_channels} output channels",
            "network": f"shapes of {BASE}{stem}, downs.*.3, mid_* and {PROCESS}betas",
        }

    def problem(self) -> str:
        if self.timesteps > MOST_TIMESTEPS:
            return f"its schedule has {self.timesteps:,} steps, where {MOST_TIMESTEPS:,} are the most"
        if isinstance(self.unet, two_paths.MedSegDiffConfig) and self.unet.image_size > 4096:
            return f"its frequency map is {self.unet.image_size} wide"
        wrong = two_paths.channel_problem(self.state_channels, self.out_channels)
        return two_paths.width_problem(self.unet.widths) or wrong

    def contradictions(self, stored: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        tables = (
            ("timesteps", self.timesteps, f"the tables of the schedule have {self.timesteps} entries"),
            ("dim", self.unet.widths[0], f"the first convolution has {self.unet.widths[0]} output channels"),
        )
        yield from plain_contradictions(stored, tables)
        size = _map_size(stored)
        if isinstance(self.unet, two_paths.MedSegDiffConfig) and size not in (None, self.unet.image_size):
            key = "image_size" if stored.get("conditioning_fmap_size") is None else "conditioning_fmap_size"
            yield key, f"the frequency map of level 0 is {self.unet.image_size} wide, not {size}"


def _map_size(stored: Mapping[str, Any]) -> int | None:
    """min(image_size, conditioning_fmap_size), as far as they are stored."""
    sizes = [size for key in ("image_size", "conditioning_fmap_size") if isinstance(size := stored.get(key), int)]
    return min(sizes) if isinstance(stored.get("image_size"), int) else None


def _infer_two_paths(shapes: Shapes) -> DenoiserConfig:
    unet = two_paths.infer_config(shapes, BASE, time_scale=1.0)
    return DenoiserConfig(unet=unet, timesteps=_timesteps(shapes))


def _infer_one_path(shapes: Shapes) -> DenoiserConfig:
    unet = one_path.infer_config(shapes, BASE, time_scale=1.0)
    return DenoiserConfig(unet=unet, timesteps=_timesteps(shapes), alphas=PROCESS + "alphas" in shapes)


def _timesteps(shapes: Shapes) -> int:
    return shape_of(shapes, PROCESS + "betas", 1)[0]


def _build(config: DenoiserConfig) -> nn.Module:
    from core.networks.diffusion.network import Denoiser

    return Denoiser(config)


def _deepest_is(times: int) -> Any:
    """Whether the last level is `times` as wide as the first convolution: medsegdiff and colddiff have equal keys."""

    def prefers(shapes: Shapes) -> bool:
        first, last = shapes.get(BASE + "init_conv.weight"), shapes.get(BASE + "downs.3.3.weight")
        return bool(first and last) and last[0] == times * first[0]  # type: ignore[index]

    return prefers


def _two_path_denoiser(name: str, deepest: int) -> Architecture:
    keys = ("init_conv.weight", "cond_init_conv.weight", "final_conv.weight", "mid_block1.block1.proj.weight")
    return Architecture(
        names=(name,),
        family="diffusion",
        signature=(PROCESS + "betas", *(BASE + key for key in keys), MAP),
        absent=(PROCESS + "alphas",),
        infer_config=_infer_two_paths,
        build=_build,
        prefers=_deepest_is(deepest),
    )


MEDSEGDIFF = _two_path_denoiser("medsegdiff", 8)
COLDDIFF = _two_path_denoiser("colddiff", 4)
SEGDIFF = Architecture(
    names=("segdiff",),
    family="diffusion",
    signature=(PROCESS + "betas", *(BASE + key for key in (*one_path.MARKS, "final_conv.weight"))),
    absent=(PROCESS + "alphas",),
    infer_config=_infer_one_path,
    build=_build,
)
BERDIFF = Architecture(
    names=("berdiff",),
    family="diffusion",
    signature=(
        PROCESS + "betas",
        PROCESS + "alphas",
        *(BASE + key for key in ("init_conv.weight", "mid_attn.fn.to_qkv.weight", "final_conv.weight")),
    ),
    absent=(MAP,),
    infer_config=_infer_one_path,
    build=_build,
)
