"""The FiLM part of the report: heads, stages, point of application, condition, warm-up (spec 6 and 7)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from core.checkpoints.dossier import IF_ON_PURPOSE, Dossier
from core.checkpoints.film_stages import (
    CONDITIONER,
    HEADS,
    REFERENCE_SLOTS,
    Claims,
    Head,
    Stages,
    choose_stages,
    warn_of_reference,
)
from core.checkpoints.fingerprints import Clues
from core.checkpoints.fingerprints.sofl_seg import stage_traces
from core.checkpoints.hyper_parameters import Settings
from core.checkpoints.inventory import TRAINED_STAGES, Inventory
from core.networks.medsegdiff.config import FilmConfig, FilmPoint, MedSegDiffConfig
from core.records import FilmReport

DEFAULT_WARMUP = 20
OVERRIDE_POINT = "If the result looks wrong, choose the other point in the passport or with film_point."


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionerConfig:
    """Sizes of the trained projection: feature (`image_width`) -> condition; `text`: (feature width, hidden width)."""

    image_width: int
    cond_dim: int
    text: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Film:
    """The same FiLM, told to a person and to the network."""

    report: FilmReport
    config: FilmConfig
    conditioner: ConditionerConfig


def is_film_key(key: str) -> bool:
    """Keys that only a VLM FiLM checkpoint has, and that a loader without FiLM leaves out."""
    return key.startswith("vlm_film_")


def describe_film(
    dossier: Dossier,
    inventory: Inventory,
    settings: Settings,
    heads: Sequence[Head],
    network: MedSegDiffConfig,
    *,
    film_stages: Sequence[int] | None,
    film_point: str | None,
) -> Film | None:
    """None, with an error, when the heads cannot be placed; call it only when there are heads."""
    conditioner = _conditioner(dossier, inventory, heads[0])
    point = choose_point(dossier, inventory, len(heads), network.levels, film_point)
    placed = choose_stages(dossier, heads, network.stage_channels, _claims(inventory, film_stages))
    if placed is None or conditioner is None or point is None:
        return None
    stages, stages_from, choices = placed
    if stages_from == "weights" and dossier.fields.get("module_class") == "FlowModelVLMFiLM":
        warn_of_reference(dossier, heads, stages)
        _legacy(dossier, inventory, len(heads))
    _dropped(dossier, inventory)
    config = _config(heads, stages, point)
    _witness_sizes(dossier, config)
    film_settings = settings.section("vlm_film_config")
    report = FilmReport(
        heads=len(heads),
        stages=stages,
        stages_from=stages_from,
        channels=config.channels,
        point=point,
        point_from="file" if film_point is None else "user",
        cond_dim=config.cond_dim,
        hidden=config.hidden,
        layer_norm=config.layer_norm,
        stage_choices=choices,
        **_dropped_counts(inventory),
        **_condition(dossier, film_settings, conditioner),
        **_habits(dossier, film_settings),
    )
    return Film(report=report, config=config, conditioner=conditioner)


def _config(heads: Sequence[Head], stages: Stages, point: FilmPoint) -> FilmConfig:
    head = heads[0]  # read_heads made sure that they differ in channels only
    return FilmConfig(
        stages=stages,
        channels=tuple(item.channels for item in heads),
        point=point,
        cond_dim=head.cond_dim,
        hidden=head.hidden,
        layer_norm=head.layer_norm,
    )


def _witness_sizes(dossier: Dossier, config: FilmConfig) -> None:
    dossier.witness("film.heads", len(config.channels), f"keys {HEADS}0 to {HEADS}{len(config.channels) - 1}")
    dossier.witness("film.channels", config.channels, f"half the rows of {HEADS}*.mlp.2.weight")
    dossier.witness("film.cond_dim", config.cond_dim, f"columns of {HEADS}0.mlp.0.weight")
    there = "is" if config.layer_norm else "is not"
    dossier.witness("film.layer_norm", config.layer_norm, f"key {HEADS}0.ln.weight {there} there")


def _claims(inventory: Inventory, film_stages: Sequence[int] | None) -> Claims:
    return Claims(
        metadata=inventory.extras.get(TRAINED_STAGES),
        hparams=inventory.hyper_parameters.get("vlm_film_decoder_stages"),
        user=film_stages,
    )


def choose_point(
    dossier: Dossier, inventory: Inventory, heads: int, levels: int, wished: str | None
) -> FilmPoint | None:
    """A: after the first residual block of a stage; B: after the second (spec 6)."""
    if wished is not None:
        return _wished_point(dossier, wished)
    traces = stage_traces(Clues(hyper_parameters=inventory.hyper_parameters, trained_stages=_has_metadata(inventory)))
    if traces:
        dossier.witness("film.point", "A", f"FlowModelVLMFiLM, which writes {traces[0]}, applies FiLM there")
        return "A"
    point: FilmPoint = "B" if heads == levels else "A"
    why = f"{heads} heads for {levels} decoder stages, and none of the traces of FlowModelVLMFiLM"
    dossier.witness("film.point", point, why)
    who = "FlowModel, which has a head for every stage" if point == "B" else "an early FlowModelVLMFiLM"
    dossier.note(
        "film.point-inferred", f"FiLM is applied at point {point}, as by {who}: the file has {why}.", OVERRIDE_POINT
    )
    return point


def _wished_point(dossier: Dossier, wished: str) -> FilmPoint | None:
    if wished == "A" or wished == "B":
        dossier.witness("film.point", wished, "chosen by the user")
        return wished  # type: ignore[return-value]
    dossier.error("film.point", f"FiLM point {wished!r} does not exist.", "Choose A or B.")
    return None


def _has_metadata(inventory: Inventory) -> bool:
    return TRAINED_STAGES in inventory.extras


def _legacy(dossier: Dossier, inventory: Inventory, heads: int) -> None:
    # Published versions make two heads when the stages are None, so more come from a version nobody published.
    if heads == 2 or "vlm_film_decoder_stages" not in inventory.hyper_parameters:
        return
    dossier.warning(
        "film.legacy-point",
        f"{heads} FiLM heads without a stage list come from an unpublished version of sofl-seg. That it applied FiLM "
        "at point A is an assumption, the same that sofl-seg's own evaluation makes.",
        OVERRIDE_POINT,
    )


def _conditioner(dossier: Dossier, inventory: Inventory, head: Head) -> ConditionerConfig | None:
    shapes = inventory.shapes
    image = shapes.get(CONDITIONER + "image_to_cond.proj.weight", ())
    first, last = (shapes.get(f"{CONDITIONER}text_to_cond.mlp.{layer}.weight") for layer in (0, 2))
    text = None if first is None or len(first) != 2 else (first[1], first[0])
    if len(image) != 2 or image[0] != head.cond_dim or (first is None) != (last is None):
        dossier.error(
            "film.conditioner",
            f"The FiLM heads want a condition of {head.cond_dim} numbers, but "
            f"{CONDITIONER}image_to_cond.proj.weight, which "
            f"makes it, is {list(image) or 'missing'}.",
        )
        return None
    return ConditionerConfig(image_width=image[1], cond_dim=image[0], text=text)


def _condition(dossier: Dossier, settings: Settings, conditioner: ConditionerConfig) -> dict[str, Any]:
    asked = settings.flag("use_text_prompt_cond", conditioner.text is not None)
    if asked != (conditioner.text is not None):
        there = "no " if conditioner.text is None else ""
        dossier.warning(
            "hparams.disagrees",
            f"Hyper-parameter vlm_film_config.use_text_prompt_cond is {asked}, but the file has {there}weights for a "
            "text condition: the weights are taken.",
            IF_ON_PURPOSE,
        )
    prompts = settings.texts("prompt_templates")
    if conditioner.text is None:
        kind, why = "image", "the conditioner has image_to_cond only"
    elif settings.flag("use_logits_feature_cond", False):
        kind, why = "logits", "the conditioner has text_to_cond, and use_logits_feature_cond is set"
    else:
        kind, why = "text", "the conditioner has text_to_cond"
        prompts = tuple(filter(None, (settings.text("prompt_template", ""),)))
    dossier.witness("film.condition", kind, why)
    width = conditioner.image_width if conditioner.text is None else conditioner.text[0]
    return {"condition": kind, "feature_width": width, "prompts": () if kind == "image" else prompts}


def _habits(dossier: Dossier, settings: Settings) -> dict[str, Any]:
    strategy = settings.choice("batch_strategy", ("per_sample", "first", "random"), "first")
    said = "is" if settings.has("batch_strategy") else "is absent; the producer's default is"
    dossier.witness(
        "film.batch_strategy", strategy, f"hyper-parameter vlm_film_config.batch_strategy {said} {strategy}"
    )
    return {
        "vlm": settings.text("model_name", "") or None,
        "input_mode": _input_mode(dossier, settings),
        "overlay_alpha": settings.number("overlay_alpha", 0.0, 1.0, 0.5),
        "pred_threshold": settings.number("pred_threshold", 0.0, 1.0, 0.5),
        "batch_strategy": strategy,
        "warmup_epochs": _warmup(dossier, settings),
        "cache_dir": settings.text("cache_dir", "cache/vlm_profiles"),
        "embedding_dtype": settings.text("embedding_dtype", "float16"),
    }


def _input_mode(dossier: Dossier, settings: Settings) -> str:
    mode = settings.choice("input_mode", ("raw", "overlay", "mask_only"), "raw")
    vlm_class = dossier.fields.get("module_class") == "FlowModelVLMFiLM"
    if mode == "raw" or (vlm_class and dossier.fields.get("mode") == "dfm_binary"):
        return mode
    dossier.note(
        "film.input-mode-ignored",
        f"Hyper-parameter vlm_film_config.input_mode is {mode}, which sofl-seg honours only in FlowModelVLMFiLM with "
        "dfm_binary; here the condition is computed from the bare image.",
        "Nothing to do: this is how the checkpoint was trained.",
    )
    return "raw"


def _warmup(dossier: Dossier, settings: Settings) -> int:
    if dossier.fields.get("module_class") != "FlowModelVLMFiLM":
        return 0
    epochs = settings.integer("pred_warmup_epochs", 0, 1_000_000, DEFAULT_WARMUP)
    said = "is" if settings.has("pred_warmup_epochs") else "is absent; the producer's default is"
    dossier.witness("film.warmup_epochs", epochs, f"hyper-parameter vlm_film_config.pred_warmup_epochs {said} {epochs}")
    return epochs


def _dropped_counts(inventory: Inventory) -> dict[str, Any]:
    dropped = [info for key, info in inventory.weights.items() if is_film_key(key)]
    return {"dropped_keys": len(dropped), "dropped_parameters": sum(info.numel for info in dropped)}


def _dropped(dossier: Dossier, inventory: Inventory) -> None:
    counts = _dropped_counts(inventory)
    dossier.note(
        "film.would-be-dropped",
        f"A loader without FiLM would drop {counts['dropped_keys']} keys ({counts['dropped_parameters']:,} "
        "parameters) of this checkpoint without a word.",
        "Nothing to do here: they are loaded. Mistrust predictions of this file that soft-seg made.",
    )


def note_slots(dossier: Dossier, heads: int) -> None:
    """The producer's own code has four counters for stages."""
    if heads > REFERENCE_SLOTS:
        dossier.note(
            "film.reference-would-crash",
            f"sofl-seg's own code counts FiLM calls for {REFERENCE_SLOTS} stages and crashes with {heads} heads.",
            "Nothing to do here: every head is used. That code cannot have evaluated this file.",
        )
