"""Random small networks of every architecture, and the files that their producers would have saved of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import torch
from torch import Tensor

from core.networks import ARCHITECTURES, Architecture
from core.networks.csnet.config import CsnetConfig
from core.networks.dhariwal.config import DhariwalConfig
from core.networks.diffusion.config import DenoiserConfig
from core.networks.dscnet.config import DscnetConfig
from core.networks.medsegdiff.config import MedSegDiffConfig
from core.networks.nnunet.config import NnunetConfig
from core.networks.segdiff.config import SegDiffConfig
from tests.builders import CFM, DFM, SOFT

BY_NAME = {architecture.name: architecture for architecture in ARCHITECTURES}
LAST_LAYERS = ("_head.weight", "final_conv.weight", "out_conv.weight")
SOFT2HARD = {"soft2hard_weight": 1.0, "soft_sharpness": 4.0, "hard_weight": 1.0, "soft_weight": 1.0}


def _u_net(random: Random, levels: int | None = None) -> dict[str, Any]:
    count = levels or random.randint(1, 3)
    base = 8 * random.randint(1, 2)
    return {
        "widths": (base, *(base * random.randint(1, 2) for _ in range(count))),
        "full_attention": tuple(random.random() < 0.5 for _ in range(count)),
    }


def _flow(random: Random, head: str) -> MedSegDiffConfig:
    return MedSegDiffConfig(
        **_u_net(random),
        image_size=8 * random.randint(1, 3),
        state_channels=1 if head == "single" else 2,
        head=head,  # type: ignore[arg-type]
        refine_depth=random.randint(0, 2) if head == "multitask" else 0,
    )


def _two_paths(random: Random, times: tuple[int, ...]) -> DenoiserConfig:
    unet = MedSegDiffConfig(
        widths=(8, *(8 * m for m in times)),
        full_attention=(False, False, True, True),
        image_size=random.choice((8, 16)),
        state_channels=1,
        mid_depth=random.randint(0, 1),
        time_scale=1.0,
    )
    return DenoiserConfig(unet=unet, timesteps=random.randint(1, 6))


def _one_path(random: Random, stem: str) -> DenoiserConfig:
    unet = SegDiffConfig(
        **_u_net(random), stem=stem, sigmoid=stem == "concat", time_scale=1.0, base="diffusion_model.model."
    )  # type: ignore[arg-type]
    return DenoiserConfig(unet=unet, timesteps=random.randint(1, 6), alphas=stem == "concat")


def _dhariwal(random: Random, out_channels: int) -> DhariwalConfig:
    return DhariwalConfig(
        image_size=16,
        model_channels=2 * random.randint(2, 6),
        embedding=random.randint(4, 12),
        widths=tuple(4 * random.randint(1, 5) for _ in range(random.randint(1, 3))),
        num_blocks=random.randint(1, 2),
        out_channels=out_channels,
    )


CONFIGS: dict[str, Callable[[Random], Any]] = {
    "medsegdiff_flow": lambda random: _flow(random, "single"),
    "medsegdiff_flow_multitask": lambda random: _flow(random, "multitask"),
    "medsegdiff_flow_soft2hard": lambda random: _flow(random, "soft2hard"),
    "segdiff_flow": lambda random: SegDiffConfig(**_u_net(random)),
    "dhariwal_concat_unet": lambda random: _dhariwal(random, 1),
    "dhariwal_concat_unet_multihead": lambda random: _dhariwal(random, 2),
    "medsegdiff": lambda random: _two_paths(random, (1, 2, 4, 8)),
    "colddiff": lambda random: _two_paths(random, (1, 2, 3, 4)),
    "segdiff": lambda random: _one_path(random, "sum"),
    "berdiff": lambda random: _one_path(random, "concat"),
    "csnet": lambda random: CsnetConfig(
        widths=tuple(random.randint(1, 9) for _ in range(5)), attention_width=random.randint(1, 5)
    ),
    "dscnet": lambda random: DscnetConfig(base_channels=random.choice((4, 8)), kernel_size=random.choice((1, 3, 5))),
    "nnunet": lambda random: NnunetConfig(widths=tuple(random.randint(1, 9) for _ in range(random.randint(2, 4)))),
}
"""One entry for each line of the registry: a test fails for an architecture without one."""


def random_config(name: str, seed: int) -> Any:
    return CONFIGS[name](Random(seed))


def hyper_parameters(architecture: Architecture, config: Any, **changes: Any) -> dict[str, Any]:
    """As the training code of that family stores them."""
    common: dict[str, Any] = {"arch_name": architecture.name, "data_name": "xca"}
    window = config.image_size or 16 * config.divisor if config.divisor < 16 else 32
    if architecture.family == "supervised":
        common |= {"img_size": 32, "in_channels": config.in_channels, "num_classes": config.out_channels}
    elif architecture.family == "diffusion":
        size = getattr(config.unet, "image_size", None) or 16
        common |= {"image_size": size, "dim": config.unet.widths[0], "timesteps": config.timesteps}
        common |= {"num_ensemble": 1, "use_ema": False, "loss_type": "mse", "conditioning_fmap_size": None}
    else:
        dialect = {"dhariwal_concat_unet_multihead": DFM, "segdiff_flow": CFM}.get(architecture.name, SOFT)
        dialect = SOFT2HARD if "soft2hard" in architecture.name else dialect
        common |= {"image_size": config.image_size or window, "timesteps": 4, "num_ensemble": 1} | dialect
    return common | changes


def random_weights(architecture: Architecture, config: Any, seed: int = 0) -> dict[str, Tensor]:
    """Initial weights, stirred a little so that what starts at zero is not."""
    torch.manual_seed(seed)
    state = architecture.build(config).state_dict()
    return {key: _stirred(architecture, key, value) for key, value in state.items()}


def _stirred(architecture: Architecture, key: str, value: Tensor) -> Tensor:
    tables = architecture.family == "diffusion" and key.count(".") == 1
    if tables or key.endswith(("running_var", "resample_filter", "num_batches_tracked")):
        return value
    stirred = value + 0.01 * torch.randn(value.shape)
    # The velocity of a random network is so rough that the adaptive solver needs thousands of calls.
    return 0.01 * stirred if architecture.family == "flow" and key.endswith(LAST_LAYERS) else stirred


def write_file(path: Path, name: str, seed: int = 0, config: Any = None, **changes: Any) -> Path:
    """A Lightning file of a random small network of architecture `name`; `changes` to its hyper-parameters."""
    architecture = BY_NAME[name]
    config = config or random_config(name, seed)
    stored = {
        "state_dict": random_weights(architecture, config, seed),
        "hyper_parameters": hyper_parameters(architecture, config, **changes),
        "hparams_name": "kwargs",
        "pytorch-lightning_version": "2.6.6",
        "epoch": 3,
        "global_step": 30,
    }
    torch.save(stored, path)
    return path
