"""Real input (b) of the first issue: real people in depth and infrared, all bona fide (`evaluate`)."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.data.manifest import read_manifest, write_manifest
from core.evaluation import evaluate, write_report
from core.evaluation.hybrids import BesideHybrids
from core.evaluation.report import report_json
from core.face.sampler import FaceSampler
from core.frames import Modality, ModalityMask
from core.model.baseline import SheetScorer
from core.model.bundle import FACTORY_BUNDLE, load_scorer
from core.ports import Scorer


@pytest.mark.shared
@pytest.mark.parametrize("model", ["sheet", "factory"])
def test_every_real_presentation_gets_an_outcome_in_depth_and_infrared(
    shared_data: Path, tmp_path: Path, model: str
) -> None:
    scorer: Scorer = SheetScorer() if model == "sheet" else load_scorer(FACTORY_BUNDLE)
    manifest = read_manifest(shared_data / "kinect2_bona_fide" / "manifest.csv")
    evaluation = evaluate(manifest, scorer, FaceSampler())
    report = report_json(evaluation)
    assert report["counts"] == {"presentations": 324, "bona_fide": 324, "attack": 0}
    assert report["left_out"] == []
    assert list(report["by_mask"]) == ["depth+ir"]
    assert all(trial.score is not None for trial in evaluation.trials)
    bpcer = report["overall"]["bpcer"]
    assert bpcer["trials"] == 324
    assert bpcer["low"] <= bpcer["value"] <= bpcer["high"]
    assert report["overall"]["auc"] is None
    assert report["overall"]["apcer"] == {}
    assert len(write_report(evaluation, tmp_path / "out.json").read_text().splitlines()) == 325


@pytest.mark.shared
def test_without_depth_the_baseline_has_no_answer(shared_data: Path) -> None:
    manifest = read_manifest(shared_data / "kinect2_bona_fide" / "manifest.csv")
    evaluation = evaluate(manifest, SheetScorer(), FaceSampler(), ModalityMask.of([Modality.RGB]))
    assert {(t.outcome.value, t.reason.value) for t in evaluation.trials} == {("non_response", "no_modality")}


@pytest.mark.shared
def test_the_factory_model_tells_real_faces_from_sheets_made_of_them(shared_data: Path, tmp_path: Path) -> None:
    rows = read_manifest(shared_data / "kinect2_bona_fide" / "manifest.csv").rows
    some = [row for row in rows if int(row.presentation.rsplit("/", 1)[1]) % 12 == 0]
    write_manifest(tmp_path / "some.csv", some)
    manifest, scorer = read_manifest(tmp_path / "some.csv"), load_scorer(FACTORY_BUNDLE)
    beside = BesideHybrids(scorer)
    for block in beside.blocks(evaluate(manifest, scorer, FaceSampler(), also=beside)).values():
        sheets = block.apcer["hybrid_sheet"]
        assert sheets.trials == len(some) >= 24
        assert sheets.value <= 0.05
        assert block.bpcer is not None
        assert block.bpcer.value <= 0.15
