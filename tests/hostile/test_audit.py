"""An audit hook in a child process sees what Python itself does while our reader reads hostile files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.hostile import making
from tests.shared_data import FIXTURES, ROOT

CHILD = """
import json, os, sys
from pathlib import Path
from core.checkpoints.reader import open_checkpoint, read_array
from core.checkpoints.contents import TensorInfo
from core.checkpoints.config_file import ConfigRefused, read_config, read_json
from core.checkpoints.text import plain
from core.errors import CheckpointRefused
import encodings.idna, encodings.latin_1, encodings.unicode_escape, encodings.ascii

BAD = ("exec", "compile", "import", "os.system", "subprocess.Popen", "os.exec", "os.posix_spawn", "os.fork",
       "pty.spawn", "ctypes.dlopen", "shutil", "os.remove", "os.rename", "os.mkdir", "code.__new__",
       "pickle.find_class", "object.__getattr__", "marshal")
watching, seen, current = False, [], ""

def hook(event, args):
    if not watching:
        return
    if event.startswith("socket") or event.startswith(BAD):
        seen.append(f"{current}: {event} {str(args)[:80]}")
    if event == "open":
        path, mode, flags = args
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT) or str(path) != current:
            seen.append(f"{current}: open {path} {flags}")

sys.addaudithook(hook)

def read(path):
    if path.suffix == ".yaml":
        read_config(path)
    elif path.suffix == ".json":
        read_json(path)
    else:
        contents = open_checkpoint(path)
        plain(contents.root)
        weights = contents.root.get("state_dict", {}) if isinstance(contents.root, dict) else {}
        for value in list(weights.values() if isinstance(weights, dict) else ())[:5]:
            if isinstance(value, TensorInfo):
                read_array(contents, value)

counts = [0, 0]
for name in sys.argv[1:]:
    current = name
    watching = True
    try:
        read(Path(name))
        counts[0] += 1
    except (CheckpointRefused, ConfigRefused):
        counts[1] += 1
    finally:
        watching = False
print(json.dumps({"seen": seen, "opened": counts[0], "refused": counts[1], "torch": "torch" in sys.modules}))
"""


def run_child(paths: list[Path], canary: Path) -> dict[str, object]:
    environment = os.environ | {"FLOWLENS_CANARY": str(canary)}
    command = [sys.executable, "-c", CHILD, *map(str, paths)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert isinstance(answer, dict)
    return answer


@pytest.mark.skipif(not FIXTURES.is_dir(), reason="needs the shared fixtures beside the project")
def test_reading_the_fixtures_causes_no_code_no_import_and_no_other_file(tmp_path: Path) -> None:
    from tests.hostile.manifest import HOSTILE, entries

    paths = [HOSTILE / entry["file"] for entry in entries("checkpoint", "yaml", "session")]
    answer = run_child(paths, tmp_path / "canary")
    assert answer["seen"] == []
    assert answer["torch"] is False
    assert answer["opened"] + answer["refused"] == len(paths)
    assert not (tmp_path / "canary").exists()


def test_reading_files_made_here_causes_none_of_it_either(tmp_path: Path) -> None:
    attack = b"cos\nsystem\n" + making.text(f"touch {tmp_path / 'canary'}") + b"\x85R"
    files = {
        "attack.ckpt": making.archive(making.lightning(attack)),
        "honest.ckpt": making.archive(making.lightning(b"csrc.net\nThing\n)R")),
        "raw.pkl": b"\x80\x02" + attack + b".",
        "text.pt": attack + b".",
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    answer = run_child([tmp_path / name for name in files], tmp_path / "canary")
    assert (answer["seen"], answer["opened"], answer["refused"]) == ([], 1, 3)
    assert not (tmp_path / "canary").exists()
