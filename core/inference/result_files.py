"""A prediction as one safetensors file: its arrays, all else as JSON in the header. Nothing in it can run."""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from core.files import write_whole
from core.records import (
    AnswerField,
    Array,
    Condition,
    Deviation,
    FilmSettings,
    Finding,
    Member,
    Prediction,
    RunSettings,
    StageModulation,
    Step,
    frozen_array,
)

VERSION = 1
"""Raise it when a record changes its meaning: files of another version are not read."""
RECORDS: dict[str, Any] = {
    record.__name__: record
    for record in (
        AnswerField, Condition, Deviation, FilmSettings, Finding, Member, Prediction, RunSettings, StageModulation,
        Step,
    )
}  # fmt: skip
KIND = "$"
DAMAGED = (SafetensorError, OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError)


def arrays_of(value: Any) -> list[Array]:
    """Every array in a record, once."""
    packer = _Packer()
    packer.pack(value)
    return packer.arrays


def write_result(path: Path, key: str, prediction: Prediction) -> None:
    """Write whole or not at all; raises OSError when the disk refuses."""
    packer = _Packer()
    record = packer.pack(prediction)
    arrays = {str(number): np.ascontiguousarray(array) for number, array in enumerate(packer.arrays)}
    header = {
        "version": VERSION,
        "key": key,
        "record": record,
        "crc": {name: zlib.crc32(array.tobytes()) for name, array in arrays.items()},
    }
    metadata = {"flowglass": json.dumps(header)}

    def save(part: Path) -> None:
        try:
            save_file(arrays, part, metadata=metadata)
        except SafetensorError as error:  # what it makes of a full disk
            raise OSError(str(error)) from error

    write_whole(path, save)


def read_result(path: Path, key: str) -> Prediction | None:
    """The prediction that was written under `key`; None if there is none. A damaged or foreign file is removed."""
    if not path.is_file():
        return None
    try:
        found = _read(path, key)
        os.utime(path)  # used just now: it goes last
        return found
    except DAMAGED:
        path.unlink(missing_ok=True)
        return None


def _read(path: Path, key: str) -> Prediction:
    with safe_open(path, framework="numpy") as file:
        header = json.loads((file.metadata() or {})["flowglass"])
        if header["version"] != VERSION or header["key"] != key:
            raise ValueError("written for something else")
        arrays = {name: frozen_array(file.get_tensor(name)) for name in header["crc"]}
    if any(zlib.crc32(array.tobytes()) != header["crc"][name] for name, array in arrays.items()):
        raise ValueError("its numbers are not those that were written")
    prediction = _unpacked(header["record"], arrays)
    if not isinstance(prediction, Prediction):
        raise ValueError("not a prediction")
    return prediction


class _Packer:
    """Records to JSON values; arrays are collected, each once, and stand in the JSON by their number."""

    def __init__(self) -> None:
        self.arrays: list[Array] = []
        self._numbers: dict[int, int] = {}

    def pack(self, value: Any) -> Any:
        if isinstance(value, np.ndarray):
            return {KIND: "array", "at": self._number(value)}
        if is_dataclass(value) and not isinstance(value, type):
            parts = {item.name: self.pack(getattr(value, item.name)) for item in fields(value)}
            return {KIND: type(value).__name__, "fields": parts}
        if isinstance(value, Mapping):
            return {KIND: "map", "items": [[self.pack(key), self.pack(item)] for key, item in value.items()]}
        if isinstance(value, tuple):
            return {KIND: "tuple", "items": [self.pack(item) for item in value]}
        if isinstance(value, list):
            return [self.pack(item) for item in value]
        return value.item() if isinstance(value, np.generic) else value

    def _number(self, array: Array) -> int:
        if id(array) not in self._numbers:
            self._numbers[id(array)] = len(self.arrays)
            self.arrays.append(array)  # kept, so that its id stays its own
        return self._numbers[id(array)]


def _unpacked(value: Any, arrays: Mapping[str, Array]) -> Any:
    if isinstance(value, list):
        return [_unpacked(item, arrays) for item in value]
    if not isinstance(value, dict):
        return value
    kind = value[KIND]
    if kind == "array":
        return arrays[str(value["at"])]
    if kind == "tuple":
        return tuple(_unpacked(item, arrays) for item in value["items"])
    if kind == "map":
        return {_unpacked(key, arrays): _unpacked(item, arrays) for key, item in value["items"]}
    return RECORDS[kind](**{name: _unpacked(item, arrays) for name, item in value["fields"].items()})
