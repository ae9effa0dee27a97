"""How the parts of the reader say no: without the file's name, which `reader` puts in front."""

from __future__ import annotations

from core.checkpoints.text import safe_text
from core.errors import CheckpointRefused
from core.records import Finding

AGAIN = "Copy or download it again."


class Refusal(Exception):
    """Why a file is not opened. `message` starts in lower case ("the file is ..."); `remedy` says what to do."""

    def __init__(self, code: str, message: str, remedy: str = AGAIN) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.remedy = remedy

    def for_file(self, name: str) -> CheckpointRefused:
        """The same as an error for a person; `name` is already safe to show."""
        message = safe_text(f"{name}: {self.message}") + "."
        return CheckpointRefused([Finding(severity="error", code=self.code, message=message, remedy=self.remedy)])


class Truncated(Refusal):
    """The bytes at hand end before the pickle does: more may follow in the file, or it was cut."""

    def __init__(self, detail: str = "it ends in the middle of its table of contents") -> None:
        super().__init__("pickle.truncated", _damage(detail))


def damaged(code: str, detail: str) -> Refusal:
    """The refusal of a file that contradicts itself or ends too early."""
    return Refusal(code, _damage(detail))


def _damage(detail: str) -> str:
    return f"the file is damaged or was not completely downloaded: {detail}"
