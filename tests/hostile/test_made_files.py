"""Files that cannot be stored in git: pipes, devices, links, sparse and vanishing files, deep and huge claims."""

from __future__ import annotations

import io
import os
import pickle
import socket
import struct
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest

from core.checkpoints.reader import open_checkpoint, read_array, read_many
from core.checkpoints.text import plain
from core.errors import CheckpointRefused
from tests.hostile import making

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX file kinds")


def refusal(path: Path | str) -> str:
    """The code with which the file is refused, after checking that the message names it."""
    start = time.monotonic()
    with pytest.raises(CheckpointRefused) as caught:
        open_checkpoint(path)
    assert time.monotonic() - start < 5
    (finding,) = caught.value.findings
    assert finding.remedy
    assert finding.message.isprintable()
    return finding.code


def refusal_of(tmp_path: Path, data: bytes) -> str:
    path = tmp_path / "made.ckpt"
    path.write_bytes(data)
    return refusal(path)


# ---- what is no file ------------------------------------------------------------------------------------------------


@posix_only
def test_a_pipe_is_refused_without_waiting_for_a_writer(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.ckpt")
    assert refusal(tmp_path / "pipe.ckpt") == "file.fifo"


@posix_only
def test_a_link_to_an_endless_device_is_refused(tmp_path: Path) -> None:
    (tmp_path / "zero.ckpt").symlink_to("/dev/zero")
    assert refusal(tmp_path / "zero.ckpt") == "file.device"


@posix_only
def test_a_socket_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # the name of a socket must be short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("s.ckpt")
        assert refusal("s.ckpt") == "file.socket"


@posix_only
def test_a_link_loop_a_missing_file_and_impossible_names_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.ckpt").symlink_to(tmp_path / "b.ckpt")
    (tmp_path / "b.ckpt").symlink_to(tmp_path / "a.ckpt")
    assert refusal(tmp_path / "a.ckpt") == "file.unreadable"
    assert refusal(tmp_path / "none.ckpt") == "file.missing"
    assert refusal("nul\0.ckpt") == "file.unreadable"
    assert refusal(tmp_path / ("x" * 4000)) == "file.unreadable"
    assert refusal(tmp_path) == "file.folder"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "secret.ckpt"
    path.write_bytes(making.archive(making.lightning()))
    path.chmod(0)
    assert refusal(path) == "file.unreadable"


@posix_only
def test_a_link_to_a_checkpoint_opens(tmp_path: Path) -> None:
    (tmp_path / "real.ckpt").write_bytes(making.archive(making.lightning()))
    (tmp_path / "link.ckpt").symlink_to(tmp_path / "real.ckpt")
    assert open_checkpoint(tmp_path / "link.ckpt").container == "lightning"


def test_a_name_that_turns_text_round_is_shown_escaped(tmp_path: Path) -> None:
    (tmp_path / "a\u202egnp.ckpt").write_bytes(b"hello, this is text")
    assert refusal(tmp_path / "a\u202egnp.ckpt") == "file.text"


@pytest.mark.parametrize(
    ("start", "code"),
    [
        (b"\x89PNG\r\n\x1a\n", "file.png-image"),
        (b"\xff\xd8\xff\xe0", "file.jpeg-image"),
        (b"\x1f\x8b\x08", "file.gzip"),
        (b"7z\xbc\xaf\x27\x1c", "file.7z"),
        (b"\xfd7zXZ\x00", "file.xz"),
        (b"\x89HDF\r\n\x1a\n", "file.hdf5"),
        (b"GGUF\x03\x00\x00\x00", "file.gguf"),
        (b"\x08\x08\x12\x07pytorch", "file.onnx"),
        (b"<!DOCTYPE html><html>", "file.html-page"),
        (b"version https://git-lfs.github.com/spec/v1\noid", "file.git-lfs-pointer"),
        (b"epoch: 3\nloss: 0.1\n", "file.text"),
        (b"\0" * 4096, "file.zeros"),
        (b"\xf7\x13\x88\x99\xaa\xbb\xcc\xdd\xee", "file.unrecognised"),
        (b"\x80", "file.too-small"),
    ],
)
def test_wrong_kinds_are_refused_by_name(start: bytes, code: str, tmp_path: Path) -> None:
    assert refusal_of(tmp_path, start) == code


# ---- archives that lie ----------------------------------------------------------------------------------------------


def test_a_sparse_file_of_six_gigabytes_opens_at_once(tmp_path: Path) -> None:
    path = tmp_path / "sparse.ckpt"
    making.write_sparse_zip64(path, 6 << 30)
    start = time.monotonic()
    contents = open_checkpoint(path)
    assert time.monotonic() - start < 1
    assert contents.size_bytes > 6 << 30
    assert read_array(contents, contents.root["state_dict"]["w"]).tolist() == [1, 2, 3, 4]


def test_a_file_cut_while_it_is_open_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "cut.ckpt"
    path.write_bytes(making.archive(making.lightning()))
    contents = open_checkpoint(path)
    reading = read_many(contents, dict.fromkeys(("first", "second"), contents.root["state_dict"]["w"]))
    next(reading)
    os.truncate(path, 100)
    with pytest.raises(CheckpointRefused, match="shorter"):
        next(reading)


def test_a_file_changed_after_opening_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "changed.ckpt"
    path.write_bytes(making.archive(making.lightning()))
    contents = open_checkpoint(path)
    path.write_bytes(making.archive(making.lightning(), {"0": struct.pack("<4f", 9, 9, 9, 9)}))
    os.utime(path, ns=(1, contents.changed_at_ns + 1))
    with pytest.raises(CheckpointRefused, match="changed"):
        read_array(contents, contents.root["state_dict"]["w"])


def test_a_changed_number_is_noticed_by_its_checksum(tmp_path: Path) -> None:
    path = tmp_path / "flip.ckpt"
    numbers = struct.pack("<4f", 1, 2, 3, 4)
    path.write_bytes(making.archive(making.lightning()).replace(numbers, struct.pack("<4f", 1, 2, 3, 5)))
    contents = open_checkpoint(path)
    with pytest.raises(CheckpointRefused, match="checksum"):
        read_array(contents, contents.root["state_dict"]["w"])


def test_encrypted_prefixed_and_trailing_archives_are_refused(tmp_path: Path) -> None:
    good = making.archive(making.lightning())
    entry = good.rindex(b"PK\x01\x02")
    assert refusal_of(tmp_path, good[: entry + 8] + b"\x01" + good[entry + 9 :]) == "zip.encrypted"
    assert refusal_of(tmp_path, good + b"x") == "zip.no-end-record"
    assert refusal_of(tmp_path, b"PK\x03\x04" + good) == "zip.bad-directory"


def test_a_local_header_with_another_name_is_refused(tmp_path: Path) -> None:
    good = making.archive(making.lightning())
    assert refusal_of(tmp_path, good.replace(b"archive/data/0", b"archive/data/1", 1)) == "zip.header-disagrees"


def test_records_that_share_bytes_are_refused(tmp_path: Path) -> None:
    """By pointing at one local header, or by claiming a size that reaches into the next record."""
    numbers = struct.pack("<4f", 1, 2, 3, 4)
    good = making.archive(making.lightning(), {"0": numbers, "1": numbers})
    first = good.index(b"archive/data/0") - 30
    entry = good.rindex(b"archive/data/1") - 46
    moved = good[: entry + 42] + struct.pack("<L", first) + good[entry + 46 :]
    assert refusal_of(tmp_path, moved) == "zip.overlap"
    grown = struct.pack("<LL", 200, 200)
    at_local, at_listed = first + 18, good.rindex(b"archive/data/0") - 46 + 20
    lying = good[:at_local] + grown + good[at_local + 8 : at_listed] + grown + good[at_listed + 8 :]
    assert refusal_of(tmp_path, lying) == "zip.overlap"


def test_duplicates_roots_and_unsafe_names_are_refused(tmp_path: Path) -> None:
    def zipped(*names: str) -> bytes:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as file:
            for name in names:
                file.writestr(name, making.lightning())
        return buffer.getvalue()

    with pytest.warns(UserWarning, match="Duplicate"):
        twice = zipped("a/data.pkl", "a/data.pkl")
    assert refusal_of(tmp_path, twice) == "zip.duplicate-entry"
    assert refusal_of(tmp_path, zipped("a/data.pkl", "b/data.pkl")) == "zip.several-roots"
    for name in ("a/../data/0", "/a/data/0", "a\\data", "c:/data/0"):
        assert refusal_of(tmp_path, zipped("a/data.pkl", name)) == "zip.unsafe-name"


def test_a_modest_deflated_archive_opens_and_a_bomb_does_not(tmp_path: Path) -> None:
    numbers = np.arange(256, dtype="<f4")
    pickled = making.lightning(weight=making.tensor("0", 256, (16, 16)))
    path = tmp_path / "deflated.ckpt"
    path.write_bytes(making.archive(pickled, {"0": numbers.tobytes()}, zipfile.ZIP_DEFLATED))
    contents = open_checkpoint(path)
    assert (read_array(contents, contents.root["state_dict"]["w"]) == numbers.reshape(16, 16)).all()
    bomb = making.archive(pickled, {"0": bytes(1 << 20)}, zipfile.ZIP_DEFLATED)
    assert refusal_of(tmp_path, bomb) == "zip.bomb"


# ---- pickles that lie -----------------------------------------------------------------------------------------------


def hyper_parameters(tmp_path: Path, instructions: bytes) -> object:
    path = tmp_path / "made.ckpt"
    path.write_bytes(making.archive(making.lightning(instructions)))
    return plain(open_checkpoint(path).root["hyper_parameters"])


def test_deep_nesting_is_shown_shortened(tmp_path: Path) -> None:
    shown = hyper_parameters(tmp_path, b"]" * 100_000 + b"a" * 99_999)
    assert "nested too deeply" in str(shown)


def test_a_tree_of_shared_references_is_shown_shortened(tmp_path: Path) -> None:
    level = b"](" + b"K\x01" * 10 + b"eq\x00"
    for number in range(1, 40):
        level += b"0](" + b"h%c" % (number - 1) * 10 + b"eq%c" % number
    start = time.monotonic()
    shown = hyper_parameters(tmp_path, level)
    assert "(shortened)" in str(shown)
    assert time.monotonic() - start < 5


def test_a_loop_is_shown_as_such(tmp_path: Path) -> None:
    assert hyper_parameters(tmp_path, b"}q\x00" + making.text("me") + b"h\x00s") == {"me": "(refers to itself)"}


@pytest.mark.parametrize(
    ("instructions", "code"),
    [
        (b"\x8b\x00\x00\x00\x40", "pickle.huge-int"),
        (b"I" + b"9" * 2000 + b"\n", "pickle.huge-int"),
        (b"B\xff\xff\xff\x7f", "pickle.truncated"),
        (b"\x82\x01", "pickle.refused-opcode"),
        (b"\x84\x01\x02\x03\x04", "pickle.refused-opcode"),
        (b"\x97", "pickle.refused-opcode"),
        (b"Pabc\n", "pickle.refused-opcode"),
        (b"(K\x01K\x02K\x03d", "pickle.malformed"),
        (b"}]K\x01s", "pickle.bad-key"),
        (b"}(" + b"(" * 9 + b"t" * 9 + b"K\x01u", "pickle.bad-key"),
        (b"K\x01K\x02b", "pickle.malformed"),
        (b"csrc.net\nThing\n}b", "pickle.changes-code"),
        (b"cbuiltins\nbytearray\nJ\xff\xff\xff\x7f\x85R", "pickle.claims-memory"),
        (b"(X\x00\x00\x00\x00tQ", "tensor.unknown-storage"),
        (making.tensor("../0"), "tensor.unsafe-key"),
        (making.tensor("7"), "tensor.storage-missing"),
        (making.tensor("0", 5, (5,)), "tensor.storage-size"),
        (making.tensor("0", 4, (4,), 1), "tensor.outside-storage"),
        (making.tensor("0", 4, (2, -2)), "tensor.bad-shape"),
        (making.tensor("0", 1 << 70, (4,)), "tensor.bad-shape"),
    ],
)
def test_instructions_that_no_checkpoint_holds_are_refused(instructions: bytes, code: str, tmp_path: Path) -> None:
    assert refusal_of(tmp_path, making.archive(making.lightning(instructions))) == code


@pytest.mark.parametrize(
    "instructions",
    [
        b"cos\nsystem\n)R",
        b"(S'x'\nios\nsystem\n",
        b"(cos\nsystem\no",
        b"cos\nsystem\n)\x81",
        b"cos\nsystem\n)}\x92",
        b"\x8c\x02os\x8c\x06system\x93)R",
        b"cbuiltins\ngetattr\ncsrc\nThing\n)R" + making.text("run") + b"\x86R",
        b"cfunctools\npartial\ncos\nsystem\n\x85R",
        b"csrc\nThing\n)\x81}" + making.text("hook") + b"cos\nsystem\nsb",
        b"ctorch._tensor\n_rebuild_from_type_v2\n(csrc\nf\ncsrc\nT\n)NtR",
        b"ctorch._utils\n_rebuild_parameter\n(cos\nsystem\n)R\x89)tR",
    ],
)
def test_every_way_to_run_something_is_refused_as_a_whole(instructions: bytes, tmp_path: Path) -> None:
    attack = making.lightning(instructions)
    assert refusal_of(tmp_path, making.archive(attack)) == "pickle.dangerous-name"
    assert refusal_of(tmp_path, making.archive(attack[:-2])) == "pickle.dangerous-name"  # also when it is cut
    assert refusal_of(tmp_path, making.legacy(attack, ["0"], b"")) == "pickle.dangerous-name"


def test_a_payload_in_any_pickle_of_the_old_format_is_refused(tmp_path: Path) -> None:
    attack, good = b"\x80\x02cos\nsystem\n)R.", pickle.dumps(making.MAGIC, 2)
    assert refusal_of(tmp_path, attack) == "pickle.dangerous-name"
    assert refusal_of(tmp_path, good + attack) == "pickle.dangerous-name"
    head = making.legacy(making.lightning(), [], b"").removesuffix(pickle.dumps([], 2))
    assert refusal_of(tmp_path, head + attack) == "pickle.dangerous-name"


def test_an_endless_pickle_is_stopped(tmp_path: Path) -> None:
    assert refusal_of(tmp_path, making.archive(making.lightning(b"N0" * 2_000_000))) == "pickle.too-long"


def test_planned_hash_collisions_cost_no_time(tmp_path: Path) -> None:
    """Multiples of 2^61 - 1 all hash to 0: as numbers, 60,000 of them would be compared two billion times."""
    prime = (1 << 61) - 1
    keys = b"".join(pickle.dumps(prime * n, 2)[2:-1] + b"N" for n in range(2, 60_000))
    start = time.monotonic()
    assert len(open_made(tmp_path, b"}(" + keys + b"u")) == 59_998
    assert time.monotonic() - start < 3


def open_made(tmp_path: Path, instructions: bytes) -> dict[object, object]:
    path = tmp_path / "made.ckpt"
    path.write_bytes(making.archive(making.lightning(instructions)))
    found = open_checkpoint(path).root["hyper_parameters"]
    assert isinstance(found, dict)
    return found
