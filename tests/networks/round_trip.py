"""Build a network, read its config back from its keys, load it as the program does: without memory, then filled."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from core.networks import ARCHITECTURES, Architecture, Shapes

BY_NAME = {item.name: item for item in ARCHITECTURES}
State = Mapping[str, Tensor]


def shapes_of(state: State) -> dict[str, tuple[int, ...]]:
    return {key: tuple(tensor.shape) for key, tensor in state.items()}


def detected(shapes: Shapes) -> list[str]:
    return [item.name for item in BY_NAME.values() if item.detect(shapes)]


def random_network(architecture: Architecture, config: Any, seed: int = 0) -> nn.Module:
    """With weights that no initialisation gives: gammas that start at zero, statistics that start at one."""
    random = torch.Generator().manual_seed(seed)
    network = architecture.build(config).eval()
    for key, tensor in network.state_dict().items():
        if tensor.is_floating_point() and not key.endswith("resample_filter"):
            tensor.copy_(0.2 * torch.randn(tensor.shape, generator=random) + float(_starts_at_one(key, tensor)))
    for key, tensor in network.state_dict().items():
        if key.endswith("running_var"):
            tensor.abs_().add_(0.1)
    return network


def _starts_at_one(key: str, tensor: Tensor) -> bool:
    return tensor.ndim == 1 and key.endswith("weight")


def loaded(architecture: Architecture, state: State) -> nn.Module:
    """As the program loads it; what a file does not hold would stay without memory, and fail."""
    with torch.device("meta"):
        network = architecture.build(architecture.infer_config(shapes_of(state)))
    network.load_state_dict(dict(state), strict=True, assign=True)
    return network.eval().requires_grad_(False)


def check_round_trip(architecture: Architecture, config: Any, inputs: Iterable[Tensor | None]) -> None:
    network = random_network(architecture, config)
    state = network.state_dict()
    assert config.problem() == ""
    assert detected(shapes_of(state)) == [architecture.name]
    assert architecture.infer_config(shapes_of(state)) == config
    given = tuple(inputs)
    with torch.inference_mode():
        out, again = network(*given), loaded(architecture, state)(*given)
    assert torch.equal(out, again)
    assert torch.isfinite(out).all()
    assert out.shape[1] == config.out_channels


def assert_close(actual: Tensor, wanted: np.ndarray[Any, Any], absolute: float, relative: float = 0.0) -> None:
    np.testing.assert_allclose(actual.numpy(), wanted, rtol=relative, atol=absolute)
