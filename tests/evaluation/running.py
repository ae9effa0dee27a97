"""`flowglass evaluate` as a process of its own, and what its folder then holds."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
TABLES = ("metrics.csv", "summary.csv", "failures.csv")


def command(checkpoint: Path, data: Path, folder: Path, devices: int = 1) -> list[str]:
    words = ["evaluate", str(checkpoint), "--data", str(data), "-o", str(folder), "--steps", "2", "--yes"]
    return [sys.executable, str(ROOT / "main.py"), *words, "--accelerator", "cpu", "--devices", str(devices)]


def start(words: list[str]) -> subprocess.Popen[str]:
    """In a session of its own, so that its helping processes can be ended with it. No launcher's variables are left."""
    launchers = ("SLURM", "MASTER_", "LOCAL_RANK", "RANK", "NODE_RANK", "WORLD_SIZE")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(launchers)}
    return subprocess.Popen(
        words,
        cwd=ROOT,
        env={**kept, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, str]:
    said, _ = process.communicate(timeout=240)
    return process.returncode, said


def tables(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in TABLES}


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
