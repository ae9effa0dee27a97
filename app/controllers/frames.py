"""Frames of a film and moments of a time series: read in the background, the neighbours ahead of time, then shown."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from PySide6.QtCore import QObject

from app.items import CaseItem, Note, OtherGrid
from app.jobs import Failure, Job, JobQueue
from app.store import Store
from core.records import Case, CasePaths

BYTES_KEPT = 512 << 20
AHEAD = 12  # frames that are read before anybody asks for them, in the direction in which one goes
WANTED, NEIGHBOURS = "frame", "frame ahead"
Key = tuple[str, int, str | None, str]  # image, revision, reference, where that is placed


class FrameCache:
    """The frames of one case, the last used last; within `bytes_kept`, but always at least the newest."""

    def __init__(self, bytes_kept: int = BYTES_KEPT) -> None:
        self._bytes_kept = bytes_kept
        self._key: Key | None = None
        self._frames: OrderedDict[int, Case] = OrderedDict()

    def use(self, key: Key) -> None:
        """Frames of another case are let go."""
        if key != self._key:
            self._key = key
            self._frames.clear()

    def clear(self) -> None:
        self._key = None
        self._frames.clear()

    def get(self, frame: int) -> Case | None:
        if frame in self._frames:
            self._frames.move_to_end(frame)
        return self._frames.get(frame)

    def put(self, key: Key, case: Case) -> None:
        """Keep a frame that was read; one of another case came too late."""
        if key == self._key:
            self._frames[case.image.frame] = case
            self._frames.move_to_end(case.image.frame)
            while len(self._frames) > 1 and self.size_bytes() > self._bytes_kept:
                self._frames.popitem(last=False)

    def has_room_for(self, more: int) -> bool:
        """Whether `more` frames fit without any other having to go."""
        each = max((case_bytes(case) for case in self._frames.values()), default=0)
        return self.size_bytes() + more * each <= self._bytes_kept

    def size_bytes(self) -> int:
        return sum(case_bytes(case) for case in self._frames.values())


class FrameController(QObject):
    """The newest wish wins: `show` draws what is at hand at once, and reads what is not."""

    def __init__(
        self,
        store: Store,
        queue: JobQueue,
        read: Callable[[CasePaths, int, OtherGrid], Case],
        parent: QObject | None = None,
        bytes_kept: int = BYTES_KEPT,
    ) -> None:
        super().__init__(parent)
        self._store, self._queue, self._read = store, queue, read
        self.cache = FrameCache(bytes_kept)
        self._wanted: int | None = None
        self._direction = 1
        self._closed = False
        self._reading: set[int] = set()
        store.case_activated.connect(lambda _: self._forget_wish())
        store.case_changed.connect(self._on_case_changed)

    @property
    def wanted(self) -> int | None:
        """The frame that was asked for last and is not shown yet."""
        return self._wanted

    def stop(self) -> None:
        """The window closes: what is read now is the last."""
        self._closed = True

    def step(self, by: int, *, around: bool = False) -> None:
        """Go `by` frames on; `around`: after the last comes the first."""
        case = self._store.case
        if case is not None and case.image.frames > 1:
            at = (case.image.frame if self._wanted is None else self._wanted) + by
            frames = case.image.frames
            self._direction = 1 if by > 0 else -1
            self.show(at % frames if around else min(max(at, 0), frames - 1))

    def show(self, frame: int) -> None:
        """Show a frame of the case that is looked at, as soon as it is read."""
        item = self._item()
        if item is None or item.case is None or not 0 <= frame < item.case.image.frames:
            return
        self.cache.use(_key(item))
        self.cache.put(_key(item), item.case)
        if frame == item.case.image.frame:
            self._wanted = None
            return
        known = self.cache.get(frame)
        if known is not None:
            self._draw(item.id, known)
            return
        self._wanted = frame
        self._start(item, frame, WANTED)

    def _draw(self, case: str, content: Case) -> None:
        self._wanted = None
        self._store.set_case_frame(case, content)
        self._read_ahead()

    def _start(self, item: CaseItem, frame: int, slot: str) -> None:
        if frame in self._reading or self._closed:
            return  # its result will be looked at when it comes
        key, paths, read, placed = _key(item), item.paths, self._read, item.other_grid
        title = f"Reading frame {frame + 1} of {item.name}" if slot == WANTED else ""  # ahead: nobody waits for it
        job = Job(lambda report: read(paths, frame, placed), title)
        job.succeeded.connect(lambda content: self._on_read(key, content))
        job.failed.connect(lambda failure: self._on_failed(key, frame, failure))
        job.ended.connect(lambda: self._on_ended(key, frame))
        self._reading.add(frame)
        self._queue.start(job, slot=slot)

    def _on_read(self, key: Key, content: Case) -> None:
        self._reading.discard(content.image.frame)
        item = self._item()
        if item is None or _key(item) != key:
            return
        self.cache.put(key, content)
        if content.image.frame == self._wanted:
            self._draw(item.id, content)
        else:
            self._read_ahead()

    def _on_ended(self, key: Key, frame: int) -> None:
        """A job that was cancelled before it began brings nothing; its frame may be wanted again by now."""
        self._reading.discard(frame)
        item = self._item()
        if frame == self._wanted and item is not None and _key(item) == key:
            self._start(item, frame, WANTED)

    def _on_failed(self, key: Key, frame: int, failure: Failure) -> None:
        item = self._item()
        if item is not None and _key(item) == key and frame == self._wanted:
            self._wanted = None
            self._store.note(Note(severity="error", text=failure.message, path=item.id, remedy=failure.remedy))
            self._store.case_changed.emit(item.id)  # the slider goes back to what is shown

    def _read_ahead(self) -> None:
        """The next frame that is not at hand, as long as there is room for all between here and there."""
        item = self._item()
        if item is None or item.case is None or self._wanted is not None or self._reading:
            return
        image = item.case.image
        for away in range(1, min(AHEAD, image.frames - 1) + 1):
            frame = (image.frame + self._direction * away) % image.frames
            if self.cache.get(frame) is None:
                if self.cache.has_room_for(1) or away <= 1:
                    self._start(item, frame, NEIGHBOURS)
                return

    def _on_case_changed(self, case: str) -> None:
        item = self._item()
        if item is not None and item.id == case and item.case is not None and item.case.image.frames > 1:
            self.cache.use(_key(item))
            self.cache.put(_key(item), item.case)

    def _forget_wish(self) -> None:
        """Another case is looked at, and needs the memory."""
        self._wanted = None
        self.cache.clear()
        self._queue.cancel_slot(WANTED)
        self._queue.cancel_slot(NEIGHBOURS)

    def _item(self) -> CaseItem | None:
        return self._store.cases.get(self._store.active_case or "")


def _key(item: CaseItem) -> Key:
    return item.id, item.revision, item.paths.reference, item.other_grid


def case_bytes(case: Case) -> int:
    """Memory that the arrays of a case take."""
    arrays = [case.image.voxels, case.image.colour, case.reference.labels if case.reference else None]
    return sum(array.nbytes for array in arrays if array is not None)
