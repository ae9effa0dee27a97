"""The store: what a column shows follows from what it wants; results are kept by key, within a budget."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from PySide6.QtWidgets import QApplication

from app.items import LoadOptions, MeasureKey, RunKey
from app.jobs import Failure
from app.outcomes import Outcomes
from app.store import CASES_KEPT, Store
from core import pipeline
from core.progress import Progress
from core.records import CasePaths, Measurement, Member, RunSettings, frozen_array
from tests.gui import fakes

KEY = RunKey(
    case="/a.png",
    case_revision=0,
    checkpoint="/a.ckpt",
    checkpoint_revision=0,
    settings=RunSettings(),
    options=LoadOptions(),
)


def ready_store() -> tuple[Store, str]:
    """A case that is read, a checkpoint that is inspected, and a column for it."""
    store = Store()
    store.activate_case(store.add_case(CasePaths(name="a.png", image="/a.png")))
    store.set_case("/a.png", fakes.case())
    store.add_checkpoint("/a.ckpt")
    store.set_report("/a.ckpt", fakes.report())
    return store, store.add_column("/a.ckpt")


def test_a_column_wants_what_case_checkpoint_and_settings_say(qapp: QApplication) -> None:
    store, column = ready_store()
    assert store.run_key(column) == KEY
    store.change_column(column, settings=RunSettings(seed=3))
    assert store.run_key(column) == replace(KEY, settings=RunSettings(seed=3))
    store.add_checkpoint("/a.ckpt")
    assert store.run_key(column) is None
    assert store.run_state(column).state == "waiting"
    store.set_report("/a.ckpt", fakes.report())
    assert store.run_key(column) == replace(KEY, settings=RunSettings(seed=3), checkpoint_revision=1)


def test_a_column_never_shows_the_outcome_of_another_key(qapp: QApplication) -> None:
    store, column = ready_store()
    prediction = fakes.prediction()
    store.outcomes.file(column, KEY, prediction)
    assert store.run_state(column).prediction is prediction
    store.change_column(column, settings=RunSettings(seed=3))
    assert store.run_state(column).prediction is None
    assert store.run_state(column).state == "waiting"


def test_states_follow_the_run(qapp: QApplication) -> None:
    store, column = ready_store()
    store.outcomes.start(column, KEY)
    assert store.run_state(column).state == "waiting"
    assert store.outcomes.progress(column, KEY, Progress(done=1, total=2))
    assert store.run_state(column).state == "running"
    store.outcomes.stop(column)
    assert store.run_state(column).state == "cancelled"
    store.outcomes.start(column, KEY)
    store.outcomes.file(column, KEY, Failure(kind="OutOfMemory", message="No memory left."))
    assert store.run_state(column).state == "error"


def test_progress_of_an_abandoned_run_is_ignored(qapp: QApplication) -> None:
    outcomes = Outcomes()
    newer = replace(KEY, settings=RunSettings(seed=1))
    outcomes.start("c", newer)
    assert not outcomes.progress("c", KEY, Progress(done=1, total=2))
    assert outcomes.state("c", newer).state == "waiting"


def test_the_last_step_stays_until_the_next() -> None:
    outcomes = Outcomes()
    step = fakes.prediction().steps[0]
    outcomes.start("c", KEY)
    outcomes.progress("c", KEY, Progress(done=1, total=3, step=step))
    outcomes.progress("c", KEY, Progress(done=2, total=3))
    progress = outcomes.progress_of("c")
    assert progress is not None
    assert (progress.done, progress.step) == (2, step)


def test_the_oldest_predictions_go_when_memory_is_short_but_never_the_newest() -> None:
    prediction = fakes.prediction()
    outcomes = Outcomes(bytes_kept=2 * pipeline.size_bytes(prediction))
    keys = [replace(KEY, settings=RunSettings(seed=seed)) for seed in range(4)]
    for key in keys[:2]:
        outcomes.file("c", key, prediction)
    outcomes.state("c", keys[0])  # looked at: now the other one is the oldest
    outcomes.file("c", keys[2], prediction)
    kept = [outcomes.outcome(key) is not None for key in keys]
    assert kept == [True, False, True, False]
    small = Outcomes(bytes_kept=1)
    small.file("c", KEY, prediction)
    assert small.outcome(KEY) is prediction


def test_kept_samples_take_their_part_of_the_memory() -> None:
    plain = fakes.prediction()
    score, probability = (frozen_array(np.zeros(plain.mask.shape), np.float32) for _ in range(2))
    sampled = replace(plain, members=(Member(sample=0, seed=0, score=score, probability=probability),))
    more = pipeline.size_bytes(sampled) - pipeline.size_bytes(plain)
    assert more == score.nbytes + probability.nbytes


def test_only_the_last_cases_stay_in_memory(qapp: QApplication) -> None:
    store, _ = ready_store()
    for number in range(CASES_KEPT + 2):
        store.add_case(CasePaths(name=f"{number}.png", image=f"/{number}.png"))
        store.set_case(f"/{number}.png", fakes.case())
    loaded = [item for item in store.cases.values() if item.case is not None]
    assert len(loaded) <= CASES_KEPT + 1
    assert store.case is not None  # the one that is looked at


def test_another_reference_voids_the_numbers_but_not_the_prediction(qapp: QApplication) -> None:
    store, column = ready_store()
    store.outcomes.file(column, KEY, fakes.prediction())
    store.outcomes.measurements[MeasureKey(run=KEY, threshold=None)] = Measurement(values=())
    store.outcomes.curves[KEY] = (0.5,)
    store.set_case_reference(CasePaths(name="a.png", image="/a.png", reference="/b.png"), fakes.case())
    assert store.measurement(column) is None
    assert KEY not in store.outcomes.curves
    assert store.run_state(column).state == "result"


def test_removing_a_case_forgets_its_results(qapp: QApplication) -> None:
    store, column = ready_store()
    store.outcomes.file(column, KEY, fakes.prediction())
    store.remove_case("/a.png")
    assert store.outcomes.outcome(KEY) is None
    assert store.active_case is None
    assert store.run_state(column).state == "empty"


def test_a_refused_checkpoint_is_an_error_with_its_remedy(qapp: QApplication) -> None:
    store, column = ready_store()
    store.set_report("/a.ckpt", fakes.report(refused=True))
    failure = store.run_state(column).failure
    assert failure is not None
    assert (failure.message, failure.remedy) == ("12 keys have no place.", "Ask for it.")


def test_titles_take_as_many_folders_as_they_need(qapp: QApplication) -> None:
    store = Store()
    for path in ("/x/run 1/best.ckpt", "/x/run 2/best.ckpt", "/x/last.ckpt"):
        store.add_checkpoint(path)
    titles = [store.title(path) for path in store.checkpoints]
    assert titles == ["run 1/best.ckpt", "run 2/best.ckpt", "last.ckpt"]
    store.remove_checkpoint("/x/run 2/best.ckpt")
    assert store.title("/x/run 1/best.ckpt") == "best.ckpt"


def test_columns_take_colours_that_are_free(qapp: QApplication) -> None:
    store, first = ready_store()
    second = store.add_column("/a.ckpt")
    free = store.columns[first].colour
    assert store.columns[second].colour != free
    store.remove_column(first)
    assert store.columns[store.add_column("/a.ckpt")].colour == free


def test_a_hash_survives_the_report_that_loading_completes(qapp: QApplication) -> None:
    store, _ = ready_store()
    store.set_report("/a.ckpt", replace(fakes.report(), sha256="ab"))
    store.set_report("/a.ckpt", fakes.report())
    report = store.checkpoints["/a.ckpt"].report
    assert report is not None
    assert report.sha256 == "ab"


def test_runs_are_named_without_the_time_they_were_started_at(qapp: QApplication) -> None:
    store = Store()
    runs = ("xca_cfm_20260206_120000", "xca_cfm_20260207_120000", "xca_dfm_20260206_130000")
    paths = [f"/x/{run}/checkpoints/best.ckpt" for run in runs]
    for path in paths[1:]:
        store.add_checkpoint(path)
    assert [store.title(path) for path in paths[1:]] == ["xca_cfm", "xca_dfm"]
    store.add_checkpoint(paths[0])
    assert [store.title(path) for path in paths] == [*runs[:2], "xca_dfm"], "as much as tells them apart"
