"""JSON from strangers: no NaN, no duplicate names, no endless digits, no bottomless nesting."""

from __future__ import annotations

import json
from typing import Any, NoReturn

MAX_INT_DIGITS = 1_240


class JsonRefused(ValueError):
    """JSON that is well-formed perhaps, but not fit for use. The text says why, without the file's name."""


def parse_json(text: str) -> Any:
    """The value of `text`. Raises JsonRefused, or json.JSONDecodeError with the place of the mistake."""
    try:
        return json.loads(text, parse_constant=_no_constant, parse_int=_int, object_pairs_hook=_object)
    except RecursionError as error:
        raise JsonRefused("it is nested too deeply") from error


def _no_constant(name: str) -> NoReturn:
    raise JsonRefused(f"it holds {name}, which is not a number")


def _int(digits: str) -> int:
    if len(digits) > MAX_INT_DIGITS:
        raise JsonRefused(f"it holds a whole number of {len(digits):,} digits")
    return int(digits)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise JsonRefused("it gives the same name twice")
    return found
