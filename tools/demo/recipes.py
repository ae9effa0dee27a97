"""The four demo checkpoints: sizes, class, hyper-parameters in the producers' order, and how long each is trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from core.networks.medsegdiff.config import FilmConfig, Head, MedSegDiffConfig

IMAGE_SIZE = 64
WIDTHS = (16, 16, 16, 32)  # model_channels 16, channel_mult [1, 1, 2]
FEATURE_WIDTH = 16
COND_DIM, FILM_HIDDEN = 32, 64
FILM_STAGES = (1, 2)
TIMESTEPS = 12
EPOCH = 40

Objective = Literal["soft2hard", "cfm", "dfm", "vlm"]
Values = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """`start_from`: recipe whose weights are taken where names and shapes agree. `stream`: seed of its own draws."""

    name: str
    producer: str
    model: str
    run: str
    objective: Objective
    steps: int
    stream: int
    start_from: str | None = None
    head: Head = "single"
    film: bool = False

    @property
    def folder(self) -> str:
        """Run folder below resources/demo, as the producers lay runs out: experiments/<model>/<data>/<run>."""
        return f"experiments/{self.model}/xca/{self.run}"

    @property
    def checkpoint(self) -> str:
        return f"{self.folder}/checkpoints/best.ckpt"

    @property
    def config(self) -> MedSegDiffConfig:
        film = FilmConfig(
            stages=FILM_STAGES,
            channels=tuple(tuple(reversed(WIDTHS[1:]))[stage] for stage in FILM_STAGES),
            point="A",
            cond_dim=COND_DIM,
            hidden=FILM_HIDDEN,
            layer_norm=True,
        )
        return MedSegDiffConfig(
            widths=WIDTHS,
            full_attention=(False, False, True),  # image_size 64, attn_resolutions [16]
            image_size=IMAGE_SIZE,
            state_channels=2 if self.head == "soft2hard" else 1,
            head=self.head,
            film=film if self.film else None,
        )

    def hyper_parameters(self) -> Values:
        """The full set that this class saves, in its order and with its value types (spec 1.1, fixtures)."""
        values = _common(self)
        if self.objective == "soft2hard":
            weights = {"flow_weight": 1.0, "hard_weight": 1.0, "soft_weight": 0.2, "soft2hard_weight": 0.1}
            return values | weights | {"soft_sharpness": 10.0}
        return values | _sofl(self) | (_vlm() if self.film else _no_vlm())


def _common(recipe: Recipe) -> Values:
    """Shared by every flow class. sofl-seg puts `use_sliding_infer` in the middle, soft-seg has none."""
    values: Values = {
        "arch_name": "medsegdiff_flow_soft2hard" if recipe.head == "soft2hard" else "medsegdiff_flow",
        "image_size": IMAGE_SIZE,
        "patch_plan": [[IMAGE_SIZE, 4]],
        "dim": 16,
        "timesteps": TIMESTEPS,
        "sigma": 0.25,
        "learning_rate": 1e-3,
        "weight_decay": 1e-5,
        "num_classes": 2,
        "experiment_name": f"{recipe.model}/xca/{recipe.run}",
        "num_ensemble": 1,
        "data_name": "xca",
        "log_image_enabled": False,
        "log_image_names": ["0000.png"],
    }
    if recipe.producer == "sofl-seg":
        values["use_sliding_infer"] = True
    return values | {
        "model_channels": WIDTHS[0],
        "channel_mult": [width // WIDTHS[0] for width in WIDTHS[1:]],
        "channel_mult_emb": 4,
        "num_blocks": 3,
        "attn_resolutions": [16],
        "dropout": 0.0,
        "label_dim": 0,
        "augment_dim": 0,
    }


def _sofl(recipe: Recipe) -> Values:
    return {
        "use_gradient_checkpointing": False,
        "loss_type": "l2",
        "bce_weight": 0.5,
        "l2_weight": 0.1,
        "dice_weight": 0.2,
        "lambda_soft": 1.0,
        "loss": {"name": "flow_matching", "params": {"scheme": "l2"}},
        "mode": "cfm_continuous" if recipe.objective == "cfm" else "dfm_binary",
        "dfm_sampler": "euler",
        "dfm_eps": "1e-6",  # a string, as YAML 1.1 reads it
        "debug_dfm": False,
    }


def _no_vlm() -> Values:
    return {"use_vlm_film": False, "vlm_film_config": None, "vlm_update_interval": 50, "vlm_update_interval_eval": 1}


def _vlm() -> Values:
    film_config = {
        "model_name": "Qwen/Qwen2.5-VL-3B-Instruct",
        "cond_dim": COND_DIM,
        "cache_dir": "cache/vlm_profiles",
        "batch_strategy": "per_sample",
        "update_interval_steps_train": 25,
        "update_interval_steps_eval": 1,
        "gamma_scale": 0.1,
        "beta_scale": 0.1,
        "cond_layernorm": True,
        "text_mlp_hidden_dim": FILM_HIDDEN,
        "input_mode": "raw",
        "pred_warmup_epochs": 0,
    }
    return {
        "use_vlm_film": True,
        "vlm_film_config": film_config,
        "vlm_film_decoder_stages": list(FILM_STAGES),
        "vlm_update_interval": 50,
        "vlm_update_interval_eval": 1,
        "junction_gating_config": None,
    }


RECIPES = (
    Recipe(
        name="cfm",
        producer="sofl-seg",
        model="medsegdiff_flow",
        run="medsegdiff_flow_xca_cfm_20260206_120000",
        objective="cfm",
        steps=1500,
        stream=3,
    ),
    Recipe(
        name="soft2hard",
        producer="soft-seg",
        model="medsegdiff_flow_soft2hard",
        run="medsegdiff_flow_soft2hard_xca_20260107_120000",
        objective="soft2hard",
        steps=500,
        stream=9,
        start_from="cfm",
        head="soft2hard",
    ),
    Recipe(
        name="dfm",
        producer="sofl-seg",
        model="medsegdiff_flow",
        run="medsegdiff_flow_xca_dfm_20260206_130000",
        objective="dfm",
        steps=1200,
        stream=3,
    ),
    Recipe(
        name="vlm",
        producer="sofl-seg",
        model="medsegdiff_flow_vlm_film",
        run="medsegdiff_flow_vlm_film_xca_20260211_120000",
        objective="vlm",
        steps=600,
        stream=4,
        start_from="dfm",
        film=True,
    ),
)
BY_NAME = {recipe.name: recipe for recipe in RECIPES}
