"""One hook for progress and cancellation: core calls `report(Progress(...))`; raising `Cancelled` stops the run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core.records import Axis, Step


class Cancelled(Exception):
    """Raised inside a report hook to stop the work at its next report. Not an error."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Progress:
    """`done` of `total` units of `stage`; `step` is a finished step of the trajectory, when one just became known.

    `axis` and `state_range` of a run are those that its `Prediction` will have.
    """

    done: int
    total: int
    stage: str = ""
    step: Step | None = None
    axis: Axis = "time"
    state_range: tuple[float, float] | None = None


Report = Callable[[Progress], None]


def silent(progress: Progress) -> None:
    """The hook for a caller who does not want to hear."""
