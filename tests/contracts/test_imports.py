"""The window is up before torch is: importing what it starts with must load no torch. `lint-imports` does the rest."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TORCH = {"torch", "lightning", "pytorch_lightning"}
QT = {"PySide6", "shiboken6", "pyqtgraph"}
DOORS = ("core.records", "core.errors", "core.progress", "core.pipeline", "core.review")
PROBE = """
import importlib, sys
importlib.import_module(sys.argv[1])
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""


def loaded_by(module: str) -> set[str]:
    """Top-level names of all modules in a fresh interpreter that has imported `module` and nothing else."""
    command = [sys.executable, "-c", PROBE, module]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def skip_unless_written(module: str) -> None:
    path = ROOT.joinpath(*module.split("."))
    if not (path.with_suffix(".py").exists() or path.joinpath("__init__.py").exists()):
        pytest.skip(f"{module} is not written yet")


@pytest.mark.parametrize("module", DOORS)
def test_the_doors_of_core_load_no_torch_and_no_qt(module: str) -> None:
    skip_unless_written(module)
    assert not loaded_by(module) & (TORCH | QT)


def test_the_window_is_up_before_torch() -> None:
    skip_unless_written("app.window")
    loaded = loaded_by("app.window")
    assert "PySide6" in loaded
    assert not loaded & TORCH


def test_the_command_line_starts_without_torch_and_without_qt() -> None:
    """`flowglass inspect` answers at once, also on a server where Qt's system libraries are missing."""
    skip_unless_written("main")
    assert not loaded_by("main") & (TORCH | QT)


def test_the_probe_sees_torch_where_it_is_loaded() -> None:
    """Else every test above could pass because the probe reports nothing."""
    assert "torch" in loaded_by("torch")
