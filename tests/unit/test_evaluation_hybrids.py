"""`evaluate --hybrids`: a model that accepts everybody does not look good beside hybrids of the same captures."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.data.hybrids import Family
from core.data.manifest import read_manifest, write_manifest
from core.errors import InputError
from core.evaluation.evaluate import Evaluation, evaluate
from core.evaluation.hybrids import BesideHybrids
from core.evaluation.report import report_json
from core.face.sampler import FaceSample, FaceSampler
from core.frames import FrameSet, Modality, ModalityMask
from core.metrics.block import Block
from core.model.baseline import SheetScorer
from tests.unit.test_evaluation import collection


def judged(folder: Path, modalities: ModalityMask | None = None) -> tuple[Evaluation, dict[Family, Block]]:
    write_manifest(folder / "manifest.csv", collection(folder))
    manifest, scorer = read_manifest(folder / "manifest.csv"), SheetScorer()
    beside = BesideHybrids(scorer)
    evaluation = evaluate(manifest, scorer, FaceSampler(), modalities, also=beside)
    return evaluation, dict(beside.blocks(evaluation))


def test_a_sheet_is_told_from_the_face_that_it_was_made_of(tmp_path: Path) -> None:
    evaluation, found = judged(tmp_path)
    for family in Family:
        block = report_json(evaluation, found)["hybrids"][str(family)]
        assert block["bpcer"]["value"] == 0.0
        assert (block["apcer"]["hybrid_sheet"]["errors"], block["apcer"]["hybrid_sheet"]["trials"]) == (0, 4)
        # The baseline looks at relief alone, which a mask of another material keeps.
        assert (block["apcer"]["hybrid_mask"]["errors"], block["apcer"]["hybrid_mask"]["trials"]) == (4, 4)
        assert "print_flat" not in block["apcer"]
    assert "hybrids" not in report_json(evaluation)


def test_only_modalities_that_were_judged_are_exchanged(tmp_path: Path) -> None:
    _, found = judged(tmp_path, ModalityMask.of([Modality.DEPTH]))
    assert {family: list(block.apcer) for family, block in found.items()} == {key: ["hybrid_sheet"] for key in Family}


def test_hybrids_are_made_of_captures_whose_other_modalities_are_broken(tmp_path: Path) -> None:
    rows = collection(tmp_path)
    for row in rows:
        row.images[Modality.IR].write_bytes(b"cut")
    write_manifest(tmp_path / "manifest.csv", rows)
    depth = ModalityMask.of([Modality.DEPTH])
    manifest = read_manifest(tmp_path / "manifest.csv", depth)
    beside = BesideHybrids(SheetScorer())
    found = beside.blocks(evaluate(manifest, SheetScorer(), FaceSampler(), depth, also=beside))
    assert [block.apcer["hybrid_sheet"].trials for block in found.values()] == [4] * len(Family)


def test_without_bona_fide_there_is_nothing_to_make_them_of(tmp_path: Path) -> None:
    write_manifest(tmp_path / "manifest.csv", collection(tmp_path, bona_fide=0))
    manifest = read_manifest(tmp_path / "manifest.csv")
    beside = BesideHybrids(SheetScorer())
    evaluation = evaluate(manifest, SheetScorer(), FaceSampler(), also=beside)
    with pytest.raises(InputError, match="no bona fide"):
        beside.blocks(evaluation)


class CountingSampler(FaceSampler):
    """The real one, which counts how often a face is looked for."""

    looked = 0

    def sample(self, frame_set: FrameSet) -> FaceSample:
        self.looked += 1
        return super().sample(frame_set)


def test_hybrids_are_made_of_the_faces_that_were_judged_and_none_is_looked_for_again(tmp_path: Path) -> None:
    rows = collection(tmp_path)
    write_manifest(tmp_path / "manifest.csv", rows)
    sampler, beside = CountingSampler(), BesideHybrids(SheetScorer())
    evaluation = evaluate(read_manifest(tmp_path / "manifest.csv"), SheetScorer(), sampler, also=beside)
    assert beside.blocks(evaluation)[Family.JUDGING].apcer["hybrid_sheet"].trials == 4
    assert sampler.looked == len(rows)
