"""The config beside a checkpoint is read for what the file does not say, and for nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from core import pipeline
from core.networks import ARCHITECTURES
from core.networks.nnunet.config import NnunetConfig
from core.records import CheckpointReport

MODEL = {"arch_name": "nnunet", "image_size": 64, "in_channels": 1, "num_classes": 2}


def write_run(folder: Path, hyper_parameters: dict[str, Any] | None, model: dict[str, Any] | None) -> Path:
    """A run folder of a small nnunet; `model` None = no config.yaml."""
    architecture = next(item for item in ARCHITECTURES if item.name == "nnunet")
    torch.manual_seed(0)
    state = architecture.build(NnunetConfig(widths=(4, 8, 16), in_channels=1, classes=2)).state_dict()
    path = folder / "checkpoints" / "best.ckpt"
    path.parent.mkdir()
    content: dict[str, Any] = {"state_dict": state, "epoch": 1, "global_step": 2, "pytorch-lightning_version": "2.6.6"}
    torch.save(content | ({} if hyper_parameters is None else {"hyper_parameters": hyper_parameters}), path)
    if model is not None:
        (folder / "config.yaml").write_text(yaml.safe_dump({"model": model, "data": {"name": "xca"}}))
    return path


def codes(report: CheckpointReport) -> set[str]:
    return {finding.code for finding in report.findings}


def test_a_file_without_settings_takes_those_of_its_run(tmp_path: Path) -> None:
    report = pipeline.inspect(write_run(tmp_path, None, MODEL))
    assert (report.status, report.image_size, report.data_name) == ("ok", 64, "xca")
    assert "config.used" in codes(report)
    assert why(report, "image_size") == "config.yaml of its run says that img_size is 64"


def test_without_a_config_it_is_refused(tmp_path: Path) -> None:
    report = pipeline.inspect(write_run(tmp_path, None, None))
    assert report.status == "refused"
    assert "hparams.missing" in codes(report)


def test_a_missing_setting_is_filled_in_and_said(tmp_path: Path) -> None:
    report = pipeline.inspect(write_run(tmp_path, {"arch_name": "nnunet"}, MODEL))
    assert report.image_size == 64
    (finding,) = (finding for finding in report.findings if finding.code == "config.fills")
    assert "img_size 64" in finding.message
    assert why(report, "image_size") == "config.yaml of its run says that img_size is 64"


def why(report: CheckpointReport, field: str) -> str:
    return next(item.why for item in report.evidence if item.field == field)


@pytest.mark.parametrize("size", [48, 224])
def test_what_the_file_says_wins(tmp_path: Path, size: int) -> None:
    """Published supervised runs predict in windows of 224 whatever their config says (diffusion spec 7.1)."""
    report = pipeline.inspect(write_run(tmp_path, {"arch_name": "nnunet", "img_size": size}, MODEL))
    assert report.image_size == size
    assert why(report, "image_size") == f"hyper-parameter img_size is {size}"
    assert "config.fills" not in codes(report)


def test_a_broken_config_costs_nothing_but_a_warning(tmp_path: Path) -> None:
    path = write_run(tmp_path, {"arch_name": "nnunet", "img_size": 48}, MODEL)
    (tmp_path / "config.yaml").write_text("model: [unclosed")
    report = pipeline.inspect(path)
    assert (report.status, report.image_size) == ("ok", 48)
    assert "config.unreadable" in codes(report)
