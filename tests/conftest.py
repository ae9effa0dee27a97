"""What every test runs under: no screen, no settings of the person who runs them, one thread per process.

This file is imported before any test module, so the environment is set before Qt, torch or platformdirs read it.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
# torch reads this when it is imported; setting it here costs nothing where a test needs no torch.
os.environ.setdefault("OMP_NUM_THREADS", "1")


def _use_an_empty_home() -> None:
    """Settings, caches and recent files go to a folder of this process that is removed when it ends."""
    home = Path(tempfile.mkdtemp(prefix="flowglass-tests-"))
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    for variable, folder in {
        "XDG_CONFIG_HOME": "config",
        "XDG_CACHE_HOME": "cache",
        "XDG_DATA_HOME": "data",
        "XDG_STATE_HOME": "state",
    }.items():
        (home / folder).mkdir()
        os.environ[variable] = str(home / folder)


_use_an_empty_home()
