"""Text from strangers, made safe to show."""

from __future__ import annotations

FILLERS = frozenset("\u115f\u1160\u2800\u3164\uffa0\u034f\u180b\u180c\u180d\ufe0f")
"""Characters that look like nothing although Python calls them printable."""


def one_line(text: str, limit: int) -> str:
    """`text` as one line of at most `limit` characters (and a mark where it was cut), with nothing hidden in it."""
    cut = text[:limit]
    if not cut.isascii() or not cut.isprintable():
        cut = "".join(map(_visible, cut))
    return cut if len(cut) <= limit and len(text) <= limit else cut[:limit] + "\N{HORIZONTAL ELLIPSIS}"


def _visible(char: str) -> str:
    if not char.isprintable() or char in FILLERS:  # control, bidi, zero width, surrogates, unassigned, odd spaces
        return char.encode("unicode_escape", "backslashreplace").decode("ascii")
    return char
