"""Averages of the weights: every layout that a library writes, and which set the producer's evaluation used."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch.callbacks import EMAWeightAveraging, StochasticWeightAveraging, WeightAveraging
from torch import nn
from torch.optim.swa_utils import AveragedModel

from core.checkpoints.inventory import Inventory, build_inventory, parameters
from core.checkpoints.reader import open_checkpoint, read_array
from core.checkpoints.weight_choice import default_set, measured_set, missing_average, young_average
from tests.checkpoints.lightning_runs import Tiny, train
from tests.checkpoints.synthetic import contents, tensor
from tests.shared_data import FIXTURES, needs_shared

NET = {"net.0.weight": (4, 3), "net.0.bias": (4,), "net.2.weight": (1, 4), "net.2.bias": (1,)}
DIFFUSION = {"diffusion_model.betas": (5,), "diffusion_model.model.F_model.weight": (8, 1, 3, 3)}


def inventory_of(shapes: dict[str, tuple[int, ...]], **top: Any) -> Inventory:
    return build_inventory(contents(shapes, {}, **top))


def opened(path: Path) -> Inventory:
    return build_inventory(open_checkpoint(path))


def copy(shapes: dict[str, tuple[int, ...]], prefix: str = "") -> dict[str, Any]:
    return {prefix + key: tensor(shape) for key, shape in shapes.items()}


def codes(inventory: Inventory) -> list[str]:
    return [finding.code for finding in inventory.findings]


def first_weight(path: Path, name: str) -> float:
    file = open_checkpoint(path)
    return float(read_array(file, build_inventory(file).sets[name]["net.0.weight"])[0, 0])


def shapes_of(inventory: Inventory, name: str) -> dict[str, tuple[int, ...]]:
    return {key: info.shape for key, info in inventory.sets[name].items()}


# ---- files that Lightning 2.6.6 and torch write ----------------------------------------------------------------------


@pytest.mark.parametrize(("callback", "name"), [(EMAWeightAveraging(decay=0.5), "ema"), (WeightAveraging(), "swa")])
def test_lightnings_average_is_what_lies_in_the_state_dict(tmp_path: Path, callback: Any, name: str) -> None:
    model = Tiny([0.5, 0.6])
    train(tmp_path, model, callback, epochs=2)
    path = tmp_path / "best.ckpt"
    inventory = opened(path)
    assert (list(inventory.sets), inventory.stored) == (["model", name], name)
    assert first_weight(path, name) == pytest.approx(model.seen[-1], abs=1e-7)  # what the validation ran
    assert first_weight(path, "model") != pytest.approx(model.seen[-1], abs=1e-5)
    assert default_set(inventory, "supervised", False)[0] == name
    assert name in default_set(inventory, "supervised", False)[1].lower()


def test_lightnings_average_that_has_not_begun_is_not_offered(tmp_path: Path) -> None:
    model = Tiny([0.5])
    start = model.first_weight()
    train(tmp_path, model, EMAWeightAveraging(update_starting_at_step=1000), epochs=1)
    path = tmp_path / "best.ckpt"
    file = open_checkpoint(path)
    assert float(read_array(file, file.root["state_dict"]["net.0.weight"])[0, 0]) == pytest.approx(start)
    inventory = build_inventory(file)
    assert list(inventory.sets) == ["model"]
    assert first_weight(path, "model") != pytest.approx(start)
    assert "weights.ema-not-started" in codes(inventory)
    assert default_set(inventory, "supervised", False)[0] == "model"
    assert [item.code for item in missing_average(inventory, "supervised", False)] == ["weights.ema-missing"]


def test_lightnings_swa_is_offered_once_it_has_begun(tmp_path: Path) -> None:
    model = Tiny([0.5, 0.4, 0.6])
    train(tmp_path, model, StochasticWeightAveraging(0.1, swa_epoch_start=2), save_top_k=-1)
    early, late = opened(tmp_path / "best.ckpt"), opened(tmp_path / "best-v2.ckpt")
    assert (list(early.sets), list(late.sets)) == (["model"], ["model", "swa"])
    assert "weights.swa-not-started" in codes(early)
    assert first_weight(tmp_path / "best-v2.ckpt", "model") == pytest.approx(model.seen[-1], abs=1e-7)
    assert first_weight(tmp_path / "best-v2.ckpt", "swa") != pytest.approx(model.seen[-1], abs=1e-5)
    assert default_set(late, "supervised", False)[0] == "model"


def test_the_epoch_that_lightning_adds_for_batch_normalisation_holds_the_average(tmp_path: Path) -> None:
    model = Tiny([0.5, 0.4, 0.6, 0.9], batch_norm=True)
    train(tmp_path, model, StochasticWeightAveraging(0.1, swa_epoch_start=2))
    path = tmp_path / "best.ckpt"
    assert len(model.seen) == 4
    assert "weights.swa-transferred" in codes(opened(path))
    assert first_weight(path, "model") == first_weight(path, "swa")


def test_torchs_averaged_model_alone(tmp_path: Path) -> None:
    average = AveragedModel(nn.Sequential(nn.Linear(3, 4)))
    torch.save(average.state_dict(), tmp_path / "new.pt")
    average.update_parameters(nn.Sequential(nn.Linear(3, 4)))
    torch.save(average.state_dict(), tmp_path / "used.pt")
    new, used = opened(tmp_path / "new.pt"), opened(tmp_path / "used.pt")
    assert (shapes_of(used, "swa"), used.stored) == ({"0.weight": (4, 3), "0.bias": (4,)}, "swa")
    assert used.shapes == {"0.weight": (4, 3), "0.bias": (4,)}
    assert list(new.sets) == ["model"]
    assert "weights.initial" in codes(new)


def test_torchs_averaged_model_as_a_part_and_as_an_entry(tmp_path: Path) -> None:
    net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    average = AveragedModel(net, use_buffers=True)
    average.update_parameters(net)
    state = {"unet." + key: value for key, value in net.state_dict().items()}
    inside = state | {"ema." + key: value for key, value in average.state_dict().items()}
    torch.save({"state_dict": inside}, tmp_path / "inside.ckpt")
    torch.save({"model": net.state_dict(), "model_ema": average.state_dict()}, tmp_path / "torchvision.pth")
    assert list(shapes_of(opened(tmp_path / "inside.ckpt"), "ema")) == list(state)
    assert opened(tmp_path / "inside.ckpt").shapes == {key: tuple(value.shape) for key, value in state.items()}
    beside = opened(tmp_path / "torchvision.pth")
    assert list(beside.sets) == ["model", "ema"]
    assert shapes_of(beside, "ema") == beside.shapes


@pytest.mark.parametrize(("begun", "sets"), [(True, ["model", "ema"]), (False, ["model"])])
def test_ema_pytorch_alone_with_its_raw_model(tmp_path: Path, begun: bool, sets: list[str]) -> None:
    net = nn.Linear(3, 4).state_dict()
    state = {f"{part}.{key}": value for part in ("online_model", "ema_model") for key, value in net.items()}
    torch.save(state | {"initted": torch.tensor(begun), "step": torch.tensor(3)}, tmp_path / "ema.pt")
    inventory = opened(tmp_path / "ema.pt")
    assert list(inventory.sets) == sets
    assert inventory.shapes == {"weight": (4, 3), "bias": (4,)}
    assert ("weights.ema-not-started" in codes(inventory)) == (not begun)


# ---- the same layouts by their keys ----------------------------------------------------------------------------------


def test_the_mirror_of_a_diffusion_model_is_a_set_of_its_own() -> None:
    mirror = {"ema_model" + key.removeprefix("diffusion_model"): shape for key, shape in DIFFUSION.items()}
    inventory = inventory_of(DIFFUSION | mirror)
    assert inventory.shapes == DIFFUSION
    assert list(inventory.sets) == ["model", "ema"]
    assert list(shapes_of(inventory, "ema")) == list(DIFFUSION)
    assert parameters(inventory.sets["ema"]) == parameters(inventory.weights) == 5 + 72
    assert "ema_model" in inventory.origins["ema"]


@pytest.mark.parametrize("broken", [{"ema_model.betas": (5,)}, {"ema_model.betas": (6,)}, {"ema_model.other": (5,)}])
def test_a_mirror_that_is_incomplete_or_misshapen_is_not_offered(broken: dict[str, tuple[int, ...]]) -> None:
    whole = {"ema_model.model.F_model.weight": (8, 1, 3, 3)} if (6,) in broken.values() else {}
    inventory = inventory_of(DIFFUSION | broken | whole)
    assert (list(inventory.sets), inventory.shapes) == (["model"], DIFFUSION)
    assert "weights.ema-incomplete" in codes(inventory)


def test_a_mirror_without_the_model_is_an_average_alone() -> None:
    inventory = inventory_of({"ema_model" + key.removeprefix("diffusion_model"): DIFFUSION[key] for key in DIFFUSION})
    assert (list(inventory.sets), inventory.stored, inventory.shapes) == (["ema"], "ema", DIFFUSION)
    assert default_set(inventory, "diffusion", True)[0] == default_set(inventory, "diffusion", False)[0] == "ema"


@pytest.mark.parametrize("first", ["ema_model", "model_ema", "ema", "swa_model"])
def test_a_name_beside_nothing_is_a_name_like_any_other(first: str) -> None:
    shapes = {f"{first}.net.weight": (2, 2), f"{first}.net.bias": (2,)}
    assert inventory_of(shapes).shapes == shapes


def test_an_average_of_a_small_part_is_not_taken_for_one_of_the_model() -> None:
    inventory = inventory_of(NET | {"head.weight": (2, 2)}, ema_state_dict=copy({"weight": (2, 2)}))
    assert list(inventory.sets) == ["model"]
    assert "weights.ema-incomplete" in codes(inventory)


def test_the_average_of_a_module_with_a_mirror_is_taken_without_it() -> None:
    whole = DIFFUSION | {"ema_model" + key.removeprefix("diffusion_model"): shape for key, shape in DIFFUSION.items()}
    state = {"average_model_state": copy(whole), "n_averaged": 2, "latest_update_epoch": 3}
    inventory = inventory_of(whole, callbacks={"StochasticWeightAveraging": state})
    assert sorted(inventory.sets) == ["ema", "model", "swa"]
    assert shapes_of(inventory, "swa") == DIFFUSION


@pytest.mark.parametrize(
    "entry",
    [
        {"ema_state_dict": copy(NET)},
        {"state_dict_ema": copy(NET, "module.")},
        {"model_ema": copy(NET, "_orig_mod.")},
        {"ema": {"decay": 0.9, "shadow_params": list(copy(NET).values())}},
        {"ema": {"num_updates": 3, "shadow": copy({key.removeprefix("net."): NET[key] for key in NET})}},
        {"ema": copy(NET, "ema_model.") | copy(NET, "online_model.")},
        {"callbacks": {"EMA": {"ema_state_dict": copy(NET, "model.")}}},
        {"callbacks": {"EMACallback": {"ema_weights": list(copy(NET).values()), "cur_step": 4}}},
        {"callbacks": {"Mine": {"decay": 0.9, "ema_model": {"n_averaged": 3, **copy(NET, "module.")}}}},
    ],
    ids=lambda entry: str(next(iter(entry))),
)
def test_an_average_beside_the_state_dict_takes_the_models_keys(entry: dict[str, Any]) -> None:
    inventory = inventory_of(NET, **entry)
    assert list(inventory.sets) == ["model", "ema"]
    assert list(shapes_of(inventory, "ema").items()) == list(NET.items())
    assert next(iter(entry)) in inventory.origins["ema"]


@pytest.mark.parametrize(
    "beside",
    [
        {"ema." + key.replace(".", "_"): shape for key, shape in NET.items()} | {"ema.num_updates": ()},
        {"model_ema." + key.replace(".", ""): shape for key, shape in NET.items()} | {"model_ema.decay": ()},
        {"ema.ema_model." + key: shape for key, shape in NET.items()} | {"ema.step": ()},
        {"ema.ema_model." + key.removeprefix("net."): shape for key, shape in NET.items()},
    ],
)
def test_an_average_within_the_state_dict_takes_the_models_keys(beside: dict[str, tuple[int, ...]]) -> None:
    inventory = inventory_of(NET | beside)
    assert inventory.shapes == NET
    assert shapes_of(inventory, "ema") == NET


def test_a_module_that_is_called_ema_stays_in_the_network() -> None:
    attention = {"ema.conv1x1.weight": (4, 4, 1, 1), "ema.gn.bias": (4,)}
    inventory = inventory_of(NET | attention)
    assert (list(inventory.sets), inventory.shapes) == (["model"], NET | attention)


def test_an_average_of_parameters_alone_has_the_models_batch_statistics() -> None:
    whole = NET | {"net.1.running_mean": (4,), "net.1.num_batches_tracked": ()}
    inventory = inventory_of(whole, ema_state_dict=copy(NET))
    assert shapes_of(inventory, "ema") == whole
    assert inventory.sets["ema"]["net.1.running_mean"] is inventory.weights["net.1.running_mean"]
    assert "weights.ema-shares" in codes(inventory)


def test_a_list_of_parameters_skips_batch_statistics() -> None:
    whole = {"net.0.weight": (4, 3), "net.1.running_mean": (4,), "net.1.weight": (4,), "net.1.running_var": (4,)}
    inventory = inventory_of(whole, ema={"shadow_params": [tensor((4, 3)), tensor((4,))]})
    assert shapes_of(inventory, "ema") == whole
    assert inventory.sets["ema"]["net.1.running_var"] is inventory.weights["net.1.running_var"]
    assert inventory.sets["ema"]["net.1.weight"] is not inventory.weights["net.1.weight"]


def test_names_that_become_one_without_their_dots_are_not_guessed() -> None:
    inventory = inventory_of({"a.b": (2,), "a_b": (2,)}, ema_state_dict=copy({"a__b": (2,)}))
    assert list(inventory.sets) == ["model"]


@pytest.mark.parametrize(
    "entry", [copy(NET | {"net.9.weight": (2,)}), copy({"net.0.weight": (4, 3)}), list(copy(NET).values())[:2]]
)
def test_an_average_of_other_keys_is_told_and_not_offered(entry: Any) -> None:
    inventory = inventory_of(NET, ema_state_dict=entry)
    assert list(inventory.sets) == ["model"]
    assert "weights.ema-incomplete" in codes(inventory)


def test_a_list_in_another_order_is_not_offered() -> None:
    assert list(inventory_of(NET, ema={"shadow_params": list(copy(NET).values())[::-1]}).sets) == ["model"]


@pytest.mark.parametrize("odd", [None, 3, "text", [], {}, {"decay": 0.9}, [1, 2], {"a": {"b": 1}}])
def test_an_entry_that_holds_no_weights_is_no_average(odd: Any) -> None:
    inventory = inventory_of(NET, ema=odd, ema_state_dict=odd, callbacks={"EMA": {"ema_weights": odd}, "x": odd})
    assert (list(inventory.sets), codes(inventory)) == (["model"], [])


def test_raw_weights_that_do_not_fit_leave_the_average_alone() -> None:
    inventory = inventory_of(NET, current_model_state=copy({"w": (1,)}), averaging_state={"n_averaged": 4})
    assert (list(inventory.sets), inventory.stored, inventory.shapes) == (["ema"], "ema", NET)
    assert "weights.model-incomplete" in codes(inventory)


# ---- which one is loaded ---------------------------------------------------------------------------------------------


def with_ema() -> Inventory:
    return inventory_of(NET, ema_state_dict=copy(NET))


@pytest.mark.parametrize(
    ("family", "use_ema", "expected", "words"),
    [
        ("diffusion", True, "ema", "use_ema is true"),
        ("diffusion", False, "model", "use_ema is false"),
        ("supervised", True, "model", "both code bases load"),
        ("flow", True, "model", "both code bases load"),
        (None, True, "model", "both code bases load"),
    ],
)
def test_the_set_of_the_producers_evaluation_is_the_default(
    family: str | None, use_ema: bool, expected: str, words: str
) -> None:
    name, why = default_set(with_ema(), family, use_ema)
    assert (name, measured_set(with_ema(), family, use_ema)) == (expected, expected)
    assert words in why
    assert missing_average(with_ema(), family, use_ema) == ()


def test_a_diffusion_model_without_its_ema_copy_is_warned_of() -> None:
    inventory = inventory_of(DIFFUSION)
    name, why = default_set(inventory, "diffusion", True)
    assert (name, measured_set(inventory, "diffusion", True)) == ("model", "ema")
    assert "no ema" in why
    (finding,) = missing_average(inventory, "diffusion", True)
    assert (finding.severity, finding.code) == ("warning", "weights.ema-missing")
    assert finding.remedy
    assert missing_average(inventory, "diffusion", False) == ()


@pytest.mark.parametrize(
    ("settings", "steps", "share"),
    [
        ({}, 100, "99%"),
        ({"ema_decay": 0.99}, 100, "37%"),
        ({"ema_decay": 0.99}, 400, None),
        ({}, 40_000, None),
        *(({"ema_decay": odd}, 1, None) for odd in ("0.9", True, 1, 0, -1.0, None)),
    ],
)
def test_an_ema_copy_that_is_still_its_random_start_is_warned_of(
    settings: dict[str, Any], steps: int, share: str | None
) -> None:
    file = contents(NET, settings, ema_state_dict=copy(NET), global_step=steps)
    found = young_average(build_inventory(file), "diffusion", True)
    assert [item.code for item in found] == (["weights.ema-young"] if share else [])
    assert not share or f"is {share} random" in found[0].message
    assert young_average(build_inventory(file), "diffusion", False) == ()
    assert young_average(inventory_of(NET, global_step=1), "diffusion", True) == ()


@needs_shared
@pytest.mark.parametrize("name", ["berdiff_softseg_ema_ens2", "colddiff_soflseg_ema"])
def test_genuine_ema_copies(name: str) -> None:
    path = FIXTURES / "supervised_diffusion" / name / "case.ckpt"
    stored = torch.load(path, weights_only=True)["state_dict"]
    file = open_checkpoint(path)
    inventory = build_inventory(file)
    raw = {key: tuple(value.shape) for key, value in stored.items() if key.startswith("diffusion_model.")}
    assert inventory.shapes == shapes_of(inventory, "ema") == raw
    key = next(key for key in raw if key.endswith("init_conv.weight"))
    mirrored = stored["ema_model" + key.removeprefix("diffusion_model")]
    assert torch.equal(torch.from_numpy(read_array(file, inventory.sets["ema"][key])), mirrored)
    assert not torch.equal(stored[key], mirrored)
    assert default_set(inventory, "diffusion", True)[0] == "ema"
