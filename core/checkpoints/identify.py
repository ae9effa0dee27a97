"""What an opened file is, one step after another, each with its evidence. No tensor data is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from core.checkpoints.contents import Contents, TensorInfo
from core.checkpoints.cross_check import describe_sizes
from core.checkpoints.dossier import FROM_TRAINING, IF_ON_PURPOSE, Dossier
from core.checkpoints.film import ConditionerConfig, Film, describe_film, is_film_key, note_slots
from core.checkpoints.film_stages import Head, read_heads
from core.checkpoints.fingerprints import Clues
from core.checkpoints.hyper_parameters import Settings, check_sizes
from core.checkpoints.inventory import TRAINED_STAGES, Inventory, build_inventory, parameters
from core.checkpoints.protocols import describe_gate, describe_protocols
from core.checkpoints.run_config import describe_data
from core.checkpoints.sampling_rules import describe_sampling, describe_writer
from core.checkpoints.text import safe_text
from core.checkpoints.unknown import describe_unknown
from core.checkpoints.weight_sets import Weights
from core.errors import CheckpointRefused
from core.networks import ARCHITECTURES, Architecture, SizesUnclear, detect_architectures
from core.networks.medsegdiff.config import SOFT_FEATURES, MedSegDiffConfig
from core.records import CheckpointReport, WeightsReport


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What a person decided instead of the file; None = as the file says."""

    film_stages: tuple[int, ...] | None = None
    film_point: str | None = None
    weights: str = "auto"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Identification:
    """The report and what a loader needs: `config` carries the FiLM heads, `weights` are those in use.

    `architecture`, `config` are None when the file is refused; `conditioner` is None without FiLM.
    """

    report: CheckpointReport
    weights: Weights
    architecture: Architecture | None = None
    config: MedSegDiffConfig | None = None
    conditioner: ConditionerConfig | None = None

    def accepted(self) -> tuple[Architecture, MedSegDiffConfig]:
        """Architecture and sizes; raises `CheckpointRefused` with the findings when the file was refused."""
        if self.report.status == "refused" or self.architecture is None or self.config is None:
            raise CheckpointRefused(self.report.findings)
        return self.architecture, self.config


def identify_checkpoint(
    contents: Contents,
    *,
    film_stages: Sequence[int] | None = None,
    film_point: str | None = None,
    weights: str = "auto",
) -> Identification:
    """The report with everything that building the network takes. Refusals are in the report; nothing is raised."""
    choices = Choices(
        film_stages=None if film_stages is None else tuple(film_stages), film_point=film_point, weights=weights
    )
    return _Identifier(contents, choices).run()


