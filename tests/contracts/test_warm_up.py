"""The warm-up imports torch once, leaves the collector as it was, and is what a run needs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROBE = """
import gc, sys
from core import pipeline
assert "torch" not in sys.modules
pipeline.warm_up()
assert {"torch", "core.segmenters.loading"} <= set(sys.modules)
assert gc.isenabled() and gc.get_freeze_count() > 10_000
gc.disable()
pipeline.warm_up()
assert not gc.isenabled()
import torch
print(torch.ones(3).sum().item())
"""


def test_the_warm_up_imports_torch_and_leaves_the_collector_on() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROBE], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["3.0"]
