"""Which device runs the network."""

from __future__ import annotations

import torch

from core.errors import SettingsRefused


def resolve_device(wish: str = "auto") -> torch.device:
    """`auto` = the first GPU there is, else the CPU. `SettingsRefused` for a device this machine does not have."""
    device = torch.device(_best()) if wish == "auto" else _wished(wish)
    if device.type == "cuda":
        _whole_float32()
    return device


def _wished(wish: str) -> torch.device:
    try:
        device = torch.device(wish)
    except RuntimeError as error:
        raise SettingsRefused(f"'{wish}' is not a device. Use auto, cpu, cuda, cuda:1 or mps.") from error
    if not _present(device):
        raise SettingsRefused(f"This machine has no device '{wish}'. Use auto or cpu.")
    return device


def _whole_float32() -> None:
    """CUDA convolutions round float32 to ten bits (TF32) unless told not to; the networks are defined in float32."""
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_tf32 = False


def _best() -> str:
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _present(device: torch.device) -> bool:
    if device.type == "cuda":
        return torch.cuda.is_available() and (device.index or 0) < torch.cuda.device_count()
    if device.type == "mps":
        return torch.backends.mps.is_available()
    return device.type == "cpu"
