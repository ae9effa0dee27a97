"""FiLM heads find their decoder stages by the widths of their own checkpoint (spec 6.1)."""

from __future__ import annotations

from typing import Any

import pytest

from core.checkpoints.film_stages import stage_choices
from core.checkpoints.report import describe
from core.records import CheckpointReport
from tests.checkpoints.synthetic import SOFL_DFM, VLM, contents, film, hyper_parameters, network

NO_TRACES = {
    key: value for key, value in VLM.items() if key not in ("vlm_film_decoder_stages", "junction_gating_config")
}


def report_of(
    channels: list[int], mult: tuple[int, ...] = (1, 2, 3), settings: dict[str, Any] | None = None, **top: Any
) -> CheckpointReport:
    """`top`: top-level entries; `film_stages`, `film_point` go to the reader instead."""
    chosen = {key: top.pop(key) for key in ("film_stages", "film_point") if key in top}
    stored = hyper_parameters(**(VLM if settings is None else settings), channel_mult=list(mult))
    return describe(contents(network(mult) | film(channels), stored, **top), **chosen)


def codes(report: CheckpointReport) -> set[str]:
    return {finding.code for finding in report.findings}


def message(report: CheckpointReport, code: str) -> str:
    (found,) = [finding.message for finding in report.findings if finding.code == code]
    return found


def test_every_ascending_list_with_these_widths_is_found() -> None:
    assert stage_choices([8, 8], [24, 8, 8, 8]) == ((1, 2), (1, 3), (2, 3))
    assert stage_choices([8, 24], [24, 8]) == ()
    assert stage_choices([24, 16, 8], [24, 16, 8]) == ((0, 1, 2),)


def test_metadata_comes_first_then_hyper_parameters_then_widths() -> None:
    same = (1, 1, 1)
    both = report_of([8, 8], same, VLM | {"vlm_film_decoder_stages": [0, 1]}, vlm_film_trained_stages=[2, 0])
    assert both.film is not None
    assert (both.film.stages, both.film.stages_from) == ((0, 2), "metadata")
    assert "film.stages-disagree" in codes(both)
    stored = report_of([8, 8], same, VLM | {"vlm_film_decoder_stages": [2, 1]})
    assert stored.film is not None
    assert (stored.film.stages, stored.film.stages_from, stored.status) == ((1, 2), "hparams", "ok")
    derived = report_of([24, 8])
    assert derived.film is not None
    assert (derived.film.stages, derived.film.stages_from) == ((0, 2), "weights")
    assert "film.stages-inferred" in codes(derived)


def test_equal_widths_are_ambiguous_and_the_producers_default_is_taken() -> None:
    report = report_of([8, 8], (1, 1, 1))
    assert report.status == "ambiguous"
    assert report.film is not None
    assert report.film.stages == (0, 1)
    assert report.film.stage_choices == ((0, 1), (0, 2), (1, 2))
    assert "[0, 2]" in message(report, "film.stages-ambiguous")


def test_the_default_is_only_taken_where_it_fits() -> None:
    report = report_of([8, 8], (1, 1, 1, 3))  # stages are 24, 8, 8, 8 wide
    assert report.film is not None
    assert report.film.stages == (1, 2)
    assert report.status == "ambiguous"


def test_the_user_decides_what_is_ambiguous() -> None:
    report = report_of([8, 8], (1, 1, 1), film_stages=(2, 1))
    assert report.film is not None
    assert (report.film.stages, report.film.stages_from, report.status) == ((1, 2), "user", "ok")


def test_the_user_cannot_choose_against_the_widths() -> None:
    report = report_of([24, 16], film_stages=(1, 2))
    assert report.status == "refused"
    assert "[0, 1]" in message(report, "film.stages-contradict")


@pytest.mark.parametrize("metadata", [[1, 2], [0], [0, 1, 2], [0, 0], [0, 9], "01", [True, 0], [0.0, 1.0], {}, []])
def test_metadata_against_the_widths_is_refused(metadata: Any) -> None:
    report = report_of([24, 16], vlm_film_trained_stages=metadata)
    assert report.status == "refused"
    assert "film.stages-contradict" in codes(report)
    assert report_of([24, 16], vlm_film_trained_stages=metadata, film_stages=(0, 1)).status == "ok"


