"""What `make demo` says about the system's libraries, on systems that lack some."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tools import system_libraries

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="only Linux takes Qt's libraries from the system"
)


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Someone who is not root, without a screen, on a system where the loader finds everything and a font is there."""
    monkeypatch.setattr(system_libraries, "can_open", lambda soname: True)
    monkeypatch.setattr(system_libraries, "any_font", lambda folders: True)
    monkeypatch.setattr(system_libraries, "can_install", lambda: False)
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    return monkeypatch


def lack(bare: pytest.MonkeyPatch, *sonames: str) -> None:
    bare.setattr(system_libraries, "can_open", lambda soname: soname not in sonames)


def test_nothing_is_said_when_nothing_is_missing(bare: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert system_libraries.main() == 0
    assert capsys.readouterr().err == ""


def test_a_missing_library_is_named_in_one_line_to_paste(
    bare: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lack(bare, "libEGL.so.1", "libxcb-cursor.so.0")
    assert system_libraries.main() == 1
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.strip() == "sudo apt-get update && sudo apt-get install -y libegl1 libxcb-cursor0"


def test_a_library_of_the_screen_stops_only_where_there_is_a_screen(bare: pytest.MonkeyPatch) -> None:
    lack(bare, "libxcb-cursor.so.0")
    assert system_libraries.main() == 0
    bare.setenv("DISPLAY", ":0")
    assert system_libraries.main() == 1


def test_root_installs_what_is_missing(bare: pytest.MonkeyPatch) -> None:
    lack(bare, "libEGL.so.1")
    installed: list[str] = []

    def install(packages: list[str]) -> None:
        installed.extend(packages)
        lack(bare)

    bare.setattr(system_libraries, "can_install", lambda: True)
    bare.setattr(system_libraries, "install", install)
    assert system_libraries.main() == 0
    assert installed == ["libegl1"]


def test_a_system_without_fonts_is_given_one(bare: pytest.MonkeyPatch, tmp_path: Path) -> None:
    bare.undo()
    assert not system_libraries.any_font([tmp_path, tmp_path / "absent"])
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "letters.ttf").touch()
    assert system_libraries.any_font([tmp_path])
