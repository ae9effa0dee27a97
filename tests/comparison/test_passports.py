"""Two checkpoints side by side: what differs, and how far each block of weights has gone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from core import pipeline
from core.comparison.passport_tables import short_names
from core.comparison.passports import _metrics, block_of
from core.progress import Cancelled, Progress
from core.records import CheckpointReport, PassportDifference, PassportTable, ReportedMetric
from tests.builders import CFM, DFM, small_config, weights, write_checkpoint
from tests.producers import write_file


def test_a_checkpoint_does_not_differ_from_itself(tmp_path: Path) -> None:
    path = write_checkpoint(tmp_path / "a.ckpt", DFM)
    found = pipeline.compare_checkpoints(path, path)
    assert (found.settings, found.training, found.metrics, found.left_out) == ((), (), (), 0)
    assert len(found.blocks) > 3
    for block in found.blocks:
        assert (block.mean_absolute, block.relative) == (0, 0)
        assert block.cosine is None or block.cosine == pytest.approx(1)
    assert sum(block.parameters for block in found.blocks) == found.first.parameters


def test_settings_and_training_are_told_apart(tmp_path: Path) -> None:
    first = write_checkpoint(tmp_path / "a.ckpt", DFM, epoch=30)
    second = write_checkpoint(tmp_path / "b.ckpt", CFM | {"lr": 0.5}, epoch=40)
    found = pipeline.compare_checkpoints(first, second)
    settings = {item.name: (item.first, item.second) for item in found.settings}
    training = {item.name: (item.first, item.second) for item in found.training}
    assert settings["mode"] == ("dfm_binary", "cfm_continuous")
    assert training["epoch"] == (30, 40)
    assert training["hyper_parameters.lr"] == (None, 0.5)
    assert not any(name.startswith(("path", "findings", "evidence", "hyper_parameters")) for name in settings)


def test_a_block_whose_weights_doubled_and_one_that_turned_round(tmp_path: Path) -> None:
    state = weights(small_config())
    blocks = dict.fromkeys(block_of(key) for key in state)
    doubled, turned = [name for name in blocks if any(state[k].any() for k in state if block_of(k) == name)][:2]
    factor = {doubled: 2.0, turned: -1.0}
    change = {key: value * factor.get(block_of(key), 1.0) for key, value in state.items()}
    first = write_checkpoint(tmp_path / "a.ckpt", DFM)
    second = write_checkpoint(tmp_path / "b.ckpt", DFM, change=change)
    found = {block.block: block for block in pipeline.compare_checkpoints(first, second).blocks}
    assert tuple(found) == tuple(blocks)
    assert (found[doubled].relative, found[doubled].cosine) == (pytest.approx(1), pytest.approx(1))
    flat = torch.cat([value.flatten() for key, value in state.items() if block_of(key) == doubled])
    assert found[doubled].mean_absolute == pytest.approx(float(flat.abs().mean()))
    assert found[doubled].parameters == flat.numel()
    assert (found[turned].relative, found[turned].cosine) == (pytest.approx(2), pytest.approx(-1))
    others = [block for name, block in found.items() if name not in factor]
    assert all(block.relative in (0, None) for block in others)


def test_other_networks_have_no_weights_to_compare(tmp_path: Path) -> None:
    first, second = write_file(tmp_path / "a.ckpt", "csnet"), write_checkpoint(tmp_path / "b.ckpt", DFM)
    found = pipeline.compare_checkpoints(first, second)
    assert found.blocks == ()
    assert "csnet" in found.blocks_reason
    assert any(item.name == "family" for item in found.settings)


def test_a_refused_file_is_told_and_not_raised(tmp_path: Path) -> None:
    broken = tmp_path / "broken.ckpt"
    broken.write_text("<html>")
    found = pipeline.compare_checkpoints(broken, write_checkpoint(tmp_path / "b.ckpt", DFM))
    assert found.first.status == "refused"
    assert found.blocks_reason


def test_weights_that_are_not_finite_are_told(tmp_path: Path) -> None:
    state = weights(small_config())
    key = next(name for name, value in state.items() if value.is_floating_point() and value.ndim > 1)
    first = write_checkpoint(tmp_path / "a.ckpt", DFM)
    second = write_checkpoint(tmp_path / "b.ckpt", DFM, change={key: torch.full_like(state[key], torch.nan)})
    found = {block.block: block for block in pipeline.compare_checkpoints(first, second).blocks}
    assert found[block_of(key)].cosine is None
    assert "NaN" in found[block_of(key)].reason


def titled(tables: tuple[PassportTable, ...], title: str) -> PassportTable:
    return next(table for table in tables if table.title.startswith(title))


def test_tables_hide_what_is_the_same_unless_asked(tmp_path: Path) -> None:
    first = write_checkpoint(tmp_path / "a.ckpt", DFM, epoch=30)
    second = write_checkpoint(tmp_path / "b.ckpt", CFM, epoch=30)
    found = pipeline.compare_checkpoints(first, second)
    short, long = pipeline.passport_tables(found), pipeline.passport_tables(found, alike=True)
    settings, all_settings = titled(short, "Settings"), titled(long, "Settings")
    assert settings.headers == ("", "a.ckpt", "b.ckpt")
    assert ("mode", "dfm_binary", "cfm_continuous") in settings.rows
    assert not any(row[0] == "family" for row in settings.rows)
    assert ("family", "flow", "flow") in all_settings.rows
    assert "the same" in settings.remark
    assert ("epoch", "30", "30") in titled(long, "Training").rows
    assert titled(short, "Weights").rows == ()  # the same numbers under another mode
    assert "identical" in titled(short, "Weights").remark
    assert len(titled(long, "Weights").rows) == len(found.blocks)
    text = pipeline.passport_text(short)
    assert "mode\tdfm_binary\tcfm_continuous" in text


def test_scores_of_two_producers_never_stand_on_one_line() -> None:
    score = ReportedMetric(name="val/dice", value=0.9, measured_with="ema", here=False)
    first = CheckpointReport(status="ok", path="/a/best.ckpt", producer="soft-seg", metrics=(score,))
    second = CheckpointReport(status="ok", path="/b/best.ckpt", producer="sofl-seg", metrics=(score,))
    one_kind = replace(second, producer="soft-seg", metrics=(replace(score, value=0.8),))
    other, same = list(_metrics(first, second)), list(_metrics(first, one_kind))
    assert [(item.name, item.first, item.second) for item in other] == [
        ("val/dice (ema, as soft-seg defines it)", 0.9, None),
        ("val/dice (ema, as sofl-seg defines it)", None, 0.9),
    ]
    assert [(item.name, item.first, item.second) for item in same] == [("val/dice (ema)", 0.9, 0.8)]
    found = PassportDifference(first=first, second=second, settings=(), training=(), metrics=tuple(other), blocks=())
    scores = titled(pipeline.passport_tables(found), "Reported scores")
    assert "not comparable" in scores.remark
    assert "a/best.ckpt: val/dice was measured with the ema weights, which this file lacks." in scores.remark


def test_files_of_one_name_are_told_apart_by_their_folders() -> None:
    assert short_names("/x/one/checkpoints/best.ckpt", "/x/two/checkpoints/best.ckpt") == (
        "one/checkpoints/best.ckpt",
        "two/checkpoints/best.ckpt",
    )
    assert short_names("/x/a.ckpt", "/y/b.ckpt") == ("a.ckpt", "b.ckpt")


def test_the_comparison_can_be_stopped(tmp_path: Path) -> None:
    path = write_checkpoint(tmp_path / "a.ckpt", DFM)

    def report(progress: Progress) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        pipeline.compare_checkpoints(path, path, report)


@pytest.mark.parametrize(
    ("key", "block"),
    [
        ("unet.base_unet.downs.0.1.weight", "downs.0"),
        ("unet.base_unet.enc.16x16_block0.norm0.weight", "enc.16x16_block0"),
        ("diffusion_model.betas", "noise schedule"),
        ("model.model.model.conv1.weight", "conv1"),
        ("diffusion_model.model.init_conv.bias", "init_conv"),
        ("model.model.encoder1.conv.weight", "encoder1"),
        ("vlm_film_conditioner.net.0.weight", "vlm_film_conditioner"),
    ],
)
def test_blocks_are_named_by_the_first_part_under_the_network(key: str, block: str) -> None:
    assert block_of(key) == block
