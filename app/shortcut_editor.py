"""Changing the shortcuts: all commands with their keys, a search, and a field that takes the next key pressed."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QKeySequence
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QHeaderView,
    QLineEdit,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.commands.command import SUBMENU, Command, plain
from app.keymap import Keymap, native
from app.panels.widgets.text import PlainLabel

_ID = Qt.ItemDataRole.UserRole
_MODIFIERS = {Qt.Key.Key_Control, Qt.Key.Key_Shift, Qt.Key.Key_Alt, Qt.Key.Key_Meta, Qt.Key.Key_AltGr}
_SHIFTED = Qt.KeyboardModifier.ShiftModifier


class KeyRecorder(QLineEdit):
    """Takes one key, with the modifiers that are held, instead of writing it."""

    recorded = Signal(str)  # portable text

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setReadOnly(True)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setAccessibleName("Key of the chosen command")
        self.setMinimumWidth(180)
        self._key = ""

    def show_key(self, key: str) -> None:
        self._key = key
        self._show()

    def _show(self) -> None:
        self.setText("" if self.hasFocus() else native(self._key) or "no key")
        self.setPlaceholderText("Press a key\N{HORIZONTAL ELLIPSIS}")

    def event(self, event: QEvent) -> bool:
        """Every key comes here, those of commands and Tab as well."""
        if event.type() == QEvent.Type.ShortcutOverride:
            event.accept()
            return True
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            self.keyPressEvent(event)
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = key_of(event)
        if key:
            self.clearFocus()
            self.recorded.emit(key)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self._show()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self._show()


def key_of(event: QKeyEvent) -> str:
    """What was pressed, in portable text; empty while only modifiers are held. Shift that made a sign is part of it:
    `?`, not `Shift+?`."""
    key, modifiers = Qt.Key(event.key()), event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
    if key in _MODIFIERS or key == Qt.Key.Key_unknown:
        return ""
    text = event.text()
    if modifiers == _SHIFTED and text.isprintable() and text.strip() and not text.isalpha():
        modifiers &= ~_SHIFTED
    return QKeySequence(int(key.value) | int(modifiers.value)).toString(QKeySequence.SequenceFormat.PortableText)


class ShortcutEditor(QDialog):
    """What is changed here holds at once, and for the next sessions."""

    def __init__(self, keymap: Keymap, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Change shortcuts")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._keymap = keymap
        self._wanted = ""  # a key that another command has
        self._make_widgets()
        self._place_widgets()
        self._connect()
        self._fill()
        self._choose(self.table.topLevelItem(0))
        self.resize(720, 560)

    # ---- making it ----

    def _make_widgets(self) -> None:
        self.search, self.table = QLineEdit(), QTreeWidget()
        self.search.setPlaceholderText("Search by command or key")
        self.search.setAccessibleName("Search by command or key")
        self.search.setClearButtonEnabled(True)
        self.table.setHeaderLabels(["Command", "Where", "Key", "Default"])
        self.table.setRootIsDecorated(False)
        self.table.setAlternatingRowColors(True)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.header().setStretchLastSection(False)
        self.table.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.title, self.recorder = PlainLabel(role="heading", wrap=True), KeyRecorder()
        self.none, self.reset = QPushButton("No key"), QPushButton("Reset")
        self.clash, self.take, self.leave = PlainLabel(wrap=True), QPushButton("Take it"), QPushButton("Leave it")
        self.clash.setProperty("severity", "warning")
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        self.reset_all = self.buttons.addButton("Reset all", QDialogButtonBox.ButtonRole.ResetRole)
        for button in (self.none, self.reset, self.take, self.leave, self.reset_all):
            button.setAutoDefault(False)

    def _place_widgets(self) -> None:
        column = QVBoxLayout(self)
        column.addWidget(self.search)
        column.addWidget(self.table, 1)
        column.addWidget(self.title)
        for parts in ((self.recorder, self.none, self.reset), (self.clash, self.take, self.leave)):
            row = QHBoxLayout()
            for part in parts:
                row.addWidget(part, int(part is self.clash))
            if self.clash not in parts:
                row.addStretch(1)
            column.addLayout(row)
        column.addWidget(self.buttons)

    def _connect(self) -> None:
        self.search.textChanged.connect(lambda _: self._filter())
        self.table.currentItemChanged.connect(lambda now, _: self._choose(now))
        self.table.itemClicked.connect(self._on_clicked)
        self.table.itemActivated.connect(lambda *_: self.recorder.setFocus())
        self.recorder.recorded.connect(self.record)
        self.none.clicked.connect(lambda: self._keymap.set_key(self._chosen().id, ""))
        self.reset.clicked.connect(self._on_reset)
        self.take.clicked.connect(lambda: self._keymap.set_key(self._chosen().id, self._wanted))
        self.leave.clicked.connect(lambda: self._choose(self.table.currentItem()))
        self.reset_all.clicked.connect(self._keymap.reset_all)
        self.buttons.rejected.connect(self.reject)
        self._keymap.changed.connect(self._show_keys)

    # ---- the table ----

    def _fill(self) -> None:
        for command in self._keymap.commands:
            where = plain(command.menu.replace(SUBMENU, " \N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK} "))
            note = "in the pictures" if command.where == "pictures" else "held" if command.held else ""
            item = QTreeWidgetItem([command.plain_title, ", ".join(filter(None, (where, note))), "", ""])
            item.setData(0, _ID, command.id)
            self.table.addTopLevelItem(item)
        self._show_keys()
        for column in (1, 2, 3):
            self.table.resizeColumnToContents(column)

    def _items(self) -> list[QTreeWidgetItem]:
        rows = (self.table.topLevelItem(row) for row in range(self.table.topLevelItemCount()))
        return [item for item in rows if item is not None]

    def _show_keys(self) -> None:
        for item in self._items():
            name = item.data(0, _ID)
            font = item.font(2)
            font.setBold(self._keymap.changed_by_hand(name))  # what differs from the start stands out
            item.setFont(2, font)
            gone = "no key" if self._keymap.changed_by_hand(name) else ""
            item.setText(2, native(self._keymap.key(name)) or gone)
            item.setText(3, native(self._keymap.usual(name)))
        if self.table.currentItem() is not None:
            self._choose(self.table.currentItem())

    def _filter(self) -> None:
        words = self.search.text().casefold().split()
        for item in self._items():
            text = " ".join(item.text(column) for column in range(3)).casefold()
            item.setHidden(not all(word in text for word in words))
        seen = [item for item in self._items() if not item.isHidden()]
        if seen and self.table.currentItem() not in seen:
            self._choose(seen[0])

    # ---- the chosen command ----

    def _chosen(self) -> Command:
        name = self.table.currentItem().data(0, _ID)
        return next(command for command in self._keymap.commands if command.id == name)

    def _choose(self, item: QTreeWidgetItem | None) -> None:
        if item is None:
            return
        if self.table.currentItem() is not item:
            self.table.setCurrentItem(item)
            return
        command = self._chosen()
        self.title.setText(command.plain_title)
        self.recorder.show_key(self._keymap.key(command.id))
        self.reset.setEnabled(self._keymap.changed_by_hand(command.id))
        self.none.setEnabled(bool(self._keymap.key(command.id)))
        self._say("")

    def _on_clicked(self, item: QTreeWidgetItem, column: int) -> None:
        """A click on a key waits for another one."""
        self._choose(item)
        if column == 2:
            self.recorder.setFocus(Qt.FocusReason.MouseFocusReason)

    def record(self, key: str) -> None:
        """Give the chosen command a key; ask first if another one has it."""
        command = self._chosen()
        problem, others = self._keymap.problem(command, key), self._keymap.holders(key, other_than=command.id)
        if problem:
            self._choose(self.table.currentItem())
            self._say(problem)
        elif others:
            self._wanted = key
            names = " and ".join(_quoted(other.plain_title) for other in others)
            self._say(f"{native(key)} belongs to {names}, which would have no key.", question=True)
        else:
            self._keymap.set_key(command.id, key)

    def _on_reset(self) -> None:
        self.record(self._keymap.usual(self._chosen().id) or "")

    def _say(self, text: str, *, question: bool = False) -> None:
        self.clash.setText(text)
        self.take.setVisible(question)
        self.leave.setVisible(question)


def _quoted(text: str) -> str:
    return f"\N{LEFT DOUBLE QUOTATION MARK}{text}\N{RIGHT DOUBLE QUOTATION MARK}"
