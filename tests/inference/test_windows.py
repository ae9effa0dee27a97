"""The sliding window against MONAI's, which the producers use."""

from __future__ import annotations

import pytest
import torch
from monai.data.utils import compute_importance_map, dense_patch_slices
from monai.inferers import SlidingWindowInferer

from core.inference.windows import Canvas, gaussian_weights, plan_whole, plan_windows

SIZES = [(51, 69), (32, 32), (32, 40), (20, 90), (10, 10), (33, 64), (300, 300)]


def interval(length: int) -> int:
    return 32 if length == 32 else 24


@pytest.mark.parametrize("size", SIZES)
def test_windows_lie_where_monai_puts_them(size: tuple[int, int]) -> None:
    plan = plan_windows(size, 32)
    intervals = tuple(interval(length) for length in plan.padded)
    wanted = [(r.start, c.start) for r, c in dense_patch_slices(plan.padded, (32, 32), intervals)]
    assert list(plan.origins) == wanted


def test_weights_are_monais() -> None:
    wanted = compute_importance_map((32, 24), mode="gaussian", sigma_scale=0.125)
    assert torch.allclose(gaussian_weights((32, 24), torch.device("cpu")), wanted, atol=1e-7)


@pytest.mark.parametrize("size", SIZES)
def test_a_merged_image_is_monais(size: tuple[int, int]) -> None:
    image = torch.randn(1, 1, *size, generator=torch.Generator().manual_seed(2))

    def work(windows: torch.Tensor) -> torch.Tensor:
        return windows * torch.linspace(0, 1, 32) + windows.mean(dim=(1, 2, 3), keepdim=True)

    inferer = SlidingWindowInferer((32, 32), sw_batch_size=4, overlap=0.25, mode="gaussian")
    wanted = inferer(image, work)
    plan = plan_windows(size, 32)
    canvas, padded = Canvas(plan, 1, torch.device("cpu")), plan.pad(image)
    for numbers in plan.batches:
        canvas.add(work(plan.cut(padded, numbers)), numbers)
    assert torch.allclose(canvas.merged, wanted, atol=1e-6)


def test_a_whole_image_comes_back_unweighted() -> None:
    image = torch.randn(1, 1, 7, 9)
    plan = plan_whole((7, 9))
    canvas = Canvas(plan, 1, torch.device("cpu"))
    canvas.add(plan.cut(plan.pad(image), range(1)), range(1))
    assert torch.equal(canvas.merged, image)
