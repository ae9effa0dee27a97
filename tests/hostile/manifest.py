"""The entries of the hostile fixtures' manifest, and what the reader alone is to do with each."""

from __future__ import annotations

import json
from typing import Any

from tests.shared_data import FIXTURES

HOSTILE = FIXTURES / "hostile"
MEANING_ONLY = frozenset(
    """
    state_dict_of_strings state_dict_is_list missing_hyper_parameters nan_inf_weights hparams_channel_mult_text
    hparams_timesteps_minus1 hparams_timesteps_1e9 hparams_image_size_0 hparams_image_size_1e6
    hparams_base_channels_1e9 hparams_not_a_dict
    """.split()  # noqa: SIM905
)
"""Entries whose fault is what they mean: the reader opens them, and the report decides."""


def entries(*kinds: str) -> list[dict[str, Any]]:
    """The entries of these kinds; none where the fixtures are not there."""
    if not HOSTILE.is_dir():
        return []
    manifest = json.loads((HOSTILE / "manifest.json").read_text(encoding="utf-8"))
    return [entry for entry in manifest["entries"] if entry["kind"] in kinds]


def reader_outcomes(entry: dict[str, Any]) -> set[str]:
    """`open`, `refuse`, or both: what the manifest allows."""
    if entry["name"] in MEANING_ONLY:
        return {"open", "refuse"}
    allowed = {entry["expected"], *entry["also_ok"]}
    return {"refuse" if outcome == "refuse" else "open" for outcome in allowed}
