"""The plan of a Dhariwal U-Net: its blocks by name, in the order in which they run. No torch here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

HEAD_CHANNELS = 64
Resample = Literal["none", "down", "up"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """`name`: as in the keys (`enc.32x32_block0`). `attends`: may have attention, if it is wide enough for a head.

    `joins_skip`: its input is what came before, joined with the latest unused output of the encoder.
    """

    name: str
    side: int
    channels_in: int
    channels_out: int
    resample: Resample = "none"
    joins_skip: bool = False
    attends: bool = False

    @property
    def heads(self) -> int:
        return self.channels_out // HEAD_CHANNELS


def encoder_blocks(size: int, widths: tuple[int, ...], num_blocks: int) -> Iterator[Block]:
    """After the first convolution: a block that halves, except at the first level, then `num_blocks` others."""
    x = widths[0]
    for level, width in enumerate(widths):
        side = size >> level
        if level:
            yield Block(name=f"enc.{side}x{side}_down", side=side, channels_in=x, channels_out=x, resample="down")
        for index in range(num_blocks):
            name = f"enc.{side}x{side}_block{index}"
            yield Block(name=name, side=side, channels_in=x, channels_out=width, attends=True)
            x = width


def decoder_blocks(size: int, widths: tuple[int, ...], num_blocks: int) -> Iterator[Block]:
    """From the deepest level up: two blocks there, elsewhere one that doubles; then `num_blocks + 1` with skips."""
    skips = [widths[0], *(block.channels_out for block in encoder_blocks(size, widths, num_blocks))]
    x = widths[-1]
    for level, width in reversed(list(enumerate(widths))):
        side = size >> level
        if level == len(widths) - 1:
            yield Block(name=f"dec.{side}x{side}_in0", side=side, channels_in=x, channels_out=x, attends=True)
            yield Block(name=f"dec.{side}x{side}_in1", side=side, channels_in=x, channels_out=x)
        else:
            yield Block(name=f"dec.{side}x{side}_up", side=side, channels_in=x, channels_out=x, resample="up")
        for index in range(num_blocks + 1):
            name, joined = f"dec.{side}x{side}_block{index}", x + skips.pop()
            yield Block(name=name, side=side, channels_in=joined, channels_out=width, joins_skip=True, attends=True)
            x = width


def groups(channels: int) -> int:
    """Group normalisation: at least four channels to a group, at most 32 groups."""
    return min(32, channels // 4)


def block_problem(block: Block, attention: bool) -> str:
    """Why a block cannot be built, or nothing."""
    for channels in (block.channels_in, block.channels_out):
        if channels < 4 or channels % groups(channels):
            return f"the {channels} channels of {block.name} cannot be split into {groups(channels)} equal groups"
    if attention and (block.heads < 1 or block.channels_out % block.heads):
        return f"the {block.channels_out} channels of {block.name} cannot be split into {block.heads} attention heads"
    return ""
