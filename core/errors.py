"""What can go wrong, by name. Every message says what happened, in which file or key, and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core.records import Finding


class FlowglassError(Exception):
    """Base of every error that is meant for a person to read."""


class CheckpointRefused(FlowglassError):
    """A checkpoint that cannot be loaded faithfully. `findings` says why; at least one is an error."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.findings = tuple(findings)
        errors = [finding for finding in self.findings if finding.severity == "error"]
        super().__init__(" ".join(f"{finding.message} {finding.remedy}".strip() for finding in errors))


class ImageRefused(FlowglassError):
    """An image or label file that cannot be read without guessing."""


class ShapeMismatch(FlowglassError):
    """Two arrays that should lie on one grid do not."""


class ConditionMissing(FlowglassError):
    """A FiLM checkpoint was asked to run, and nothing at hand says what to condition it on."""


class ModelRefused(FlowglassError):
    """A vision-language model that is not at hand or cannot be opened safely."""


class SettingsRefused(FlowglassError):
    """Run settings that the checkpoint cannot follow."""


class OutOfMemory(FlowglassError):
    """The device ran out of memory in the middle of a run."""


class FigureRefused(FlowglassError):
    """A figure or an animation that cannot be drawn, or not in this form."""
