"""What a fingerprint looks at, and what it finds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

UNIT_RANGE = ((0.0, 1.0), 0.5)
SIGNED_RANGE = ((-1.0, 1.0), 0.0)
Rule = tuple[tuple[float, float], float]
"""Value range of the result, and the threshold in it: mask = value > threshold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clues:
    """`hyper_parameters`: plain values; `trained_stages`: the file has `vlm_film_trained_stages`; `film_heads`: their
    number, `levels`: decoder stages of the network (None when it is not known), `film_point`: chosen by the user."""

    hyper_parameters: Mapping[str, Any]
    trained_stages: bool = False
    film_heads: int = 0
    levels: int | None = None
    film_point: str | None = None

    def present(self, *keys: str) -> tuple[str, ...]:
        """Those of `keys` that the hyper-parameters hold, whatever their value."""
        return tuple(key for key in keys if key in self.hyper_parameters)


@dataclass(frozen=True, slots=True, kw_only=True)
class Writer:
    """A reading of the traces. `rules`: mode -> range and threshold; its keys are the modes the writer can have.

    `why_class`, `why_rule`: clauses for the evidence.
    """

    producer: str
    module_class: str
    rules: Mapping[str, Rule]
    why: str
    why_class: str
    why_rule: str
    ambiguous: bool = False


def listed(keys: tuple[str, ...]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join(part for part in (", ".join(keys[:-1]), keys[-1]) if part)