def test_hyper_parameters_against_the_widths_lose_when_one_list_fits() -> None:
    report = report_of([24, 16], settings=VLM | {"vlm_film_decoder_stages": [1, 2]})
    assert report.status == "ok"
    assert report.film is not None
    assert (report.film.stages, report.film.stages_from) == ((0, 1), "weights")
    assert "vlm_film_decoder_stages" in message(report, "hparams.disagrees")


def test_hyper_parameters_against_the_widths_are_refused_when_several_fit() -> None:
    assert report_of([8, 8], (1, 1, 1), VLM | {"vlm_film_decoder_stages": [0, 7]}).status == "refused"


@pytest.mark.parametrize("channels", [[16, 24], [8, 8], [24, 24], [24, 16, 8, 8]])
def test_heads_that_fit_no_stages_are_refused(channels: list[int]) -> None:
    assert "film.stages-contradict" in codes(report_of(channels))


def test_a_missing_head_is_refused() -> None:
    shapes = network() | film([24, 16])
    del shapes["vlm_film_heads.0.mlp.2.weight"]
    assert describe(contents(shapes, hyper_parameters(**VLM))).status == "refused"
    gap = {key.replace("heads.0", "heads.5"): shape for key, shape in (network() | film([24, 16])).items()}
    report = describe(contents(gap, hyper_parameters(**VLM)))
    assert "[1, 5]" in message(report, "network.sizes-unclear")


def test_stripped_heads_are_refused() -> None:
    report = describe(contents(network(), hyper_parameters(**VLM)))
    assert report.status == "refused"
    assert "film.heads-missing" in codes(report)
    switched_off = VLM | {"use_vlm_film": False}
    assert describe(contents(network(), hyper_parameters(**switched_off))).status == "ok"


@pytest.mark.parametrize(
    ("channels", "settings", "point", "module_class"),
    [
        ([24, 16, 8], NO_TRACES, "B", "FlowModel"),
        ([24, 16], NO_TRACES, "A", "FlowModelVLMFiLM"),
        ([24, 16, 8], NO_TRACES | {"vlm_film_decoder_stages": None}, "A", "FlowModelVLMFiLM"),
        ([24, 16, 8], NO_TRACES | {"junction_gating_config": None}, "A", "FlowModelVLMFiLM"),
    ],
)
def test_the_point_of_application_follows_the_traces(
    channels: list[int], settings: dict[str, Any], point: str, module_class: str
) -> None:
    report = report_of(channels, settings=settings)
    assert report.film is not None
    assert (report.film.point, report.module_class) == (point, module_class)
    assert ("film.point-inferred" in codes(report)) == (settings is NO_TRACES)


def test_the_user_may_choose_the_other_point() -> None:
    report = report_of([24, 16, 8], settings=NO_TRACES, film_point="A")
    assert report.film is not None
    assert (report.film.point, report.module_class) == ("A", "FlowModelVLMFiLM")
    assert report_of([24, 16, 8], film_point="C").status == "refused"


def test_heads_without_stages_in_an_unpublished_version_are_an_assumption() -> None:
    assert "film.legacy-point" in codes(report_of([24, 16, 8]))
    assert "film.legacy-point" not in codes(report_of([24, 16]))


def test_the_producers_table_is_named_where_it_would_misread() -> None:
    wide = (1, 2, 4)  # stages 32, 16, 8: rows 64, 32, 16, and the table reads 64 as stage 3
    assert "[3]" in message(report_of([32, 16], wide), "film.reference-would-misread")
    assert "drops 1 of 3" in message(report_of([24, 16, 8]), "film.reference-would-misread")
    assert "film.reference-would-misread" not in codes(report_of([32, 16], wide, vlm_film_trained_stages=[0, 1]))


def test_settings_about_film_need_film() -> None:
    opened = contents(network(), hyper_parameters(**SOFL_DFM))
    assert describe(opened, film_stages=[0]).status == "refused"
    assert describe(opened).status == "ok"
