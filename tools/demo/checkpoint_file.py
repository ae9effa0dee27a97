"""Write a checkpoint and its config.yaml exactly as the producers' Lightning runs lay them out (spec 1.1)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import yaml
from torch import Tensor

from tools.demo.recipes import EPOCH, FILM_STAGES, IMAGE_SIZE, Recipe

LIGHTNING = "2.6.6"
MONITOR = (
    "ModelCheckpoint{'monitor': 'val/dice', 'mode': 'max', 'every_n_train_steps': 0, 'every_n_epochs': 1, "
    "'train_time_interval': None}"
)


def write_run(out: Path, recipe: Recipe, weights: dict[str, Tensor]) -> Path:
    """Checkpoint and config.yaml of one run below `out`; returns the checkpoint."""
    path = out / recipe.checkpoint
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(contents(recipe, weights), path)
    config = out / recipe.folder / "config.yaml"
    config.write_text(yaml.safe_dump(run_config(recipe), sort_keys=False), encoding="utf-8")
    return path


def contents(recipe: Recipe, weights: dict[str, Tensor]) -> dict[str, Any]:
    """The top level of the file, in Lightning's order. Optimizer state and SWA average are emptied to save space."""
    values: dict[str, Any] = {
        "epoch": EPOCH,
        "global_step": recipe.steps,
        "pytorch-lightning_version": LIGHTNING,
        "state_dict": {name: value.detach().clone() for name, value in weights.items()},
        "loops": _loops(recipe),
        "callbacks": _callbacks(recipe),
        "optimizer_states": [{"state": {}, "param_groups": [_parameter_group(len(weights))]}],
        "lr_schedulers": [_scheduler()],
        "hparams_name": "kwargs",
        "hyper_parameters": recipe.hyper_parameters(),
    }
    if recipe.film:
        values["vlm_film_trained_stages"] = list(FILM_STAGES)
    return values


def _loops(recipe: Recipe) -> dict[str, Any]:
    def count(done: int) -> dict[str, int]:
        return {"ready": done, "completed": done, "started": done, "processed": done}

    def loop(done: int) -> dict[str, Any]:
        return {
            "state_dict": {},
            "batch_progress": {"total": count(done), "current": count(done), "is_last_batch": done > 0},
        }

    fit = {
        "state_dict": {},
        "epoch_loop.state_dict": {"_batches_that_stepped": recipe.steps},
        "epoch_loop.batch_progress": loop(recipe.steps)["batch_progress"],
        "epoch_progress": {"total": count(EPOCH), "current": count(EPOCH)},
    }
    return {"fit_loop": fit, "validate_loop": loop(0), "test_loop": loop(0), "predict_loop": loop(0)}


def _callbacks(recipe: Recipe) -> dict[str, Any]:
    folder = f"{recipe.folder}/checkpoints"
    swa: dict[str, Any] = {
        "n_averaged": 0,
        "latest_update_epoch": -1,
        "scheduler_state": None,
        "average_model_state": {},
    }
    monitor: dict[str, Any] = {
        "monitor": "val/dice",
        "best_model_score": None,  # there was no validation run: nothing is claimed
        "best_model_path": f"{folder}/best.ckpt",
        "current_score": None,
        "dirpath": folder,
        "best_k_models": {},
        "kth_best_model_path": "",
        "kth_value": torch.tensor(float("-inf")),
        "last_model_path": f"{folder}/last.ckpt",
    }
    return {"StochasticWeightAveraging": swa, MONITOR: monitor}


def _parameter_group(count: int) -> dict[str, Any]:
    return {
        "lr": 1e-3,
        "betas": (0.9, 0.999),
        "eps": 1e-08,
        "weight_decay": 1e-05,
        "amsgrad": False,
        "maximize": False,
        "foreach": None,
        "capturable": False,
        "differentiable": False,
        "fused": None,
        "decoupled_weight_decay": True,
        "params": list(range(count)),
    }


def _scheduler() -> dict[str, Any]:
    return {"factor": 0.5, "patience": 5, "mode": "max", "last_epoch": EPOCH, "_last_lr": [1e-3], "num_bad_epochs": 0}


def run_config(recipe: Recipe) -> dict[str, Any]:
    """config.yaml as the producers write it beside `checkpoints/`."""
    left_out = {"experiment_name", "data_name"}
    return {
        "model": {name: value for name, value in recipe.hyper_parameters().items() if name not in left_out},
        "data": {
            "name": "xca",
            "train_dir": "xca/train",
            "val_dir": "xca/val",
            "test_dir": "xca/test",
            "crop_size": IMAGE_SIZE,
            "train_bs": 1,
            "num_samples_per_image": 4,
            "label_subdir": "label",
        },
        "trainer": {"max_epochs": EPOCH, "accelerator": "cpu", "devices": 1, "precision": "32-true"},
    }
