"""Honest files of other networks: refused at once, with the nearest network and how far off it is."""

from __future__ import annotations

import fractions
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from core.checkpoints.inventory import build_inventory
from core.checkpoints.key_patterns import count_patterns, expand, patterns_of
from core.checkpoints.reader import open_checkpoint
from core.checkpoints.report import describe, describe_file
from core.checkpoints.unknown import OUT_OF_SCOPE, is_out_of_scope, nearest, stray_keys
from core.networks import ARCHITECTURES, detect_architectures
from core.records import CheckpointReport
from tests.checkpoints.synthetic import contents, network, two_channels
from tests.shared_data import FIXTURES, ROOT, needs_shared

Shapes = dict[str, tuple[int, ...]]
CSNET = next(item for item in ARCHITECTURES if item.name == "csnet")


def resnet18() -> Shapes:
    """The state dict of torchvision's resnet18, 122 keys, by hand."""
    shapes: Shapes = {"conv1.weight": (64, 3, 7, 7), **batch_norm("bn1", 64)}
    width = 64
    for stage, channels in enumerate((64, 128, 256, 512), 1):
        for block in range(2):
            name = f"layer{stage}.{block}"
            for conv, inputs in ((1, width), (2, channels)):
                shapes[f"{name}.conv{conv}.weight"] = (channels, inputs, 3, 3)
                shapes |= batch_norm(f"{name}.bn{conv}", channels)
            if width != channels:
                shapes[f"{name}.downsample.0.weight"] = (channels, width, 1, 1)
                shapes |= batch_norm(f"{name}.downsample.1", channels)
            width = channels
    return shapes | {"fc.weight": (1000, 512), "fc.bias": (1000,)}


def batch_norm(name: str, width: int) -> Shapes:
    per_channel = ("weight", "bias", "running_mean", "running_var")
    return {f"{name}.{key}": (width,) for key in per_channel} | {f"{name}.num_batches_tracked": ()}


def language_model(layers: int) -> Shapes:
    """Decoder layers as Llama and its kin name them."""
    shapes: Shapes = {"model.embed_tokens.weight": (64, 8), "model.norm.weight": (8,)}
    for layer in range(layers):
        names = [f"self_attn.{part}_proj" for part in "qkvo"] + [f"mlp.{part}_proj" for part in ("gate", "up", "down")]
        shapes |= {f"model.layers.{layer}.{name}.weight": (8, 8) for name in names}
        shapes[f"model.layers.{layer}.input_layernorm.weight"] = (8,)
    return shapes


def csnet() -> Shapes:
    """All 164 keys of a narrow csnet, from the network itself."""
    from core.networks.csnet.config import CsnetConfig

    sizes = CsnetConfig(in_channels=1, classes=2, widths=(4, 8, 16, 32, 64), attention_width=8)
    with torch.device("meta"):
        built = CSNET.build(sizes)
    return {key: tuple(value.shape) for key, value in built.state_dict().items()}


def refusal(report: CheckpointReport, code: str = "arch.unknown") -> str:
    assert report.status == "refused"
    (finding,) = [item for item in report.findings if item.severity == "error"]
    assert finding.code == code
    assert all(architecture.name in finding.remedy for architecture in ARCHITECTURES)
    return finding.message


def of(shapes: Shapes, **settings: object) -> CheckpointReport:
    return describe(contents(shapes, settings))


# ---- other people's networks -----------------------------------------------------------------------------------------


def test_a_resnet(tmp_path: Path) -> None:
    state = {key: torch.zeros(shape) for key, shape in resnet18().items() if len(shape) < 2}
    state |= {key: torch.zeros(1).expand(shape) for key, shape in resnet18().items() if len(shape) > 1}
    torch.save(state, tmp_path / "resnet18-f37072fd.pth")
    text = refusal(describe_file(tmp_path / "resnet18-f37072fd.pth"))
    for words in (
        "resnet18-f37072fd.pth",
        "122 keys",
        "nearest is csnet",
        "0 of the 5 keys that mark it",
        "'model.model.enc_input.conv1.weight'",
        "none of the file's 122 keys is named as in it, though 120 end alike",
    ):
        assert words in text


def test_a_shard_of_a_language_model(tmp_path: Path) -> None:
    path = tmp_path / "model-00001-of-00004.safetensors"
    save_file({key: torch.zeros(shape) for key, shape in language_model(4).items()}, path)
    report = describe_file(path)
    text = refusal(report)
    assert report.container == "safetensors"
    assert "34 keys" in text
    assert "'model.embed_tokens.weight'" in text
    assert re.search(r"nearest is \w+: 0 of the \d keys", text)
    assert "though 1 end alike" in text  # model.norm.weight


