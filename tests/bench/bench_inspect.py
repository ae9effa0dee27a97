"""How long inspecting a large checkpoint takes, and how much memory: `bench_inspect.py [MB]`.

Writes a real checkpoint with AdamW states (by torch, in a child process) to a temporary folder, inspects it in a fresh
process, prints seconds, extra memory and their ratios to the target (0.3 s and 50 MB at 500 MB), and deletes it.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WRITE = """
import sys, torch
path, megabytes = sys.argv[1], int(sys.argv[2])
width = 160
count = max(1, megabytes * 1_000_000 // (3 * 4 * (width * width * 9 + width)))
layers = torch.nn.ModuleList(torch.nn.Conv2d(width, width, 3) for _ in range(count))
optimizer = torch.optim.AdamW(layers.parameters())
for parameter in layers.parameters():
    parameter.grad = torch.zeros_like(parameter)
optimizer.step()
torch.save({
    "epoch": 3, "global_step": 900, "pytorch-lightning_version": "2.6.0",
    "state_dict": {f"model.{name}": value for name, value in layers.state_dict().items()},
    "optimizer_states": [optimizer.state_dict()], "hyper_parameters": {"image_size": 256},
}, path)
"""
READ = """
import resource, sys, time
from core import pipeline
pipeline.inspect(sys.argv[2])  # an unreadable file: imports what every inspection needs
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for _ in range(3):
    start = time.perf_counter()
    report = pipeline.inspect(sys.argv[1])
    seconds = time.perf_counter() - start
    extra = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(f"{report.size_bytes / 1e6:.0f} MB, {report.parameters:,} parameters: {seconds:.3f} s "
          f"({seconds / 0.3:.2f} of the target), {extra:.1f} MB extra ({extra / 50:.2f} of the target)")
"""


def measure(megabytes: int) -> str:
    """What the reading process printed: one line per opening."""
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "large.ckpt")
        subprocess.run([sys.executable, "-c", WRITE, path, str(megabytes)], check=True, cwd=ROOT)
        read = [sys.executable, "-c", READ, path, __file__]
        done = subprocess.run(read, check=True, cwd=ROOT, capture_output=True, text=True)
    return done.stdout


if __name__ == "__main__":
    print(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 500), end="")
