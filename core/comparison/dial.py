"""The steps dial: one case again and again, with fewer steps or other solvers, for quality against seconds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from core.metrics.measures import measure_masks
from core.metrics.pair import Options
from core.progress import Progress, Report
from core.records import Array, CheckpointReport, DialPoint, Image, RunSettings, Solver
from core.segmenters.protocol import solvers_of

if TYPE_CHECKING:
    from core.comparison.grids import Spacing
    from core.segmenters import Segmenter

Wish = TypeVar("Wish")
STEPS = (1, 2, 4, 8, 16, 32)


def dial_settings(
    report: CheckpointReport, base: RunSettings, steps: Sequence[int] = STEPS, solvers: Sequence[Solver] | None = None
) -> tuple[RunSettings, ...]:
    """What to run: the checkpoint's own setting first, then each of `solvers` (None = all it can) with `steps` steps.

    A continuous flow needs one grid point more than steps. Of its dopri5 there is one setting, since that chooses its
    steps itself. Checkpoints without a differential equation have their own setting only. Only results are kept.
    """
    own = replace(base, steps=None, solver=None, keep="last")
    known = solvers_of(report)
    wished = [solver for solver in known if solvers is None or solver in solvers]
    more = 1 if report.mode == "cfm_continuous" else 0
    found = [own]
    for solver in wished:
        if solver == "dopri5":
            found.append(replace(own, solver=None if report.sampler == solver else solver))
            continue
        found += [
            replace(own, steps=_other(count + more, report.timesteps), solver=_other(solver, report.sampler))
            for count in steps
        ]
    return tuple(dict.fromkeys(found))


def run_dial(
    segmenter: Segmenter,
    image: Image,
    settings: Sequence[RunSettings],
    reference: Array | None,
    spacing_mm: Spacing | None,
    report: Report,
) -> Iterator[DialPoint]:
    """See `core.pipeline.run_dial`."""
    for done, one in enumerate(settings):
        # Between two runs as well, so that it can be stopped where a run has ended.
        report(Progress(done=done, total=len(settings), stage="dial"))
        prediction = segmenter.segment(image, one, report)
        measured = None
        if reference is not None:
            measured = measure_masks(prediction.mask, reference, options=Options(spacing_mm=spacing_mm))
        yield DialPoint(
            settings=one,
            prediction=prediction,
            seconds=prediction.seconds,
            calls=prediction.calls,
            measurement=measured,
            own=one.steps in (None, segmenter.report.timesteps) and one.solver in (None, segmenter.report.sampler),
        )


def _other(value: Wish, own: object) -> Wish | None:
    """None where it is the checkpoint's own."""
    return None if value == own else value
