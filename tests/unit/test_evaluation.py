from __future__ import annotations

import csv
import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from core.codes import Framing
from core.data.manifest import ManifestRow, read_manifest, write_manifest
from core.errors import CanceledError, HostError, InputError
from core.evaluation import evaluate, write_report
from core.evaluation.evaluate import Evaluation
from core.evaluation.report import CSV_COLUMNS, report_json
from core.face.sampler import FaceSampler
from core.frames import EVERY_MASK, Modality, ModalityMask
from core.verdict import sigmoid
from tests.perception import ReliefScorer, drawn_pixels

DEPTH_IR = ModalityMask(6)


def collection(folder: Path, *, attacks: int = 3, bona_fide: int = 4) -> list[ManifestRow]:
    """Bona fide with relief and attacks on a sheet, two frame sets each, in depth and infrared."""
    rows = []
    for i in range(bona_fide + attacks):
        flat = i >= bona_fide
        for take in (1, 2):
            images: dict[Modality, Path] = {}
            for modality, pixels in drawn_pixels(100 + take, flat=flat).items():
                if modality is Modality.RGB:
                    continue
                images[modality] = folder / f"{i}_{take}_{modality}.png"
                cv2.imwrite(str(images[modality]), pixels)
            species = "" if not flat else "print_flat"
            rows.append(ManifestRow(f"p{i}", f"s{i}", species, images, 0.001, Framing.CROP, "eval", take))
    return rows


def judge(folder: Path, rows: list[ManifestRow], scorer: ReliefScorer | None = None, **options: object) -> Evaluation:
    write_manifest(folder / "manifest.csv", rows)
    manifest = read_manifest(folder / "manifest.csv")
    return evaluate(manifest, scorer or ReliefScorer(), FaceSampler(), **options)  # type: ignore[arg-type]


def test_every_presentation_gets_one_outcome(tmp_path: Path) -> None:
    evaluation = judge(tmp_path, collection(tmp_path))
    assert [trial.outcome.value for trial in evaluation.trials] == ["bona_fide"] * 4 + ["attack"] * 3
    report = report_json(evaluation)
    assert report["counts"] == {"presentations": 7, "bona_fide": 4, "attack": 3}
    assert report["modalities"] == ["rgb", "depth", "ir"]
    assert list(report["by_mask"]) == ["depth+ir"]
    assert report["overall"]["auc"] == 1.0
    assert report["overall"]["hter"] == 0.0
    assert report["overall"]["apcer"]["print_flat"]["trials"] == 3
    assert report["overall"]["bpcer"]["value"] == 0.0
    assert report["overall"]["bpcer"]["high"] == pytest.approx(0.602, abs=1e-3)
    assert report["left_out"] == []
    assert 0.0 < report["latency_ms"]["p50"] <= report["latency_ms"]["p95"]


def test_a_presentation_pools_its_frame_sets(tmp_path: Path) -> None:
    rows = collection(tmp_path, attacks=0, bona_fide=1)
    scorer = ReliefScorer(offset=-1.0)
    both = judge(tmp_path, rows, scorer).trials[0].score
    one, two = (judge(tmp_path, [row], scorer).trials[0].score for row in rows)
    assert both is not None
    assert one is not None
    assert two is not None
    logits = [float(np.log(score / (1 - score))) for score in (one, two)]
    assert both == pytest.approx(sigmoid(sum(logits) / 2), abs=1e-6)


def test_one_class_leaves_the_other_figures_empty(tmp_path: Path) -> None:
    report = report_json(judge(tmp_path, collection(tmp_path, attacks=0)))
    overall = report["overall"]
    assert [overall[key] for key in ("auc", "eer", "hter", "macro_hter", "apcer_max")] == [None] * 5
    assert overall["apcer"] == {}
    assert overall["non_response"]["attack"] is None
    assert overall["bpcer"]["trials"] == 4


def test_modalities_restrict_and_nothing_left_is_a_non_response(tmp_path: Path) -> None:
    rows = collection(tmp_path)
    only_ir = judge(tmp_path, rows, modalities=ModalityMask.of([Modality.IR]))
    assert {str(trial.mask) for trial in only_ir.trials} == {"ir"}
    none_left = judge(tmp_path, rows, modalities=ModalityMask.of([Modality.RGB]))
    assert {(t.outcome.value, t.reason.value) for t in none_left.trials} == {("non_response", "no_modality")}
    overall = report_json(none_left)["overall"]
    assert overall["non_response"]["bona_fide"]["value"] == 1.0
    assert overall["bpcer"] is None


def test_an_uncalibrated_mask_is_referred_and_accepts_nobody(tmp_path: Path) -> None:
    scorer = ReliefScorer(thresholds=dict.fromkeys(EVERY_MASK, None))
    report = report_json(judge(tmp_path, collection(tmp_path), scorer))
    assert report["overall"]["threshold"] is None
    assert report["overall"]["refer"]["bona_fide"]["value"] == 1.0
    assert report["overall"]["bpcer"]["value"] == 1.0
    assert report["overall"]["auc"] == 1.0