def test_a_unet_of_monai() -> None:
    from monai.networks.nets.unet import UNet

    net = UNet(spatial_dims=2, in_channels=1, out_channels=2, channels=(4, 8, 16), strides=(2, 2), num_res_units=2)
    text = refusal(of({key: tuple(value.shape) for key, value in net.state_dict().items()}))
    assert "none of the file's 35 keys is named as in it" in text
    assert "'model.0.conv.unit0.conv.weight'" in text


@pytest.mark.parametrize("name", sorted(OUT_OF_SCOPE))
def test_networks_of_older_states_are_named_and_not_guessed_at(name: str) -> None:
    report = of(resnet18(), arch_name=name)
    assert name in refusal(report, "arch.unsupported")
    assert (report.arch, report.family) == (name, OUT_OF_SCOPE[name])
    assert is_out_of_scope(name)


@pytest.mark.parametrize("name", [None, 3, ["cenet"], "csnet", "CENET"])
def test_other_names_are_not_out_of_scope(name: object) -> None:
    assert not is_out_of_scope(name)


# ---- nearly ours -----------------------------------------------------------------------------------------------------


def test_a_csnet_without_some_of_its_keys_says_which() -> None:
    less = {key: shape for key, shape in csnet().items() if ".deconv4." not in key}
    text = refusal(of(less, arch_name="csnet"))
    assert "nearest is csnet: 4 of the 5 keys that mark it are there" in text
    assert "first missing: 'model.model.deconv4.weight'" in text
    assert "162 of the file's 162 keys are named as in it" in text
    assert "older states" not in text


def test_the_csnet_of_an_older_state_is_told_from_ours() -> None:
    other = {key: shape for key, shape in csnet().items() if "affinity" not in key}
    text = refusal(of(other | batch_norm("model.model.attention.bn", 4), arch_name="csnet"))
    assert "older states of soft-seg gave that name to another network" in text
    assert "nearest is csnet: 3 of the 5" in text


@pytest.mark.parametrize("prefix", ["", "net.", "lightning.backbone."])
def test_a_network_without_its_training_class_is_known_by_its_names(prefix: str) -> None:
    bare = {prefix + key.removeprefix("model.model."): shape for key, shape in csnet().items()}
    report = of(bare)
    assert "164 of the file's 164 keys are named as in it if the first parts" in refusal(report)
    assert "nearest is csnet" in refusal(report)
    remedies = [finding.remedy for finding in report.findings if finding.severity == "error"]
    assert "'model.model.enc_input.conv1.weight'" in remedies[0]


def test_keys_of_another_network_are_named() -> None:
    single = network() | {"unet.soft_feat.0.weight": (8, 1, 3, 3)}
    text = refusal(of(single))
    assert "nearest is medsegdiff_flow_soft2hard: 5 of the 8" in text
    gated = two_channels(network()) | {"unet.gate_conv.weight": (8, 8, 1, 1)}
    assert "first missing: 'unet.soft_feat.0.weight'" in refusal(of(gated))


def test_shapes_that_fit_no_network_are_told() -> None:
    dhariwal = {
        "unet.base_unet.map_layer0.weight": (8, 8),
        "unet.base_unet.enc.32x32_conv.weight": (8, 2, 3, 3),
        "unet.base_unet.out_norm.weight": (8,),
        "unet.base_unet.out_conv.weight": (4, 8, 3, 3),
    }
    marks = next(item for item in ARCHITECTURES if item.name == "dhariwal_concat_unet").signature
    text = refusal(of(dict.fromkeys(marks, (8,)) | dhariwal))
    assert "nearest is dhariwal_concat_unet" in text
    assert f"all {len(marks)} keys that mark it are there, but" in text


def test_what_no_network_of_a_kind_has_is_found_before_loading() -> None:
    assert stray_keys(CSNET, csnet()) == ()
    assert stray_keys(CSNET, csnet() | {"model.model.head.weight": (2,)}) == ("model.model.head.weight",)


def test_the_name_in_the_file_decides_between_equals() -> None:
    shapes = {
        "diffusion_model.model.downs.0.3.0.weight": (8, 8, 4, 4),
        "diffusion_model.model.cond_init_conv.bias": (8,),
    }
    assert nearest(shapes).architecture.name == "medsegdiff"
    assert nearest(shapes, "colddiff").architecture.name == "colddiff"


# ---- how keys are told apart -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "written"),
    [("a", ["a"]), ("a.{b,c.{d,e}}.f", ["a.b.f", "a.c.d.f", "a.c.e.f"]), ("{,x}{y,z}", ["y", "z", "xy", "xz"])],
)
def test_patterns_are_written_as_a_shell_would_read_them(text: str, written: list[str]) -> None:
    assert expand(text) == written


