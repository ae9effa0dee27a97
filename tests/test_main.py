"""The command line, run as a person runs it: its words, its JSON, its files and its exit codes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from PIL import Image as Pillow
from typer.testing import CliRunner, Result

from core import pipeline
from core.images import read_image, write_probability
from core.records import FilmSettings, RunSettings
from main import cli
from tests.builders import CFM, DFM, FILM, write_checkpoint


def flowglass(*words: object) -> Result:
    return CliRunner().invoke(cli, [str(word) for word in words])


def answer(result: Result) -> Any:
    return json.loads(result.stdout)


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "images" / "07.png"
    path.parent.mkdir()
    pixels = np.random.default_rng(0).integers(0, 255, (24, 31), dtype=np.uint8)
    Pillow.fromarray(pixels).save(path)
    return path


@pytest.fixture
def reference(picture: Path) -> Path:
    path = picture.parent.parent / "labels" / "07_gt.png"
    path.parent.mkdir()
    mask = np.zeros((24, 31), dtype=np.uint8)
    mask[5:9] = 255
    Pillow.fromarray(mask).save(path)
    return path


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    return write_checkpoint(tmp_path / "best.ckpt", DFM)


def test_inspect_gives_the_report_as_json_with_the_hash(checkpoint: Path) -> None:
    result = flowglass("inspect", checkpoint, "--json")
    report = answer(result)
    assert result.exit_code == 0
    assert report["producer"] == "sofl-seg"
    assert report["mode"] == "dfm_binary"
    assert report["sha256"] == pipeline.sha256(checkpoint)
    assert answer(flowglass("inspect", checkpoint, "--json", "--no-hash"))["sha256"] is None


def test_inspect_of_two_files_names_what_differs(checkpoint: Path, tmp_path: Path) -> None:
    other = write_checkpoint(tmp_path / "other.ckpt", CFM)
    result = flowglass("inspect", checkpoint, other)
    assert result.exit_code == 0
    lines = [line.split() for line in result.stdout.splitlines()]
    assert ["mode", "dfm_binary", "cfm_continuous"] in lines
    assert not any(line[:1] == ["producer"] for line in lines)


def test_a_refused_file_is_exit_code_2_and_one_of_two_is_1(checkpoint: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.ckpt"
    broken.write_text("<html><body>log in</body></html>")
    refused = flowglass("inspect", broken)
    assert refused.exit_code == 2
    assert "web page" in refused.stdout
    assert flowglass("inspect", checkpoint, broken, "--json").exit_code == 1
    assert flowglass("predict", broken, checkpoint, "-o", tmp_path / "out").exit_code == 2


def test_predict_writes_the_mask_that_the_pipeline_gives(checkpoint: Path, picture: Path, tmp_path: Path) -> None:
    result = flowglass("predict", checkpoint, picture, "-o", tmp_path / "out", "--seed", 3, "--device", "cpu", "--json")
    assert result.exit_code == 0
    (case,) = answer(result)["results"]
    written = np.asarray(Pillow.open(tmp_path / "out" / "07_mask.png"))
    segmenter = pipeline.load(checkpoint, device="cpu")
    wanted = pipeline.segment(segmenter, pipeline.open_case(picture).image, RunSettings(seed=3))
    assert np.array_equal(written, wanted.mask[0] * np.uint8(255))
    assert case["metrics"] is None
    assert json.loads((tmp_path / "out" / "07_run.json").read_text())["settings"]["seed"] == 3


def test_predict_measures_against_the_reference_beside_the_image(
    checkpoint: Path, picture: Path, reference: Path, tmp_path: Path
) -> None:
    result = flowglass("predict", checkpoint, picture, "-o", tmp_path / "out", "--json")
    metrics = answer(result)["results"][0]["metrics"]
    mask = np.asarray(Pillow.open(tmp_path / "out" / "07_mask.png")) > 0
    truth = np.asarray(Pillow.open(reference)) > 0
    assert metrics["dice"]["value"] == pytest.approx(2 * (mask & truth).sum() / (mask.sum() + truth.sum()))


def test_predict_takes_a_folder_and_keeps_going_after_a_bad_image(
    checkpoint: Path, picture: Path, tmp_path: Path
) -> None:
    (picture.parent / "08.png").write_bytes(b"\x89PNG\r\n\x1a\n cut off")
    result = flowglass("predict", checkpoint, picture.parent, "-o", tmp_path / "out", "--json")
    assert result.exit_code == 1
    good, bad = answer(result)["results"]
    assert Path(good["files"][0]).is_file()
    assert "08.png" in bad["error"]


def test_two_images_of_one_name_are_not_written_over_each_other(
    checkpoint: Path, picture: Path, tmp_path: Path
) -> None:
    other = tmp_path / "07.png"
    other.write_bytes(picture.read_bytes())
    result = flowglass("predict", checkpoint, picture, other, "-o", tmp_path / "out")
    assert result.exit_code == 2
    assert "07_mask" in result.stderr
    assert not (tmp_path / "out").exists()


def test_predict_says_which_reference_it_measured_and_what_is_odd(
    checkpoint: Path, picture: Path, reference: Path, tmp_path: Path
) -> None:
    Pillow.fromarray(np.full((24, 31), 9, dtype=np.uint8)).save(picture)
    words = ("predict", checkpoint, picture, "-o", tmp_path / "out")
    assert answer(flowglass(*words, "--json"))["results"][0]["reference"] == str(reference)
    assert "Do not trust this prediction." in " ".join(flowglass(*words).stdout.split())


def test_a_volume_is_written_under_its_name_without_both_endings(checkpoint: Path, tmp_path: Path) -> None:
    volume = write_probability(tmp_path / "head.nii.gz", np.random.default_rng(0).random((2, 24, 31)))
    result = flowglass("predict", checkpoint, volume, "-o", tmp_path / "out", "--steps", 2)
    assert result.exit_code == 0
    assert (tmp_path / "out" / "head_mask.nii.gz").is_file()


def test_one_frame_of_a_film_is_run_and_its_files_say_which(checkpoint: Path, tmp_path: Path) -> None:
    moments = np.random.default_rng(0).random((24, 31, 1, 3)).astype(np.float32)
    film = tmp_path / "film.nii.gz"
    nib.save(nib.Nifti1Image(moments, np.eye(4)), film)  # type: ignore[no-untyped-call]
    words = ("predict", checkpoint, film, "-o", tmp_path / "out", "--steps", 2)
    assert flowglass(*words, "--frame", 3).exit_code == 0
    assert flowglass(*words).exit_code == 0
    out = tmp_path / "out"
    third, first = (read_image(out / f"film_frame{number}_probability.nii.gz").voxels for number in (3, 1))
    assert not np.array_equal(third, first)
    assert json.loads((out / "film_frame3_run.json").read_text(encoding="utf-8"))["provenance"]["frame"] == 2
    failed = flowglass(*words, "--frame", 4, "--json")
    assert failed.exit_code == 1
    assert "there is no frame" in answer(failed)["results"][0]["error"]


def test_kept_steps_are_written_and_labelled(checkpoint: Path, picture: Path, tmp_path: Path) -> None:
    words = ("predict", checkpoint, picture, "-o", tmp_path / "out", "--keep", "0,2", "--save-steps", "--steps", 6)
    result = flowglass(*words, "--json")
    (case,) = answer(result)["results"]
    names = sorted(path.name for path in (tmp_path / "out" / "07_steps").iterdir())
    assert [name.split("_t")[0] for name in names] == [
        "step_000",
        "step_000",
        "step_002",
        "step_002",
        "step_005",
        "step_005",
    ]
    assert [item["code"] for item in case["deviations"]] == ["steps"]


def test_a_film_checkpoint_without_a_profile_fails_as_a_case_and_runs_with_film_off(
    picture: Path, tmp_path: Path
) -> None:
    film = write_checkpoint(tmp_path / "film.ckpt", DFM | FILM, film=True)
    missing = flowglass("predict", film, picture, "-o", tmp_path / "out", "--json")
    assert missing.exit_code == 1
    assert "FiLM off" in answer(missing)["results"][0]["error"]
    off = flowglass("predict", film, picture, "-o", tmp_path / "out", "--film", "off", "--json")
    assert off.exit_code == 0
    assert answer(off)["results"][0]["deviations"] == [{"code": "film.off", "label": "FiLM off"}]


@pytest.mark.parametrize("words", [("--film", "loud"), ("--protocol", "x"), ("--keep", "a,b"), ("--device", "cuda:9")])
def test_wrong_usage_is_exit_code_2(checkpoint: Path, picture: Path, tmp_path: Path, words: tuple[str, str]) -> None:
    result = flowglass("predict", checkpoint, picture, "-o", tmp_path / "out", *words)
    assert result.exit_code == 2
    assert words[1] in result.stderr


def test_a_run_in_the_window_can_be_repeated_by_its_command() -> None:
    settings = RunSettings(seed=9, steps=5, protocol="as-evaluated", film=FilmSettings(mode="off"))
    command = pipeline.as_command("a b.ckpt", "im.png", settings)
    assert command == (
        "flowglass predict 'a b.ckpt' im.png -o results --seed 9 --protocol as-evaluated --steps 5 --film off"
    )


def test_the_steps_are_written_as_an_animation(checkpoint: Path, picture: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    words = ("predict", checkpoint, picture, "-o", out, "--animation", "gif", "--animation-fps", "5", "--json")
    (result,) = answer(flowglass(*words))["results"]
    assert str(out / "07_steps.gif") in result["files"]
    kept = json.loads((out / "07_run.json").read_text(encoding="utf-8"))["steps"]
    assert len(kept) == 4
    with Pillow.open(out / "07_steps.gif") as film:
        assert film.n_frames == len(kept) + 1  # the final result comes last


def test_an_animation_of_an_unknown_kind_is_refused_before_anything_runs(
    checkpoint: Path, picture: Path, tmp_path: Path
) -> None:
    result = flowglass("predict", checkpoint, picture, "-o", tmp_path / "out", "--animation", "avi")
    assert result.exit_code == 2
    assert not (tmp_path / "out").exists()


def test_another_solver_and_a_single_sample_are_run_and_labelled(
    checkpoint: Path, picture: Path, tmp_path: Path
) -> None:
    words = ("predict", checkpoint, picture, "-o", tmp_path / "out", "--json")
    told = answer(flowglass(*words, "--solver", "heun", "--samples", 1, "--first-sample", 2))
    assert [item["code"] for item in told["results"][0]["deviations"]] == ["solver"]
    assert (told["settings"]["solver"], told["settings"]["first_sample"]) == ("heun", 2)
    assert flowglass(*words, "--solver", "rk4").exit_code == 2
