"""Decode compressed DICOM frames in a process of its own, which may die without the window noticing.

The decoders are C libraries that read a stranger's bytes. The child gets a job as JSON on its standard input and leaves
plain numbers in a file of a folder that is ours; nothing that it sends is unpickled or believed without a check.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import ImageRefused
from core.images.intake import shown
from core.records import Array
from core.text import one_line

CHILD = "core.images.decode_child"
BASE_SECONDS, SECONDS_PER_FRAME = 60.0, 2.0
MEMORY = 6 * 1024**3
"""Of address space, which the libraries reserve generously; the frames themselves are handed over one by one."""
TYPES = frozenset({"uint8", "int8", "uint16", "int16", "uint32", "int32"})
MAX_ANSWER = 1 << 16


def decode(frames: Sequence[tuple[Path, int]], shape: tuple[int, ...], timeout: float | None = None) -> Array:
    """(frames, *shape) of stored numbers. Raises ImageRefused when the decoder fails, dies, or takes too long."""
    name = shown(frames[0][0])
    with tempfile.TemporaryDirectory(prefix="flowglass-") as folder:
        out = Path(folder) / "pixels"
        job = {"frames": [[os.path.abspath(path), frame] for path, frame in frames], "out": str(out), "memory": MEMORY}
        limit = BASE_SECONDS + SECONDS_PER_FRAME * len(frames) if timeout is None else timeout
        answer = _answer(_run(job, limit, name), name)
        return _pixels(out, answer, (len(frames), *shape), name)


def _run(job: dict[str, Any], timeout: float, name: str) -> bytes:
    try:
        done = subprocess.run(
            [sys.executable, "-m", CHILD],
            input=json.dumps(job).encode(),
            capture_output=True,
            timeout=timeout,
            env=_environment(),
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ImageRefused(
            f"{name}: decoding its pixels took longer than {timeout:.0f} s and was stopped: they may be damaged."
        ) from error
    except OSError as error:
        raise ImageRefused(
            f"{name}: the decoder cannot be started ({error.strerror}). Close other programs."
        ) from error
    if done.returncode != 0:
        raise ImageRefused(
            f"{name}: the decoder stopped on its pixels (exit {done.returncode}): they are damaged, or too large."
        )
    return done.stdout[:MAX_ANSWER]


def _environment() -> dict[str, str]:
    """The child finds this program where the parent found it, and takes one processor."""
    root = str(Path(__file__).resolve().parents[2])
    inherited = os.environ.get("PYTHONPATH", "")
    path = os.pathsep.join(part for part in (root, inherited) if part)
    return {**os.environ, "PYTHONPATH": path, "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS": "1", "OMP_NUM_THREADS": "1"}


def _answer(said: bytes, name: str) -> dict[str, Any]:
    try:
        answer = json.loads(said.splitlines()[-1])
    except (ValueError, IndexError, RecursionError):
        answer = None
    if not isinstance(answer, dict):
        raise ImageRefused(f"{name}: the decoder gave no answer. Export the file without compression.")
    if "error" in answer:
        why = one_line(str(answer["error"]), 200)
        raise ImageRefused(f"{name}: its compressed pixels cannot be decoded ({why}). Export it without compression.")
    return answer


def _pixels(out: Path, answer: dict[str, Any], shape: tuple[int, ...], name: str) -> Array:
    dtype = answer.get("dtype")
    if dtype not in TYPES or answer.get("shape") != list(shape):
        raise ImageRefused(f"{name}: its pixels are not what its header promises: it is damaged. Export it again.")
    if out.stat().st_size != math.prod(shape) * np.dtype(str(dtype)).itemsize:
        raise ImageRefused(f"{name}: the decoder left an incomplete result. Export the file without compression.")
    return np.fromfile(out, dtype=str(dtype)).reshape(shape)
