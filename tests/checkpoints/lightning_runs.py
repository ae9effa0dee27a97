"""Checkpoints that Lightning itself writes: a tiny network, a few steps on the CPU, real callbacks."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import ModelCheckpoint
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Tiny(LightningModule):
    """Two layers, with batch normalisation on request. `scores`: what `val/dice` shall be, validation by validation.

    `seen`: the first weight as each validation saw it.
    """

    def __init__(self, scores: Sequence[float], *, batch_norm: bool = False) -> None:
        super().__init__()
        torch.manual_seed(5)
        self.net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4) if batch_norm else nn.Tanh(), nn.Linear(4, 1))
        self.scores = list(scores)
        self.seen: list[float] = []

    def first_weight(self) -> float:
        return float(self.state_dict()["net.0.weight"][0, 0])

    def training_step(self, batch: Any, _: int) -> Any:
        return (self.net(batch[0]) - 1).square().mean()

    def validation_step(self, batch: Any, _: int) -> None:
        self.seen.append(self.first_weight())
        self.log("val/dice", torch.tensor(self.scores[min(len(self.seen), len(self.scores)) - 1]))

    def configure_optimizers(self) -> Any:
        return torch.optim.SGD(self.parameters(), lr=0.3)


def train(folder: Path, model: LightningModule, *callbacks: Any, epochs: int = 3, **saving: Any) -> Trainer:
    """`best.ckpt` and what `saving` asks of ModelCheckpoint, below `folder`. One validation and two steps an epoch."""
    torch.manual_seed(5)
    saver = ModelCheckpoint(folder, "best", monitor="val/dice", mode="max", **saving)
    data = DataLoader(TensorDataset(torch.randn(8, 3)), batch_size=4)
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # few workers, no logger, a module copied while it trains
        trainer = Trainer(
            max_epochs=epochs,
            accelerator="cpu",
            logger=False,
            callbacks=[*callbacks, saver],
            enable_progress_bar=False,
            enable_model_summary=False,
            num_sanity_val_steps=0,
        )
        trainer.fit(model, data, DataLoader(TensorDataset(torch.randn(2, 3)), batch_size=2))
    return trainer
