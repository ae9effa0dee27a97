"""Fuzzy search: the letters of what was typed, in their order, somewhere in a title."""

from __future__ import annotations

_CONSECUTIVE, _WORD_START, _FIRST, _GAP = 8, 10, 6, -1
_LEAST = 4
"""Points per letter below which letters are scattered by chance."""


def score(typed: str, title: str) -> int | None:
    """How well `title` answers to `typed`; None when it does not. Spaces in `typed` only separate its parts.

    Letters that follow each other or begin words count more, gaps count against it: `wl` finds `Window level` before
    `view all`.
    """
    total = 0
    for part in typed.casefold().split():
        found = _part_score(part, title.casefold())
        if found is None:
            return None
        total += found
    return total - len(title) // 8


def _part_score(part: str, title: str) -> int | None:
    """The best over all places where the part may begin."""
    starts = [at for at, letter in enumerate(title) if letter == part[0]]
    known = [value for value in (_from(part, title, at) for at in starts) if value is not None]
    best = max(known, default=None)
    return best if best is not None and (best >= _LEAST * len(part) or len(part) == 1) else None


def _from(part: str, title: str, start: int) -> int | None:
    total, last = 0, start - 1
    for letter in part:
        at = _next_place(letter, title, last + 1)
        if at is None:
            return None
        begins = at == 0 or not title[at - 1].isalnum()
        total += _CONSECUTIVE if at == last + 1 and at != start else max(_GAP * (at - last - 1), -_WORD_START)
        total += _WORD_START * begins + _FIRST * (at == 0)
        last = at
    return total


def _next_place(letter: str, title: str, start: int) -> int | None:
    """At the beginning of a word if one follows, unless the letter comes at once."""
    at = title.find(letter, start)
    if at < 0 or at == start:
        return None if at < 0 else at
    beginnings = (place for place in range(at, len(title)) if title[place] == letter and not title[place - 1].isalnum())
    return next(beginnings, at)
