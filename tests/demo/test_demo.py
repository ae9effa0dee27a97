"""The bundled demo: every file opens as what it was written as and segments the demo cases, and FiLM matters."""

from __future__ import annotations

import json
import tarfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core import pipeline
from core.records import Case, FilmSettings, Prediction, RunSettings
from tests.shared_data import FIXTURES, ROOT, needs_shared
from tools.demo.angiograms import draw_angiogram
from tools.demo.cases import NAMES, draw_cases, image_path, label_path
from tools.demo.profiles import fingerprint, window_starts
from tools.demo.recipes import BY_NAME, FILM_STAGES, RECIPES, Recipe
from tools.demo.table import demo_case

DEMO = ROOT / "resources" / "demo"
LIMIT_MB = 12
LAST = RunSettings(keep="last")
SOFT_SEG: dict[str, Any] = {"producer": "soft-seg", "value_range": (0.0, 1.0), "threshold": 0.5}
CFM: dict[str, Any] = {"producer": "sofl-seg", "mode": "cfm_continuous", "value_range": (-1.0, 1.0), "threshold": 0.0}
DFM: dict[str, Any] = {"producer": "sofl-seg", "mode": "dfm_binary", "value_range": (0.0, 1.0), "threshold": 0.5}
EXPECTED = {
    "soft2hard": {**SOFT_SEG, "module_class": "FlowSoft2HardModel", "arch": "medsegdiff_flow_soft2hard"},
    "cfm": {**CFM, "module_class": "FlowModel", "arch": "medsegdiff_flow"},
    "dfm": {**DFM, "module_class": "FlowModel", "arch": "medsegdiff_flow"},
    "vlm": {**DFM, "module_class": "FlowModelVLMFiLM", "arch": "medsegdiff_flow"},
}
_PREDICTIONS: dict[object, Prediction] = {}
each_recipe = pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)


def _predict(name: str, case: Case, settings: RunSettings = LAST) -> Prediction:
    """Nothing changes a loaded checkpoint or a case, so the same run is computed once."""
    key = (name, case.name, case.image.voxels.shape, settings)
    if key not in _PREDICTIONS:
        _PREDICTIONS[key] = _run(name, case, settings)
    return _PREDICTIONS[key]


def _run(name: str, case: Case, settings: RunSettings) -> Prediction:
    segmenter = pipeline.load(DEMO / BY_NAME[name].checkpoint, device="cpu")
    return pipeline.segment(segmenter, case.image, settings)


def _part(case: Case, rows: slice, columns: slice) -> Case:
    assert case.reference is not None
    image = replace(case.image, voxels=case.image.voxels[:, rows, columns])
    return replace(case, image=image, reference=replace(case.reference, labels=case.reference.labels[:, rows, columns]))


def _dice(prediction: Prediction, case: Case) -> float:
    assert case.reference is not None
    value = pipeline.measure(prediction, case.reference)["dice"].value
    assert value is not None
    return value


