"""Make sure that the system libraries which Qt opens are there: install them with apt when root, else name them.

Run by `make demo` and `make test`. Only the standard library, so it runs before anything is installed. It asks the
loader for each library instead of asking apt for each package: it is silent and quick where nothing is missing, and
right on systems that are not Debian. Exit code 1 only if something is missing that Qt cannot start without.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

# Read off `ldd` on the Qt 6.11 libraries, soname -> Debian package. Qt does not start without these ...
ALWAYS = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
    "libfreetype.so.6": "libfreetype6",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libxkbcommon.so.0": "libxkbcommon0",
}
# ... and these are for the plugins that put a window on a screen (X11; Wayland).
SCREEN = {
    "libX11-xcb.so.1": "libx11-xcb1",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-randr.so.0": "libxcb-randr0",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-shm.so.0": "libxcb-shm0",
    "libxcb-sync.so.1": "libxcb-sync1",
    "libxcb-xfixes.so.0": "libxcb-xfixes0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libwayland-client.so.0": "libwayland-client0",
    "libwayland-cursor.so.0": "libwayland-cursor0",
    "libwayland-egl.so.1": "libwayland-egl1",
}
# PySide6 brings no font: without one every label is a row of boxes.
FONT_FOLDERS = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), Path.home() / ".local/share/fonts")
FONT_PACKAGE = "fonts-dejavu-core"


def main() -> int:
    """Exit code: 0 if Qt can start, 1 if it cannot."""
    if not sys.platform.startswith("linux"):
        return 0  # the wheels of Windows and macOS need nothing more
    missing = missing_packages()
    if missing and can_install():
        install(missing)
        missing = missing_packages()
    if missing:
        print("Qt needs system libraries that are missing here. Paste this, then run make again:", file=sys.stderr)
        print(f"    sudo apt-get update && sudo apt-get install -y {' '.join(missing)}", file=sys.stderr)
    return 1 if set(missing) & needed_packages() else 0


def missing_packages() -> list[str]:
    """Debian packages of the libraries that the loader does not find, and of a font if there is none."""
    missing = [package for soname, package in (ALWAYS | SCREEN).items() if not can_open(soname)]
    return missing if any_font(FONT_FOLDERS) else [*missing, FONT_PACKAGE]


def needed_packages() -> set[str]:
    """What has to be there: the libraries of the screen only where there is a screen."""
    screen = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    libraries: Mapping[str, str] = ALWAYS | SCREEN if screen else ALWAYS
    return set(libraries.values())


def can_open(soname: str) -> bool:
    try:
        ctypes.CDLL(soname)
    except OSError:
        return False
    return True


def any_font(folders: Iterable[Path]) -> bool:
    return any(path.suffix in {".ttf", ".otf", ".ttc"} for folder in folders for path in folder.rglob("*"))


def can_install() -> bool:
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def install(packages: list[str]) -> None:
    """Install with apt; a failure is told by what is still missing afterwards."""
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", "update", "-q"], env=quiet, check=False)
    subprocess.run(["apt-get", "install", "-y", "-q", "--no-install-recommends", *packages], env=quiet, check=False)


if __name__ == "__main__":
    sys.exit(main())
