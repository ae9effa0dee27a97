"""The shells around a supervised network: they do nothing, but their names are part of the producers' keys."""

from __future__ import annotations

from torch import Tensor, nn


class Wrapped(nn.Module):
    """Adds `model.` before the keys of a network."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, image: Tensor) -> Tensor:
        logits: Tensor = self.model(image)
        return logits


class SupervisedNetwork(nn.Module):
    """network(None, None, image) -> logits (B, classes, H, W), background first; image (B, C, H, W) in [-1, 1].

    State, time and condition are those of the other families: a supervised network has none.
    """

    def __init__(self, model: Wrapped) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: None, t: None, image: Tensor, condition: None = None) -> Tensor:
        logits: Tensor = self.model(image)
        return logits
