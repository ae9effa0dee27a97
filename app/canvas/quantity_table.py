"""All quantities that a column can be drawn as."""

from __future__ import annotations

from app.canvas.quantities import BASIC_ENTRIES, Entry, Quantity
from app.canvas.sample_quantities import SAMPLE_ENTRIES

TABLE: dict[Quantity, Entry] = {entry.name: entry for entry in (*BASIC_ENTRIES, *SAMPLE_ENTRIES)}
"""By name, in the order of the buttons."""
