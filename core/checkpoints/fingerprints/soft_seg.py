"""Traces of soft-seg: continuous flow only, results in [0, 1]."""

from __future__ import annotations

from core.checkpoints.fingerprints.clues import UNIT_RANGE, Clues, Writer, listed

RULES = {"cfm_continuous": UNIT_RANGE}
WHY_RULE = "soft-seg trains on masks in [0, 1] and cuts at x > 0.5 on channel 0"


def flow_model(clues: Clues) -> Writer | None:
    """FlowModel of 2026-01-07: the velocity options exist nowhere else."""
    traces = clues.present("v_activation", "v_clamp_value", "use_pcgrad")
    if not traces:
        return None
    why = f"only soft-seg's FlowModel has the hyper-parameters {listed(traces)}"
    return Writer(producer="soft-seg", module_class="FlowModel", rules=RULES, why=why, why_class=why, why_rule=WHY_RULE)


def soft2hard_model(clues: Clues) -> Writer | None:
    """FlowSoft2HardModel: weights of its loss terms, and no `loss_type`. Also trains the multitask architecture."""
    traces = clues.present("soft2hard_weight", "soft_sharpness", "hard_weight", "soft_weight", "flow_weight")
    if len(traces) < 3 or "loss_type" in clues.hyper_parameters:
        return None
    why = f"only soft-seg's FlowSoft2HardModel has the hyper-parameters {listed(traces)} and no loss_type"
    return Writer(
        producer="soft-seg", module_class="FlowSoft2HardModel", rules=RULES, why=why, why_class=why, why_rule=WHY_RULE
    )
