"""No path that a file can reach may run what the file says: a look at the syntax tree of the whole program."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.shared_data import ROOT

FORBIDDEN_CALLS = {
    "eval", "exec", "compile", "__import__", "pickle.load", "pickle.loads", "pickle.Unpickler", "cPickle.load",
    "cPickle.loads", "dill.load", "dill.loads", "joblib.load", "cloudpickle.load", "cloudpickle.loads", "marshal.load",
    "marshal.loads", "shelve.open", "torch.load", "torch.jit.load", "torch.hub.load", "torch.package.PackageImporter",
    "yaml.load", "yaml.load_all", "yaml.unsafe_load", "yaml.full_load", "pandas.read_pickle", "pd.read_pickle",
    "os.system", "os.popen", "runpy.run_path", "runpy.run_module", "importlib.util.spec_from_file_location",
}  # fmt: skip
FORBIDDEN_ENDINGS = ("extractall", "load_from_checkpoint", "_unpickle")
FORBIDDEN_KEYWORDS = {"allow_pickle": True, "weights_only": False, "shell": True}
FORBIDDEN_IMPORTS = {"pickle", "_pickle", "marshal", "shelve", "dill", "joblib", "cloudpickle", "runpy"}


def program_files() -> list[Path]:
    folders = [ROOT / "core", ROOT / "app", ROOT / "tools", ROOT / "resources"]
    files = [path for folder in folders for path in sorted(folder.rglob("*.py"))]
    return files + [path for path in (ROOT / "main.py",) if path.exists()]


def offences(source: str) -> list[str]:
    """What in `source` is forbidden, each with its line."""
    return sorted(f"line {line}: {what}" for line, what in _offences(ast.parse(source)))


def _offences(tree: ast.AST) -> Iterator[tuple[int, str]]:
    aliases = _aliases(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield from _call_offences(node, aliases)
        elif isinstance(node, ast.Import):
            yield from (
                (node.lineno, f"import {a.name}") for a in node.names if a.name.split(".")[0] in FORBIDDEN_IMPORTS
            )
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in FORBIDDEN_IMPORTS:
            yield node.lineno, f"from {node.module} import"


def _aliases(tree: ast.AST) -> dict[str, str]:
    """Local names and what they stand for: `import yaml as y`, `from torch import load as l`."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {name.asname: name.name for name in node.names if name.asname}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found |= {name.asname or name.name: f"{node.module}.{name.name}" for name in node.names}
    return found


def _call_offences(node: ast.Call, aliases: dict[str, str]) -> Iterator[tuple[int, str]]:
    first, _, rest = ast.unparse(node.func).partition(".")
    name = ".".join(filter(None, (aliases.get(first, first), rest))).removeprefix("builtins.")
    if name in FORBIDDEN_CALLS or name.endswith(FORBIDDEN_ENDINGS):
        yield node.lineno, f"{name}()"
    if name == "importlib.import_module" and not (node.args and isinstance(node.args[0], ast.Constant)):
        yield node.lineno, "import_module() of a computed name"
    for keyword in node.keywords:
        value = keyword.value.value if isinstance(keyword.value, ast.Constant) else None
        if keyword.arg in FORBIDDEN_KEYWORDS and value is FORBIDDEN_KEYWORDS[keyword.arg]:
            yield node.lineno, f"{keyword.arg}={value}"


def test_there_is_a_program_to_look_at() -> None:
    names = {path.name for path in program_files()}
    assert {"reader.py", "pickle_machine.py", "config_file.py", "records.py"} <= names


@pytest.mark.parametrize("path", program_files(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_program_file_runs_nothing_that_a_file_says(path: Path) -> None:
    assert offences(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "line",
    [
        "import torch; torch.load(p)",
        "from torch import load as l\nl(p)",
        "import yaml as y; y.load(f, y.SafeLoader)",
        "import pickle",
        "from pickle import loads",
        "import numpy as np; np.load(p, allow_pickle=True)",
        "eval('1')",
        "__builtins__; exec('1')",
        "import builtins; builtins.exec('1')",
        "import importlib; importlib.import_module(name)",
        "from importlib import import_module; import_module(f'core.{x}')",
        "__import__(name)",
        "import torch; torch.jit.load(p)",
        "archive.extractall(folder)",
        "read(p, weights_only=False)",
        "subprocess.run(x, shell=True)",
    ],
)
def test_the_look_finds(line: str) -> None:
    assert len(offences(line)) == 1


@pytest.mark.parametrize(
    "line",
    [
        "import json; json.load(f)",
        "import yaml; yaml.safe_load(f)",
        "import numpy as np; np.load(p, allow_pickle=False)",
        "network.eval()",
        "import re; re.compile('x')",
        "import importlib; importlib.import_module('torch')",
    ],
)
def test_the_look_leaves_alone(line: str) -> None:
    assert offences(line) == []
