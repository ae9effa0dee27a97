"""What the window remembers between sessions: recent files, theme, where the docks are. No result depends on it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from PySide6.QtCore import QByteArray, QSettings

RECENT_KEPT = 12
THEME_CHOICES = ("system", "light", "dark")


class Settings:
    """A typed front of QSettings. `path` is the INI file; without it, the place the system has for such files."""

    def __init__(self, path: Path | None = None) -> None:
        if path is None:
            kind, scope = QSettings.Format.IniFormat, QSettings.Scope.UserScope
            self._stored = QSettings(kind, scope, "Flowglass", "flowglass")
        else:
            self._stored = QSettings(str(path), QSettings.Format.IniFormat)

    @property
    def recent_files(self) -> list[str]:
        """Newest first. Whether they still exist is not checked: a drive may be slow or away."""
        stored = self._stored.value("recent/files", [])
        files = [stored] if isinstance(stored, str) else list(stored or [])
        return [file for file in files if isinstance(file, str) and file][:RECENT_KEPT]

    def add_recent_file(self, path: str) -> None:
        files = [path, *(file for file in self.recent_files if file != path)]
        self._stored.setValue("recent/files", files[:RECENT_KEPT])

    def clear_recent_files(self) -> None:
        self._stored.remove("recent/files")

    @property
    def theme(self) -> str:
        """`system`, `light` or `dark`."""
        stored = self._stored.value("view/theme", "system")
        return stored if stored in THEME_CHOICES else "system"

    @theme.setter
    def theme(self, choice: str) -> None:
        self._stored.setValue("view/theme", choice)

    @property
    def last_folder(self) -> str:
        return str(self._stored.value("open/folder", ""))

    @last_folder.setter
    def last_folder(self, folder: str) -> None:
        self._stored.setValue("open/folder", folder)

    @property
    def keep_results(self) -> bool:
        """Whether results are kept on disk."""
        return str(self._stored.value("results/keep", "false")) == "true"

    @keep_results.setter
    def keep_results(self, wanted: bool) -> None:
        self._stored.setValue("results/keep", "true" if wanted else "false")

    @property
    def last_result_folder(self) -> str:
        return str(self._stored.value("save/folder", ""))

    @last_result_folder.setter
    def last_result_folder(self, folder: str) -> None:
        self._stored.setValue("save/folder", folder)

    def label_colours(self) -> dict[str, str]:
        """The colour of each label that was ever shown, by its code or name."""
        stored = self._stored.value("labels/colours", "{}")
        try:
            known = json.loads(str(stored))
        except ValueError:
            return {}
        return {str(key): str(colour) for key, colour in known.items()} if isinstance(known, dict) else {}

    @property
    def label_colours_of_file(self) -> bool:
        return str(self._stored.value("labels/of-file", "false")) == "true"

    @label_colours_of_file.setter
    def label_colours_of_file(self, wanted: bool) -> None:
        self._stored.setValue("labels/of-file", "true" if wanted else "false")

    def store_label_colours(self, colours: Mapping[str, str]) -> None:
        self._stored.setValue("labels/colours", json.dumps(colours, ensure_ascii=True, sort_keys=True))

    def keys(self) -> dict[str, str]:
        """Keys that a person gave to commands, by the id of the command; empty text: the command has none."""
        self._stored.beginGroup("keys")
        found = {name: self._stored.value(name) for name in self._stored.childKeys()}
        self._stored.endGroup()
        return {name: key for name, key in found.items() if isinstance(key, str)}

    def set_keys(self, keys: Mapping[str, str]) -> None:
        """Replace all of them."""
        self._stored.remove("keys")
        for name, key in keys.items():
            self._stored.setValue(f"keys/{name}", key)

    def layout(self) -> tuple[QByteArray, QByteArray]:
        """Geometry and dock state of the window as Qt packed them; empty when never stored."""
        return self._bytes("window/geometry"), self._bytes("window/state")

    def store_layout(self, geometry: QByteArray, state: QByteArray) -> None:
        self._stored.setValue("window/geometry", geometry)
        self._stored.setValue("window/state", state)

    def sync(self) -> None:
        self._stored.sync()

    def _bytes(self, key: str) -> QByteArray:
        value = self._stored.value(key)
        return value if isinstance(value, QByteArray) else QByteArray()
