"""What is special about a flow checkpoint: who wrote it, how it is sampled, and its FiLM (flow spec)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from core.checkpoints.cross_check import describe_window
from core.checkpoints.dossier import IF_ON_PURPOSE, Dossier
from core.checkpoints.film import Film, describe_film, is_film_key, note_slots
from core.checkpoints.film_stages import Head, read_heads
from core.checkpoints.fingerprints import Clues
from core.checkpoints.hyper_parameters import Settings
from core.checkpoints.inventory import TRAINED_STAGES, Inventory
from core.checkpoints.protocols import describe_gate, describe_protocols
from core.checkpoints.sampling_rules import describe_sampling, describe_writer
from core.networks import Architecture, NetworkConfig
from core.networks.medsegdiff.config import SOFT_FEATURES, MedSegDiffConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class FilmChoices:
    """What a person decided instead of the file; None = as the file says."""

    stages: Sequence[int] | None = None
    point: str | None = None


def describe_flow(
    dossier: Dossier,
    inventory: Inventory,
    settings: Settings,
    architecture: Architecture,
    network: NetworkConfig,
    choices: FilmChoices,
) -> tuple[NetworkConfig, Film | None]:
    """The sizes with the FiLM heads put in, and the FiLM. Raises `SizesUnclear`; stops where an error is found."""
    heads = read_heads(inventory.shapes)
    describe_window(dossier, settings, "image_size", network.divisor)
    _writer(dossier, inventory, settings, network, choices, len(heads))
    if not dossier.refused:
        _used_output(dossier, architecture)
        _possible_together(dossier, inventory)
    if dossier.refused:
        return network, None
    if heads and isinstance(network, MedSegDiffConfig):
        return _with_heads(dossier, inventory, settings, heads, network, choices)
    _without_heads(dossier, inventory, settings, choices, found=bool(heads))
    return network, None


def _writer(
    dossier: Dossier,
    inventory: Inventory,
    settings: Settings,
    network: NetworkConfig,
    choices: FilmChoices,
    heads: int,
) -> None:
    clues = Clues(
        hyper_parameters=settings.values,
        trained_stages=TRAINED_STAGES in inventory.extras,
        film_heads=heads,
        levels=network.levels if isinstance(network, MedSegDiffConfig) else None,
        film_point=choices.point,
    )
    writer = describe_writer(dossier, clues)
    if writer is not None:
        describe_sampling(dossier, settings, writer)


def _used_output(dossier: Dossier, architecture: Architecture) -> None:
    used = architecture.used_output.get(str(dossier.fields.get("mode")), 0)
    if architecture.used_output:
        why = f"{architecture.name} in mode {dossier.fields.get('mode')} takes output channel {used}"
    else:
        why = f"channel {used} (hard) becomes the mask"
    dossier.know("used_output_channel", used, why)


def _possible_together(dossier: Dossier, inventory: Inventory) -> None:
    fields = dossier.fields
    if fields.get("mode") == "dfm_binary" and fields["state_channels"] != 1:
        message = f"dfm_binary draws one channel, and the network takes {fields['state_channels']}."
        dossier.error("mode.state-channels", f"The file contradicts itself: {message}")
    if fields.get("producer") == "sofl-seg" and SOFT_FEATURES in inventory.shapes:
        message = "only soft-seg has the soft2hard network, and the hyper-parameters are those of sofl-seg."
        dossier.error("producer.contradicts", f"The file contradicts itself: {message}")
    data = fields.get("data_name")
    octa = isinstance(data, str) and data.startswith("octa500")
    if octa and fields.get("producer") == "sofl-seg" and fields.get("mode") == "cfm_continuous":
        dossier.warning(
            "threshold.octa500",
            "sofl-seg trains cfm on OCTA500 with masks in [0, 1] but cuts at 0, so this checkpoint marks too much.",
            "Try a threshold of 0.5.",
        )


def _without_heads(
    dossier: Dossier, inventory: Inventory, settings: Settings, choices: FilmChoices, *, found: bool
) -> None:
    if found:
        dossier.error(
            "film.no-place", f"The file holds FiLM heads, and {dossier.fields['arch']} has no place for them."
        )
    elif settings.flag("use_vlm_film", bool(inventory.extras.get(TRAINED_STAGES))) or any(
        map(is_film_key, inventory.shapes)
    ):
        dossier.error(
            "film.heads-missing",
            "This checkpoint was trained with FiLM, but the file holds no FiLM heads (vlm_film_heads.*): they were "
            "removed, and without them its predictions would be wrong.",
        )
    elif choices.stages is not None or choices.point is not None:
        message = "FiLM stages or a FiLM point were chosen, but this checkpoint has no FiLM."
        dossier.error("film.none", message, "Leave them out.")


def _with_heads(
    dossier: Dossier,
    inventory: Inventory,
    settings: Settings,
    heads: Sequence[Head],
    network: MedSegDiffConfig,
    choices: FilmChoices,
) -> tuple[NetworkConfig, Film | None]:
    if not settings.flag("use_vlm_film", True):
        dossier.warning(
            "hparams.disagrees",
            "Hyper-parameter use_vlm_film is False, but the file has FiLM heads: they are used.",
            f"{IF_ON_PURPOSE} Switch FiLM off to see the other reading.",
        )
    film = describe_film(
        dossier, inventory, settings, heads, network, film_stages=choices.stages, film_point=choices.point
    )
    if film is None:
        return network, None
    dossier.know("film", film.report, "keys vlm_film_heads.* and vlm_film_conditioner.*")
    note_slots(dossier, len(heads))
    vlm_class = dossier.fields["module_class"] == "FlowModelVLMFiLM"
    gate = describe_gate(dossier, settings) if vlm_class else None
    describe_protocols(dossier, film.report, gate, inventory.counter("epoch"))
    return replace(network, film=film.config), film
