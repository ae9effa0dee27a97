"""Versions of installed packages."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version


def version_of(package: str) -> str | None:
    """Of an installed package; None for one that is not installed, such as this program run from a bare folder."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None
