"""What an opened file is, one step after another, each with its evidence. No tensor data is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.checkpoints.contents import Contents, TensorInfo
from core.checkpoints.cross_check import describe_sizes
from core.checkpoints.diffusion_file import describe_diffusion
from core.checkpoints.dossier import FROM_TRAINING, Dossier
from core.checkpoints.film import ConditionerConfig, Film
from core.checkpoints.flow_file import FilmChoices, describe_flow
from core.checkpoints.hyper_parameters import Settings, check_sizes
from core.checkpoints.inventory import Inventory, build_inventory, parameters
from core.checkpoints.reported_metrics import read_metrics
from core.checkpoints.run_config import describe_data, filled, read_run_config
from core.checkpoints.supervised_file import describe_supervised
from core.checkpoints.text import safe_text
from core.checkpoints.unknown import describe_unknown, stray_keys
from core.checkpoints.weight_choice import default_set, measured_set, missing_average, young_average
from core.checkpoints.weight_sets import Weights
from core.errors import CheckpointRefused
from core.networks import ARCHITECTURES, Architecture, NetworkConfig, SizesUnclear, detect_architectures
from core.records import CheckpointReport, WeightsReport


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Identification:
    """The report and what a loader needs: `config` carries the FiLM heads, `weights` are those in use.

    `architecture`, `config` are None when the file is refused; `conditioner` is None without FiLM.
    """

    report: CheckpointReport
    weights: Weights
    architecture: Architecture | None = None
    config: NetworkConfig | None = None
    conditioner: ConditionerConfig | None = None

    def accepted(self) -> tuple[Architecture, NetworkConfig]:
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
    film = FilmChoices(stages=None if film_stages is None else tuple(film_stages), point=film_point)
    return _Identifier(contents, film, weights).run()


DATA_MODULE = "datamodule_hyper_parameters"


class _Identifier:
    """One identification. The steps run in order and stop at the first that ends in an error."""

    def __init__(self, contents: Contents, choices: FilmChoices, weights: str) -> None:
        self.contents = contents
        self.choices = choices
        self.wished = weights
        self.inventory: Inventory = build_inventory(contents)
        self.dossier = Dossier(self.inventory.findings)
        self.run_config = read_run_config(self.dossier, contents.path)
        own = self.inventory.hyper_parameters
        self.settings = Settings(filled(self.dossier, own, self.run_config), self.dossier, own=own)
        self.tensors: dict[str, TensorInfo] = {}
        self.architecture: Architecture | None = None
        self.config: NetworkConfig | None = None
        self.film: Film | None = None

    def run(self) -> Identification:
        self._file()
        for step in (self._network, self._sizes, self._family, self._weights):
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
        if inventory.weights:  # before anything is known of the network; what is evaluated is decided later
            first = next(iter(inventory.sets))
            self._describe_weights(first, first, "the only set known so far")
        describe_data(self.dossier, self.settings, self.run_config)

    def _describe_weights(self, used: str, evaluated: str, why: str) -> None:
        available = tuple(self.inventory.sets)
        self.tensors = dict(self.inventory.sets[used])
        report = WeightsReport(available=available, used=used, why=why, evaluated=evaluated)
        origins = "; ".join(f"{name}: {self.inventory.origins.get(name, 'state_dict')}" for name in available)
        self.dossier.know("weights", report, origins)
        self.dossier.know("parameters", parameters(self.tensors), f"numbers in the {len(self.tensors):,} tensors used")

    def _weights(self) -> None:
        assert self.architecture is not None
        family, use_ema = self.architecture.family, self._use_ema
        self.dossier.take(missing_average(self.inventory, family, use_ema))
        self.dossier.take(young_average(self.inventory, family, use_ema))
        default, why = default_set(self.inventory, family, use_ema)
        wished = default if self.wished == "auto" else self.wished
        if wished not in self.inventory.sets:
            there = ", ".join(self.inventory.sets)
            message = f"The file has no {safe_text(wished, 40)} weights that could be used; it has: {there}."
            self.dossier.error("weights.not-there", message, "Choose one of these, or auto.")
            return
        if wished != default:
            why = f"chosen by the user instead of {default}: {why}"
        self._describe_weights(wished, measured_set(self.inventory, family, use_ema), why)
        metrics, findings = read_metrics(self.contents, self.inventory, family=family, use_ema=use_ema, used=wished)
        if metrics:
            self.dossier.know("metrics", metrics, "the states of ModelCheckpoint and EarlyStopping in callbacks")
        self.dossier.take(findings)

    @property
    def _use_ema(self) -> bool:
        """The constructor's default is True (diffusion spec 1.3); only diffusion models have such a copy."""
        return self.settings.flag("use_ema", True)

    def _network(self) -> None:
        found = detect_architectures(self.inventory.shapes, ARCHITECTURES, self.settings.values.get("arch_name"))
        if len(found) > 1:
            names = " and ".join(item.name for item in found)
            self.dossier.error("arch.contradicts", f"{self.inventory.name}: its keys are those of {names} at once.")
        elif not found:
            check_sizes(self.settings)
            describe_unknown(self.dossier, self.inventory, self.settings)
        else:
            self.architecture = found[0]
            self.dossier.know("family", found[0].family, f"the keys are those of {found[0].name}")
            self._strangers(found[0])

    def _strangers(self, architecture: Architecture) -> None:
        strange = stray_keys(architecture, self.inventory.shapes)
        if strange:
            count = "1 key" if len(strange) == 1 else f"{len(strange):,} keys"
            message = f"The file holds {count} that no {architecture.name} has (first: {safe_text(strange[0], 120)})."
            remedy = "Open it with the code that wrote it: running it without these would be a guess."
            self.dossier.error("weights.left-over", message, remedy)

    def _sizes(self) -> None:
        assert self.architecture is not None
        check_sizes(self.settings)
        try:
            self.config = self.architecture.infer_config(self.inventory.shapes)
        except SizesUnclear as unclear:
            self._unclear(unclear)
            return
        describe_sizes(self.dossier, self.settings, self.architecture, self.config)

    def _unclear(self, unclear: SizesUnclear) -> None:
        message = f"The sizes of the network cannot be read: {unclear}."
        self.dossier.error("network.sizes-unclear", message, FROM_TRAINING)

    def _family(self) -> None:
        assert self.architecture is not None
        assert self.config is not None
        if not self.settings.values:
            message = "Without hyper_parameters nobody can tell how this network is sampled and where its mask is cut."
            self.dossier.error("hparams.missing", message)
        elif self.architecture.family == "flow":
            self._flow(self.architecture, self.config)
        elif self.architecture.family == "diffusion":
            describe_diffusion(self.dossier, self.settings, self.config)
        else:
            data_module = self.inventory.extras.get(DATA_MODULE)
            describe_supervised(self.dossier, self.settings, self.config, data_module)

    def _flow(self, architecture: Architecture, network: NetworkConfig) -> None:
        try:
            self.config, self.film = describe_flow(
                self.dossier, self.inventory, self.settings, architecture, network, self.choices
            )
        except SizesUnclear as unclear:
            self._unclear(unclear)