class _Identifier:
    """One identification. The steps run in order and stop at the first that ends in an error."""

    def __init__(self, contents: Contents, choices: Choices) -> None:
        self.contents = contents
        self.choices = choices
        self.inventory: Inventory = build_inventory(contents)
        self.dossier = Dossier(self.inventory.findings)
        self.settings = Settings(self.inventory.hyper_parameters, self.dossier)
        self.tensors: dict[str, TensorInfo] = {}
        self.architecture: Architecture | None = None
        self.config: MedSegDiffConfig | None = None
        self.heads: tuple[Head, ...] = ()
        self.film: Film | None = None

    def run(self) -> Identification:
        self._file()
        for step in (self._weights, self._network, self._sizes, self._writer, self._film):
            if self.dossier.refused:
                break
            step()
        return Identification(
            report=self.dossier.report(),
            weights=self.tensors,
            architecture=self.architecture,
            config=self.config,
            conditioner=None if self.film is None else self.film.conditioner,
        )

    def _file(self) -> None:
        """What can be said of any file that opens."""
        contents, inventory, know = self.contents, self.inventory, self.dossier.know
        self.dossier.fields["path"] = safe_text(str(contents.path))
        self.dossier.fields["hyper_parameters"] = inventory.hyper_parameters
        know("container", contents.container, "the first bytes and the entries of the file")
        know("size_bytes", contents.size_bytes, "the file system")
        know("epoch", inventory.counter("epoch"), "top-level entry epoch")
        know("global_step", inventory.counter("global_step"), "top-level entry global_step")
        if inventory.weights:
            self._describe_weights("model")
        describe_data(self.dossier, self.settings, contents.path)

    def _describe_weights(self, used: str) -> None:
        available = tuple(self.inventory.sets)
        why = "state_dict is what the evaluations of both code bases load"
        if used != "model":
            why = f"chosen by the user instead of model, which {why}"
        self.tensors = dict(self.inventory.sets[used])
        self.dossier.know(
            "weights", WeightsReport(available=available, used=used, why=why), f"weight sets: {available}"
        )
        self.dossier.know("parameters", parameters(self.tensors), f"numbers in the {len(self.tensors):,} tensors used")

    def _weights(self) -> None:
        wished = self.choices.weights
        if wished in ("auto", "model"):
            return
        if wished in self.inventory.sets:
            self._describe_weights(wished)
            return
        there = ", ".join(self.inventory.sets)
        message = f"The file has no {safe_text(wished, 40)} weights that could be used; it has: {there}."
        self.dossier.error("weights.not-there", message, "Choose one of these, or auto.")

    def _network(self) -> None:
        found = detect_architectures(self.inventory.shapes, ARCHITECTURES)
        if len(found) > 1:
            names = " and ".join(item.name for item in found)
            self.dossier.error("arch.contradicts", f"{self.inventory.name}: its keys are those of {names} at once.")
        elif not found:
            check_sizes(self.settings)
            describe_unknown(self.dossier, self.inventory, self.settings)
        else:
            self.architecture = found[0]
            self.dossier.know("family", found[0].family, f"the keys are those of {found[0].name}")

    def _sizes(self) -> None:
        assert self.architecture is not None
        check_sizes(self.settings)
        try:
            config = self.architecture.infer_config(self.inventory.shapes)
            self.heads = read_heads(self.inventory.shapes)
        except SizesUnclear as unclear:
            self.dossier.error(
                "network.sizes-unclear", f"The sizes of the network cannot be read: {unclear}.", FROM_TRAINING
            )
            return
        assert isinstance(config, MedSegDiffConfig), "the registry holds this family only"
        self.config = config
        describe_sizes(self.dossier, self.settings, self.architecture, config)

    def _writer(self) -> None:
        assert self.config is not None
        if not self.inventory.hyper_parameters:
            message = "Without hyper_parameters nobody can tell how this network is sampled and where its mask is cut."
            self.dossier.error("hparams.missing", message)
            return
        clues = Clues(
            hyper_parameters=self.inventory.hyper_parameters,
            trained_stages=TRAINED_STAGES in self.inventory.extras,
            film_heads=len(self.heads),
            levels=self.config.levels,
            film_point=self.choices.film_point,
        )
        writer = describe_writer(self.dossier, clues)
        if writer is not None:
            describe_sampling(self.dossier, self.settings, writer)
            self._used_output()
            self._possible_together()

    def _used_output(self) -> None:
        assert self.architecture is not None
        mode = self.dossier.fields.get("mode")
        used = self.architecture.used_output.get(str(mode), 0)
        named = " (hard)" if self.dossier.fields["out_channels"] > 1 and not self.architecture.used_output else ""
        self.dossier.know("used_output_channel", used, f"channel {used}{named} becomes the mask")

    def _possible_together(self) -> None:
        fields, dossier = self.dossier.fields, self.dossier
        if fields.get("mode") == "dfm_binary" and fields["state_channels"] != 1:
            message = f"dfm_binary draws one channel, and the network takes {fields['state_channels']}."
            dossier.error("mode.state-channels", f"The file contradicts itself: {message}")
        if fields.get("producer") == "sofl-seg" and SOFT_FEATURES in self.inventory.shapes:
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

    def _film(self) -> None:
        assert self.config is not None
        if self.heads:
            self._with_heads(self.config)
        elif self.settings.flag("use_vlm_film", bool(self.inventory.extras.get(TRAINED_STAGES))) or any(
            map(is_film_key, self.inventory.shapes)
        ):
            self.dossier.error(
                "film.heads-missing",
                "This checkpoint was trained with FiLM, but the file holds no FiLM heads (vlm_film_heads.*): they were "
                "removed, and without them its predictions would be wrong.",
            )
        elif self.choices.film_stages is not None or self.choices.film_point is not None:
            self.dossier.error(
                "film.none",
                "FiLM stages or a FiLM point were chosen, but this checkpoint has no FiLM.",
                "Leave them out.",
            )

    def _with_heads(self, network: MedSegDiffConfig) -> None:
        if not self.settings.flag("use_vlm_film", True):
            self.dossier.warning(
                "hparams.disagrees",
                "Hyper-parameter use_vlm_film is False, but the file has FiLM heads: they are used.",
                f"{IF_ON_PURPOSE} Switch FiLM off to see the other reading.",
            )
        self.film = describe_film(
            self.dossier,
            self.inventory,
            self.settings,
            self.heads,
            network,
            film_stages=self.choices.film_stages,
            film_point=self.choices.film_point,
        )
        if self.film is None:
            return
        self.dossier.know("film", self.film.report, "keys vlm_film_heads.* and vlm_film_conditioner.*")
        note_slots(self.dossier, len(self.heads))
        vlm_class = self.dossier.fields["module_class"] == "FlowModelVLMFiLM"
        gate = describe_gate(self.dossier, self.settings) if vlm_class else None
        describe_protocols(self.dossier, self.film.report, gate, self.inventory.counter("epoch"))
        self.config = replace(network, film=self.film.config)
