"""Which slices a lightbox shows: evenly spaced ones of one plane, among them always the one of the crosshair."""

from __future__ import annotations

from dataclasses import dataclass

from app.canvas.camera import Plane

MOST_ACROSS, MOST_DOWN = 6, 5
_LEAST_PX = 150
"""Pixels that the longer side of a tile should have at least."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Places for tiles."""

    rows: int
    columns: int

    @property
    def places(self) -> int:
        return self.rows * self.columns


def grid_for(width: int, height: int, plane: Plane, slices: int) -> Grid:
    """As many tiles as can be read in a room of that many pixels; no more rows than there are slices for."""
    tall = plane.rows * plane.aspect / plane.columns  # height of a tile by its width
    tile_width = _LEAST_PX / max(tall, 1.0)
    columns = min(max(int(width // tile_width), 1), MOST_ACROSS)
    tile_height = width / columns * tall
    rows = min(max(int(height // min(tile_height, _LEAST_PX * 1.6)), 1), MOST_DOWN)
    rows = min(rows, -(-slices // columns))
    return Grid(rows=rows, columns=min(columns, slices))


def tile_slices(slices: int, places: int, every: int, at: int, tile: int | None) -> tuple[int | None, ...]:
    """The slice of each place, None for a place that stays empty: `every` slices apart, 0 = over the whole volume.

    Slice `at` is always among them; it should lie at place `tile` (None = in the middle), if that does not leave places
    empty at one end while slices are left over at the other.
    """
    step = every if every > 0 else -(-slices // places)
    before, after = at // step, (slices - 1 - at) // step  # whole steps on each side of `at`
    wanted = places // 2 if tile is None else tile
    first = at - step * min(max(wanted, places - 1 - after), before, places - 1)
    shown = (first + step * place for place in range(places))
    return tuple(index if index < slices else None for index in shown)
