"""What the FiLM heads were told in a run, in figures. Imports no torch."""

from __future__ import annotations

import numpy as np

from core.records import Array, FilmSummary, Prediction, StageModulation, StageRange, frozen_array

IDENTITY_GAMMA, IDENTITY_BETA = 1.0, 0.0


def summarise(prediction: Prediction) -> FilmSummary:
    """Figures of the conditions and of what the heads made of them; all empty for a run without FiLM."""
    rows = prediction.condition
    if rows is None:
        return FilmSummary(windows=0, size=0, norms=(), shared=False, ranges=())
    norms = np.linalg.norm(rows.astype(np.float64), axis=1)
    return FilmSummary(
        windows=len(rows),
        size=rows.shape[1],
        norms=tuple(float(norm) for norm in norms),
        shared=len(rows) > 1 and bool((rows == rows[0]).all()),
        ranges=tuple(_range_of(stage) for stage in prediction.modulation),
    )


def _range_of(stage: StageModulation) -> StageRange:
    return StageRange(
        stage=stage.stage,
        gamma_low=frozen_array(stage.gamma.min(axis=0)),
        gamma_high=frozen_array(stage.gamma.max(axis=0)),
        beta_low=frozen_array(stage.beta.min(axis=0)),
        beta_high=frozen_array(stage.beta.max(axis=0)),
        gamma_limits=_limits(stage.gamma, IDENTITY_GAMMA),
        beta_limits=_limits(stage.beta, IDENTITY_BETA),
    )


def _limits(values: Array, identity: float) -> tuple[float, float]:
    return min(float(values.min()), identity), max(float(values.max()), identity)
