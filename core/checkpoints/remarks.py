"""What a person should know about an opened file: classes we know nothing about, settings that name code."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from core.checkpoints.text import safe_text
from core.records import Finding

LIBRARIES = ("torch.", "numpy.", "omegaconf.", "typing.", "monai.")
"""Their records are no news: nothing of the training code."""
CODE_KEYS = ("_target_", "class_path", "_partial_")
MAX_LOOKED_AT = 10_000
MAX_NAMED = 5


def remarks_on(root: Any, unknown: Mapping[str, int], left_over: int = 0) -> tuple[Finding, ...]:
    """The findings of a file that opens."""
    found = []
    if note := _unknown_classes(unknown):
        found.append(note)
    settings = root.get("hyper_parameters") if isinstance(root, dict) else None
    if warning := _named_code(settings):
        found.append(warning)
    if left_over:
        message = f"{left_over:,} bytes follow the last tensor of the file; they are ignored."
        remedy = "Copy or download the file again if it should hold nothing else."
        found.append(Finding(severity="warning", code="file.left-over", message=message, remedy=remedy))
    return tuple(found)


def _unknown_classes(unknown: Mapping[str, int]) -> Finding | None:
    own = {name: count for name, count in unknown.items() if not name.startswith(LIBRARIES)}
    if not own:
        return None
    names = ", ".join(safe_text(name, 100) for name in list(own)[:MAX_NAMED]) + (
        ", ..." if len(own) > MAX_NAMED else ""
    )
    count = sum(own.values())
    subject = "1 setting comes from a class" if count == 1 else f"{count:,} settings come from classes"
    verb = "is" if count == 1 else "are"
    message = f"{subject} of the training code and {verb} shown as plain text: {names}."
    remedy = "Nothing to do: they were not looked up, and none of them decides how the checkpoint runs."
    return Finding(severity="note", code="pickle.unknown-classes", message=message, remedy=remedy)


def _named_code(settings: Any) -> Finding | None:
    """Settings as hydra and LightningCLI write them name code to be created; we show the name as text only."""
    names = sorted({safe_text(name, 100) for name in _code_names(settings)})
    if not names:
        return None
    message = f"The settings name code to be created ({', '.join(names[:MAX_NAMED])}); it is shown as text only."
    remedy = "Nothing to do: no file that is opened here can run anything."
    return Finding(severity="warning", code="hparams.names-code", message=message, remedy=remedy)


def _code_names(settings: Any) -> Iterator[str]:
    todo: list[Any] = [settings]
    seen: set[int] = set()
    while todo and len(seen) < MAX_LOOKED_AT:
        value = todo.pop()
        if not isinstance(value, (dict, list)) or id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, dict):
            yield from (value[key] for key in CODE_KEYS if isinstance(value.get(key), str))
            todo.extend(value.values())
        else:
            todo.extend(value[:MAX_LOOKED_AT])
