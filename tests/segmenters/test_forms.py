"""What may be handed to `segment` and `network`: every reasonable form of one thing gives one result."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from core import pipeline
from core.errors import ShapeMismatch
from core.records import FilmSettings, Image, RunSettings, frozen_array
from core.segmenters import Segmenter
from tests.builders import CFM, DFM, FILM, small_config, weights, write_checkpoint

PICTURE = np.random.default_rng(0).integers(0, 256, (16, 23), dtype=np.uint8)
ROWS = np.random.default_rng(1).normal(size=(2, 12)).astype(np.float32)
Form = Callable[[Any], Any]


@pytest.fixture
def film(tmp_path: Path) -> Segmenter:
    return pipeline.load(write_checkpoint(tmp_path / "film.ckpt", DFM | FILM, film=True), device="cpu")


@pytest.fixture
def dfm(tmp_path: Path) -> Segmenter:
    return pipeline.load(write_checkpoint(tmp_path / "dfm.ckpt", DFM), device="cpu")


@pytest.mark.parametrize(
    "form",
    [
        lambda p: p.astype(np.float64),
        lambda p: frozen_array(p),
        lambda p: p.tolist(),
        lambda p: p[None],
        torch.from_numpy,
        lambda p: torch.from_numpy(p.astype(np.float64)),
        lambda p: Image(voxels=p[None], name="uint8"),
        lambda p: Image(voxels=p.astype(np.float64), name="two axes"),
        lambda p: np.asfortranarray(p)[::-1][::-1],
    ],
)
def test_one_image_in_many_forms(dfm: Segmenter, form: Form) -> None:
    plain = pipeline.segment(dfm, PICTURE.astype(np.float32))
    other = pipeline.segment(dfm, form(PICTURE.copy()))
    assert np.array_equal(plain.score, other.score)


@pytest.mark.parametrize("shape", [(16, 23, 3), (0, 4), (5,), (2, 1, 16, 23)])
def test_what_is_no_image_is_refused(dfm: Segmenter, shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeMismatch):
        pipeline.segment(dfm, np.zeros(shape, dtype=np.uint8))


@pytest.mark.parametrize(
    "form",
    [
        frozen_array,
        np.ndarray.tolist,
        torch.from_numpy,
        lambda rows: torch.from_numpy(rows).requires_grad_(),
        lambda rows: rows.astype(np.float64),
        np.asfortranarray,
    ],
)
def test_one_condition_in_many_forms(film: Segmenter, form: Form) -> None:
    plain = pipeline.segment(film, PICTURE, condition=ROWS)
    other = pipeline.segment(film, PICTURE, condition=form(ROWS.copy()))
    assert np.array_equal(plain.score, other.score)
    assert plain.condition is not None
    assert np.array_equal(plain.condition, ROWS)
    again = pipeline.segment(film, PICTURE, condition=plain.condition)
    assert np.array_equal(again.score, plain.score)


def test_a_condition_given_by_hand_also_serves_the_whole_image(film: Segmenter) -> None:
    whole = RunSettings(film=FilmSettings(unit="image"))
    one = pipeline.segment(film, PICTURE, whole, condition=ROWS[0])
    assert np.array_equal(one.score, pipeline.segment(film, PICTURE, condition=ROWS[:1]).score)


class Source:
    def __init__(self, form: Form) -> None:
        self._form, self._generator = form, np.random.default_rng(3)

    def normal(self, shape: tuple[int, ...]) -> Any:
        return self._form(self._generator.standard_normal(shape))

    def uniform(self, shape: tuple[int, ...]) -> Any:
        return self._form(self._generator.random(shape))


@pytest.mark.parametrize("dialect", [CFM, DFM], ids=["cfm", "dfm"])
def test_one_source_of_draws_in_many_forms(tmp_path: Path, dialect: dict[str, Any]) -> None:
    segmenter = pipeline.load(write_checkpoint(tmp_path / "a.ckpt", dialect), device="cpu")
    forms: tuple[Form, ...] = (np.asarray, torch.from_numpy, frozen_array, lambda draw: draw.tolist())
    scores = [pipeline.segment(segmenter, PICTURE, random=Source(form)).score for form in forms]
    for score in scores[1:]:
        assert np.array_equal(score, scores[0])


def test_steps_may_be_chosen_with_numpys_numbers(dfm: Segmenter) -> None:
    for keep in ((np.int64(1),), (np.float32(0.34),), [1]):
        prediction = pipeline.segment(dfm, PICTURE, RunSettings(keep=keep))  # type: ignore[arg-type]
        assert [step.index for step in prediction.steps] == [1, 3]


def test_the_bare_network_takes_one_time_and_one_condition_for_a_batch(film: Segmenter) -> None:
    x, image = torch.randn(3, 1, 16, 16), torch.randn(3, 1, 16, 16)
    row = torch.from_numpy(ROWS[0])
    with torch.inference_mode():
        wanted = film.network(x, torch.full((3,), 0.5), image, row.expand(3, -1))
        short = film.network(x, torch.tensor(0.5), image, condition=row)
    assert torch.allclose(wanted, short, atol=1e-6)


def test_stages_may_be_any_whole_numbers(tmp_path: Path) -> None:
    path = write_checkpoint(tmp_path / "film.ckpt", DFM | FILM, film=True)
    for stages in ([0, 1], (1, 0), np.array([0, 1])):
        report = pipeline.load(path, device="cpu", film_stages=stages).report
        assert report.film is not None
        assert (report.film.stages, report.film.stages_from) == ((0, 1), "user")


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("prefix", ["module.", "_orig_mod."])
def test_wrapped_and_narrow_weights_give_what_their_widened_numbers_give(
    tmp_path: Path, dtype: torch.dtype, prefix: str
) -> None:
    narrow = {key: value.to(dtype) for key, value in weights(small_config()).items()}
    wide = write_checkpoint(tmp_path / "wide.ckpt", DFM, change={key: v.float() for key, v in narrow.items()})
    stored = torch.load(wide, weights_only=True)
    stored["state_dict"] = {prefix + key: value for key, value in narrow.items()}
    torch.save(stored, tmp_path / "narrow.ckpt")
    plain, other = (
        pipeline.segment(pipeline.load(path, device="cpu"), PICTURE) for path in (wide, tmp_path / "narrow.ckpt")
    )
    assert np.array_equal(plain.score, other.score)


def test_a_refined_multitask_network_loads_strictly_and_refines_before_each_head(tmp_path: Path) -> None:
    """Spec 3.1: two times conv 3x3, GroupNorm(8), SiLU under net.0, net.1, net.3, net.4."""
    torch.manual_seed(3)
    extra: dict[str, torch.Tensor | None] = {}
    for head in ("hard", "soft"):
        for conv, norm in ((0, 1), (3, 4)):
            name = f"unet.{head}_refine.net."
            extra |= {f"{name}{conv}.weight": torch.randn(8, 8, 3, 3) / 8, f"{name}{conv}.bias": torch.randn(8)}
            extra |= {f"{name}{norm}.weight": torch.randn(8), f"{name}{norm}.bias": torch.randn(8)}
    path = write_checkpoint(tmp_path / "a.ckpt", CFM, head="multitask", arch="medsegdiff_flow_multitask", change=extra)
    network = pipeline.load(path, device="cpu").network
    x, image, t = torch.randn(2, 2, 16, 16), torch.randn(2, 1, 16, 16), torch.rand(2)
    unet: Any = network.unet
    with torch.inference_mode():
        features = unet.base_unet.features(x, t, image, {}, "A", None)
        wanted = []
        for head in ("hard", "soft"):
            y = features
            for conv, norm in ((0, 1), (3, 4)):
                at = {key.rsplit("net.", 1)[1]: v for key, v in extra.items() if key.startswith(f"unet.{head}")}
                y = torch.conv2d(y, at[f"{conv}.weight"], at[f"{conv}.bias"], padding=1)
                y = torch.nn.functional.group_norm(y, 8, at[f"{norm}.weight"], at[f"{norm}.bias"])
                y = y * torch.sigmoid(y)
            last = getattr(unet, f"{head}_head")
            wanted.append(torch.conv2d(y, last.weight, last.bias))
        assert torch.allclose(network(x, t, image), torch.cat(wanted, dim=1), atol=1e-5)


def test_features_are_rounded_as_the_producer_stores_them(film: Segmenter) -> None:
    feature = np.full((1, 10), 1.0003, dtype=np.float32) * np.arange(10)
    assert np.array_equal(film.condition(feature), film.condition(feature.astype(np.float16)))
    assert film.conditioner is not None
    with torch.inference_mode():
        unrounded = film.conditioner(torch.from_numpy(feature)).numpy()
    assert not np.array_equal(film.condition(feature), unrounded)
