"""An animation is decoded again: pictures, durations, and colour where the masks of the records are."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow

from core import pipeline
from core.errors import FigureRefused, ShapeMismatch
from core.figures import animation, colours, fonts
from core.figures.moments import moments
from core.figures.scene import Scene
from core.images.as_prediction import prediction_of_labels
from core.images.sections import section_of
from core.progress import Cancelled, Progress
from core.records import AnimationOptions, Array, Deviation, FigureColumn, LabelMap, Prediction, frozen_array
from tests.gui import fakes

BLUE, ORANGE = "#56B4E9", "#E69F00"
SOLID = AnimationOptions(fps=8, hold_seconds=1.0, scale=2, opacity=1.0)


def columns(*predictions: Prediction) -> list[FigureColumn]:
    names = [("혈관 모델", BLUE), ("other.ckpt", ORANGE)]
    return [
        FigureColumn(name=name, colour=colour, prediction=prediction)
        for (name, colour), prediction in zip(names, predictions, strict=False)
    ]


def gif_frames(path: Path) -> tuple[list[Array], list[int]]:
    pictures, durations = [], []
    with Pillow.open(path) as film:
        for number in range(film.n_frames):
            film.seek(number)
            durations.append(film.info["duration"])
            pictures.append(np.asarray(film.convert("RGB")))
    return pictures, durations


def mp4_frames(path: Path) -> tuple[list[Array], float]:
    av = pytest.importorskip("av")
    with av.open(str(path)) as film:
        assert film.streams.video[0].codec_context.name == "h264"
        pictures = [frame.to_ndarray(format="rgb24") for frame in film.decode(video=0)]
        return pictures, film.duration / av.time_base


def boxes(items: list[FigureColumn], options: AnimationOptions) -> tuple[tuple[int, int, int, int], ...]:
    image = fakes.image()
    return Scene(items, image, None, section_of(image, "acquired", (0, 0, 0)), options).pictures


def inside(picture: Array, box: tuple[int, int, int, int]) -> Array:
    left, top, width, height = box
    return picture[top : top + height : 2, left : left + width : 2].astype(int)


def coloured(picture: Array, colour: str, tolerance: int) -> Array:
    found: Array = (np.abs(picture - np.array(colours.rgb(colour))) <= tolerance).all(axis=2)
    return found


def test_each_picture_of_a_gif_is_coloured_where_the_mask_of_its_step_is(tmp_path: Path) -> None:
    prediction = fakes.prediction(steps=5)
    items = columns(prediction)
    made = pipeline.animate(items, fakes.image(), tmp_path / "scrub.gif", options=SOLID)
    pictures, durations = gif_frames(tmp_path / "scrub.gif")
    assert made.frames == len(pictures) == 6
    assert sum(durations) / 1000 == made.seconds == pytest.approx(5 / 8 + 1.0, abs=0.011)
    assert pictures[0].shape[:2] == (made.height, made.width)
    (box,) = boxes(items, SOLID)
    masks = [step.estimate[0] > prediction.threshold for step in prediction.steps] + [prediction.mask[0]]
    for picture, mask in zip(pictures, masks, strict=True):
        np.testing.assert_array_equal(coloured(inside(picture, box), BLUE, 0), mask)
    assert len({mask.tobytes() for mask in masks}) == 3  # they do differ


def test_a_video_has_the_same_pictures_and_stays_at_the_end(tmp_path: Path) -> None:
    pytest.importorskip("av")
    prediction = fakes.prediction(steps=5)
    items = columns(prediction)
    made = pipeline.animate(items, fakes.image(), tmp_path / "scrub.mp4", options=SOLID)
    pictures, seconds = mp4_frames(tmp_path / "scrub.mp4")
    assert made.frames == len(pictures) == 5 + 8
    assert seconds == pytest.approx(made.seconds, abs=0.01) == pytest.approx(13 / 8, abs=0.01)
    (box,) = boxes(items, SOLID)
    mask = prediction.mask[0]
    seen = coloured(inside(pictures[-1], box), BLUE, 40)
    thick = colours.border(~mask, 2) | colours.border(mask, 1)  # at edges, video mixes the colours of neighbours
    np.testing.assert_array_equal(seen[~thick], mask[~thick])
    assert seen[mask].mean() > 0.5


def test_all_columns_run_on_one_axis_and_a_supervised_one_is_a_point() -> None:
    flow, diffusion = fakes.prediction(steps=4), fakes.diffusion(timesteps=5, keep=5)
    times, left_out = moments([flow, diffusion, fakes.supervised()])
    assert times == (0.0, 0.25, 0.5, 0.75, 1.0, None)
    assert left_out == 0
    assert moments([fakes.supervised()]) == ((None,), 0)


def test_a_supervised_column_does_not_change_beside_one_that_does(tmp_path: Path) -> None:
    items = columns(fakes.prediction(steps=3), fakes.supervised(shift=30))
    pipeline.animate(items, fakes.image(), tmp_path / "scrub.gif", options=SOLID)
    pictures, _ = gif_frames(tmp_path / "scrub.gif")
    first, second = boxes(items, SOLID)
    assert len({inside(picture, first).tobytes() for picture in pictures}) > 1
    assert len({inside(picture, second).tobytes() for picture in pictures}) == 1
    np.testing.assert_array_equal(coloured(inside(pictures[0], second), ORANGE, 0), fakes.supervised(shift=30).mask[0])


def test_a_mask_of_a_file_is_not_said_to_be_as_trained(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    labels = LabelMap(labels=frozen_array(fakes.vessels()[None].astype(np.int16)), name="truth.png")
    said = words(monkeypatch, tmp_path, prediction_of_labels(labels, fakes.image()))
    assert "a mask, made by no checkpoint" in said
    assert "as-trained" not in said


def test_long_runs_are_thinned_and_say_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("core.figures.moments.MOST_MOMENTS", 4)
    made = pipeline.animate(columns(fakes.prediction(steps=10)), fakes.image(), tmp_path / "scrub.gif")
    assert made.frames == 5
    assert [finding.code for finding in made.findings] == ["figure.steps-left-out"]
    assert "leaves out 6" in made.findings[0].message


def words(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, prediction: Prediction, **case: Any) -> list[str]:
    """Everything that is written into the first picture."""
    said: list[str] = []
    draw = fonts.Letters.draw

    def listen(self: fonts.Letters, canvas: Any, at: Any, text: str, colour: str) -> None:
        said.append(text)
        draw(self, canvas, at, text, colour)

    monkeypatch.setattr(fonts.Letters, "draw", listen)
    image = fakes.image(**case)
    pipeline.animate(columns(prediction), image, tmp_path / "scrub.gif", options=replace(SOLID, window=(40, 200)))
    return said[: len(said) // 2]


def test_what_is_not_as_trained_is_burnt_into_every_picture(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    off = (Deviation(code="film.off", label="FiLM off"),)
    said = words(monkeypatch, tmp_path, fakes.prediction(steps=3, deviations=off, protocol="as-evaluated"))
    assert said.count("\N{BLACK DIAMOND} FiLM off") == 2  # of two pictures, that of a step and the next one
    assert {"혈관 모델", "as-evaluated", "t = 0.333 · step 0 · 1 call"} <= set(said)
    assert any("window 40 to 200" in line for line in said)


def test_lengths_are_in_millimetres_where_they_are_known(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert "20 px" in words(monkeypatch, tmp_path, fakes.prediction(steps=3))
    said = words(monkeypatch, tmp_path, fakes.prediction(steps=3), spacing_mm=(1.0, 0.5, 0.5))
    assert "20 mm" in said


def test_a_volume_is_drawn_at_the_slice_that_is_asked_for_or_where_its_mask_is_largest(tmp_path: Path) -> None:
    prediction = fakes.prediction((4, 96, 128), steps=2)
    mask = np.zeros((4, 96, 128), bool)
    mask[1, :10], mask[2, :30, :50] = True, True
    prediction = replace(prediction, mask=frozen_array(mask), steps=())
    image = fakes.image(slices=4)
    for cross, expected in ((None, mask[2]), ((1, 0, 0), mask[1]), ((0, 0, 0), mask[0])):
        options = replace(SOLID, cross=cross)
        pipeline.animate(columns(prediction), image, tmp_path / "scrub.gif", options=options)
        ((picture, *_), _) = gif_frames(tmp_path / "scrub.gif")
        scene = Scene(columns(prediction), image, None, section_of(image, "acquired", cross or (2, 0, 0)), options)
        np.testing.assert_array_equal(coloured(inside(picture, scene.pictures[0]), BLUE, 0), expected)


def test_uneven_pixels_are_drawn_to_scale() -> None:
    image = replace(fakes.image(), spacing_mm=(1.0, 2.0, 1.0))
    scene = Scene(columns(fakes.prediction()), image, None, section_of(image, "acquired", (0, 0, 0)), SOLID)
    assert scene.pictures[0][2:] == (128 * 2, 96 * 4)


def test_letters_that_no_font_has_are_named_and_not_drawn_as_boxes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fonts.font_with.cache_clear()
    monkeypatch.setattr(fonts, "_fonts", lambda: ())
    made = pipeline.animate(columns(fakes.prediction()), fakes.image(), tmp_path / "scrub.gif")
    fonts.font_with.cache_clear()
    (finding,) = made.findings
    assert (finding.code, finding.severity) == ("figure.no-glyphs", "warning")
    assert "혈" in finding.message


@pytest.mark.skipif(fonts.font_with("혈") is None, reason="no font with Korean letters is installed")
def test_korean_letters_are_drawn_from_a_font_that_has_them() -> None:
    letters = fonts.Letters(20)
    assert letters.width("혈관") > letters.width("ab")
    assert not letters.missing
    assert fonts.font_with("혈") != fonts.font_with("\U0010ffff") is None


def test_a_cancelled_animation_leaves_the_file_that_was_there_and_no_other(tmp_path: Path) -> None:
    def stop(progress: Progress) -> None:
        assert progress.total == 6
        if progress.done == 2:
            raise Cancelled

    for name in ("scrub.gif", "scrub.mp4"):
        if name.endswith("mp4") and pipeline.video_missing():
            continue
        path = tmp_path / name
        path.write_bytes(b"before")
        with pytest.raises(Cancelled):
            pipeline.animate(columns(fakes.prediction(steps=5)), fakes.image(), path, report=stop)
        assert path.read_bytes() == b"before"
    assert all(path.read_bytes() == b"before" for path in tmp_path.iterdir())


def test_without_pyav_mp4_is_refused_by_the_name_of_the_extra_and_gif_works(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(animation.util, "find_spec", lambda name: None)
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(FigureRefused, match=r"extra `video`"):
        pipeline.animate(columns(fakes.prediction()), fakes.image(), tmp_path / "scrub.mp4")
    assert "video" in pipeline.video_missing()
    assert pipeline.animate(columns(fakes.prediction()), fakes.image(), tmp_path / "scrub.gif").frames == 6


@pytest.mark.parametrize(
    ("name", "options"),
    [("scrub.avi", SOLID), ("scrub.gif", replace(SOLID, fps=60)), ("scrub.gif", replace(SOLID, scale=200))],
)
def test_what_cannot_be_drawn_is_refused(tmp_path: Path, name: str, options: AnimationOptions) -> None:
    with pytest.raises(FigureRefused):
        pipeline.animate(columns(fakes.prediction()), fakes.image(), tmp_path / name, options=options)
    assert not list(tmp_path.iterdir())


def test_a_result_of_another_image_is_not_drawn_over_this_one(tmp_path: Path) -> None:
    with pytest.raises(ShapeMismatch, match="혈관"):
        pipeline.animate(columns(fakes.prediction((1, 9, 9))), fakes.image(), tmp_path / "scrub.gif")


@pytest.mark.parametrize("quantity", ["probability", "estimate", "state"])
def test_values_are_drawn_through_their_map(tmp_path: Path, quantity: Any) -> None:
    items, options = columns(fakes.prediction(steps=3)), replace(SOLID, quantity=quantity)
    pipeline.animate(items, fakes.image(), tmp_path / "scrub.gif", options=options)
    (first, *_, last), _ = gif_frames(tmp_path / "scrub.gif")
    (box,) = boxes(items, options)
    low = (~items[0].prediction.mask[0]) & ~colours.border(~items[0].prediction.mask[0], 2)
    shade = np.median(inside(last, box)[low], axis=0)
    expected = colours.viridis()[26] if quantity == "probability" else [26] * 3
    if quantity != "state":
        assert shade == pytest.approx(np.asarray(expected, float), abs=6)
    assert inside(first, box)[low].std() > 10  # noise


def test_viridis_is_that_of_the_window() -> None:
    pg = pytest.importorskip("pyqtgraph")
    table = pg.colormap.get("viridis").getLookupTable(nPts=256, alpha=False).astype(int)
    assert np.abs(table - colours.viridis()).max() <= 4
