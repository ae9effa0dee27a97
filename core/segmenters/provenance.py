"""Where a prediction comes from: enough to compute it again, as plain values."""

from __future__ import annotations

import platform
from typing import Any

import torch

from core.records import CheckpointReport, Image
from core.segmenters.protocol import Plan
from core.versions import version_of


def provenance(report: CheckpointReport, image: Image, plan: Plan) -> dict[str, Any]:
    """Checkpoint, image, what was decided, and the versions that computed it."""
    return {
        "checkpoint": report.path,
        "sha256": report.sha256,
        "image": image.path or image.name,
        **({"frame": image.frame} if image.frames > 1 else {}),
        "producer": report.producer,
        "module_class": report.module_class,
        "arch": report.arch,
        "mode": report.mode,
        "sampler": report.sampler,
        "solver": plan.solver or None,
        "steps": plan.steps,
        "samples": plan.samples,
        "film": plan.film,
        "junction_gate": plan.gated,
        "threshold": plan.threshold,
        "trained_threshold": report.threshold,
        "versions": {
            "flowglass": version_of("flowglass"),
            "torch": torch.__version__,
            "torchdiffeq": version_of("torchdiffeq"),
            "python": platform.python_version(),
        },
        "threads": torch.get_num_threads(),
    }
