"""The window: places the panels, takes drops anywhere, asks for files. What happens then is the work of controllers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QSize, QStandardPaths, Qt, QTimer
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDragMoveEvent, QDropEvent, QGuiApplication, QShowEvent
from PySide6.QtWidgets import QApplication, QDockWidget, QFileDialog, QMainWindow, QSplitter, QVBoxLayout, QWidget

from app.actions import COMMANDS, give_keys, make_actions, refresh_actions
from app.animation_dialog import ANIMATED, AnimationDialog, AnimationWish
from app.command_palette import CommandPalette, palette_entries
from app.commands.looking import PRESET_KEYS
from app.controllers.animation import AnimationController
from app.controllers.case_notes import CaseNotes
from app.controllers.cine import CineController
from app.controllers.concordance import ConcordanceController
from app.controllers.curves import CurveController
from app.controllers.dial import DialController
from app.controllers.export import ExportController
from app.controllers.film import FilmController
from app.controllers.film_effects import EffectController
from app.controllers.film_models import ModelController
from app.controllers.frames import FrameController
from app.controllers.grid import GridController
from app.controllers.labels import LabelController
from app.controllers.maps import MapController
from app.controllers.measuring import MeasureController
from app.controllers.opening import NOWHERE, OpenController, Target, read_case
from app.controllers.passports import PassportController
from app.controllers.presenting import PanelController
from app.controllers.rows import RowController
from app.controllers.running import RunController
from app.controllers.samples import SampleController
from app.controllers.topology import TopologyController
from app.controllers.viewing import ViewController
from app.controllers.volume_3d import Volume3DController
from app.dialogs import AboutDialog, ShortcutsDialog
from app.drop import leave_drops_to_the_window, paths_of
from app.film_dialogs import ask_download
from app.hold_space import HoldSpace, clicks_leave_the_focus
from app.items import DropPlace, LoadOptions, Note
from app.jobs import JobQueue
from app.keymap import Keymap, key_number, native
from app.label_colours import LabelColours
from app.parts import make_parts
from app.recent import RecentMenu
from app.save_dialog import SaveDialog
from app.series_dialog import SeriesDialog
from app.settings import Settings
from app.shortcut_editor import ShortcutEditor
from app.store import Store
from app.theme import THEMES, Theme, apply_theme, system_theme
from core import pipeline
from core.records import AnimationOptions, CasePaths, Series

DEMO = Path(__file__).resolve().parent.parent / "resources" / "demo"
OTHER_GRIDS = ("labels.other-grid", "labels.other-shape")
IMAGES = (
    "*.png *.jpg *.jpeg *.tif *.tiff *.bmp *.gif *.ppm *.pgm *.nii *.gz *.nrrd *.nhdr *.mha *.mhd *.mgh *.mgz *.dcm "
    "*.npy *.npz *.gipl *.hdr"
)
FILE_FILTERS = f"All files (*);;Checkpoints (*.ckpt *.pt *.pth *.safetensors);;Images and masks ({IMAGES})"
"""All files first: DICOM files and many others have no ending, and content decides what a file is."""
SMALLEST = QSize(720, 480)
RIGHT_WIDTH, LEFT_WIDTH, RUNS_WIDTH, WIDE = 390, 240, 330, 1280


class MainWindow(QMainWindow):
    """One window, with its own store and its own jobs."""

    def __init__(self, settings: Settings | None = None) -> None:
        super().__init__()
        self.settings = settings or Settings()
        self.store, self.queue = Store(self), JobQueue(self)
        self.has_demo = DEMO.is_dir()
        self.overlay_before: dict[str, bool] = {}  # what was seen of it when all of it was hidden
        self.theme = self._wanted_theme()
        apply_theme(_application(), self.theme)
        self.parts = make_parts(self.store, self.theme)
        self._place_parts()
        self._make_controllers()
        self.keymap = Keymap(COMMANDS, self.settings, self)
        self.actions_by_id = make_actions(self, self.keymap)
        self.keymap.changed.connect(self._on_keys_changed)
        self._on_keys_changed()
        self._recent = RecentMenu(self.settings, self)
        self._recent.path_chosen.connect(lambda path: self.open([path]))
        self._recent.insert_before(self.actions_by_id["file.demo"])
        self._refresh_soon = QTimer(self, interval=0, singleShot=True)
        self._refresh_soon.timeout.connect(self._refresh_actions)
        self._connect()
        self._place_results()
        self.setAcceptDrops(True)
        leave_drops_to_the_window(self)
        clicks_leave_the_focus(self)
        self._hold_space = HoldSpace(self, self.parts.view, _application())
        self._restore_layout()
        self._refresh_actions()

    # ---- making it ---------------------------------------------------------------------------------------------------

    def _place_parts(self) -> None:
        parts = self.parts
        self.setWindowTitle("Flowglass")
        self.setMinimumSize(SMALLEST)
        centre, above, steps = QSplitter(Qt.Orientation.Vertical), QWidget(), parts.steps
        column = QVBoxLayout(above)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        for part, stretch in ((parts.bar, 0), (parts.banner, 0), (parts.view, 1)):
            column.addWidget(part, stretch)
        centre.addWidget(above)
        centre.addWidget(steps)
        centre.setStretchFactor(0, 1)
        centre.setSizes([620, 200])
        centre.setChildrenCollapsible(False)
        self.setCentralWidget(centre)
        self.setStatusBar(parts.status)
        self._place_docks()

    def _place_docks(self) -> None:
        parts, left, right = self.parts, Qt.DockWidgetArea.LeftDockWidgetArea, Qt.DockWidgetArea.RightDockWidgetArea
        self.setCorner(Qt.Corner.BottomLeftCorner, left)
        self.setCorner(Qt.Corner.BottomRightCorner, right)
        self.library_dock = self._dock("Library", parts.library, left)
        passport, run = self._dock("Passport", parts.passport, right), self._dock("Run", parts.run, right)
        numbers = self._dock("Measurements", parts.measurements, right)
        self.concordance_dock = self._dock("Concordance", parts.concordance, right)
        self.tabifyDockWidget(numbers, self.concordance_dock)
        self.film_dock = self._dock("FiLM", parts.film, right)
        self.tabifyDockWidget(passport, run)
        self.tabifyDockWidget(run, self.film_dock)
        self.labels_dock = self._dock("Labels", parts.labels, right)
        self.tabifyDockWidget(self.film_dock, self.labels_dock)
        self.volume_dock = self._dock("3D", parts.volume_3d, right)
        self.tabifyDockWidget(self.labels_dock, self.volume_dock)
        self.volume_dock.visibilityChanged.connect(parts.volume_3d.set_looked_at)
        self.topology_dock = self._dock("Topology", parts.topology, right)
        self.tabifyDockWidget(self.labels_dock, self.topology_dock)
        self.uncertainty_dock = self._dock("Uncertainty", parts.uncertainty, right)
        self.dial_dock = self._dock("Dial", parts.dial, right)
        self.tabifyDockWidget(numbers, self.uncertainty_dock)
        self.tabifyDockWidget(self.uncertainty_dock, self.dial_dock)
        passport.raise_()
        numbers.raise_()
        self.resizeDocks([self.library_dock, passport], [LEFT_WIDTH, RIGHT_WIDTH], Qt.Orientation.Horizontal)
        self.resizeDocks([passport, numbers], [430, 320], Qt.Orientation.Vertical)

    def _dock(self, title: str, content: QWidget, area: Qt.DockWidgetArea) -> QDockWidget:
        dock = QDockWidget(title, self)
        dock.setObjectName(title)  # the layout is stored under it
        dock.setWidget(content)
        self.addDockWidget(area, dock)
        return dock

    def _make_controllers(self) -> None:
        store, queue, parts = self.store, self.queue, self.parts
        self.opening = OpenController(store, queue, self)
        self.case_notes = CaseNotes(store, parts.banner, self._on_noted, self)
        self.views = ViewController(store, parts.view, parts.steps, self)
        self.runs = RunController(store, queue, self)
        self.measuring = MeasureController(store, queue, self)
        self.effects = EffectController(store, queue, self.runs.segmenters, self)
        self.models = ModelController(store, queue, self)
        self.film = FilmController(store, parts.film, self.runs, self.effects, self.models)
        self.samples = SampleController(store, queue, parts.uncertainty, parts.view, self)
        self.dial = DialController(store, queue, self.runs.segmenters, parts.dial, self)
        self.exports = ExportController(store, queue, self)
        self.animations = AnimationController(store, queue, self)
        colours = LabelColours(self.settings)
        self.labels = LabelController(store, queue, parts.labels, parts.view, colours, self)
        self.volume_3d = Volume3DController(store, queue, parts.volume_3d, parts.view, self)
        self.volume_3d.reference_colour = self.theme.reference
        self.topology = TopologyController(store, queue, parts.topology, parts.view, self)
        self.passports = PassportController(store, queue, self)
        self.rows = RowController(store, queue, self.opening, self.runs, parts.view)
        self.curves = CurveController(store, queue, parts.steps, self)
        self.concordance = ConcordanceController(store, queue, parts.concordance, self)
        self.maps = MapController(store, queue, parts.view, self.runs)
        self.maps.offered.connect(parts.steps.offer_bare_runs)
        parts.steps.bare_runs_requested.connect(self.maps.run_bare)
        self.grid = GridController(store, parts.view, parts.bar, self)
        self.panels = PanelController(store, queue, parts, self)
        self.frames = FrameController(store, queue, read_case, self)
        self.cine = CineController(store, parts.view, self.frames, self)

    def _connect(self) -> None:
        parts, store, library = self.parts, self.store, self.parts.library
        parts.view.files_dropped.connect(lambda paths, place: self.open(paths, place=place))
        parts.view.open_requested.connect(self.ask_files)
        parts.view.demo_requested.connect(self.open_demo)
        parts.view.cancel_requested.connect(self.runs.cancel)
        parts.view.frame_requested.connect(self.frames.step)
        parts.view.layout_requested.connect(lambda layout: store.set_volume(layout=layout))
        parts.bar.time.frame_requested.connect(self.frames.show)
        parts.bar.time.play_requested.connect(self.cine.toggle)
        parts.bar.time.fps_changed.connect(self.cine.set_fps)
        parts.bar.time.show_fps(self.cine.fps)
        parts.status.cancel_requested.connect(self.cancel_all)
        own = (self.effects, self.models, self.dial, self.rows, self.maps, self.animations)
        self.panels.also_busy = lambda: any(part.busy for part in own)
        self.panels.also_progress = lambda: self.animations.progress
        self.animations.changed.connect(lambda _: self.panels.show_work_soon())
        self.animations.changed.connect(lambda _: self._refresh_soon.start())
        parts.run.cancel_requested.connect(lambda: self._with_column(self.runs.cancel))
        parts.run.without_film_requested.connect(lambda: self._with_column(self.runs.run_without_film))
        parts.run.run_requested.connect(self._on_run_requested)
        parts.banner.place_requested.connect(self.opening.place_reference)
        self.topology_dock.visibilityChanged.connect(lambda _: self.topology.look())
        self.topology.resample_requested.connect(lambda case: self.opening.place_reference(case, "resample"))
        parts.banner.without_film_requested.connect(self.runs.run_without_film)
        parts.banner.model_folder_requested.connect(self.ask_model_folder)
        parts.banner.model_download_requested.connect(self.ask_model_download)
        parts.film.model_folder_requested.connect(lambda: self._with_column(self.ask_model_folder))
        parts.film.model_download_requested.connect(lambda: self._with_column(self.ask_model_download))
        for signal in (self.effects.changed, self.models.looked, self.dial.changed):
            signal.connect(lambda _: self._refresh_actions())
        self.topology.changed.connect(self._refresh_actions)
        store.run_changed.connect(self._offer_without_film)
        store.column_removed.connect(parts.banner.withdraw)
        parts.passport.hash_requested.connect(self.opening.hash_checkpoint)
        library.cases.show_requested.connect(self.opening.show_case)
        library.cases.remove_requested.connect(store.remove_case)
        library.checkpoints.show_requested.connect(self.opening.show_checkpoint)
        library.checkpoints.new_column_requested.connect(store.add_column)
        library.checkpoints.remove_requested.connect(store.remove_checkpoint)
        library.checkpoints.current_changed.connect(store.select_checkpoint)
        library.checkpoints.compare_requested.connect(self.passports.compare)
        library.checkpoints.selectionModel().selectionChanged.connect(lambda *_: self._refresh_soon.start())
        library.runs.view.open_requested.connect(self.opening.open_checkpoint)
        library.runs.view.new_column_requested.connect(lambda path: self.opening.open_checkpoint(path, anew=True))
        library.runs.view.remove_requested.connect(store.remove_training_run)
        library.messages.open_as_requested.connect(self._on_open_as)
        self.opening.opened.connect(self._recent.add)
        self.opening.choice_needed.connect(self._ask_series)
        store.noted.connect(self._on_noted)
        store.training_runs_listed.connect(self._widen_library)
        columns = (
            store.labels_changed,
            store.column_activated,
            store.columns_reordered,
            store.run_changed,
            store.links_changed,
            store.compared,
        )
        for signal in (store.case_activated, store.case_changed, *columns):
            signal.connect(lambda _: self._refresh_actions())
        listed = (store.case_added, store.case_removed, store.checkpoint_added, store.checkpoint_removed)
        for signal in (*listed, store.checkpoint_changed, store.column_removed):
            signal.connect(lambda _: self._refresh_soon.start())
        store.case_activated.connect(lambda _: self._show_title())
        _application().styleHints().colorSchemeChanged.connect(lambda _: self._apply_theme())

    # ---- opening -----------------------------------------------------------------------------------------------------

    def open(self, paths: Sequence[str], target: Target = "view", place: DropPlace = NOWHERE) -> None:
        """Take in files and folders, as if dropped on the view (or in the library)."""
        if paths:
            self.parts.banner.hide()
            self.opening.open(paths, target, place)

    def open_demo(self) -> None:
        self.open([str(DEMO)])

    def ask_files(self) -> None:
        title, folder = "Open checkpoints, images and masks", self.settings.last_folder
        chosen, _ = QFileDialog.getOpenFileNames(self, title, folder, FILE_FILTERS)
        if chosen:
            self.settings.last_folder = str(Path(chosen[0]).parent)
            self.open(chosen)

    def _ask_series(self, cases: Sequence[CasePaths], series: Sequence[Series]) -> None:
        """Which of the DICOM series to open; none opens nothing."""
        dialog = SeriesDialog(series, self)
        dialog.accepted.connect(lambda: self.opening.open_series(cases, dialog.chosen()))
        dialog.open()

    def ask_folder(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Open a folder of cases", self.settings.last_folder)
        if chosen:
            self.settings.last_folder = chosen
            self.open([chosen])

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if paths_of(event.mimeData()):
            event.acceptProposedAction()

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Whatever was not dropped on the pictures themselves. In the library, a checkpoint is only listed."""
        paths = paths_of(event.mimeData())
        if paths:
            event.acceptProposedAction()
            where = event.position().toPoint()
            self.open(paths, "library" if self.library_dock.geometry().contains(where) else "view")

    def _widen_library(self) -> None:
        """Names of training runs are long; a small window keeps the room for the pictures."""
        if self.width() >= WIDE and self.library_dock.width() < RUNS_WIDTH:
            self.resizeDocks([self.library_dock], [RUNS_WIDTH], Qt.Orientation.Horizontal)

    def _on_open_as(self, path: str, kind: str) -> None:
        opening = self.opening
        take = {"image": opening.open_image, "reference": opening.open_reference, "column": opening.open_mask_column}
        take[kind](path)

    def _on_noted(self, note: Note) -> None:
        """Errors are shown over the pictures too, unless the column of the file says it already."""
        if self.case_notes.elsewhere(note):
            return
        shown = {column.checkpoint or column.source for column in self.store.columns.values()} - {""}
        if note.code in OTHER_GRIDS:
            self.parts.banner.offer_places(note.path, note, voxels=note.code == "labels.other-grid")
        elif note.severity in {"error", "warning"} and note.path not in shown:
            self.parts.banner.show_note(note)

    def _offer_without_film(self, column: str) -> None:
        item = self.store.columns.get(column)
        failure = self.store.run_state(column).failure if item else None
        if item is not None and failure is not None and failure.kind in {"ConditionMissing", "ModelRefused"}:
            why = failure.text() if failure.kind == "ModelRefused" else ""
            model = self.models.to_download(column)
            self.parts.banner.offer_without_film(column, self.store.title(item.checkpoint), model, why)
        else:
            self.parts.banner.withdraw(column)

    # ---- commands ----------------------------------------------------------------------------------------------------

    def run_active(self) -> None:
        self._on_run_requested(self.parts.run.settings(), self.parts.run.options())

    def _on_run_requested(self, settings: object, options: LoadOptions) -> None:
        """Other settings start a run by themselves; the same ones are run again."""
        column = self.store.columns.get(self.store.active_column or "")
        if column is None:
            return
        if (column.settings, column.options) == (settings, options):
            self.runs.rerun(column.key)
        else:
            self.store.change_column(column.key, settings=settings, options=options)

    def toggle_kept_results(self) -> None:
        """Keep results on disk from now on, or no longer; what is there stays until it is removed."""
        self.settings.keep_results = not self.settings.keep_results
        self._place_results()
        where = (
            f"Results are kept in {results_folder()}" if self.settings.keep_results else "Results are not kept on disk"
        )
        self.store.note(Note(severity="ok", text=where))

    def forget_kept_results(self) -> None:
        self.runs.keep_on_disk(results_folder())
        self.runs.forget_disk()
        self._place_results()
        self.store.note(Note(severity="ok", text="The results on disk are removed"))

    def _place_results(self) -> None:
        self.runs.keep_on_disk(results_folder() if self.settings.keep_results else None)

    def cancel_all(self) -> None:
        """Runs of columns, the steps dial, and what the FiLM panel measures or downloads."""
        self.effects.cancel()
        self.dial.cancel()
        self.models.cancel()
        self.animations.cancel()
        self.rows.cancel()
        self.maps.cancel()
        self.topology.cancel()
        self.runs.cancel_all()

    def show_film(self) -> None:
        self.film_dock.show()
        self.film_dock.raise_()

    def show_3d(self) -> None:
        self.volume_dock.show()
        self.volume_dock.raise_()

    def show_concordance(self) -> None:
        self.concordance_dock.show()
        self.concordance_dock.raise_()

    def show_topology(self) -> None:
        self.topology_dock.show()
        self.topology_dock.raise_()

    def step_item(self, by: int) -> None:
        """The next thing that is wrong with the vessels, or the one before; the list is made when it is first asked
        for."""
        if not self.parts.topology.is_seen():
            self.show_topology()
        self.topology.step(by)

    def passports_to_compare(self) -> tuple[str, str] | None:
        return self.passports.pair(self.parts.library.checkpoints.selected())

    def compare_passports(self) -> None:
        pair = self.passports_to_compare()
        if pair is not None:
            self.passports.compare(*pair)

    def ask_model_folder(self, column: str) -> None:
        title = "Choose the folder of the vision-language model"
        chosen = QFileDialog.getExistingDirectory(self, title, self.settings.last_folder)
        if chosen and column in self.store.columns:
            self.models.use_folder(column, chosen)

    def ask_model_download(self, column: str) -> None:
        name = self.models.to_download(column) if column in self.store.columns else None
        if name is not None:
            ask_download(name, self, lambda: self._download_model(column))

    def _download_model(self, column: str) -> None:
        self.models.download(column)
        self.show_film()  # there it says how far it is

    def ask_result_folder(self) -> None:
        case, column = self.store.case, self.store.active_column
        prediction = self.store.run_state(column).prediction if column else None
        if case is None or column is None or prediction is None:
            return
        formats, steps = pipeline.formats_for(case.image), len(prediction.steps) > 1
        dialog = SaveDialog(formats, self.settings.last_result_folder, steps=steps, parent=self)
        if dialog.exec() == SaveDialog.DialogCode.Accepted:
            folder, chosen = dialog.folder.text().strip(), dialog.format()
            self.settings.last_result_folder = folder
            self.exports.save_prediction(column, folder, steps=dialog.steps.isChecked(), file_format=chosen)

    def ask_picture_file(self, scale: int) -> None:
        chosen, _ = QFileDialog.getSaveFileName(self, f"Save picture of the view, {scale}x", "view.png", "PNG (*.png)")
        if chosen:
            self.save_picture(chosen, scale)

    def ask_animation(self) -> None:
        """How the scrub should be drawn, then where to; what is looked at now is what is drawn."""
        view, look = self.parts.view, self.store.volume
        options = AnimationOptions(
            quantity=next((name for name in ANIMATED if name == self.store.quantity), "mask"),
            view=look.view if view.is_volume() else "acquired",
            convention=look.convention,
            cross=view.cross(),
            window=view.window_level(),
            inverted=view.inverted(),
            opacity=self.store.overlay.opacity,
            reference_colour=self.theme.reference,
        )
        dialog = AnimationDialog(self.animations.shown(), options, pipeline.video_missing(), self)
        dialog.save_requested.connect(self.ask_animation_file)
        dialog.open()

    def ask_animation_file(self, wish: AnimationWish) -> None:
        case = self.store.case
        if case is None:
            return
        name = f"{pipeline.stem_of(case.name)}{pipeline.frame_suffix(case.image)}_steps{wish.ending}"
        kind = f"{wish.ending[1:].upper()} (*{wish.ending})"
        chosen, _ = QFileDialog.getSaveFileName(self, "Save animation", name, kind)
        if chosen:
            path = chosen if chosen.lower().endswith(wish.ending) else chosen + wish.ending
            self.animations.save(path, list(wish.columns), wish.options)

    def save_picture(self, path: str, scale: int = 1) -> None:
        self.exports.save_picture(self.parts.view.grab_view(scale), path)

    def copy_picture(self) -> None:
        self.exports.copy_picture(self.parts.view.grab_view(2))

    def copy_command(self) -> None:
        self._with_column(self.exports.copy_command)

    def add_reference_column(self) -> None:
        self.store.add_labels_column("reference")

    def ask_mask_column(self) -> None:
        chosen, _ = QFileDialog.getOpenFileName(self, "Open mask as column", self.settings.last_folder)
        if chosen:
            self.settings.last_folder = str(Path(chosen).parent)
            self.opening.open_mask_column(chosen)

    def move_column(self, by: int) -> None:
        """The active column, one place to the left or right."""
        self._with_column(lambda column: self.store.move_column(column, list(self.store.columns).index(column) + by))

    def close_column(self) -> None:
        self._with_column(self.store.remove_column)

    def reset_threshold(self) -> None:
        self._with_column(lambda column: self.store.set_threshold(column, None))

    def toggle_overlay(self, field: str) -> None:
        self.store.set_overlay(**{field: not getattr(self.store.overlay, field)})

    def step_case(self, by: int) -> None:
        """The next or previous case of the library, round and round."""
        cases = list(self.store.cases)
        if cases:
            at = cases.index(self.store.active_case) if self.store.active_case in cases else -1
            self.opening.show_case(cases[(at + by) % len(cases)])

    def move_step(self, by: int) -> None:
        """One kept step on or back; the final result lies behind the last."""
        steps = self.parts.steps
        steps.slider.setValue(steps.slider.value() + by)

    def show_shortcuts(self) -> None:
        ShortcutsDialog(self.keymap, self.edit_shortcuts, self).open()

    def edit_shortcuts(self) -> None:
        ShortcutEditor(self.keymap, self).open()

    def show_palette(self) -> None:
        CommandPalette(palette_entries(self), self).open()

    def _on_keys_changed(self) -> None:
        """Menus, the held key and the names of the presets show the keys that are in force."""
        give_keys(self.actions_by_id, self.keymap)
        self.parts.view.bare_key = key_number(self.keymap.key("view.bare"))
        self.parts.view.other_key = key_number(self.keymap.key("view.other"))
        self.parts.bar.compare.show_key(native(self.keymap.key("view.other")))
        keys = (native(self.keymap.key(f"view.preset-{number}")) for number in range(1, PRESET_KEYS + 1))
        self.parts.bar.show_preset_keys(tuple(keys))

    def show_about(self) -> None:
        AboutDialog(self).open()

    def _with_column(self, do: object) -> None:
        if self.store.active_column is not None and callable(do):
            do(self.store.active_column)

    # ---- looks -------------------------------------------------------------------------------------------------------

    def choose_theme(self, choice: str) -> None:
        """`system`, `light` or `dark`; remembered."""
        self.settings.theme = choice
        self._apply_theme()

    def _apply_theme(self) -> None:
        self.theme = self._wanted_theme()
        apply_theme(_application(), self.theme)
        self.parts.set_theme(self.theme)

    def _wanted_theme(self) -> Theme:
        return THEMES.get(self.settings.theme) or system_theme(_application())

    def _refresh_actions(self) -> None:
        refresh_actions(self, self.actions_by_id)

    def _show_title(self) -> None:
        item = self.store.cases.get(self.store.active_case or "")
        self.setWindowTitle(f"{item.name} \N{EM DASH} Flowglass" if item else "Flowglass")

    def _restore_layout(self) -> None:
        geometry, state = self.settings.layout()
        if geometry.isEmpty() or not self.restoreGeometry(geometry):
            screen = QGuiApplication.primaryScreen().availableGeometry().size()
            self.resize(QSize(1440, 900).boundedTo(screen * 0.95).expandedTo(SMALLEST))
        if not state.isEmpty():
            self.restoreState(state)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.parts.view.setFocus()  # Space and R work at once

    def closeEvent(self, event: QCloseEvent) -> None:
        """Cancel what runs and wait for it: nothing may work for a window that is gone."""
        self.settings.store_layout(self.saveGeometry(), self.saveState())
        self.settings.sync()
        self.hide()
        self.cine.stop()
        self.frames.stop()
        self.runs.stop_waiting()
        self.queue.shutdown()
        super().closeEvent(event)


def _application() -> QApplication:
    application = QApplication.instance()
    assert isinstance(application, QApplication)
    return application


def results_folder() -> str:
    """Where results are kept on disk: the place that the system has for what can be made again."""
    place = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.GenericCacheLocation)
    return str(Path(place) / "flowglass" / "results")
