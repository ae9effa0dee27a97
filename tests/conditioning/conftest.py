"""The tiny vision-language model, made once, and a wall against the network."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest

from tests.conditioning.tiny_model import ANSWERS, save_tiny_model


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of the model that answers `ANSWERS`, called as the checkpoints name their model."""
    return save_tiny_model(tmp_path_factory.mktemp("models") / "Qwen2.5-VL-3B-Instruct", ANSWERS)


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever tries to reach anything fails the test."""

    def refuse(*args: Any, **kinds: Any) -> None:
        raise AssertionError(f"something tried the network: {args[1:]}")

    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, refuse)
    for name in ("create_connection", "getaddrinfo", "gethostbyname"):
        monkeypatch.setattr(socket, name, refuse)
