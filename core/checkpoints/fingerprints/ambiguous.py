"""Old files without any trace: soft-seg before 2026-01 or sofl-seg before 2026-01-20. Both shared their ancestry."""

from __future__ import annotations

from core.checkpoints.fingerprints.clues import UNIT_RANGE, Writer

OLD_FILE = Writer(
    producer="soft-seg or sofl-seg",
    module_class="FlowModel",
    rules={"cfm_continuous": UNIT_RANGE},
    why="no hyper-parameter tells the two code bases apart: soft-seg before 2026-01 or sofl-seg before 2026-01-20",
    why_class="at that time both code bases had FlowModel only",
    why_rule="from 2025-12-12 on both code bases used [0, 1] and x > 0.5: this is the default taken",
    ambiguous=True,
)
CODE = "producer.ambiguous"
MESSAGE = (
    "Nothing in this file tells whether soft-seg (before 2026-01) or sofl-seg (before 2026-01-20) wrote it. Taken: "
    "values in [0, 1], mask where x > 0.5, as both did from 2025-12-12 on. The other reading: mask where x > 0, for "
    "values in [-1, 1] (soft-seg of 2025-12-08) or by a slip of its evaluation (sofl-seg of 2026-01-12)."
)
REMEDY = (
    "If the mask looks too small, take the other reading: Value range in the Run panel, or --value-range=-1,1. If the "
    "values lie in [0, 1] but the mask starts at 0, set the threshold to 0 instead."
)
