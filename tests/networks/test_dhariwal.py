"""The Dhariwal U-Net against the producers' recordings, and against itself."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from core.networks import SizesUnclear
from core.networks.dhariwal.blocks import Block, groups
from core.networks.dhariwal.config import DHARIWAL_CONCAT, DHARIWAL_MULTIHEAD, DhariwalConfig
from tests.golden.cases import FLOW, GoldenCase
from tests.networks.round_trip import BY_NAME, assert_close, check_round_trip, detected, loaded, shapes_of
from tests.shared_data import needs_shared

CASES = [GoldenCase(path) for path in sorted(FLOW.glob("*_dhariwal_*"))]
BASE = "unet.base_unet."


def name(case: GoldenCase) -> str:
    return case.folder.name


@cache
def stored_state(path: Path) -> dict[str, Tensor]:
    state: dict[str, Tensor] = torch.load(path, weights_only=True)["state_dict"]
    return state


def network_of(case: GoldenCase) -> nn.Module:
    state = {key: tensor.clone() for key, tensor in stored_state(case.checkpoint).items()}
    return loaded(BY_NAME[case.expected["arch"]], state)


def run(network: nn.Module, case: GoldenCase, prefix: str = "", time: Tensor | None = None) -> Tensor:
    x, t, image = (torch.from_numpy(case.arrays[prefix + key]) for key in ("x", "t", "image"))
    with torch.inference_mode():
        out: Tensor = network(x, t if time is None else time, image)
    return out


def compare(case: GoldenCase, network: nn.Module) -> None:
    assert_close(run(network, case), case.arrays["unet_out"], case.tolerances["unet_out"])


@needs_shared
def test_both_recorded_cases_are_tested() -> None:
    assert {case.expected["arch"] for case in CASES} == {DHARIWAL_CONCAT.name, DHARIWAL_MULTIHEAD.name}


@pytest.mark.parametrize("case", CASES, ids=name)
def test_keys_and_shapes_tell_the_network(case: GoldenCase) -> None:
    shapes, stored = shapes_of(stored_state(case.checkpoint)), case.meta["hyper_parameters"]
    assert detected(shapes) == [case.expected["arch"]]
    architecture = BY_NAME[case.expected["arch"]]
    config = architecture.infer_config(shapes)
    assert isinstance(config, DhariwalConfig)
    assert config.problem() == ""
    assert list(config.contradictions(stored)) == []
    written = config.to_dict()
    for key in ("model_channels", "channel_mult", "channel_mult_emb", "num_blocks", "image_size"):
        assert written[key] == stored[key]
    for field in ("in_channels", "state_channels", "image_size"):
        assert getattr(config, field) == case.expected[field]
    assert config.out_channels == case.expected["unet_out_channels"]
    assert architecture.used_output.get(case.expected["mode"], 0) == case.expected["used_output_channel"]


@pytest.mark.parametrize("case", CASES, ids=name)
def test_the_network_gives_the_recorded_output(case: GoldenCase) -> None:
    compare(case, network_of(case))


@pytest.mark.parametrize("case", CASES, ids=name)
def test_an_image_larger_than_the_window_gives_the_recorded_output(case: GoldenCase) -> None:
    out = run(network_of(case), case, "big_")
    assert_close(out, case.arrays["big_unet_out"], case.tolerances["big_unet_out"])


@pytest.mark.parametrize("case", CASES, ids=name)
def test_every_part_of_the_network_gives_what_was_tapped(case: GoldenCase) -> None:
    network, seen = network_of(case), {}
    taps = json.loads((case.folder / "taps.json").read_text())

    def keep(key: str) -> Any:
        def hook(module: nn.Module, given: object, out: Tensor) -> None:
            seen.setdefault(key, []).append(out)

        return hook

    for key in taps:
        network.get_submodule("unet." + key).register_forward_hook(keep(key))
    run(network, case)
    assert len(taps) > 80
    for key, digests in taps.items():
        for out, digest in zip(seen[key], digests, strict=True):
            assert list(out.shape) == digest["shape"]
            assert out.mean().item() == pytest.approx(digest["mean"], abs=1e-5)
            assert out.std().item() == pytest.approx(digest["std"], abs=1e-5)
            assert out.flatten()[:3].tolist() == pytest.approx(digest["first"], abs=5e-5)


@pytest.mark.parametrize("case", CASES, ids=name)
def test_one_time_for_all_is_that_time_for_each(case: GoldenCase) -> None:
    network = network_of(case)
    single, each = run(network, case, time=torch.tensor(0.3)), run(network, case, time=torch.tensor([0.3, 0.3]))
    assert torch.allclose(single, each, atol=2e-5)
    assert not torch.allclose(single, run(network, case, time=torch.tensor([0.3, 0.9])), atol=1e-3)


SPOILED = (
    "enc.32x32_block0.conv0.weight",
    "enc.16x16_down.conv0.resample_filter",
    "enc.16x16_down.skip.resample_filter",
    "enc.16x16_block0.qkv.weight",
    "dec.16x16_in0.proj.weight",
    "dec.16x16_block1.skip.weight",
    "dec.32x32_up.conv0.resample_filter",
    "dec.32x32_block1.affine.weight",
    "out_conv.weight",
)


@pytest.mark.parametrize("case", CASES, ids=name)
@pytest.mark.parametrize("key", SPOILED)
def test_a_wrong_weight_is_noticed(case: GoldenCase, key: str) -> None:
    """The comparison can fail: one tensor a twentieth too strong in its first column is seen."""
    network = network_of(case)
    compare(case, network)
    network.state_dict()[BASE + key][:, 0].mul_(1.05)
    with pytest.raises(AssertionError):
        compare(case, network)


@pytest.mark.parametrize("case", CASES, ids=name)
def test_time_that_is_scaled_is_noticed(case: GoldenCase) -> None:
    out = run(network_of(case), case, time=1000 * torch.from_numpy(case.arrays["t"]))
    with pytest.raises(AssertionError):
        assert_close(out, case.arrays["unet_out"], case.tolerances["unet_out"])


WIDE = ("enc.8x8_block0", "enc.8x8_block1", "dec.8x8_in0", *(f"dec.8x8_block{index}" for index in range(3)))
SMALL = (
    DhariwalConfig(image_size=8, model_channels=4, embedding=8, widths=(4,), num_blocks=1),
    DhariwalConfig(image_size=16, model_channels=8, embedding=5, widths=(8, 16, 12), num_blocks=3),
    DhariwalConfig(image_size=24, model_channels=6, embedding=6, widths=(8, 16), num_blocks=2, in_channels=3),
    DhariwalConfig(
        image_size=16, model_channels=16, embedding=8, widths=(32, 128), num_blocks=2, attention=WIDE, out_channels=2
    ),
    DhariwalConfig(
        image_size=8,
        model_channels=16,
        embedding=8,
        widths=(64, 64),
        num_blocks=1,
        attention=("enc.8x8_block0", "dec.4x4_in0", "dec.8x8_block0", "dec.8x8_block1"),
        out_channels=2,
    ),
)


@pytest.mark.parametrize("config", SMALL, ids=lambda config: str(config.widths))
def test_a_small_network_is_read_back_from_its_weights(config: DhariwalConfig) -> None:
    random = torch.Generator().manual_seed(1)
    side = 2 * config.image_size
    x, image = (torch.randn(2, channels, side, side, generator=random) for channels in (1, config.in_channels))
    architecture = DHARIWAL_CONCAT if config.out_channels == 1 else DHARIWAL_MULTIHEAD
    check_round_trip(architecture, config, (x, torch.tensor([0.2, 0.7]), image))


def test_two_heads_take_their_channels_as_the_producers_lay_them_out() -> None:
    """Row head*(3C/heads) + 3c + (0, 1, 2) of qkv is channel c of that head's query, key, value (flow spec 5)."""
    from core.networks.dhariwal.network import UNetBlock

    torch.manual_seed(2)
    channels, heads, own = 128, 2, 64
    plan = Block(name="enc.4x4_block0", side=4, channels_in=channels, channels_out=channels, attends=True)
    block = UNetBlock(plan, 8, attention=True).eval()
    x = torch.randn(2, channels, 3, 4)
    with torch.inference_mode():
        rows = block.qkv(block.norm2(x)).flatten(2)  # (B, 3C, H*W)
        wanted = torch.empty(2, channels, 12)
        for head in range(heads):
            q, k, v = (rows[:, [head * 3 * own + 3 * c + part for c in range(own)]] for part in range(3))
            weights = torch.softmax(torch.einsum("bcq,bck->bqk", q, k) / math.sqrt(own), dim=2)
            wanted[:, head * own : (head + 1) * own] = torch.einsum("bqk,bck->bcq", weights, v)
        assert torch.allclose(block._attend(x), wanted.reshape(x.shape), atol=1e-5)


