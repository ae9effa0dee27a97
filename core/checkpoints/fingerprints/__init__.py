"""Who wrote a flow checkpoint: one file per producer, each knows the traces its own code leaves (spec 1.2)."""

from core.checkpoints.fingerprints import ambiguous, sofl_seg, soft_seg
from core.checkpoints.fingerprints.clues import Clues, Writer

WRITERS = (soft_seg.flow_model, soft_seg.soft2hard_model, sofl_seg.flow_model)


def find_writers(clues: Clues) -> tuple[Writer, ...]:
    """Every producer whose traces are there. Two are a contradiction; none gives the reading of old, unmarked files."""
    found = tuple(writer for fingerprint in WRITERS if (writer := fingerprint(clues)) is not None)
    return found or (ambiguous.OLD_FILE,)


__all__ = ["WRITERS", "Clues", "Writer", "find_writers"]
