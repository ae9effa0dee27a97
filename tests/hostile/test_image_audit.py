"""An audit hook in a child process sees what Python itself does while hostile images are read."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.hostile.manifest import HOSTILE, entries
from tests.shared_data import FIXTURES, ROOT

CHILD = """
import json, os, sys
from pathlib import Path
from core.errors import ImageRefused
from core.images import read_image

folder, watched, known = Path(sys.argv[1]), sys.argv[2:], set()
watching, seen, current = False, [], Path()
BAD = ("exec", "compile", "os.system", "os.exec", "os.posix_spawn", "os.fork", "pty.spawn", "ctypes.dlopen", "shutil",
       "os.remove", "os.rename", "os.mkdir", "os.symlink", "os.link", "code.__new__", "pickle.find_class", "socket")

def hook(event, args):
    if not watching:
        return
    if event == "subprocess.Popen":
        if args[1][1:] != ["-m", "core.images.decode_child"]:
            seen.append(f"{current.name}: {args[1]}")
    elif event == "open" and isinstance(args[0], (str, bytes, os.PathLike)):
        path, mode, flags = args
        inside = Path(os.fsdecode(path)).resolve().is_relative_to(current.resolve())
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT) or not inside:
            seen.append(f"{current.name}: open {path!r} {flags}")
    elif event.startswith(BAD):
        seen.append(f"{current.name}: {event} {str(args)[:80]}")

def read(name):
    try:
        read_image(folder / name)
        return 1
    except ImageRefused:
        return 0

for name in watched:  # whatever the readers import, they have imported after this
    read(name)
modules, opened = set(sys.modules), 0
sys.addaudithook(hook)
for name in watched:
    current = folder / name
    watching = True
    opened += read(name)
    watching = False
print(json.dumps({"seen": seen, "opened": opened, "new": sorted(set(sys.modules) - modules)}))
"""


@pytest.mark.skipif(not FIXTURES.is_dir(), reason="needs the shared fixtures beside the project")
def test_reading_hostile_images_opens_nothing_else_and_writes_nothing(tmp_path: Path) -> None:
    names = [entry["file"] for entry in entries("image")]
    command = [sys.executable, "-c", CHILD, str(HOSTILE), *names]
    environment = os.environ | {"FLOWLENS_CANARY": str(tmp_path / "canary"), "TMPDIR": str(tmp_path)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["seen"] == []
    assert answer["new"] == []
    assert len(names) == 34
    assert 10 < answer["opened"] < 30
    assert list(tmp_path.iterdir()) == []