def test_resampling_is_the_mean_of_four_pixels_and_their_repetition() -> None:
    from core.networks.dhariwal.network import Resampler

    x = torch.randn(2, 3, 6, 8, generator=torch.Generator().manual_seed(3))
    assert torch.allclose(Resampler("down")(x), nn.functional.avg_pool2d(x, 2), atol=1e-6)
    assert torch.equal(Resampler("up")(x), x.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3))


def small_shapes() -> dict[str, tuple[int, ...]]:
    return shapes_of(DHARIWAL_CONCAT.build(SMALL[1]).state_dict())


@pytest.mark.parametrize(
    "key", ["map_layer0.weight", "enc.16x16_block0.conv0.weight", "enc.4x4_block0.conv0.weight", "out_conv.weight"]
)
@pytest.mark.parametrize("shape", [None, (3,), (0, 1, 3, 3)])
def test_a_deciding_key_that_is_missing_or_impossible_is_named(key: str, shape: tuple[int, ...] | None) -> None:
    shapes = small_shapes()
    del shapes[BASE + key]
    if shape is not None:
        shapes[BASE + key] = shape
    with pytest.raises(SizesUnclear, match=key.replace(".", r"\.")):
        DHARIWAL_CONCAT.infer_config(shapes)


@pytest.mark.parametrize("more", [(), ("enc.16x16_conv.weight", "enc.32x32_conv.weight"), ("enc.16x8_conv.weight",)])
def test_the_window_is_named_by_exactly_one_key(more: tuple[str, ...]) -> None:
    shapes = small_shapes()
    del shapes[BASE + "enc.16x16_conv.weight"]
    shapes |= {BASE + key: (8, 2, 3, 3) for key in more}
    with pytest.raises(SizesUnclear, match="conv"):
        DHARIWAL_CONCAT.infer_config(shapes)


