"""What lies in a file, by name, before anything is interpreted."""

from __future__ import annotations

from typing import Any

import pytest

from core.checkpoints.inventory import build_inventory, parameters
from tests.checkpoints.synthetic import contents, tensor

SHAPES = {"unet.a": (2, 3), "unet.b": (4,)}


def codes(opened: Any) -> list[str]:
    return [finding.code for finding in build_inventory(opened).findings]


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "module._orig_mod."])
def test_prefixes_of_wrappers_are_removed_and_told(prefix: str) -> None:
    inventory = build_inventory(contents({prefix + key: shape for key, shape in SHAPES.items()}, {}))
    assert inventory.shapes == SHAPES
    assert "weights.prefix-removed" in [finding.code for finding in inventory.findings]


def test_a_module_that_is_called_module_keeps_its_name() -> None:
    assert set(build_inventory(contents({"module.a": (1,), "unet.b": (1,)}, {})).shapes) == {"module.a", "unet.b"}


def test_two_keys_that_become_one_are_refused() -> None:
    assert "weights.keys-collide" in codes(contents({"unet.a": (1,), "unet._orig_mod.a": (1,)}, {}))


@pytest.mark.parametrize(
    ("state_dict", "words"),
    [([1, 2], "a list"), ({"w": "text"}, "no tensors"), ({}, "no tensors"), (None, "NoneType"), ("text", "str")],
)
def test_no_weights_is_said_with_what_is_there_instead(state_dict: Any, words: str) -> None:
    opened = contents({}, {})
    opened.root["state_dict"] = state_dict
    (finding,) = [item for item in build_inventory(opened).findings if item.severity == "error"]
    assert finding.code == "weights.none"
    assert words in finding.message
    assert "best.ckpt" in finding.message


def test_entries_without_tensors_are_counted_and_skipped() -> None:
    opened = contents(SHAPES, {})
    opened.root["state_dict"] |= {f"empty{number}": "" for number in range(1200)}
    inventory = build_inventory(opened)
    assert inventory.shapes == SHAPES
    assert any("1,200 entries" in finding.message for finding in inventory.findings)


def test_a_bare_state_dict_is_all_weights() -> None:
    opened = contents({}, None)
    opened.root.clear()
    opened.root.update({"w": tensor((2, 2)), "b": tensor((2,))})
    inventory = build_inventory(opened)
    assert inventory.shapes == {"w": (2, 2), "b": (2,)}
    assert parameters(inventory.weights) == 6
    assert "hparams.missing" in [finding.code for finding in inventory.findings]


@pytest.mark.parametrize("root", [None, 3, [1], "text"])
def test_a_file_without_entries_is_refused(root: Any) -> None:
    opened = contents({}, {})
    object.__setattr__(opened, "root", root)
    assert "weights.none" in codes(opened)


def test_settings_that_are_no_mapping_are_told() -> None:
    opened = contents(SHAPES, {})
    opened.root["hyper_parameters"] = [1, 2, "image_size"]
    assert "hparams.unreadable" in codes(opened)


def average(**state: Any) -> dict[str, Any]:
    whole = {"average_model_state": {key: tensor(shape) for key, shape in SHAPES.items()}, "n_averaged": 2}
    return {"StochasticWeightAveraging": whole | {"latest_update_epoch": 4} | state}


def test_an_average_that_has_started_is_offered() -> None:
    inventory = build_inventory(contents(SHAPES, {}, callbacks=average()))
    assert list(inventory.sets) == ["model", "swa"]
    assert {key: info.shape for key, info in inventory.sets["swa"].items()} == SHAPES


@pytest.mark.parametrize("state", [{"latest_update_epoch": -1}, {"n_averaged": 0}])
def test_an_average_of_initial_weights_is_not_offered(state: dict[str, int]) -> None:
    opened = contents(SHAPES, {}, callbacks=average(**state))
    assert list(build_inventory(opened).sets) == ["model"]
    assert "weights.swa-not-started" in codes(opened)


def test_an_incomplete_average_is_not_offered() -> None:
    opened = contents(SHAPES, {}, callbacks=average(average_model_state={"unet.a": tensor((2, 3))}))
    assert list(build_inventory(opened).sets) == ["model"]
    assert "weights.swa-incomplete" in codes(opened)


def test_an_emptied_average_is_no_finding() -> None:
    opened = contents(SHAPES, {}, callbacks=average(average_model_state={}, n_averaged=0, latest_update_epoch=-1))
    assert codes(opened) == []


def test_an_exponential_average_is_offered() -> None:
    kept = {key: tensor(shape) for key, shape in SHAPES.items()}
    assert list(build_inventory(contents(SHAPES, {}, ema_state_dict=kept)).sets) == ["model", "ema"]


@pytest.mark.parametrize("value", [True, -1, "3", None, 1.5])
def test_an_epoch_that_is_no_count_is_unknown(value: Any) -> None:
    assert build_inventory(contents(SHAPES, {}, epoch=value)).counter("epoch") is None
