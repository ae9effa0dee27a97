"""The producers' own data, checkpoints and tables: an evaluation in their definitions prints their digits."""

from __future__ import annotations

from pathlib import Path

import pytest

from core import pipeline
from core.evaluation.records import LaunchOptions
from core.metrics.producer_tables import mean_over_images, table_header, table_row
from core.records import RunSettings
from tests.evaluation.building import make_plan
from tests.evaluation.running import rows
from tests.shared_data import FIXTURES, needs_shared

pytestmark = needs_shared
FOLDER = FIXTURES / "evaluation"
RUNS = (
    ("soft-seg", "nnunet", "nnunet_xca_tagged_20261123_025656"),
    ("sofl-seg", "nnunet", "nnunet_xca_tagged_20261123_025656"),
    ("sofl-seg", "colddiff", "colddiff_xca_20261123_025714"),
)


@pytest.mark.parametrize(("producer", "model", "run"), RUNS, ids=[f"{run[0]}-{run[1]}" for run in RUNS])
def test_the_table_of_the_producer_comes_out_to_the_printed_digit(
    producer: str, model: str, run: str, tmp_path: Path
) -> None:
    checkpoint = FOLDER / producer / "experiments" / model / "xca" / run / "checkpoints" / "best.ckpt"
    plan = make_plan(
        FOLDER / "data" / "xca_full",
        checkpoint,
        settings=RunSettings(protocol="as-evaluated", keep="last"),
        definitions=(producer,),
    )
    summary = pipeline.evaluate(plan, tmp_path, LaunchOptions(accelerator="cpu", devices="1"))
    assert summary is not None
    assert summary.failed == 0
    images: dict[str, dict[str, float]] = {}
    for row in rows(tmp_path / "metrics.csv"):
        images.setdefault(row["case"], {})[row["metric"]] = float(row["value"] or "nan")
    means = mean_over_images(list(images.values()))
    published = (FOLDER / producer / "results" / "evaluation" / "evaluation_xca.csv").read_text().splitlines()
    assert table_header(means) == published[0]
    assert table_row(model, "xca", means, run) in published
    results = FOLDER / producer / "results" / "evaluation" / model / run / "predictions" / "sample_metrics.csv"
    written = tmp_path / "producers" / producer / run / "sample_metrics.csv"
    assert written.read_text(encoding="utf-8") == results.read_text(encoding="utf-8")
