"""Whether OpenGL can be used here, found out without anything that could bring the program down."""

from __future__ import annotations

from importlib import util

from PySide6.QtGui import QGuiApplication, QOffscreenSurface, QOpenGLContext

NO_PACKAGE = (
    "3D needs PyOpenGL, which is not installed. Install it with the extra `volume`: pip install 'flowglass[volume]'. "
    "Everything else works without it."
)
NO_SCREEN = "3D needs a screen with OpenGL, and the platform “{name}” has none. Everything else works without it."
NO_CONTEXT = (
    "3D needs OpenGL 2.1 or later, and this machine does not offer it. On Linux install the driver of the graphics "
    "card, or Mesa's software drawing (libgl1-mesa-dri). Everything else works without it."
)
WITHOUT = frozenset({"offscreen", "minimal", "vnc", "linuxfb"})
"""Platforms of Qt that would only log a warning when asked for a context."""
LEAST = (2, 1)


def gl_problem() -> str:
    """Why nothing can be drawn in three dimensions, in words; empty when it can."""
    if util.find_spec("OpenGL") is None:
        return NO_PACKAGE
    platform = QGuiApplication.platformName()
    if platform in WITHOUT:
        return NO_SCREEN.format(name=platform)
    return "" if _has_context() else NO_CONTEXT


def _has_context() -> bool:
    context, surface = QOpenGLContext(), QOffscreenSurface()
    if not context.create():
        return False
    surface.setFormat(context.format())
    surface.create()
    if not surface.isValid() or not context.makeCurrent(surface):
        return False
    version = context.format().majorVersion(), context.format().minorVersion()
    context.doneCurrent()
    return version >= LEAST
