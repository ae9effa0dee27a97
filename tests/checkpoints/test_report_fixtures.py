"""Reports of genuine checkpoints against what their producers' code says of them."""

from __future__ import annotations

import json
import time
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from core.checkpoints.identify import identify_checkpoint
from core.checkpoints.reader import open_checkpoint
from core.checkpoints.report import describe, describe_file
from core.records import CheckpointReport
from tests.shared_data import FIXTURES, needs_shared

pytestmark = needs_shared
FLOW = FIXTURES / "flow"
CASES = sorted(path.parent.name for path in FLOW.glob("*/case.ckpt"))
WITH_FILM = [name for name in CASES if "vlm" in name]
POINTS = {"post_block1_pre_second_skip": "A", "post_block2_pre_attention": "B", None: None}
CONDITIONS = {"image_global": "image", "text_prompt": "text", None: None}


@cache
def meta(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FLOW / name / "meta.json").read_text())
    return found


@cache
def report_of(name: str) -> CheckpointReport:
    return describe_file(FLOW / name / "case.ckpt")


def codes(report: CheckpointReport) -> set[str]:
    return {finding.code for finding in report.findings}


def test_there_are_cases_of_every_kind() -> None:
    assert len(CASES) >= 22
    assert len(WITH_FILM) >= 11
    assert set(CASES) >= {"soft_dhariwal_concat", "soft_segdiff_flow", "sofl_dhariwal_multihead_dfm"}


@pytest.mark.parametrize("name", CASES)
def test_identity(name: str) -> None:
    expected, report = meta(name)["expected"], report_of(name)
    assert report.status == "ok", report.findings
    assert (report.producer, report.family) == (expected["dialect"], expected["task"])
    assert (report.module_class, report.arch) == (meta(name)["module_class"], expected["arch"])
    assert report.parameters == meta(name)["param_count"]
    assert (report.epoch, report.global_step) == (meta(name)["ckpt"]["epoch"], meta(name)["ckpt"]["global_step"])
    assert (report.data_name, report.container) == ("xca", "lightning")


@pytest.mark.parametrize("name", CASES)
def test_sampling_and_decision(name: str) -> None:
    expected, report = meta(name)["expected"], report_of(name)
    assert (report.mode, report.timesteps) == (expected["mode"], expected["timesteps"])
    assert (report.sampler or "") == expected["sampler"].split()[0]
    eps = expected.get("dfm_eps")
    assert report.dfm_eps == (None if eps is None else float(eps))
    assert report.threshold == expected["threshold"]
    assert report.value_range == tuple(expected["value_range"])
    assert report.num_ensemble == expected["num_ensemble"]
    assert report.sliding_window is True
    assert report.v_activation == expected.get("v_activation")
    assert (report.normalisation or "").replace(" ", "") == expected["normalisation"].replace(" ", "")


@pytest.mark.parametrize("name", CASES)
def test_sizes(name: str) -> None:
    expected, report, stored = meta(name)["expected"], report_of(name), meta(name)["hyper_parameters"]
    for field in ("image_size", "in_channels", "state_channels", "used_output_channel"):
        assert getattr(report, field) == expected[field]
    assert report.out_channels == expected["unet_out_channels"]
    assert report.network["model_channels"] == stored["model_channels"]
    assert report.network["channel_mult"] == stored["channel_mult"]
    assert "hparams.disagrees" not in codes(report)


@pytest.mark.parametrize("name", CASES)
def test_film(name: str) -> None:
    expected, film = meta(name)["expected"], report_of(name).film
    if expected["film"] is None:
        assert film is None
        return
    assert film is not None
    assert film.heads == expected["film_heads"]
    assert film.stages == tuple(expected["film_stages"])
    assert film.channels == tuple(expected["film_head_channels"])
    assert film.layer_norm == expected["film_layernorm"]
    assert (film.point, film.condition) == (POINTS[expected["film"]], CONDITIONS[expected["conditioning"]])
    assert (film.input_mode, film.batch_strategy) == (expected["input_mode"], expected["batch_strategy"])
    assert film.warmup_epochs == (expected["pred_warmup_epochs"] or 0)
    config = meta(name)["hyper_parameters"]["vlm_film_config"]
    assert (film.vlm, film.cond_dim, film.hidden) == (
        config["model_name"],
        config["cond_dim"],
        config["text_mlp_hidden_dim"],
    )
    assert film.prompts == tuple(filter(None, [config.get("prompt_template")]))


@pytest.mark.parametrize("name", CASES)
def test_stages_come_from_the_best_source(name: str) -> None:
    film = report_of(name).film
    if film is None:
        return
    stored = meta(name)["hyper_parameters"].get("vlm_film_decoder_stages")
    metadata = "vlm_film_trained_stages" in meta(name)["ckpt"]["top_level_keys"]
    assert film.stages_from == ("metadata" if metadata else "hparams" if stored else "weights")


@pytest.mark.parametrize("name", CASES)
def test_junction_gate(name: str) -> None:
    expected, gate = meta(name)["expected"].get("junction_gating"), report_of(name).junction_gate
    if expected is None:
        assert gate is None
        return
    assert gate is not None
    assert (gate.enabled, gate.source, gate.threshold) == (True, expected["source"], expected["threshold"])
    assert (gate.degree_threshold, gate.radius_px) == (expected["degree_threshold"], expected["radius_px"])
    assert gate.gate_value == expected["gate_value_in_junction"]
    assert gate.warmup_epochs == expected.get("warmup_epochs", 0)


