"""Seeded byte flips and cuts of every fixture: only CheckpointRefused may come out, and soon.

FLOWGLASS_MUTANTS sets how many mutants each file gets (default 15; a release runs 200).
"""

from __future__ import annotations

import os
import random
import struct
import time
from pathlib import Path

import pytest

from core.checkpoints.contents import TensorInfo
from core.checkpoints.reader import open_checkpoint, read_many
from core.checkpoints.text import plain
from core.errors import CheckpointRefused
from tests.hostile import making
from tests.hostile.manifest import HOSTILE, entries
from tests.shared_data import FIXTURES, needs_shared

MUTANTS = int(os.environ.get("FLOWGLASS_MUTANTS", "15"))
LIMIT_S = 5.0


def mutate(data: bytes, random_source: random.Random) -> bytes:
    """One to eight changed bytes, most of them near the start or the end, or a cut, or a repeated piece."""
    kind = random_source.random()
    if kind < 0.15:
        return data[: random_source.randrange(len(data))]
    if kind < 0.2:
        at = random_source.randrange(len(data))
        return data[:at] + data[max(0, at - 20) : at] + data[at:]
    changed = bytearray(data)
    for _ in range(random_source.randint(1, 8)):
        at = random_source.randrange(len(data))
        changed[at] = random_source.choice((0, 255, changed[at] ^ 1 << random_source.randrange(8), 0x52))
    return bytes(changed)


def open_all(path: Path) -> None:
    """Open, show, and read every weight of the state dict."""
    contents = open_checkpoint(path)
    plain(contents.root)
    root = contents.root if isinstance(contents.root, dict) else {}
    weights = root.get("state_dict", root)
    found = {str(key): value for key, value in weights.items()} if isinstance(weights, dict) else {}
    for _ in read_many(contents, {key: value for key, value in found.items() if isinstance(value, TensorInfo)}):
        pass


def try_mutants(original: bytes, path: Path, seed: str, count: int) -> tuple[int, int]:
    """(opened, refused) of `count` mutants; anything but CheckpointRefused fails the test."""
    random_source = random.Random(seed)
    counts = [0, 0]
    for number in range(count):
        path.write_bytes(mutate(original, random_source))
        start = time.monotonic()
        try:
            open_all(path)
            counts[0] += 1
        except CheckpointRefused:
            counts[1] += 1
        except BaseException as error:
            raise AssertionError(f"{seed}, mutant {number}: {error!r}") from error
        assert time.monotonic() - start < LIMIT_S, f"{seed}, mutant {number}"
    return counts[0], counts[1]


@needs_shared
def test_mutants_of_every_fixture_open_or_are_refused(tmp_path: Path) -> None:
    files = [HOSTILE / entry["file"] for entry in entries("checkpoint")]
    files.append(FIXTURES / "supervised_diffusion/nnunet_softseg_full_recipe/skeleton.ckpt")
    files = [path for path in files if path.is_file() and path.stat().st_size]
    totals = [try_mutants(path.read_bytes(), tmp_path / "mutant", path.name, MUTANTS) for path in files]
    assert sum(refused for _, refused in totals) > len(files)  # most changes are noticed
    assert sum(opened for opened, _ in totals) > 0


@pytest.mark.parametrize("container", ["pickle", "legacy", "safetensors"])
def test_mutants_of_bare_tables_of_contents_open_or_are_refused(container: str, tmp_path: Path) -> None:
    """No checksum protects these, so the changes reach the interpreter itself."""
    numbers = struct.pack("<4f", 1, 2, 3, 4)
    settings = (
        b"}(" + making.text("n") + b"cnumpy.core.multiarray\nscalar\ncnumpy\ndtype\n" + making.text("f8")
        + b"\x89\x88\x87R(K\x03" + making.text("<") + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
        + b"c_codecs\nencode\n" + making.text("\0" * 8) + making.text("latin1") + b"\x86R\x86R"
        + making.text("o") + b"comegaconf.nodes\nAnyNode\n)\x81}" + making.text("_val") + b"K\x05sbu"
    )  # fmt: skip
    pickled = making.lightning(settings)
    seed = f"bare {container}"
    random_source = random.Random(seed)
    stack = making.legacy(pickled, ["0"], struct.pack("<q", 4) + numbers)
    header = b'{"w":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}'
    for number in range(MUTANTS * 20):
        data = {
            "pickle": lambda: making.archive(mutate(pickled, random_source), {"0": numbers}),
            "legacy": lambda: mutate(stack, random_source),
            "safetensors": lambda: mutate(struct.pack("<Q", len(header)) + header + numbers, random_source),
        }[container]()
        path = tmp_path / "mutant.ckpt"
        path.write_bytes(data)
        try:
            open_all(path)
        except CheckpointRefused:
            pass
        except BaseException as error:
            raise AssertionError(f"{seed}, mutant {number}: {error!r}") from error
