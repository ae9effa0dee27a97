"""What is concluded from hyper-parameters and shapes: writer, rule, sizes, condition, protocols, refusals."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as tries
from hypothesis import strategies as st

from core.checkpoints.identify import identify_checkpoint
from core.checkpoints.report import describe, describe_file
from core.errors import CheckpointRefused
from core.records import CheckpointReport
from tests.checkpoints.synthetic import (
    SOFL_CFM,
    SOFL_DFM,
    SOFT2HARD,
    SOFT_SEG,
    VLM,
    contents,
    film,
    hyper_parameters,
    network,
    tensor,
    two_channels,
)
from tests.shared_data import ROOT

SHAPES = network()
FILM = SHAPES | film([24, 16])


def report_of(settings: dict[str, Any], shapes: dict[str, tuple[int, ...]] = SHAPES, **top: Any) -> CheckpointReport:
    return describe(contents(shapes, hyper_parameters(**settings), **top))


def codes(report: CheckpointReport) -> set[str]:
    return {finding.code for finding in report.findings}


def messages(report: CheckpointReport, code: str) -> str:
    return " ".join(finding.message for finding in report.findings if finding.code == code)


def vlm(**film_config: Any) -> dict[str, Any]:
    return VLM | {"vlm_film_config": film_config}


# ---- writer and rule -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "producer", "module_class", "mode", "value_range", "threshold"),
    [
        (SOFT_SEG, "soft-seg", "FlowModel", "cfm_continuous", (0, 1), 0.5),
        (SOFT2HARD, "soft-seg", "FlowSoft2HardModel", "cfm_continuous", (0, 1), 0.5),
        ({"use_sliding_infer": True, "loss_type": "l2"}, "sofl-seg", "FlowModel", "cfm_continuous", (-1, 1), 0.0),
        (SOFL_CFM, "sofl-seg", "FlowModel", "cfm_continuous", (-1, 1), 0.0),
        (SOFL_DFM, "sofl-seg", "FlowModel", "dfm_binary", (0, 1), 0.5),
        (VLM, "sofl-seg", "FlowModelVLMFiLM", "dfm_binary", (0, 1), 0.5),
        ({"loss_type": "l2"}, "soft-seg or sofl-seg", "FlowModel", "cfm_continuous", (0, 1), 0.5),
    ],
)
def test_each_writer_is_known_by_its_traces(
    settings: dict[str, Any],
    producer: str,
    module_class: str,
    mode: str,
    value_range: tuple[int, int],
    threshold: float,
) -> None:
    report = report_of(settings, FILM if settings is VLM else SHAPES)
    found = (report.producer, report.module_class, report.mode, report.value_range, report.threshold)
    assert found == (producer, module_class, mode, value_range, threshold)
    assert report.status == ("ambiguous" if "or" in producer.split() else "ok")


def test_an_old_file_names_both_readings_and_how_to_take_the_other() -> None:
    (finding,) = [item for item in report_of({"loss_type": "l2"}).findings if item.code == "producer.ambiguous"]
    for words in ("soft-seg", "sofl-seg", "x > 0.5", "x > 0,"):
        assert words in finding.message
    assert "--value-range" in finding.remedy


def test_a_loss_type_is_no_trace_of_soft2hard() -> None:
    assert report_of(SOFT2HARD | {"loss_type": "l2"}).status == "ambiguous"


@pytest.mark.parametrize("settings", [SOFT_SEG | {"mode": "dfm_binary"}, SOFT_SEG | {"use_vlm_film": True}])
def test_traces_of_two_writers_are_refused(settings: dict[str, Any]) -> None:
    assert "producer.contradicts" in codes(report_of(settings))


def test_film_heads_in_a_soft_seg_file_are_refused() -> None:
    assert "producer.contradicts" in codes(report_of(SOFT_SEG, FILM))


def test_the_multitask_class_is_decided_by_hyper_parameters_because_the_keys_are_the_same() -> None:
    shapes = two_channels(SHAPES)
    name = {"arch_name": "medsegdiff_flow_multitask"}
    for settings, module_class in ((SOFT2HARD, "FlowSoft2HardModel"), (SOFT_SEG, "FlowModel"), (SOFL_CFM, "FlowModel")):
        report = report_of(settings | name, shapes)
        assert (report.status, report.module_class, report.state_channels) == ("ok", module_class, 2)


def test_the_discrete_sampler_draws_one_channel_only() -> None:
    assert "mode.state-channels" in codes(report_of(SOFL_DFM, two_channels(SHAPES)))


def test_soft2hard_weights_under_sofl_settings_are_refused() -> None:
    assert "producer.contradicts" in codes(report_of(SOFL_CFM, two_channels(SHAPES, soft2hard=True)))


@pytest.mark.parametrize("mode", [None, "cfm", "ddpm", 3, ["cfm_continuous"]])
def test_an_unknown_mode_is_refused(mode: Any) -> None:
    assert "hparams.mode" in codes(report_of(SOFL_DFM | {"mode": mode}))


def test_film_without_a_mode_is_refused() -> None:
    settings = {key: value for key, value in VLM.items() if key != "mode"}
    assert "is missing" in messages(report_of(settings, FILM), "hparams.mode")


def test_sampler_and_eps_are_read_only_where_they_count() -> None:
    dfm = report_of(SOFL_DFM)
    assert (dfm.sampler, dfm.dfm_eps, dfm.timesteps) == ("heun", 1e-6, 5)
    cfm = report_of(SOFL_CFM)
    assert (cfm.sampler, cfm.dfm_eps, cfm.v_activation) == ("dopri5", None, None)
    soft = report_of(SOFT_SEG | {"v_activation": "clamp", "v_clamp_value": 2})
    assert (soft.sampler, soft.v_activation, soft.v_clamp_value) == ("dopri5", "clamp", 2.0)


def test_only_sofl_seg_may_evaluate_whole_images() -> None:
    assert report_of(SOFL_DFM | {"use_sliding_infer": False}).sliding_window is False
    assert report_of(SOFT_SEG).sliding_window is True


@pytest.mark.parametrize(
    ("settings", "warned"),
    [(SOFL_CFM, True), (SOFL_DFM, False), (SOFT_SEG, False)],
)
def test_octa500_in_continuous_sofl_seg_is_cut_too_low(settings: dict[str, Any], warned: bool) -> None:
    assert ("threshold.octa500" in codes(report_of(settings | {"data_name": "octa500_3m"}))) == warned


# ---- hyper-parameters -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("timesteps", 0),
        ("timesteps", 1),
        ("timesteps", -1),
        ("timesteps", 10**9),
        ("timesteps", "5"),
        ("timesteps", 5.0),
        ("timesteps", True),
        ("timesteps", 10**1200),
        ("image_size", 0),
        ("image_size", 1_000_000),
        ("image_size", "32"),
        ("channel_mult", "abc"),
        ("channel_mult", [1, "2"]),
        ("channel_mult", [10**6]),
        ("model_channels", 10**9),
        ("num_ensemble", 0),
        ("num_ensemble", True),
        ("v_activation", "relu"),
        ("v_clamp_value", "wide"),
        ("v_clamp_value", float("nan")),
    ],
)
def test_impossible_settings_are_refused_by_name(key: str, value: Any) -> None:
    report = report_of(SOFT_SEG | {key: value})
    assert report.status == "refused"
    assert key in messages(report, "hparams.out-of-range")
    assert len(str(report.findings)) < 3000


@pytest.mark.parametrize(("key", "value"), [("dfm_sampler", "rk4"), ("dfm_eps", "tiny"), ("dfm_eps", 0)])
def test_impossible_discrete_settings_are_refused_by_name(key: str, value: Any) -> None:
    assert key in messages(report_of(SOFL_DFM | {key: value}), "hparams.out-of-range")


def test_nothing_stored_is_refused_because_the_output_may_mean_two_things() -> None:
    report = describe(contents(SHAPES, None))
    assert (report.status, report.arch, report.image_size) == ("refused", "medsegdiff_flow", 32)
    assert "hparams.missing" in codes(report)


def test_steps_are_never_made_up() -> None:
    settings = hyper_parameters(**SOFT_SEG)
    del settings["timesteps"]
    assert "hparams.timesteps" in codes(describe(contents(SHAPES, settings)))


@pytest.mark.parametrize(
    ("key", "stored", "shape"),
    [
        ("image_size", 64, "32"),
        ("model_channels", 16, "8"),
        ("channel_mult", [1, 2, 4], "24"),
        ("attn_resolutions", [32], "linear, full, linear"),
        ("arch_name", "medsegdiff_flow_multitask", "medsegdiff_flow"),
    ],
)
def test_shapes_win_over_hyper_parameters_and_say_so(key: str, stored: Any, shape: str) -> None:
    report = report_of(SOFT_SEG | {key: stored})
    text = messages(report, "hparams.disagrees")
    assert key in text
    assert shape in text
    assert report.status == "ok"
    assert (report.image_size, report.network["channel_mult"], report.arch) == (32, [1, 2, 3], "medsegdiff_flow")
    assert report.network["full_attention"] == [False, True, False]


def test_agreeing_settings_leave_no_finding() -> None:
    assert report_of(SOFT_SEG).findings == ()


@pytest.mark.parametrize(
    ("shapes", "words"),
    [
        (network(size=2), "halved"),
        (network(width=12), "multiples of 8"),
        (network() | {"unet.base_unet.init_conv.weight": (8, 2, 7, 7)}, "2 state channels"),
        (network() | {"unet.base_unet.cond_init_conv.weight": (8, 3, 7, 7)}, "3 channels"),
    ],
)
def test_networks_that_cannot_run_are_refused(shapes: dict[str, tuple[int, ...]], words: str) -> None:
    assert words in messages(report_of(SOFT_SEG, shapes), "network.sizes")


def test_a_shape_of_the_wrong_rank_is_refused() -> None:
    shapes = SHAPES | {"unet.base_unet.init_conv.weight": (8,)}
    assert "init_conv" in messages(report_of(SOFT_SEG, shapes), "network.sizes-unclear")


# ---- networks that cannot be run -------------------------------------------------------------------------------------


def test_a_foreign_file_names_its_first_key_and_the_nearest_network() -> None:
    report = report_of({}, {"w": (4, 6), "b": (4,)})
    text = messages(report, "arch.unknown")
    for words in ("best.ckpt", "2 keys", "'w'", "medsegdiff_flow"):
        assert words in text
    assert report.parameters == 28
    assert report.weights is not None
    assert report.hyper_parameters["image_size"] == 32


def test_networks_of_older_states_are_named() -> None:
    report = report_of({"arch_name": "dhariwal_unet_4channel"}, {"unet.base_unet.map_layer0.weight": (8, 8)})
    assert "dhariwal_unet_4channel" in messages(report, "arch.unsupported")


def test_a_refused_identification_raises_when_it_is_built() -> None:
    with pytest.raises(CheckpointRefused, match="none of the known networks"):
        identify_checkpoint(contents({"w": (1,)}, {})).accepted()


# ---- condition, warm-up, protocols -----------------------------------------------------------------------------------


def test_film_settings_have_the_producers_defaults() -> None:
    report = report_of(vlm(), FILM, epoch=40)
    assert report.film is not None
    found = report.film
    assert (found.batch_strategy, found.input_mode, found.warmup_epochs) == ("first", "raw", 20)
    assert (found.embedding_dtype, found.cache_dir, found.vlm) == ("float16", "cache/vlm_profiles", None)
    assert (found.condition, found.feature_width, found.cond_dim, found.hidden) == ("image", 40, 24, 32)


@pytest.mark.parametrize(
    ("config", "condition", "prompts"),
    [
        ({"use_text_prompt_cond": True, "prompt_template": "One line."}, "text", ("One line.",)),
        ({"use_text_prompt_cond": True}, "text", ()),
        (
            {"use_text_prompt_cond": True, "use_logits_feature_cond": True, "prompt_templates": ["a", "b", "c"]},
            "logits",
            ("a", "b", "c"),
        ),
    ],
)
def test_text_and_logits_conditions(config: dict[str, Any], condition: str, prompts: tuple[str, ...]) -> None:
    found = identify_checkpoint(contents(SHAPES | film([24, 16], text=True), hyper_parameters(**vlm(**config))))
    assert found.report.film is not None
    assert (found.report.film.condition, found.report.film.prompts) == (condition, prompts)
    assert found.report.film.feature_width == 48
    assert found.conditioner is not None
    assert found.conditioner.text == (48, 32)


def test_weights_decide_the_kind_of_condition() -> None:
    report = report_of(vlm(use_text_prompt_cond=True), FILM)
    assert report.film is not None
    assert report.film.condition == "image"
    assert "use_text_prompt_cond" in messages(report, "hparams.disagrees")


def test_a_conditioner_of_another_width_is_refused() -> None:
    shapes = FILM | {"vlm_film_conditioner.image_to_cond.proj.weight": (16, 40)}
    assert "film.conditioner" in codes(report_of(VLM, shapes))


@pytest.mark.parametrize(("key", "value"), [("batch_strategy", "last"), ("pred_warmup_epochs", -1), ("cache_dir", 3)])
def test_impossible_film_settings_are_refused_by_name(key: str, value: Any) -> None:
    assert f"vlm_film_config.{key}" in messages(report_of(vlm(**{key: value}), FILM), "hparams.out-of-range")


def test_an_overlay_is_ignored_where_the_producer_ignores_it() -> None:
    discrete = report_of(vlm(input_mode="overlay"), FILM)
    assert discrete.film is not None
    assert discrete.film.input_mode == "overlay"
    continuous = report_of(vlm(input_mode="overlay") | {"mode": "cfm_continuous"}, FILM)
    assert continuous.film is not None
    assert continuous.film.input_mode == "raw"
    assert "film.input-mode-ignored" in codes(continuous)


def test_a_warm_up_that_was_over_is_what_the_published_evaluation_missed() -> None:
    report = report_of(vlm(batch_strategy="per_sample"), FILM, epoch=20)
    assert "FiLM off" in messages(report, "protocol.as-evaluated-differs")
    assert "film.warmup-not-over" not in codes(report)


def test_a_warm_up_that_was_not_over_is_a_warning_and_no_difference() -> None:
    report = report_of(vlm(), FILM, epoch=19)
    assert "epoch 19" in messages(report, "film.warmup-not-over")
    assert "protocol.as-evaluated-differs" not in codes(report)


def test_a_shared_condition_is_a_difference_only_where_film_was_on() -> None:
    assert "batch_strategy first" in messages(
        report_of(vlm(batch_strategy="first", pred_warmup_epochs=0), FILM), "protocol.as-evaluated-differs"
    )
    later = messages(report_of(vlm(batch_strategy="first"), FILM, epoch=30), "protocol.as-evaluated-differs")
    assert "FiLM off" in later
    assert "batch_strategy" not in later


def test_nothing_differs_without_warm_up_and_with_a_condition_per_window() -> None:
    assert "protocol.as-evaluated-differs" not in codes(report_of(VLM, FILM))


def test_the_warm_up_of_the_gate() -> None:
    gate = {"junction_gating_config": {"enabled": True, "warmup_epochs": 5, "radius_px": 2}}
    early = report_of(VLM | gate, FILM, epoch=4)
    assert early.junction_gate is not None
    assert (early.junction_gate.enabled, early.junction_gate.warmup_epochs, early.junction_gate.radius_px) == (
        True,
        5,
        2,
    )
    assert "gate.warmup-not-over" in codes(early)
    assert "junction gate" in messages(report_of(VLM | gate, FILM, epoch=5), "protocol.as-evaluated-differs")


def test_flow_model_has_no_gate_and_no_warm_up() -> None:
    settings = {
        key: value for key, value in vlm().items() if key not in ("vlm_film_decoder_stages", "junction_gating_config")
    }
    report = report_of(settings, SHAPES | film([24, 16, 8]))
    assert report.film is not None
    assert (report.module_class, report.film.warmup_epochs, report.junction_gate) == ("FlowModel", 0, None)


def test_what_a_loader_without_film_would_drop() -> None:
    report = report_of(VLM, FILM)
    dropped = {key: shape for key, shape in FILM.items() if key.startswith("vlm_film_")}
    assert report.film is not None
    assert report.film.dropped_keys == len(dropped)
    assert f"{len(dropped)} keys ({report.film.dropped_parameters:,} parameters)" in messages(
        report, "film.would-be-dropped"
    )


# ---- weights, data set, evidence -------------------------------------------------------------------------------------


def test_weights_on_offer_and_the_ones_asked_for() -> None:
    state = {"average_model_state": {key: tensor(shape) for key, shape in SHAPES.items()}, "n_averaged": 1}
    opened = contents(SHAPES, hyper_parameters(**SOFT_SEG), callbacks={"StochasticWeightAveraging": state})
    default, asked = identify_checkpoint(opened), identify_checkpoint(opened, weights="swa")
    for found, used in ((default, "model"), (asked, "swa")):
        assert found.report.weights is not None
        assert (found.report.weights.available, found.report.weights.used) == (("model", "swa"), used)
    assert asked.weights[min(SHAPES)] is state["average_model_state"][min(SHAPES)]
    assert "model, swa" in messages(describe(opened, weights="ema"), "weights.not-there")


def run_folder(folder: Path, config: str) -> Path:
    (folder / "checkpoints").mkdir(parents=True)
    (folder / "config.yaml").write_text(config)
    return folder / "checkpoints" / "best.ckpt"


def test_the_data_set_is_named_by_the_config_of_the_run(tmp_path: Path) -> None:
    path = run_folder(tmp_path / "run", "data: {name: octa500_6m}\n")
    report = describe(contents(SHAPES, hyper_parameters(**SOFL_CFM), path))
    assert report.data_name == "octa500_6m"
    assert {"config.disagrees", "threshold.octa500"} <= codes(report)


@pytest.mark.parametrize("config", ["a: &x 1\nb: *x\n", "!!python/object/apply:os.system [ls]\n", "a: [\n", "- 1\n"])
def test_a_bad_config_is_a_warning(tmp_path: Path, config: str) -> None:
    report = describe(contents(SHAPES, hyper_parameters(**SOFT_SEG), run_folder(tmp_path / "run", config)))
    assert (report.status, report.data_name) == ("ok", "xca")
    assert codes(report) == {"config.unreadable"}


@pytest.mark.parametrize("config", ["data:\n", "data: 3\n", "data: {name: [1]}\n", "model: {}\n"])
def test_a_config_without_a_data_set_says_nothing(tmp_path: Path, config: str) -> None:
    report = describe(contents(SHAPES, hyper_parameters(**SOFT_SEG), run_folder(tmp_path / "run", config)))
    assert (report.data_name, report.findings) == ("xca", ())


def test_every_field_of_a_report_has_its_evidence() -> None:
    report = report_of(VLM, FILM)
    witnessed = {item.field.split(".")[0] for item in report.evidence}
    without = {"status", "path", "sha256", "evidence", "findings", "hyper_parameters", "v_activation", "v_clamp_value"}
    without |= {"metrics"}  # this file has no callbacks that measured anything
    assert {field for field in report.to_dict() if field not in witnessed} <= without | {"junction_gate"}
    assert all(item.why for item in report.evidence)


def test_the_report_is_json() -> None:
    report = report_of(VLM, FILM)
    assert json.loads(json.dumps(report.to_dict(), allow_nan=False))["film"]["stages"] == [0, 1]


def test_text_from_the_file_is_shown_escaped() -> None:
    report = report_of({"arch_name": "\u202ecssalc\n<b>"}, {"w\u200b\n": (1,)})
    text = messages(report, "arch.unknown")
    assert not {"\u202e", "\n", "\u200b"} & set(text)


def test_a_file_that_does_not_open_is_a_refused_report(tmp_path: Path) -> None:
    path = tmp_path / "page.ckpt"
    path.write_text("<html></html>")
    report = describe_file(path)
    assert (report.status, report.path, report.container) == ("refused", str(path), None)
    assert describe_file(tmp_path / "missing.ckpt").status == "refused"


ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just(tensor((2,))),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
KEYS = sorted(hyper_parameters() | VLM | SOFT2HARD | SOFT_SEG)
SIZES = st.lists(st.integers(0, 40), max_size=4).map(tuple)


@tries(derandomize=True, max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    stored=st.dictionaries(st.sampled_from(KEYS), ODD, max_size=4),
    base=st.sampled_from([VLM, SOFT_SEG, SOFT2HARD, SOFL_CFM, {}]),
    shapes=st.dictionaries(st.sampled_from(sorted(FILM)), SIZES, max_size=2),
    top=st.dictionaries(st.sampled_from(["vlm_film_trained_stages", "epoch", "callbacks", "ema_state_dict"]), ODD),
)
def test_no_content_raises(
    stored: dict[str, Any], base: dict[str, Any], shapes: dict[str, tuple[int, ...]], top: dict[str, Any]
) -> None:
    report = describe(contents(FILM | shapes, hyper_parameters(**base) | stored, **top))
    json.dumps(report.to_dict(), allow_nan=False)
    assert (report.status == "refused") == any(finding.severity == "error" for finding in report.findings)


def test_no_torch_is_needed() -> None:
    code = "import sys, core.checkpoints.report; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