@pytest.mark.parametrize("key", ["map_label.weight", "map_augment.weight"])
def test_a_network_that_knows_labels_is_not_taken_for_one_that_does_not(key: str) -> None:
    with pytest.raises(SizesUnclear, match=key):
        DHARIWAL_CONCAT.infer_config(small_shapes() | {BASE + key: (8, 10)})


@pytest.mark.parametrize("outputs", [3, 4])
def test_other_numbers_of_outputs_are_of_another_network(outputs: int) -> None:
    shapes = small_shapes() | {BASE + "out_conv.weight": (outputs, 8, 3, 3)}
    assert detected(shapes) == []


def sized(**sizes: Any) -> DhariwalConfig:
    return DhariwalConfig(**({"image_size": 16, "model_channels": 8, "embedding": 8, "num_blocks": 1} | sizes))


@pytest.mark.parametrize(
    ("config", "clause"),
    [
        (sized(widths=(8,) * 13, image_size=4096), "13 levels"),
        (sized(widths=(8,), num_blocks=65), "65 blocks"),
        (sized(widths=(8, 8, 8), image_size=18), "18 pixels cannot be halved 2 times"),
        (sized(widths=(8,), image_size=4098), "4098 pixels"),
        (sized(widths=(8, 8200)), "exceed 8192"),
        (sized(widths=(8,), embedding=8200), "exceed 8192"),
        (sized(widths=(8,), model_channels=7), "7 time frequencies"),
        (sized(widths=(8,), in_channels=0), "one channel"),
        (sized(widths=(64,), attention=("enc.16x16_block0", "dec.16x16_in0")), ""),
        (sized(widths=(32,), attention=("enc.16x16_block0",)), "attention heads"),
    ],
)
def test_what_cannot_be_run_says_why(config: DhariwalConfig, clause: str) -> None:
    assert clause in config.problem()
    assert bool(clause) == bool(config.problem())


def possible_widths() -> Iterator[tuple[int, ...]]:
    yield from ((width,) for width in (*range(1, 20), 130, 132, 136, 192, 196, 200, 256))
    yield from product((4, 8, 12, 64, 100), repeat=2)


def test_a_network_is_refused_exactly_where_torch_cannot_build_it() -> None:
    refused = 0
    for widths in possible_widths():
        config = sized(widths=widths)
        try:
            with torch.device("meta"):
                DHARIWAL_CONCAT.build(config)
        except (ValueError, ZeroDivisionError):
            refused += 1
            assert "equal groups" in config.problem()
        else:
            assert config.problem() == ""
    assert refused > 5


def test_groups_hold_four_channels_up_to_thirty_two_groups() -> None:
    assert [groups(channels) for channels in (4, 16, 80, 128, 256)] == [1, 4, 20, 32, 32]


def test_hyper_parameters_that_the_weights_belie_are_named() -> None:
    config = SMALL[3]
    right = {
        "image_size": 16,
        "model_channels": 16,
        "channel_mult": (2, 8),
        "channel_mult_emb": 0.5,
        "num_blocks": 2,
        "attn_resolutions": [8, 99],
    }
    assert list(config.contradictions(right)) == []
    wrong = {
        "image_size": 32,
        "model_channels": 8,
        "channel_mult": [1, 4],
        "channel_mult_emb": 4,
        "num_blocks": 1,
        "attn_resolutions": [4],
    }
    assert [key for key, _ in config.contradictions(wrong)] == list(wrong)


def test_a_block_too_narrow_for_a_head_has_no_attention_and_contradicts_nothing() -> None:
    assert list(SMALL[1].contradictions({"attn_resolutions": [16, 8, 4]})) == []


def test_the_deepest_block_has_attention_at_any_resolution() -> None:
    assert list(SMALL[4].contradictions({"attn_resolutions": [8]})) == []
    assert [key for key, _ in SMALL[4].contradictions({"attn_resolutions": [8, 4]})] == ["attn_resolutions"]
