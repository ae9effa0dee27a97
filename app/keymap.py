"""Which key gives which command: the keys of the tables, and what a person made of them. The one place to ask."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QKeySequence

from app.commands.command import SEPARATOR, Command
from app.settings import Settings


class Keymap(QObject):
    """Keys by command, in Qt's portable text (`Ctrl+K`, `Space`); an empty one: no key. Changes are stored at once."""

    changed = Signal()

    def __init__(self, commands: Sequence[Command], settings: Settings, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.commands = tuple(command for command in commands if command.title != SEPARATOR)
        self._settings = settings
        self._usual = {command.id: normal(command.shortcut) for command in self.commands}
        stored = settings.keys()
        self._own = {name: normal(key) for name, key in stored.items() if name in self._usual and _readable(key)}

    def key(self, command: str) -> str:
        """The key of a command now."""
        return self._own.get(command, self._usual[command])

    def usual(self, command: str) -> str:
        """The key that it has from the start."""
        return self._usual[command]

    def changed_by_hand(self, command: str) -> bool:
        return self.key(command) != self._usual[command]

    def holders(self, key: str, other_than: str = "") -> tuple[Command, ...]:
        """The commands that have `key` now."""
        wanted = normal(key)
        found = (command for command in self.commands if command.id != other_than)
        return tuple(command for command in found if wanted and self.key(command.id) == wanted)

    def set_key(self, command: str, key: str) -> None:
        """Give `key` to a command; whatever had it has none from now on."""
        for other in self.holders(key, other_than=command):
            self._keep(other.id, "")
        self._keep(command, normal(key))
        self.changed.emit()

    def reset(self, command: str) -> None:
        """The key from the start; another command that has it by now loses it."""
        self.set_key(command, self._usual[command])

    def reset_all(self) -> None:
        for command in list(self._own):
            self._keep(command, self._usual[command])
        self.changed.emit()

    def problem(self, command: Command, key: str) -> str:
        """Why a command cannot have `key`; empty when it can."""
        if command.held and key and QKeySequence(key)[0].keyboardModifiers() != Qt.KeyboardModifier.NoModifier:
            return "A key that is held goes without Ctrl, Alt and Shift."
        return ""

    def _keep(self, command: str, key: str) -> None:
        if key == self._usual[command]:
            self._own.pop(command, None)
        else:
            self._own[command] = key
        self._settings.set_keys(self._own)


def normal(key: str) -> str:
    """`ctrl+k` -> `Ctrl+K`."""
    return QKeySequence(key).toString(QKeySequence.SequenceFormat.PortableText)


def native(key: str) -> str:
    """As the system writes it: `Ctrl+K`, and other signs on a Mac."""
    return QKeySequence(key).toString(QKeySequence.SequenceFormat.NativeText)


def key_number(key: str) -> int:
    """Qt's number of a key without modifiers; for none, one that no event carries."""
    return int(QKeySequence(key)[0].key().value) if key else -1


def _readable(key: str) -> bool:
    """An empty key was taken away by hand; what Qt cannot read was written by another program."""
    return not key or (normal(key) != "" and QKeySequence(key)[0].key() != Qt.Key.Key_unknown)
