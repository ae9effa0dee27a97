"""Import torch on a worker thread without holding up the thread that draws.

An import holds the lock of the interpreter while the system loads a shared library (0.3 s for libtorch) and while the
garbage collector goes through all that was imported (0.1 to 0.2 s, twice). Measured on two cores: the longest pause of
another thread falls from 330 ms to 20 ms.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import importlib.util
import os
import sys
from pathlib import Path

LIBRARIES = ("libtorch_global_deps.so", "libc10.so", "libtorch_cpu.so", "libtorch.so", "libtorch_python.so")


def import_torch() -> None:
    """Import torch and what a run needs of core. Costs nothing the second time."""
    if "torch" in sys.modules:
        return
    load_libraries()
    collecting = gc.isenabled()
    gc.disable()
    try:
        importlib.import_module("core.segmenters.loading")
    finally:
        gc.freeze()  # modules live as long as the program: no later collection need go through them
        if collecting:
            gc.enable()


def load_libraries() -> None:
    """Load torch's shared libraries. A function called through ctypes runs without the lock; `import` does not."""
    found = importlib.util.find_spec("torch")
    if not sys.platform.startswith("linux") or found is None or found.origin is None:
        return
    load = ctypes.CDLL(None).dlopen
    load.restype, load.argtypes = ctypes.c_void_p, (ctypes.c_char_p, ctypes.c_int)
    for name in LIBRARIES:
        library = Path(found.origin).parent / "lib" / name
        if library.is_file():
            shared = os.RTLD_GLOBAL if "global_deps" in name else 0  # as torch does it
            load(os.fsencode(library), os.RTLD_NOW | shared)
