"""The two doors of the disk: what is opened, and how results are written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from core.files import CannotOpen, open_regular, write_whole

POSIX = pytest.mark.skipif(os.name != "posix", reason="pipes and file rights are a POSIX thing")


def test_a_regular_file_is_opened_with_its_size(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"four")
    descriptor, status = open_regular(path)
    with os.fdopen(descriptor, "rb") as handle:
        assert (handle.read(), status.st_size) == (b"four", 4)


@POSIX
def test_everything_else_is_named_and_no_pipe_is_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "empty").touch()
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    reasons = {
        ".": "folder",
        "pipe": "pipe",
        "empty": "empty",
        "loop": "unopenable",
        "none": "missing",
        "\0": "unopenable",
    }
    for name, reason in reasons.items():
        with pytest.raises(CannotOpen) as refusal:
            open_regular(tmp_path / name)
        assert refusal.value.reason == reason


@POSIX
def test_a_name_swapped_for_a_pipe_while_it_is_opened_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, honest = tmp_path / "file", tmp_path / "honest"
    honest.write_bytes(b"x")
    os.mkfifo(path)
    monkeypatch.setattr(os, "stat", lambda _: os.lstat(honest))
    with pytest.raises(CannotOpen) as refusal:
        open_regular(path)
    assert refusal.value.reason == "pipe"


@POSIX
def test_a_result_has_the_rights_of_any_new_file(tmp_path: Path) -> None:
    usual = tmp_path / "usual"
    usual.touch()
    written = write_whole(tmp_path / "new" / "record.json", lambda part: part.write_text("{}"))
    assert written.stat().st_mode == usual.stat().st_mode


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    path.write_text("old")

    def half(part: Path) -> None:
        part.write_text("ne")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_whole(path, half)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
