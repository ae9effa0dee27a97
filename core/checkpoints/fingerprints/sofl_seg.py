"""Traces of sofl-seg from 2026-01-20 on: sliding window option, then two modes, then FiLM."""

from __future__ import annotations

from core.checkpoints.fingerprints.clues import SIGNED_RANGE, UNIT_RANGE, Clues, Writer, listed

RULES = {"cfm_continuous": SIGNED_RANGE, "dfm_binary": UNIT_RANGE}
STAGE_KEYS = ("vlm_film_decoder_stages", "junction_gating_config")
TRACES = ("mode", "use_sliding_infer", *STAGE_KEYS, "use_vlm_film", "vlm_film_config", "dfm_sampler")
WHY_RULE = {
    True: "sofl-seg cuts cfm at x > 0 on channel 0 in [-1, 1], and dfm at p > 0.5",
    False: "sofl-seg of 2026-01-20, which has no mode, trains on [-1, 1] and cuts at x > 0",
}


def flow_model(clues: Clues) -> Writer | None:
    """FlowModel, or FlowModelVLMFiLM when the FiLM class left its traces."""
    traces = clues.present(*TRACES)
    if not traces and not clues.film_heads and not clues.trained_stages:
        return None
    has_mode = "mode" in clues.hyper_parameters
    why = f"only sofl-seg has the hyper-parameters {listed(traces)}" if traces else "only sofl-seg has FiLM heads"
    module_class, why_class = _module_class(clues)
    return Writer(
        producer="sofl-seg",
        module_class=module_class,
        rules=RULES if has_mode or clues.film_heads else {"cfm_continuous": SIGNED_RANGE},
        why=why,
        why_class=why_class,
        why_rule=WHY_RULE[has_mode],
    )


def stage_traces(clues: Clues) -> tuple[str, ...]:
    """What only FlowModelVLMFiLM leaves behind (a value of None counts)."""
    metadata = ("vlm_film_trained_stages at top level",) if clues.trained_stages else ()
    return (*clues.present(*STAGE_KEYS), *metadata)


def _module_class(clues: Clues) -> tuple[str, str]:
    traces = stage_traces(clues)
    if traces:
        return "FlowModelVLMFiLM", f"only FlowModelVLMFiLM writes {listed(traces)}"
    if clues.film_heads and clues.film_point in ("A", "B"):
        chosen = "FlowModelVLMFiLM" if clues.film_point == "A" else "FlowModel"
        return chosen, f"FiLM point {clues.film_point}, chosen by the user, is that of {chosen}"
    if clues.film_heads and clues.film_heads != clues.levels:
        why = (
            f"FlowModel would have one FiLM head for each of the {clues.levels} decoder stages, not {clues.film_heads}"
        )
        return "FlowModelVLMFiLM", why
    return "FlowModel", "there is none of vlm_film_decoder_stages, junction_gating_config, vlm_film_trained_stages"