def test_the_demo_fits_into_twelve_megabytes() -> None:
    files = [path for path in DEMO.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < LIMIT_MB * 1_000_000


def test_the_cases_are_what_the_tool_draws() -> None:
    for name, drawn in zip(NAMES, draw_cases(), strict=True):
        case = demo_case(DEMO, name)
        assert case.reference is not None
        # Blurring may round one grey value differently on another processor.
        assert np.abs(case.image.voxels[0] - drawn.image).max() <= 1
        assert np.array_equal(case.reference.labels[0] > 0, drawn.hard)
        assert 0.03 < drawn.hard.mean() < 0.2


def test_vessels_are_darker_than_what_lies_beside_them() -> None:
    drawn = draw_angiogram(np.random.default_rng(5), (112, 160), ghost=False)
    beside = (drawn.soft > 0.02) & ~drawn.hard
    assert drawn.image[drawn.hard].mean() < drawn.image[beside].mean()


def test_a_dropped_demo_folder_offers_every_case_and_checkpoint() -> None:
    found = pipeline.scan(DEMO)
    assert [case.sample for case in found.cases] == [f"test/image/{name}" for name in NAMES]
    assert all(case.reference is not None for case in found.cases)
    assert sorted(map(Path, found.checkpoints)) == sorted(DEMO / recipe.checkpoint for recipe in RECIPES)


@each_recipe
def test_a_checkpoint_is_recognised_without_doubt(recipe: Recipe) -> None:
    report = pipeline.inspect(DEMO / recipe.checkpoint)
    assert report.status == "ok"
    assert {name: getattr(report, name) for name in EXPECTED[recipe.name]} == EXPECTED[recipe.name]
    assert (report.timesteps, report.image_size, report.data_name) == (12, 64, "xca")
    assert [finding.code for finding in report.findings if finding.severity == "error"] == []


def test_the_vlm_checkpoint_says_where_its_film_heads_belong() -> None:
    film = pipeline.inspect(DEMO / BY_NAME["vlm"].checkpoint).film
    assert film is not None
    assert (film.stages, film.stages_from, film.point) == (FILM_STAGES, "metadata", "A")
    assert film.batch_strategy == "per_sample"


@pytest.mark.parametrize("name", ["dfm", "vlm"])
def test_a_discrete_checkpoint_segments_a_demo_case(name: str) -> None:
    case = demo_case(DEMO, NAMES[0])
    prediction = _predict(name, case)
    assert prediction.deviations == ()
    assert _dice(prediction, case) >= 0.85


@pytest.mark.parametrize("name", ["cfm", "soft2hard"])
def test_a_continuous_checkpoint_segments_a_part_of_a_demo_case(name: str) -> None:
    """Two windows of the first case: some hundred network calls per window take long on one thread."""
    case = _part(demo_case(DEMO, NAMES[0]), slice(24, 88), slice(40, 152))
    assert _dice(_predict(name, case), case) >= 0.85


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "number"),
    [("cfm", 3), ("soft2hard", 3), *((name, n) for name in ("dfm", "vlm") for n in (1, 2)), ("dfm", 3)],
)
def test_a_checkpoint_segments_the_other_demo_cases(name: str, number: int) -> None:
    case = demo_case(DEMO, NAMES[number])
    assert _dice(_predict(name, case), case) >= 0.85


def test_without_its_film_heads_the_vlm_checkpoint_predicts_something_worse() -> None:
    """The last case has a bright tree besides the dark one; which of them is the vessel, the condition says."""
    case = demo_case(DEMO, NAMES[3])
    on = _predict("vlm", case)
    off = _predict("vlm", case, RunSettings(keep="last", film=FilmSettings(mode="off")))
    assert [deviation.code for deviation in off.deviations] == ["film.off"]
    assert _dice(on, case) >= 0.85
    assert _dice(on, case) - _dice(off, case) > 0.1


def test_the_profile_cache_has_every_window_of_every_case() -> None:
    with tarfile.open(DEMO / BY_NAME["vlm"].folder / "vlm_profiles.tar") as archive:
        names = archive.getnames()
    windows = [name for name in names if ":fp=" in name]
    assert len(set(windows)) == len(windows) == len(NAMES) * 6
    assert len(names) - len(windows) == len(NAMES)


@needs_shared
def test_fingerprints_are_those_of_the_producers_own_cache() -> None:
    folder = FIXTURES / "flow" / "sofl_vlm_meta_stages23_dfm"
    keys = json.loads((folder / "meta.json").read_text(encoding="utf-8"))["sw_cond_keys"]
    with np.load(folder / "case.npz") as arrays:
        image = arrays["full_image"][0]  # (1, 51, 69)
    corners = [(r, c) for r in window_starts(image.shape[1], 32) for c in window_starts(image.shape[2], 32)]
    prints = [fingerprint(image[:, r : r + 32, c : c + 32]) for r, c in corners]
    assert [f"unknown:unknown:fp={print_}:i={n % 4}|vlm:raw" for n, print_ in enumerate(prints)] == keys


def test_files_of_a_case_have_the_same_name() -> None:
    for name in NAMES:
        assert image_path(DEMO, name).is_file()
        assert label_path(DEMO, name).is_file()
