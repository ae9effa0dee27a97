"""What the columns look at: a scene for each, in which the aspects that are linked are the same for all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from app.canvas.scene import Scene
from app.items import LINKS, Link

FIELDS: dict[Link, tuple[str, ...]] = {
    "camera": ("cameras",),
    "slice": ("cross", "tile"),
    "window": ("low", "high", "inverted"),
    "step": ("t",),
}
"""The fields of a scene that belong to each link; all others are always the same for all columns."""

Key = str | None


class LinkedScenes:
    """Scenes by column key; None is the image that has no column, and whoever comes after the last column."""

    def __init__(self) -> None:
        self._scenes: dict[Key, Scene] = {None: Scene()}
        self.linked: frozenset[Link] = frozenset(LINKS)

    def of(self, key: Key) -> Scene:
        return self._scenes.get(key, self._scenes[None])

    def add(self, key: str, like: Key) -> None:
        """A new column looks at what `like` looks at."""
        self._scenes.setdefault(key, self.of(like))

    def remove(self, key: str) -> None:
        """The last column leaves what it looked at to the image alone."""
        gone = self._scenes.pop(key, None)
        if gone is not None and len(self._scenes) == 1:
            self._scenes[None] = gone

    def change(self, key: Key, **changes: object) -> tuple[Key, ...]:
        """Change the scene of `key`, and with it all others in what is linked. Returns whose scenes are others now."""
        own = {name for link in FIELDS if link not in self.linked for name in FIELDS[link]}
        common = {name: value for name, value in changes.items() if name not in own}
        changed = []
        for name, scene in self._scenes.items():
            wanted = changes if name in (key, None) else common
            if wanted:
                self._scenes[name] = replace(scene, **wanted)  # type: ignore[arg-type]
                changed.append(name)
        return tuple(changed)

    def change_all(self, **changes: object) -> tuple[Key, ...]:
        """Whatever is linked: another case, for instance."""
        self._scenes = {name: replace(scene, **changes) for name, scene in self._scenes.items()}  # type: ignore[arg-type]
        return tuple(self._scenes)

    def change_each(self, name: str, values: Mapping[Key, object], other: object) -> tuple[Key, ...]:
        """A field that is never linked: its value by key, and `other` for everyone else. Returns who has another."""
        changed = []
        for key, scene in self._scenes.items():
            wanted = values.get(key, other)
            if getattr(scene, name) != wanted:
                self._scenes[key] = replace(scene, **{name: wanted})  # type: ignore[arg-type]
                changed.append(key)
        return tuple(changed)

    def link(self, links: Iterable[Link], lead: Key) -> tuple[Key, ...]:
        """Link these and no others; in what is linked anew, all take what `lead` looks at."""
        before, self.linked = self.linked, frozenset(links)
        fields = [name for link in self.linked - before for name in FIELDS[link]]
        now = self.of(lead)
        return self.change_all(**{name: getattr(now, name) for name in fields}) if fields else ()
