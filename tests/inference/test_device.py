"""The device that runs a network, and how exactly it calculates."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from core.inference import device


@pytest.fixture
def precision() -> Iterator[None]:
    """The two switches as torch starts with the first of them, put back afterwards."""
    convolutions, products = torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = True
    yield
    torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32 = convolutions, products


def test_cuda_calculates_in_whole_float32(monkeypatch: pytest.MonkeyPatch, precision: None) -> None:
    """By default its convolutions keep ten bits of the fraction, which no tolerance of the fixtures allows."""
    monkeypatch.setattr(device, "_present", lambda _: True)
    assert device.resolve_device("cuda:0") == torch.device("cuda:0")
    assert not torch.backends.cudnn.allow_tf32
    assert not torch.backends.cuda.matmul.allow_tf32