def test_every_network_that_can_be_run_has_its_patterns() -> None:
    for architecture in ARCHITECTURES:
        assert patterns_of(architecture.name), architecture.name
        assert stray_keys(architecture, dict.fromkeys(architecture.signature, ())) == ()
    assert patterns_of("nothing") == frozenset()


@needs_shared
def test_patterns_are_those_of_the_genuine_files() -> None:
    """Each key of each fixture has its pattern, and there is no pattern beyond those that no fixture happens to use."""
    seen: dict[str, set[str]] = {}
    for path in [*FIXTURES.glob("flow/*/*.ckpt"), *FIXTURES.glob("supervised_diffusion/*/*.ckpt")]:
        inventory = build_inventory(open_checkpoint(path))
        (found,) = detect_architectures(inventory.shapes, ARCHITECTURES, inventory.hyper_parameters["arch_name"])
        seen.setdefault(found.name, set()).update(count_patterns(inventory.shapes))
    assert seen.keys() == {architecture.name for architecture in ARCHITECTURES}
    for name, patterns in seen.items():
        assert patterns <= patterns_of(name), name
        beyond = patterns_of(name) - patterns
        assert all(
            key.startswith(("vlm_film_conditioner.text", "unet.hard_refine.net.", "unet.soft_refine.net."))
            for key in beyond
        ), beyond


def test_a_hundred_thousand_keys_take_less_than_a_second() -> None:
    alike, odd = language_model(12_500), {"".join(map(chr, divmod(n, 300))) + ".0.bias": () for n in range(100_000)}
    for shapes in (alike, odd):
        start = time.process_time()
        nearest(shapes)
        assert time.process_time() - start < 1  # 0.1 s and 0.3 s on an idle machine


def test_a_name_of_a_million_digits_costs_nothing() -> None:
    assert nearest({"1" * 1_000_000: (1,), "a." * 500_000: (1,)}).named == 0


def test_no_torch_is_needed() -> None:
    code = "import sys, core.checkpoints.unknown as u; u.nearest({'a': ()}); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_a_network_that_was_pickled_whole_is_named_by_its_class_and_its_keys(tmp_path: Path) -> None:
    """torch.save(model), and the dictionaries of detectors whose `model` is such an object."""
    inner = torch.nn.Sequential(torch.nn.Conv2d(1, 4, 3), torch.nn.BatchNorm2d(4))
    net = torch.nn.Sequential(inner, torch.nn.ReLU(), inner, torch.nn.Linear(4, 2))
    for stored in (net, {"epoch": 3, "model": net, "train_args": {"lr": 0.1}}):
        path = tmp_path / "best.pt"
        torch.save(stored, path)
        keys = build_inventory(open_checkpoint(path)).shapes
        assert keys == {key: tuple(value.shape) for key, value in net.state_dict().items()}
        report = describe_file(path)
        text = refusal(report)
        assert f"its {len(keys)} keys (first: '0.0.weight')" in text
        assert re.search(r"nearest is \w+", text)
        (note,) = [item.message for item in report.findings if item.code == "weights.of-an-object"]
        assert "torch.nn.modules.container.Sequential" in note


def test_a_module_that_holds_itself_ends(tmp_path: Path) -> None:
    net = torch.nn.Sequential()
    net._modules |= {"again": net, "and_again": net}  # read to the end, two to the power of its depth modules
    torch.save(net, tmp_path / "loop.pt")
    started = time.perf_counter()
    assert describe_file(tmp_path / "loop.pt").status == "refused"
    assert time.perf_counter() - started < 1


def test_the_weights_of_nnunets_own_code_are_named(tmp_path: Path) -> None:
    weights = {f"encoder.stages.{stage}.0.convs.0.conv.weight": torch.zeros(4, 4, 3, 3) for stage in range(5)}
    stored = {"network_weights": weights, "trainer_name": "nnUNetTrainer", "current_epoch": 1000, "init_args": {}}
    torch.save(stored, tmp_path / "checkpoint_final.pth")
    text = refusal(describe_file(tmp_path / "checkpoint_final.pth"))
    assert "5 keys (first: 'encoder.stages.0.0.convs.0.conv.weight')" in text


def test_an_object_that_is_no_network_is_named(tmp_path: Path) -> None:
    for thing, words in ((fractions.Fraction(1, 2), "one object of the class fractions.Fraction"), (3, "a single int")):
        torch.save(thing, tmp_path / "thing.pt")
        report = describe_file(tmp_path / "thing.pt")
        (error,) = [item.message for item in report.findings if item.severity == "error"]
        assert error.endswith(f"It holds {words}.")
