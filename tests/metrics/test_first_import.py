"""The measures are first asked for by several jobs of the window at once."""

from __future__ import annotations

import subprocess
import sys

THREADS = """
import sys, threading
import numpy as np
from core import pipeline
from core.records import LabelMap, Prediction, RunSettings, Step

mask = np.zeros((1, 9, 9), bool)
mask[0, 4, 2:7] = True
score = mask.astype(np.float32)
step = Step(index=0, t=1.0, state=score, estimate=score, probability=score)
whole = {"score": score, "probability": score, "mask": mask, "steps": (step,), "settings": RunSettings()}
prediction = Prediction(threshold=0.5, value_range=(0.0, 1.0), **whole)
reference = LabelMap(labels=mask.astype(np.uint8), name="reference")
begin, wrong = threading.Barrier(4), []

def work(verb):
    begin.wait()
    try:
        verb(prediction, reference)
    except BaseException as error:
        wrong.append(repr(error))

sys.setswitchinterval(1e-6)
verbs = (pipeline.measure, pipeline.measure_steps, pipeline.topology, pipeline.step_curves)
threads = [threading.Thread(target=work, args=(verb,)) for verb in verbs]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
sys.exit("; ".join(wrong) or 0)
"""


def test_four_threads_may_ask_first_for_the_measures() -> None:
    for _ in range(3):
        done = subprocess.run([sys.executable, "-c", THREADS], capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == 0, done.stderr