@pytest.mark.parametrize("name", WITH_FILM)
def test_what_a_loader_without_film_drops_is_what_the_other_code_base_stumbles_over(name: str) -> None:
    unexpected = meta(name)["naive_soft_seg_flowmodel"]["unexpected_keys"]
    opened = open_checkpoint(FLOW / name / "case.ckpt")
    film = report_of(name).film
    assert film is not None
    assert film.dropped_keys == len(unexpected)
    assert film.dropped_parameters == sum(opened.root["state_dict"][key].numel for key in unexpected)
    (finding,) = [item for item in report_of(name).findings if item.code == "film.would-be-dropped"]
    assert f"{len(unexpected)} keys" in finding.message


@pytest.mark.parametrize("name", WITH_FILM)
def test_a_misreading_by_the_producer_is_told_where_it_happens(name: str) -> None:
    """Loaded without a stage list, the producer's own code ends up with other stages than the true ones."""
    reference = meta(name)["reference_eval"]
    film = report_of(name).film
    assert film is not None
    misread = bool(reference) and tuple(reference["plain_load_stage_indices"]) != film.stages
    assert ("film.reference-would-misread" in codes(report_of(name))) == misread


def test_the_warm_up_that_was_not_over() -> None:
    assert "film.warmup-not-over" in codes(report_of("sofl_vlm_warmup_default_dfm"))
    opened = open_checkpoint(FLOW / "sofl_vlm_warmup_default_dfm" / "case.ckpt")
    opened.root["epoch"] = 20
    later = describe(opened)
    assert "film.warmup-not-over" not in codes(later)
    assert sum(finding.code == "protocol.as-evaluated-differs" for finding in later.findings) == 2  # FiLM and gate


def test_the_shared_condition() -> None:
    assert "protocol.as-evaluated-differs" in codes(report_of("sofl_vlm_multitask_cfm"))
    assert "protocol.as-evaluated-differs" not in codes(report_of("sofl_vlm_cfm_textprompt"))


def test_swa_weights_are_on_offer_where_the_file_has_them() -> None:
    path = FLOW / "soft_medsegdiff_flow_tanh_opt" / "case.ckpt"
    weights = describe_file(path).weights
    assert weights is not None
    assert (weights.available, weights.used) == (("model", "swa"), "model")
    opened = open_checkpoint(path)
    model, swa = (identify_checkpoint(opened, weights=name).weights for name in ("model", "swa"))
    assert model.keys() == swa.keys()
    assert {key: info.shape for key, info in model.items()} == {key: info.shape for key, info in swa.items()}
    key = next(iter(model))
    assert model[key].storage.key != swa[key].storage.key


def test_genuine_runs_open_and_their_config_is_read() -> None:
    paths = sorted((FIXTURES / "evaluation").glob("**/checkpoints/best.ckpt"))
    assert paths
    for path in paths:
        report = describe_file(path)
        assert report.status == "ok", report.findings
        assert report.arch == path.parent.parent.name.split("_")[0]
        assert report.data_name == "xca"
        assert report.weights is not None
        assert report.weights.used == ("ema" if report.hyper_parameters.get("use_ema") else "model")


def test_opened_hostile_settings_stay_visible() -> None:
    for name in ("ok_argparse_namespace.ckpt", "ok_lightning_attributedict.ckpt", "ok_ordereddict_defaultdict.ckpt"):
        report = describe_file(FIXTURES / "hostile" / name)
        assert report.status == "refused"
        assert report.hyper_parameters["image_size"] == 32
        assert report.parameters == 28
        assert report.weights is not None


def hostile_entries() -> list[dict[str, Any]]:
    path = FIXTURES / "hostile" / "manifest.json"
    if not path.exists():
        return []
    entries = json.loads(path.read_text())["entries"]
    return [entry for entry in entries if entry["kind"] == "checkpoint" and entry.get("message_should_mention_any")]


@pytest.mark.parametrize("entry", hostile_entries(), ids=lambda entry: entry["name"])
def test_hostile_files_get_the_message_the_manifest_asks_for(entry: dict[str, Any]) -> None:
    if entry["name"] == "nan_inf_weights":
        pytest.skip("a report reads no numbers: NaN is found when the weights are loaded")
    report = describe_file(FIXTURES / "hostile" / entry["file"])
    said = " ".join(f"{finding.message} {finding.remedy}" for finding in report.findings).lower()
    assert any(words.lower() in said for words in entry["message_should_mention_any"]), said


def test_a_report_takes_milliseconds() -> None:
    path = FLOW / "sofl_vlm_mapfail_4heads_dfm" / "case.ckpt"
    start = time.perf_counter()
    describe_file(path)
    assert time.perf_counter() - start < 0.5  # 15 ms on an idle machine


@pytest.mark.parametrize(
    "path", sorted(FIXTURES.glob("*/**/*.ckpt")), ids=lambda path: f"{path.parent.name}/{path.name}"
)
def test_every_finding_has_a_code_a_sentence_and_a_remedy(path: Path) -> None:
    for finding in describe_file(path).findings:
        assert "." in finding.code
        assert finding.message.endswith((".", ")"))
        assert finding.remedy.endswith((".", '"'))
