"""Sizes of a Dhariwal U-Net, read from the names and shapes of its weights. No torch here."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.networks.architecture import Architecture, Shapes, SizesUnclear, plain_contradictions, shape_of
from core.networks.dhariwal.blocks import Block, block_problem, decoder_blocks, encoder_blocks

if TYPE_CHECKING:
    from torch import nn

BASE = "unet.base_unet."
EMBEDDING, LAST = BASE + "map_layer0.weight", BASE + "out_conv.weight"
FIRST_CONVOLUTION = re.compile(re.escape(BASE) + r"enc\.([1-9]\d{0,4})x\1_conv\.weight")
NOT_BUILT = (BASE + "map_label.weight", BASE + "map_augment.weight")
MOST_LEVELS, MOST_BLOCKS, MOST_CHANNELS = 12, 64, 8192


@dataclass(frozen=True, slots=True, kw_only=True)
class DhariwalConfig:
    """`widths`: channels of each level, the highest resolution first. `attention`: names of the blocks that have it.

    `model_channels`: width of the time frequencies; `embedding`: width of what the blocks are told about time.
    `in_channels`: of the image, which enters behind one channel of state.
    """

    image_size: int
    model_channels: int
    embedding: int
    widths: tuple[int, ...]
    num_blocks: int
    attention: tuple[str, ...] = ()
    in_channels: int = 1
    out_channels: int = 1

    @property
    def state_channels(self) -> int:
        return 1

    @property
    def levels(self) -> int:
        return len(self.widths)

    @property
    def divisor(self) -> int:
        return 1 << (self.levels - 1)

    def encoder(self) -> tuple[Block, ...]:
        return tuple(encoder_blocks(self.image_size, self.widths, self.num_blocks))

    def decoder(self) -> tuple[Block, ...]:
        return tuple(decoder_blocks(self.image_size, self.widths, self.num_blocks))

    def to_dict(self) -> dict[str, Any]:
        """As the producers would write it where the sizes allow: `model_channels`, `channel_mult`, ..."""
        return {
            "model_channels": self.model_channels,
            "channel_mult": [_multiple(width, self.model_channels) for width in self.widths],
            "channel_mult_emb": _multiple(self.embedding, self.model_channels),
            "num_blocks": self.num_blocks,
            "image_size": self.image_size,
            "attention": list(self.attention),
            "out_channels": self.out_channels,
        }

    def witnesses(self) -> Mapping[str, str]:
        first = f"{BASE}enc.{self.image_size}x{self.image_size}_conv.weight"
        inputs = f"{first} has {1 + self.in_channels} input channels: one of state, then the image"
        return {
            "state_channels": inputs,
            "in_channels": inputs,
            "out_channels": f"{LAST} has {self.out_channels} output channels",
            "image_size": f"name of {first}",
            "network": f"shapes of {EMBEDDING} and {BASE}enc.*_block0.conv0.weight",
        }

    def problem(self) -> str:
        return self._size_problem() or self._block_problem()

    def _size_problem(self) -> str:
        """Limits first: within them the plan of the blocks is short."""
        if self.in_channels < 1:
            return "its first convolution takes one channel, where a state and an image are two"
        if self.levels > MOST_LEVELS or self.num_blocks > MOST_BLOCKS:
            return (
                f"it has {self.levels} levels of {self.num_blocks} blocks, where {MOST_LEVELS} of {MOST_BLOCKS} "
                "are the most"
            )
        if self.image_size % self.divisor or self.image_size > 4096:
            return f"its window of {self.image_size} pixels cannot be halved {self.levels - 1} times"
        widths = [self.model_channels, self.embedding, *self.widths]
        if max(widths) > MOST_CHANNELS:
            return f"its widths {widths} exceed {MOST_CHANNELS}"
        if self.model_channels % 2:
            return f"its {self.model_channels} time frequencies are no sines and cosines in pairs"
        return ""

    def _block_problem(self) -> str:
        blocks = (*self.encoder(), *self.decoder())
        problems = (block_problem(block, block.name in self.attention) for block in blocks)
        return next((problem for problem in problems if problem), "")

    def contradictions(self, stored: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        base, side = self.model_channels, self.image_size
        decided = (
            ("image_size", side, f"the first convolution is named {side}x{side}"),
            ("model_channels", base, f"time enters as {base} numbers"),
            (
                "channel_mult",
                [_multiple(width, base) for width in self.widths],
                f"the levels have {list(self.widths)} channels",
            ),
            ("channel_mult_emb", _multiple(self.embedding, base), f"time becomes {self.embedding} numbers"),
            ("num_blocks", self.num_blocks, f"the first level has {self.num_blocks} encoder blocks"),
        )
        yield from plain_contradictions(stored, decided)
        yield from self._attention_contradictions(stored)

    def _attention_contradictions(self, stored: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        """`attn_resolutions` against the blocks with qkv keys; a block too narrow for a head never has them."""
        resolutions = stored.get("attn_resolutions")
        if not isinstance(resolutions, (list, tuple)):
            return
        expected = tuple(
            block.name
            for block in (*self.encoder(), *self.decoder())
            if block.attends and block.heads and (block.side in resolutions or block.name.endswith("_in0"))
        )
        if expected != self.attention:
            yield "attn_resolutions", f"by their qkv keys the blocks with attention are {list(self.attention)}"


def _multiple(width: int, base: int) -> int | float:
    return width // base if width % base == 0 else width / base


def infer_config(shapes: Shapes) -> DhariwalConfig:
    """Sizes from keys and shapes alone. Raises `SizesUnclear` where a deciding key is missing or impossible."""
    for key in NOT_BUILT:
        if key in shapes:
            raise SizesUnclear(f"{key} makes the network depend on a label, which this version does not know")
    size = _image_size(shapes)
    embedding, frequencies = shape_of(shapes, EMBEDDING, 2)
    widths = tuple(_rows(shapes, f"enc.{side}x{side}_block0.conv0.weight") for side in _sides(shapes, size))
    num_blocks = _count_blocks(shapes, size)
    return DhariwalConfig(
        image_size=size,
        model_channels=frequencies,
        embedding=embedding,
        widths=widths,
        num_blocks=num_blocks,
        attention=_attention(shapes, size, widths, num_blocks),
        in_channels=shape_of(shapes, f"{BASE}enc.{size}x{size}_conv.weight", 4)[1] - 1,
        out_channels=shape_of(shapes, LAST, 4)[0],
    )


def _image_size(shapes: Shapes) -> int:
    found = [match[1] for match in map(FIRST_CONVOLUTION.fullmatch, shapes) if match]
    if len(found) != 1:
        raise SizesUnclear(f"{len(found)} keys are named {BASE}enc.<side>x<side>_conv.weight, and one should be")
    return int(found[0])


def _sides(shapes: Shapes, size: int) -> list[int]:
    sides = [size]
    while (side := sides[-1] // 2) and f"{BASE}enc.{side}x{side}_down.conv0.weight" in shapes:
        sides.append(side)
    return sides


def _count_blocks(shapes: Shapes, size: int) -> int:
    index = 0
    while index <= MOST_BLOCKS and f"{BASE}enc.{size}x{size}_block{index}.conv0.weight" in shapes:
        index += 1
    return index


def _attention(shapes: Shapes, size: int, widths: tuple[int, ...], num_blocks: int) -> tuple[str, ...]:
    blocks = (*encoder_blocks(size, widths, num_blocks), *decoder_blocks(size, widths, num_blocks))
    return tuple(block.name for block in blocks if f"{BASE}{block.name}.qkv.weight" in shapes)


def _rows(shapes: Shapes, key: str) -> int:
    return shape_of(shapes, BASE + key, 4)[0]


def _gives(channels: int) -> Callable[[Shapes], bool]:
    return lambda shapes: shapes.get(LAST, ())[:1] == (channels,)


def _build(config: DhariwalConfig) -> nn.Module:
    from core.networks.dhariwal.network import DhariwalFlow

    return DhariwalFlow(config)


SIGNATURE = (EMBEDDING, BASE + "map_layer1.weight", BASE + "out_norm.weight", LAST)
DHARIWAL_CONCAT = Architecture(
    names=("dhariwal_concat_unet",),
    family="flow",
    signature=SIGNATURE,
    absent=(),
    infer_config=infer_config,
    build=_build,
    accepts=_gives(1),
)
DHARIWAL_MULTIHEAD = Architecture(
    names=("dhariwal_concat_unet_multihead",),
    family="flow",
    signature=SIGNATURE,
    absent=(),
    infer_config=infer_config,
    build=_build,
    accepts=_gives(2),
    used_output={"cfm_continuous": 0, "dfm_binary": 1},
)
