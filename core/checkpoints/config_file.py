"""YAML and JSON from strangers: plain values only, with limits on size, depth, digits and references."""

from __future__ import annotations

import json
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from core.checkpoints.intake import opened
from core.checkpoints.json_text import JsonRefused, parse_json
from core.checkpoints.refusal import Refusal
from core.checkpoints.text import safe_text
from core.errors import FlowglassError

MAX_YAML = 1 << 20
MAX_JSON = 20 << 20
MAX_DEPTH = 50


class ConfigRefused(FlowglassError):
    """A settings or session file that is not read. The text names the file, the reason and the remedy."""


class _PlainLoader(yaml.SafeLoader):
    """SafeLoader without aliases (references), and at most `MAX_DEPTH` levels deep."""

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            line = self.line + 1
            raise Refusal("config.alias", f"line {line} uses an alias (*), which settings do not need")
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise Refusal("config.too-deep", "it is nested too deeply")
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        mapping = super().construct_mapping(node, deep)
        if len(mapping) != len(node.value):
            raise Refusal("config.duplicate", f"a name is given twice after line {node.start_mark.line + 1}")
        return mapping


def read_config(path: Path | str) -> dict[str, Any]:
    """The settings in a YAML file of at most 1 MB. Raises ConfigRefused."""
    path = Path(path)
    try:
        value = _parse_yaml(_read(path, MAX_YAML))
        if not isinstance(value, dict):
            raise Refusal("config.not-a-mapping", "it is not a list of names and values")
    except Refusal as refusal:
        raise _config_refused(path, "settings file", refusal) from refusal
    return value


def read_json(path: Path | str) -> Any:
    """The value of a JSON file of at most 20 MB. Raises ConfigRefused."""
    path = Path(path)
    try:
        return _parse_json(_read(path, MAX_JSON))
    except Refusal as refusal:
        raise _config_refused(path, "session or settings file", refusal) from refusal


def _config_refused(path: Path, kind: str, refusal: Refusal) -> ConfigRefused:
    name = safe_text(path.name, 200)
    return ConfigRefused(f"{name}: the {kind} cannot be used: {refusal.message}. Correct it or choose another file.")


def _read(path: Path, limit: int) -> str:
    with opened(path) as file:
        if file.size > limit:
            raise Refusal("config.too-large", f"it is too large ({file.size:,} bytes; at most {limit:,})")
        raw = file.read_at(0, file.size)
    try:
        return raw.decode("utf-8").removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}")
    except UnicodeDecodeError as error:
        raise Refusal("config.not-text", "it is not UTF-8 text") from error


def _parse_yaml(text: str) -> Any:
    loader = None
    try:
        loader = _PlainLoader(text)
        return loader.get_single_data()
    except yaml.MarkedYAMLError as error:
        raise Refusal("config.mistake", _yaml_mistake(error)) from error
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        raise Refusal("config.mistake", f"it has a mistake ({safe_text(str(error), 200)})") from error
    finally:
        if loader is not None:
            loader.dispose()


def _yaml_mistake(error: yaml.MarkedYAMLError) -> str:
    mark = error.problem_mark or error.context_mark
    line = f" in line {mark.line + 1}" if mark is not None else ""
    return f"it has a mistake{line} ({safe_text(error.problem or '', 200)})"


def _parse_json(text: str) -> Any:
    try:
        return parse_json(text)
    except json.JSONDecodeError as error:
        raise Refusal("config.mistake", f"it is damaged in line {error.lineno} ({error.msg})") from error
    except JsonRefused as error:
        raise Refusal("config.mistake", f"it is damaged: {error}") from error
