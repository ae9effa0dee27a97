"""A segmenter: a loaded checkpoint that turns an image into a prediction, as its producer's own test step did."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor, nn

from core.conditioning.profiles import ProfileCache
from core.conditioning.provider import ModelProvider
from core.errors import ImageRefused, OutOfMemory, SettingsRefused
from core.images import normalise
from core.inference.stacks import slices_together
from core.networks.film import Conditioner
from core.networks.medsegdiff.network import MedSegDiffFlow
from core.progress import Progress, Report
from core.records import (
    Array,
    Axis,
    CheckpointReport,
    Deviation,
    Finding,
    Image,
    Member,
    Prediction,
    RunSettings,
    StageModulation,
    Step,
    frozen_array,
)
from core.sampling.draws import Draws, SeededDraws, StackDraws
from core.segmenters.collecting import SampleMean, SliceResult, stack_members, stack_steps, to_step, turned
from core.segmenters.conditions import WindowConditions, as_stored
from core.segmenters.diffusion import DiffusionRun
from core.segmenters.flow import FlowRun
from core.segmenters.merging import MergedStep, kept_indices
from core.segmenters.protocol import MOST_SAMPLES, Plan, plan_run
from core.segmenters.provenance import provenance
from core.segmenters.run import Run
from core.segmenters.supervised import SupervisedRun

AXES_OF_VOXELS = ("slices", "rows", "columns")
MASK_PASS = MOST_SAMPLES
"""In place of the number of a sample: draws of their own for the run whose mask the language model is shown."""
RUNS: dict[str, type[Run]] = {"flow": FlowRun, "diffusion": DiffusionRun, "supervised": SupervisedRun}
AXES: dict[str, Axis] = {"flow": "time", "diffusion": "noise", "supervised": "none"}


@dataclass(slots=True, kw_only=True, eq=False)
class Segmenter:
    """`report`: completed with what loading found. `network`: the bare network, eval mode, float32.

    `network(x, t, image, condition=None)` takes tensors as the producer's network saw them (transposed images).
    """

    report: CheckpointReport
    network: nn.Module
    device: torch.device
    conditioner: Conditioner | None = None
    profiles: ProfileCache = field(default_factory=lambda: ProfileCache(()))
    vlm: ModelProvider | None = None
    """Asked for a condition where `profiles` do not know a window."""

    def condition(self, feature: Array) -> Array:
        """Feature of the vision-language model (n, width) -> condition (n, cond_dim), both float32.

        Features are rounded as the producer stored them (`film.embedding_dtype`, usually float16).
        """
        if self.conditioner is None:
            raise SettingsRefused("This checkpoint has no conditioner: it was trained without a vision-language model.")
        with torch.inference_mode():
            rows = as_stored(np.atleast_2d(np.array(feature, dtype=np.float32)), self.report.film)
            out: Array = self.conditioner(rows.to(self.device)).cpu().numpy().copy()
        return out

    def segment(
        self,
        image: Image,
        settings: RunSettings,
        report: Report,
        random: Draws | None = None,
        condition: Array | None = None,
    ) -> Prediction:
        """See `core.pipeline.segment`."""
        run = _Run(self, image, settings, report, random, condition)
        try:
            with torch.inference_mode():
                return run.predict()
        except torch.OutOfMemoryError as error:
            raise OutOfMemory(
                f"{self.device} has not enough memory for this image. Close other programs that use it, or choose the "
                "CPU."
            ) from error


class _Run:
    """One call of `segment`: the slices of an image, the samples of a slice, and the book-keeping of both."""

    def __init__(
        self,
        segmenter: Segmenter,
        image: Image,
        settings: RunSettings,
        report: Report,
        random: Draws | None,
        condition: Array | None,
    ) -> None:
        self.segmenter, self.image, self.settings = segmenter, image, settings
        self.plan: Plan = plan_run(segmenter.report, settings, condition_given=condition is not None)
        self.keep = kept_indices(settings, self.plan.steps, image.voxels.size)
        self.along = AXES_OF_VOXELS.index(settings.slice_axis)
        self.planes: Array = np.moveaxis(image.voxels, self.along, 0)
        self.random, self.report = random, report
        self.calls = 0
        self.done = 0
        self.total = len(self.planes) * self.plan.samples * self.plan.steps
        self.axis = AXES[segmenter.report.family or "flow"]
        self.started = time.perf_counter()
        self.conditions = self._conditions(condition)
        self.run = RUNS[segmenter.report.family or "flow"](
            network=segmenter.network,
            report=segmenter.report,
            settings=settings,
            plan=self.plan,
            device=segmenter.device,
            tick=self._tick,
            conditions=self.conditions,
        )

    def _conditions(self, condition: Array | None) -> WindowConditions | None:
        segmenter = self.segmenter
        if not self.plan.film or segmenter.conditioner is None:
            return None
        return WindowConditions(
            segmenter.report,
            segmenter.conditioner,
            segmenter.profiles,
            self.settings.film,
            shared=self.plan.shared,
            given=condition,
            model=segmenter.vlm,
            tick=lambda: self.report(Progress(done=self.done, total=self.total, stage="asking the language model")),
        )

    def predict(self) -> Prediction:
        every = self._together()
        slices = [self._slices(at, self.planes[at : at + every]) for at in range(0, len(self.planes), every)]
        steps = tuple(turned(step, self.along) for step in stack_steps([item.steps for item in slices]))
        result = steps[-1]  # the last step is always kept: its estimate is the result
        spreads = [item.spread for item in slices if item.spread is not None]
        return Prediction(
            score=result.estimate,
            probability=result.probability,
            mask=frozen_array(result.estimate > self.plan.threshold),
            threshold=self.plan.threshold,
            value_range=(self.run.merging.low, self.run.merging.high),
            steps=steps,
            settings=self.settings,
            deviations=(*self.plan.deviations, *self._other_model()),
            spread=frozen_array(np.moveaxis(np.concatenate(spreads), 0, self.along)) if spreads else None,
            members=self._members(slices),
            seconds=time.perf_counter() - self.started,
            calls=self.calls,
            device=str(self.segmenter.device),
            condition=self._used_condition(),
            conditions=() if self.conditions is None else self.conditions.told,
            modulation=self._modulation(),
            state_range=self.run.state_range,
            axis=self.axis,
            provenance=provenance(self.segmenter.report, self.image, self.plan),
            findings=self._findings(),
        )

    def _members(self, slices: Sequence[SliceResult]) -> tuple[Member, ...]:
        seed = self.settings.seed if self.random is None else None
        return stack_members(slices, self.along, self.settings.first_sample, seed)

    def _together(self) -> int:
        """How many planes share their network calls. Recorded draws come slice by slice."""
        rows, columns = self.planes.shape[1:]
        if self.random is not None or not self.run.joins_slices:
            return 1
        return slices_together(self.run.windows((columns, rows)), self.segmenter.device)

    def _slices(self, number: int, planes: Array) -> SliceResult:
        """Run every sample on planes (slices, rows, columns), the first of which is `number`; results are means over
        samples."""
        image, count = torch.cat([self._tensor(plane) for plane in planes], dim=-2), len(planes)
        if self.conditions is not None and self.settings.film.unit == "image":
            self.conditions.for_image(image, self._named_by(), lambda: self._image_mask(image, number))
        mean = SampleMean(self.run.merging, count, keep_members=self.settings.keep_members)
        first = self.settings.first_sample
        for sample in range(first, first + self.plan.samples):
            # A recorded source may count as empty (len 0) and still be the one that was asked for.
            for step in self.run.steps(image, self._draws(number, count, sample), count):
                self._reached(step, count, live=len(self.planes) == 1)
                if step.index in self.keep:
                    mean.add(step, self.calls, last=step.index == self.plan.steps - 1)
        return mean.result()

    def _draws(self, number: int, count: int, sample: int) -> Draws:
        if self.random is not None:
            return self.random
        seed = self.settings.seed
        if count == 1:
            return SeededDraws(seed, number, sample)
        windows = self.run.windows((self.planes.shape[2], self.planes.shape[1]))
        sources = [SeededDraws(seed, at, sample) for at in range(number, number + count)]
        return StackDraws(sources, len(windows.origins))

    def _named_by(self) -> str | None:
        """The path by which a profile of the image is found; None where the file holds more than this one picture: what
        was said of one slice or frame must not condition another."""
        return self.image.path if len(self.planes) == 1 and self.image.frames == 1 else None

    def _image_mask(self, image: Tensor, number: int) -> Tensor:
        """A whole FiLM-off run on the image, (1, 1, H, W) {0, 1}: what the language model is shown with it."""
        film = self.segmenter.report.film
        assert film is not None, "only asked for checkpoints with FiLM heads"
        bare = replace(self.run, conditions=None)
        *_, last = bare.steps(image, SeededDraws(self.settings.seed, number, MASK_PASS))
        return (last.estimate > film.pred_threshold).to(torch.float32)

    def _tensor(self, plane: Array) -> Tensor:
        """(rows, columns) as a person sees it -> (1, 1, columns, rows) as the producers' loader made it."""
        if not np.isfinite(plane).all():
            raise ImageRefused(
                f"{self.image.name} holds NaN or infinite values, so it cannot be normalised as in training. "
                "Replace them (for example by the smallest finite value) and open the image again."
            )
        seen = normalised(plane).T
        divisor = getattr(self.segmenter.network, "divisor", 1)
        if not self.segmenter.report.sliding_window and any(side % divisor for side in seen.shape):
            raise SettingsRefused(
                f"This checkpoint runs on whole images, whose sides must be multiples of {divisor}; "
                f"{self.image.name} is {plane.shape[0]} x {plane.shape[1]}. Crop or pad the image."
            )
        return torch.from_numpy(np.array(seen, dtype=np.float32, order="C"))[None, None].to(self.segmenter.device)

    def _tick(self) -> None:
        self._say(None)
        self.calls += 1

    def _reached(self, step: MergedStep, count: int, *, live: bool) -> None:
        self.done += count
        shown = to_step(step, step.estimate, self.run.merging, self.calls) if live else None
        self._say(shown)

    def _say(self, step: Step | None) -> None:
        limits = self.run.state_range
        self.report(
            Progress(done=self.done, total=self.total, stage="sampling", step=step, axis=self.axis, state_range=limits)
        )

    def _used_condition(self) -> Array | None:
        if self.conditions is None or not self.conditions.used:
            return None
        return frozen_array(np.stack([row for _, row in sorted(self.conditions.used.items())]))

    def _other_model(self) -> tuple[Deviation, ...]:
        """A condition that another model than the one it was trained with had a say in."""
        film, asked = self.segmenter.report.film, self.segmenter.vlm
        if self.conditions is None or film is None or asked is None or film.vlm is None:
            return ()
        name = asked.name.rpartition("/")[2]
        same = name.lower() == film.vlm.rpartition("/")[2].lower()
        if same or not any(name in told.source for told in self.conditions.told):
            return ()
        return (Deviation(code="film.model", label=f"condition from {name}, trained with {film.vlm}"),)

    def _modulation(self) -> tuple[StageModulation, ...]:
        """What the heads made of the conditions that were used, as trained: strength 1."""
        rows, network = self._used_condition(), self.segmenter.network
        if rows is None or not isinstance(network, MedSegDiffFlow):
            return ()
        pairs = network.modulation(torch.from_numpy(rows.copy()).to(self.segmenter.device))
        active = self.settings.film.stages
        return tuple(
            StageModulation(
                stage=stage,
                gamma=frozen_array(gamma[..., 0, 0].cpu().numpy()),
                beta=frozen_array(beta[..., 0, 0].cpu().numpy()),
                active=active is None or stage in active,
            )
            for stage, (gamma, beta) in sorted(pairs.items())
        )

    def _findings(self) -> tuple[Finding, ...]:
        flat = [n for n, plane in enumerate(self.planes) if float(plane.min()) == float(plane.max())]
        if not flat:
            return ()
        message = "The image is constant, so it was normalised out of the range that the network was trained on."
        remedy = "Do not trust this prediction."
        return (Finding(severity="warning", code="image.constant", message=message, remedy=remedy),)


def normalised(plane: Array) -> Array:
    """Min-max of the image to [-1, 1], the producers' normalisation; an image that is so already stays as it is.

    The formula is the identity there, but for the last bit, on which the names in the profile cache depend.
    """
    plane = np.asarray(plane, dtype=np.float32)
    if float(plane.min()) == -1.0 and float(plane.max()) == 1.0:
        return plane
    return normalise(plane)
