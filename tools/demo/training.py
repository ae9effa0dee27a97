"""Train one recipe on drawn windows: AdamW, cosine learning rate, running average of the weights. One thread."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from core.networks.film import Conditioner
from core.networks.medsegdiff.network import MedSegDiffFlow
from tools.demo.features import window_feature
from tools.demo.objectives import LOSSES, Batch
from tools.demo.recipes import COND_DIM, FEATURE_WIDTH, IMAGE_SIZE, Recipe
from tools.demo.windows import Pool, cut_windows, draw_pool

Weights = dict[str, Tensor]
SEED = 2026
POOL_SIZE = 700
BATCH = 4
PEAK_RATE, LAST_RATE, WARM_UP = 1.5e-3, 2e-5, 40
WEIGHT_DECAY = 1e-5
AVERAGING = 0.997


class WithConditioner(nn.Module):
    """FiLM network and conditioner; `producer_state` names them `unet`, `vlm_film_heads`, `vlm_film_conditioner`."""

    def __init__(self, flow: MedSegDiffFlow) -> None:
        super().__init__()
        self.vlm_film_conditioner = Conditioner(FEATURE_WIDTH, COND_DIM)
        self.flow = flow

    def producer_state(self) -> Weights:
        return {name.removeprefix("flow."): value for name, value in self.state_dict().items()}


def build(recipe: Recipe) -> nn.Module:
    """Fresh network. FiLM heads start as the identity, as the producers' do."""
    flow = MedSegDiffFlow(recipe.config)
    if flow.vlm_film_heads is None:
        return flow
    for name, value in flow.vlm_film_heads.named_parameters():
        if ".mlp.2." in name:
            nn.init.zeros_(value)
    return WithConditioner(flow)


def producer_state(network: nn.Module) -> Weights:
    """State dict with the producers' keys."""
    return network.producer_state() if isinstance(network, WithConditioner) else network.state_dict()


def adopt(network: nn.Module, weights: Weights) -> int:
    """Copy every tensor of `weights` whose name and shape the network has; returns how many were."""
    own = producer_state(network)  # shares memory with the network
    fitting = {name: value for name, value in weights.items() if name in own and own[name].shape == value.shape}
    for name, value in fitting.items():
        own[name].copy_(value)
    return len(fitting)


def train(recipe: Recipe, start: Weights | None, minutes: float | None, say: Callable[[str], None]) -> Weights:
    """Averaged weights with the producers' keys. `minutes` ends training early (then it is not repeatable)."""
    torch.set_num_threads(1)
    torch.manual_seed(SEED)
    rng, random = np.random.default_rng((SEED, recipe.stream)), torch.Generator().manual_seed(SEED)
    network = build(recipe)
    if start is not None:
        say(f"{recipe.name}: {adopt(network, start)} tensors from {recipe.start_from}")
    pool = draw_pool(rng, POOL_SIZE)
    average = {name: value.clone() for name, value in producer_state(network).items()}
    optimizer = torch.optim.AdamW(network.parameters(), lr=PEAK_RATE, weight_decay=WEIGHT_DECAY)
    began, losses = time.monotonic(), []
    for step in range(recipe.steps):
        share = _share_done(step, recipe.steps, time.monotonic() - began, minutes)
        if share >= 1:
            break
        losses.append(_train_step(recipe, network, optimizer, _batch(recipe, pool, rng), random, _rate(step, share)))
        _update_average(average, producer_state(network), step)
        if (step + 1) % 50 == 0:
            say(f"{recipe.name}: step {step + 1}, loss {np.mean(losses[-50:]):.4f}, {time.monotonic() - began:.0f} s")
    return average


def _share_done(step: int, steps: int, seconds: float, minutes: float | None) -> float:
    by_steps = step / steps
    return by_steps if minutes is None else max(by_steps, seconds / (60 * minutes))


def _rate(step: int, share: float) -> float:
    cosine = 0.5 * (1 + math.cos(math.pi * share))
    return min(1.0, (step + 1) / WARM_UP) * (LAST_RATE + (PEAK_RATE - LAST_RATE) * cosine)


def _train_step(
    recipe: Recipe,
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    batch: Batch,
    random: torch.Generator,
    rate: float,
) -> float:
    for group in optimizer.param_groups:
        group["lr"] = rate
    optimizer.zero_grad(set_to_none=True)
    loss = LOSSES[recipe.objective](network, batch, random)
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(network.parameters(), 1.0)
    optimizer.step()
    return float(loss.detach())


def _batch(recipe: Recipe, pool: Pool, rng: np.random.Generator) -> Batch:
    image, hard, soft = cut_windows(pool, rng, BATCH, IMAGE_SIZE)
    feature = None
    if recipe.film:
        # Half of the windows are inverted: which of two trees is the vessel, only the condition says.
        polarity = rng.choice((-1.0, 1.0), size=BATCH)
        image = image * polarity[:, None, None, None].astype(np.float32)
        pairs = zip(image[:, 0], polarity, strict=True)
        feature = torch.from_numpy(np.concatenate([window_feature(*pair) for pair in pairs]).astype(np.float32))
    return Batch(image=_tensor(image), hard=_tensor(hard), soft=_tensor(soft), feature=feature)


def _tensor(values: NDArray[np.float32]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values))


@torch.no_grad()
def _update_average(average: Weights, weights: Weights, step: int) -> None:
    keep = min(AVERAGING, (1 + step) / (10 + step))
    for name, value in weights.items():
        average[name].lerp_(value, 1 - keep)