def test_what_cannot_be_read_is_left_out_and_the_rest_is_judged(tmp_path: Path) -> None:
    rows = collection(tmp_path, attacks=1, bona_fide=2)
    rows[0].images[Modality.IR].write_bytes(b"cut")
    rows[2].images[Modality.DEPTH].unlink()
    rows[3].images[Modality.DEPTH].unlink()
    evaluation = judge(tmp_path, rows)
    assert [trial.presentation for trial in evaluation.trials] == ["p0", "p2"]
    report = report_json(evaluation)
    assert [entry["row"] for entry in report["left_out"]] == [2, 4, 5]
    assert "does not decode" in report["left_out"][0]["reason"]
    assert "missing file" in report["left_out"][1]["reason"]


def test_a_wrong_scale_is_left_out_by_name(tmp_path: Path) -> None:
    rows = [
        ManifestRow(r.presentation, r.subject, r.species, r.images, 0.1, r.framing, r.split)
        for r in collection(tmp_path, attacks=0, bona_fide=1)
    ]
    evaluation = judge(tmp_path, rows)
    assert evaluation.trials == ()
    assert all("Wrong depth scale" in entry.reason for entry in evaluation.left_out)
    assert report_json(evaluation)["overall"]["bpcer"] is None


def test_split_progress_and_cancel(tmp_path: Path) -> None:
    rows = collection(tmp_path, attacks=1, bona_fide=1)
    steps: list[tuple[int, int]] = []
    judge(tmp_path, rows, split="eval", progress=lambda done, of: steps.append((done, of)))
    assert steps == [(1, 2), (2, 2)]
    with pytest.raises(InputError, match="no usable presentation in split 'train'"):
        judge(tmp_path, rows, split="train")
    with pytest.raises(CanceledError, match="after 0 of 2"):
        judge(tmp_path, rows, cancel=lambda: True)


def test_report_files(tmp_path: Path) -> None:
    evaluation = judge(tmp_path, collection(tmp_path, attacks=1, bona_fide=1))
    table = write_report(evaluation, tmp_path / "out.json")
    assert json.loads((tmp_path / "out.json").read_text()) == report_json(evaluation)
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == CSV_COLUMNS
    assert [(row["presentation"], row["mask"], row["outcome"], row["threshold"], row["model"]) for row in rows] == [
        ("p0", "depth+ir", "bona_fide", "0.5", "relief"),
        ("p1", "depth+ir", "attack", "0.5", "relief"),
    ]
    assert write_report(evaluation, tmp_path / "new" / "out.json").read_text() == table.read_text()
    with pytest.raises(HostError, match="Cannot write"):
        write_report(evaluation, table / "out.json")


def test_a_modality_without_a_picture_is_counted_and_the_rest_is_judged(tmp_path: Path) -> None:
    rows = collection(tmp_path, attacks=1, bona_fide=2)
    cv2.imwrite(str(rows[0].images[Modality.DEPTH]), np.zeros((101, 101), np.uint16))
    cv2.imwrite(str(rows[2].images[Modality.IR]), np.full((101, 101), 255, np.uint8))
    evaluation = judge(tmp_path, rows)
    assert [(entry.row, entry.reason) for entry in evaluation.left_out] == [
        (2, "p0: depth is all zero"),
        (4, "p1: ir has one value everywhere"),
    ]
    assert [str(trial.mask) for trial in evaluation.trials] == ["depth+ir"] * 3
    only_ir = judge(tmp_path, rows, modalities=ModalityMask.of([Modality.IR]))
    assert [entry.row for entry in only_ir.left_out] == [4]


def test_a_presentation_without_any_picture_is_a_non_response(tmp_path: Path) -> None:
    rows = collection(tmp_path, attacks=1, bona_fide=1)[1:]
    for modality, image in rows[0].images.items():
        cv2.imwrite(str(image), np.zeros((101, 101), np.uint16 if modality is Modality.DEPTH else np.uint8))
    evaluation = judge(tmp_path, rows)
    assert [(trial.outcome.value, trial.reason.value) for trial in evaluation.trials] == [
        ("non_response", "invalid_pixels"),
        ("attack", ""),
    ]
    assert [entry.reason for entry in evaluation.left_out] == ["p0: depth is all zero", "p0: ir is all zero"]


def test_sizes_that_do_not_go_together_are_left_out(tmp_path: Path) -> None:
    rows = collection(tmp_path, attacks=1, bona_fide=1)[1:]
    cv2.imwrite(str(rows[0].images[Modality.IR]), drawn_pixels(120)[Modality.IR][:60])
    evaluation = judge(tmp_path, rows)
    assert "aspect ratios differ by more than 5%" in evaluation.left_out[0].reason
    assert [trial.presentation for trial in evaluation.trials] == ["p1"]


@pytest.mark.parametrize("size", [40, 64, 96, 200])
def test_crops_of_any_size_with_relative_depth_get_a_score(tmp_path: Path, size: int) -> None:
    rows = []
    for i, flat in enumerate((False, True)):
        images = {}
        for modality, pixels in drawn_pixels(size, flat=flat).items():
            images[modality] = tmp_path / f"{i}_{modality}.png"
            relative = np.clip(pixels.astype(int) - 500, 0, 255).astype(np.uint8)
            picture = relative if modality is Modality.DEPTH else pixels
            cv2.imwrite(str(images[modality]), picture[:, :, ::-1] if modality is Modality.RGB else picture)
        rows.append(ManifestRow(f"p{i}", "", "print_flat" if flat else "", images, None, Framing.CROP))
    evaluation = judge(tmp_path, rows)
    assert [trial.answered for trial in evaluation.trials] == [True, True]
    assert evaluation.overall.auc == 1.0
    assert evaluation.left_out == ()
