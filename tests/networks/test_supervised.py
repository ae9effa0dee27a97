"""csnet, dscnet and nnunet against the producers' recordings, and against themselves."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from core.networks import Architecture, SizesUnclear
from core.networks.csnet.config import CSNET, CsnetConfig
from core.networks.dscnet.config import DSCNET, DscnetConfig
from core.networks.nnunet.config import NNUNET, NnunetConfig
from tests.golden.cases import GoldenCase
from tests.golden.recipes import filled_state, has_recipe
from tests.networks.round_trip import BY_NAME, assert_close, check_round_trip, detected, loaded, shapes_of
from tests.shared_data import FIXTURES, needs_shared

FOLDER = FIXTURES / "supervised_diffusion"
NAMES = ("csnet", "dscnet", "nnunet")
CASES = [GoldenCase(path) for name in NAMES for path in sorted(FOLDER.glob(f"{name}_*"))]
WRITTEN = {
    "csnet_softseg_full_recipe": CsnetConfig(widths=(32, 64, 128, 256, 512), attention_width=64),
    "dscnet_softseg_full_recipe": DscnetConfig(base_channels=32, kernel_size=9),
    "dscnet_soflseg_w8": DscnetConfig(base_channels=8, kernel_size=9),
    "nnunet_softseg_full_recipe": NnunetConfig(widths=(32, 64, 128, 256, 512)),
    "nnunet_soflseg_w4": NnunetConfig(widths=(4, 8, 16, 32, 64)),
}
PARAMETERS = {"csnet": 8_400_196, "dscnet": 8_071_834, "nnunet": 7_765_442}


def name(case: GoldenCase) -> str:
    return case.folder.name


@cache
def stored_state(folder: Path) -> dict[str, Tensor]:
    if has_recipe(folder):
        return filled_state(folder)
    state: dict[str, Tensor] = torch.load(folder / "case.ckpt", weights_only=True)["state_dict"]
    return state


def network_of(case: GoldenCase) -> nn.Module:
    """A network of its own for each test: some spoil the weights."""
    state = {key: tensor.clone() for key, tensor in stored_state(case.folder).items()}
    return loaded(BY_NAME[case.meta["arch"]], state)


def logits(network: nn.Module, case: GoldenCase) -> Tensor:
    with torch.inference_mode():
        out: Tensor = network(None, None, torch.from_numpy(case.arrays["image"]))
    return out


def compare(case: GoldenCase, actual: Tensor, key: str) -> None:
    absolute, relative = (case.tolerances[f"single_forward_{kind}"] for kind in ("atol", "rtol"))
    assert_close(actual, case.arrays[key], absolute, relative)


@needs_shared
def test_every_recorded_case_is_tested() -> None:
    assert {name(case) for case in CASES} == set(WRITTEN)


@pytest.mark.parametrize("case", CASES, ids=name)
def test_keys_and_shapes_tell_the_network(case: GoldenCase) -> None:
    shapes = shapes_of(stored_state(case.folder))
    assert detected(shapes) == [case.meta["arch"]]
    config = BY_NAME[case.meta["arch"]].infer_config(shapes)
    assert config == WRITTEN[name(case)]
    assert config.problem() == ""
    assert list(config.contradictions(case.meta["hparams"])) == []
    assert config.in_channels == case.meta["expected_detection"]["input_channels"]
    assert config.out_channels == case.meta["expected_detection"]["output_channels"]


@pytest.mark.parametrize("case", CASES, ids=name)
def test_the_network_gives_the_recorded_logits(case: GoldenCase) -> None:
    compare(case, logits(network_of(case), case), "logits")


@pytest.mark.parametrize("case", CASES, ids=name)
def test_every_recorded_activation_is_met(case: GoldenCase) -> None:
    network, seen = network_of(case), {}
    keys = [key for key in case.arrays if key.startswith("inter_")]

    def keep(key: str) -> Any:
        def hook(module: nn.Module, given: object, out: Tensor) -> None:
            seen[key] = out

        return hook

    for key in keys:
        network.get_submodule("model." + key.removeprefix("inter_")).register_forward_hook(keep(key))
    logits(network, case)
    assert len(keys) >= 4
    for key in keys:
        compare(case, seen[key], key)


@pytest.mark.parametrize("case", CASES, ids=name)
def test_a_wrong_weight_and_a_transposed_image_are_noticed(case: GoldenCase) -> None:
    """The comparisons above can fail: one input channel of one convolution a hundredth too strong is seen."""
    last = {"csnet": "decoder1.conv.3", "dscnet": "model.conv17.conv", "nnunet": "up_blocks.3.conv.block.3"}
    network = network_of(case)
    network.get_submodule("model.model." + last[case.meta["arch"]]).get_parameter("weight")[:, 0].mul_(1.01)
    with pytest.raises(AssertionError):
        compare(case, logits(network, case), "logits")
    image = torch.from_numpy(case.arrays["image"]).transpose(2, 3)
    with pytest.raises(AssertionError), torch.inference_mode():
        compare(case, network_of(case)(None, None, image).transpose(2, 3), "logits")


@pytest.mark.parametrize("case", [case for case in CASES if name(case) in ("dscnet_soflseg_w8", "nnunet_soflseg_w4")])
def test_every_tensor_counts_except_the_unused_half_of_the_snakes(case: GoldenCase) -> None:
    network, random = network_of(case), torch.Generator().manual_seed(5)
    before = logits(network, case)
    silent = set()
    for key, tensor in network.state_dict().items():
        kept = tensor.clone()
        tensor += 0.1 * torch.randn(tensor.shape, generator=random)
        if torch.equal(logits(network, case), before):
            silent.add(key)
        tensor.copy_(kept)
    unused = {key for key in network.state_dict() if "x.dsc_conv_y" in key or "y.dsc_conv_x" in key}
    assert len(unused) == (28 if case.meta["arch"] == "dscnet" else 0)
    assert silent == unused


@pytest.mark.parametrize("architecture", [CSNET, DSCNET, NNUNET], ids=lambda item: item.name)
def test_the_default_sizes_have_the_published_number_of_parameters(architecture: Architecture) -> None:
    written = next(item for key, item in WRITTEN.items() if key.startswith(architecture.name))
    with torch.device("meta"):
        network = architecture.build(written)
    assert sum(parameter.numel() for parameter in network.parameters()) == PARAMETERS[architecture.name]


def random_config(architecture: Architecture, random: Random) -> Any:
    common: dict[str, Any] = {"in_channels": random.randint(1, 3)}
    if architecture is CSNET:
        widths = tuple(random.randint(1, 9) for _ in range(5))
        return CsnetConfig(widths=widths, attention_width=random.randint(1, 5), **common)
    if architecture is DSCNET:
        return DscnetConfig(base_channels=random.choice((4, 8)), kernel_size=random.choice((1, 3, 5)), **common)
    return NnunetConfig(widths=tuple(random.randint(1, 9) for _ in range(random.randint(2, 5))), **common)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("architecture", [CSNET, DSCNET, NNUNET], ids=lambda item: item.name)
def test_a_small_network_is_read_back_from_its_weights(architecture: Architecture, seed: int) -> None:
    config = random_config(architecture, Random(seed))
    image = torch.randn(2, config.in_channels, 32, 48, generator=torch.Generator().manual_seed(seed))
    check_round_trip(architecture, config, (None, None, image))


def test_without_state_and_window_the_report_is_told_so() -> None:
    for config in WRITTEN.values():
        assert (config.state_channels, config.image_size) == (0, None)
        assert set(config.witnesses()) == {"in_channels", "state_channels", "out_channels", "image_size", "network"}


DECIDING = [
    (CSNET, "model.model.encoder3.conv1.weight"),
    (CSNET, "model.model.final.weight"),
    (CSNET, "model.model.affinity_attention.sab.query.0.weight"),
    (DSCNET, "model.model.model.conv00.conv.weight"),
    (DSCNET, "model.model.model.conv0x.offset_conv.weight"),
    (DSCNET, "model.model.model.out_conv.weight"),
    (NNUNET, "model.model.inc.block.0.weight"),
    (NNUNET, "model.model.outc.conv.weight"),
]


@pytest.mark.parametrize(("architecture", "key"), DECIDING)
@pytest.mark.parametrize("shape", [None, (3,), (0, 1, 3, 3)])
def test_a_deciding_key_that_is_missing_or_impossible_is_named(
    architecture: Architecture, key: str, shape: tuple[int, ...] | None
) -> None:
    shapes = shapes_of(architecture.build(random_config(architecture, Random(0))).state_dict())
    del shapes[key]
    if shape is not None:
        shapes[key] = shape
    with pytest.raises(SizesUnclear, match=key.replace(".", r"\.")):
        architecture.infer_config(shapes)


def test_an_odd_number_of_offset_rows_is_unclear() -> None:
    shapes = shapes_of(DSCNET.build(DscnetConfig(base_channels=4, kernel_size=3)).state_dict())
    shapes["model.model.model.conv0x.offset_conv.weight"] = (7, 1, 3, 3)
    with pytest.raises(SizesUnclear, match="7 rows"):
        DSCNET.infer_config(shapes)


@pytest.mark.parametrize(
    ("config", "clause"),
    [
        (NnunetConfig(widths=(4, 8), classes=3), "3 classes"),
        (CsnetConfig(widths=(1, 2, 3, 4, 5), attention_width=1, classes=1), "1 classes"),
        (CsnetConfig(widths=(1, 2, 3, 4, 9000), attention_width=1), "exceed 8192"),
        (CsnetConfig(widths=(1, 2, 3, 4, 5), attention_width=9000), "exceed 8192"),
        (NnunetConfig(widths=(4,) * 13), "13 stages"),
        (DscnetConfig(base_channels=2048, kernel_size=9), "exceed 8192"),
        (DscnetConfig(base_channels=8, kernel_size=4), "4 taps"),
        (DscnetConfig(base_channels=8, kernel_size=101), "101 taps"),
    ],
)
def test_what_cannot_be_run_says_why(config: Any, clause: str) -> None:
    assert clause in config.problem()


def test_a_snake_network_is_refused_exactly_where_torch_cannot_normalise_it() -> None:
    for base in range(1, 24):
        config = DscnetConfig(base_channels=base, kernel_size=3)
        try:
            with torch.device("meta"):
                DSCNET.build(config)
        except (ValueError, ZeroDivisionError):
            assert "groups of four" in config.problem()
        else:
            assert config.problem() == ""


def test_hyper_parameters_that_the_weights_belie_are_named() -> None:
    config = NnunetConfig(widths=(4, 8), in_channels=1)
    stored = {"in_channels": 3, "num_classes": 2, "img_size": 224}
    assert list(config.contradictions(stored)) == [("in_channels", "the first convolution has 1 input channels")]
    assert [key for key, _ in config.contradictions({"num_classes": 5})] == ["num_classes"]


@pytest.mark.parametrize("stages", [2, 5])
def test_nnunet_takes_any_window_of_its_smallest_size_and_above(stages: int) -> None:
    config = NnunetConfig(widths=(2,) * stages)
    network = NNUNET.build(config).eval()
    for height, width in ((config.smallest_window, config.smallest_window + 1), (37, 51)):
        with torch.inference_mode():
            assert network(None, None, torch.randn(1, 1, height, width)).shape == (1, 2, height, width)
    # Half of it leaves one pixel at the bottom, which has no statistics.
    with torch.inference_mode(), pytest.raises(ValueError, match="more than 1 spatial element"):
        network(None, None, torch.randn(1, 1, config.smallest_window // 2, config.smallest_window // 2))


def test_what_pooling_rounded_off_is_padded_behind() -> None:
    """A skip of 5 x 7 was pooled to 2 x 3; doubled again it lacks the last row and the last column."""
    from core.networks.nnunet.network import Up

    up = Up(3, 2)
    up.conv = nn.Identity()  # type: ignore[assignment]
    x, skip = torch.randn(1, 3, 2, 3), torch.randn(1, 2, 5, 7)
    joined = up(x, skip)
    assert torch.equal(joined[:, :2], skip)
    assert torch.equal(joined[:, 2:, :4, :6], up.up(x))
    assert joined[:, 2:, 4].abs().max() == joined[:, 2:, :, 6].abs().max() == 0


def test_dscnet_and_csnet_take_the_smallest_multiple_that_has_an_answer() -> None:
    snake, plain = DscnetConfig(base_channels=4, kernel_size=3), CsnetConfig(widths=(1, 2, 3, 4, 5), attention_width=2)
    with torch.inference_mode():
        image = torch.randn(1, 1, snake.smallest_window, snake.smallest_window + snake.divisor)
        assert torch.isfinite(DSCNET.build(snake).eval()(None, None, image)).all()
        image = torch.randn(1, 1, plain.divisor, 3 * plain.divisor)
        assert torch.isfinite(CSNET.build(plain).eval()(None, None, image)).all()


@pytest.mark.parametrize("direction", ["x", "y"])
def test_a_snake_of_given_offsets_reads_the_pixels_it_should(direction: Any) -> None:
    """By hand: the taps' offsets add up from the middle outwards, are clamped at the border and read between pixels."""
    from core.networks.dscnet.network import SnakeUnit

    random = np.random.RandomState(3)
    height, width, taps = 5, 6, 5
    unit = SnakeUnit(1, 4, taps, direction)
    image, offsets = random.standard_normal((height, width)), random.uniform(-1, 1, (2 * taps, height, width))
    x = torch.from_numpy(image.astype(np.float32))[None, None]
    given = torch.from_numpy(offsets.astype(np.float32))[None]
    if direction == "x":
        sampled = unit._along_columns(x, given[:, :taps])[0, 0].reshape(height, taps, width).permute(0, 2, 1)
    else:
        sampled = unit._along_rows(x, given[:, taps:])[0, 0].reshape(height, width, taps)
    for r, q, k in np.ndindex(height, width, taps):
        own = offsets[:taps, r, q] if direction == "x" else offsets[taps:, r, q]
        bend = own[3 : k + 1].sum() if k > 2 else own[k:2].sum()
        along = k - 2
        row, column = (r + bend, q + along) if direction == "x" else (r + along, q + bend)
        assert sampled[r, q, k].item() == pytest.approx(between(image, row, column), abs=1e-5)


def between(image: np.ndarray[Any, Any], row: float, column: float) -> float:
    """Bilinear value, the border held."""
    row, column = np.clip(row, 0, image.shape[0] - 1), np.clip(column, 0, image.shape[1] - 1)
    top, left = int(row), int(column)
    bottom, right = min(top + 1, image.shape[0] - 1), min(left + 1, image.shape[1] - 1)
    down, across = row - top, column - left
    upper = image[top, left] * (1 - across) + image[top, right] * across
    lower = image[bottom, left] * (1 - across) + image[bottom, right] * across
    return float(upper * (1 - down) + lower * down)
