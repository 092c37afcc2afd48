"""A model judged by a published protocol: three columns that are never mixed, and nothing lost without a word."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import h5py
import numpy as np
import pytest

from core.codes import Outcome, Species
from core.data.collections import open_collection
from core.data.collections.benchmark import run
from core.data.collections.figures import bpcer_thresholds, column, equal_error_thresholds, oracle, true_positives
from core.data.collections.hqwmca import NOT_REGISTERED
from core.data.collections.tables import COLUMNS, as_markdown
from core.data.manifest import LeftOut
from core.errors import CanceledError, InputError
from core.face.detect import Face
from core.frames import Modality, ModalityMask
from core.metrics.trial import Trial
from core.training.captured import crops_of
from tests.perception import ReliefScorer
from tests.unit.collection_files import face, padisi_trial, triple, write_list

ALL, DEPTH = ModalityMask(7), ModalityMask(2)


def trials(bona_fide: list[float], attacks: list[float], mask: ModalityMask = ALL) -> list[Trial]:
    return [Trial(f"b{i}", f"s{i}", "", mask, score, Outcome.BONA_FIDE) for i, score in enumerate(bona_fide)] + [
        Trial(f"a{i}", f"s{i}", Species.MASK_RIGID if i % 2 else Species.PRINT_FLAT, mask, score, Outcome.ATTACK)
        for i, score in enumerate(attacks)
    ]


def wmca(root: Path, words: tuple[str, ...] = ("val", "test"), *, classes: tuple[str, ...] = ("0_00", "3_01")) -> Path:
    for number, word in enumerate(words):
        lines = []
        for client in range(3):
            for kind in classes:
                path = f"WMCA-Image/R_CDIT/{number}{client}0_01_000_{kind}/color/0012.png"
                columns = triple(root, path, face(flat=kind != "0_00", seed=client))
                lines.append(f"{columns} {int(kind == '0_00')}")
        write_list(root / f"W-{word}.txt", lines)
    return root


def test_figures_of_the_literature() -> None:
    judged = trials([0.9, 0.8, 0.7, 0.3], [0.6, 0.4, 0.2, 0.1])
    assert oracle(judged)["eer"] == 0.25
    assert oracle(judged)["acer_max"] == pytest.approx((0.5 + 0.25) / 2)
    found = true_positives(judged, (0.25, 0.001))
    assert [(line["tpr"], line["resolved"]) for line in found] == [(0.75, True), (0.75, False)]
    assert true_positives(trials([0.5], []), (0.1,))[0]["tpr"] is None
    assert oracle(trials([], [0.4]))["hter"] is None


def test_thresholds_come_from_dev_and_belong_to_a_mask() -> None:
    dev = [*trials([0.9, 0.8], [0.1]), *trials([0.5], [], DEPTH)]
    assert set(equal_error_thresholds(dev)) == {ALL}
    assert bpcer_thresholds(dev) == {ALL: 0.8, DEPTH: 0.5}
    strict = bpcer_thresholds(trials([i / 200 for i in range(200)], [0.0]))[ALL]
    assert strict == pytest.approx(0.01)
    judged = column(trials([0.7, 0.9], [0.1]), {ALL: 0.8}.get, "dev")
    assert (judged["bpcer"]["value"], judged["hter"], judged["acer"]) == (0.5, 0.25, 0.25)


def test_a_protocol_is_judged_in_three_columns(tmp_path: Path) -> None:
    told: list[tuple[str, float]] = []
    report = run("wmca", wmca(tmp_path), "mmdg", ReliefScorer(), report=lambda what, share: told.append((what, share)))
    assert report["splits"]["eval"] == {"presentations": 6, "bona_fide": 3, "attack": 3}
    columns = report["columns"]
    assert list(columns) == [
        "model_threshold",
        "collection_dev_eer",
        "collection_dev_bpcer_1",
        "literature_half",
        "literature_oracle",
    ]
    assert columns["model_threshold"]["threshold_source"] == "test"
    assert columns["collection_dev_eer"]["hter"] == 0.0
    assert columns["literature_oracle"]["hter"] == 0.0
    assert columns["collection_dev_eer"]["threshold"] != columns["model_threshold"]["threshold"]
    assert report["literature"]["published"][0] == {"method": "SSDG", "hter": 26.09, "auc": 82.03}
    assert "not trained on this protocol's train split" in report["note"]
    assert report["left_out"] == []
    assert {what for what, _ in told} == {"reading the collection", "judging dev", "judging eval"}
    json.dumps(report, allow_nan=False)


def test_a_model_at_a_wrong_threshold_shows_only_in_its_own_column(tmp_path: Path) -> None:
    columns = run("wmca", wmca(tmp_path), "mmdg", ReliefScorer(offset=-60.0))["columns"]
    assert columns["model_threshold"]["bpcer"]["value"] == 1.0
    assert columns["collection_dev_eer"]["hter"] == 0.0


def test_one_class_splits_are_said(tmp_path: Path) -> None:
    root = wmca(tmp_path, ("val",), classes=("0_00",))
    wmca(tmp_path / "more", ("x", "test"))
    (tmp_path / "more" / "W-test.txt").rename(root / "W-test.txt")
    for folder in (tmp_path / "more" / "WMCA-Image" / "R_CDIT").iterdir():
        if folder.name.startswith("1"):
            folder.rename(root / "WMCA-Image" / "R_CDIT" / folder.name)
    report = run("wmca", root, "mmdg", ReliefScorer())
    assert "dev: no attack; figures that need one are empty" in report["warnings"]
    assert report["columns"]["collection_dev_eer"] is None
    assert report["columns"]["collection_dev_bpcer_1"] is not None
    assert report["columns"]["model_threshold"]["hter"] is not None


def test_nothing_to_test_on_is_an_error(tmp_path: Path) -> None:
    root = wmca(tmp_path)
    for path in (root / "WMCA-Image" / "R_CDIT").glob("1*/depth/*.png"):
        path.unlink()
    with pytest.raises(InputError, match=r"No test presentation of wmca mmdg can be used: .*missing file depth"):
        run("wmca", root, "mmdg", ReliefScorer())


def test_what_cannot_be_decoded_is_counted_where_the_list_names_it(tmp_path: Path) -> None:
    root = wmca(tmp_path)
    clip = root / "WMCA-Image" / "R_CDIT" / "110_01_000_0_00"
    (clip / "ir" / "0012.png").write_bytes(b"no image")
    cv2.imwrite(str(root / "WMCA-Image/R_CDIT/100_01_000_3_01/depth/0012.png"), np.zeros((96, 96), np.uint8))
    report = run("wmca", root, "mmdg", ReliefScorer())
    assert report["splits"]["eval"]["presentations"] == 5
    reasons = {entry["row"]: entry["reason"] for entry in report["left_out"]}
    assert "does not decode as an image" in reasons[3]
    assert "depth" in reasons[2]
    assert {trial["mask"] for trial in report["trials"]} == {"rgb+depth+ir", "rgb+ir"}


def test_it_can_be_stopped(tmp_path: Path) -> None:
    root = wmca(tmp_path)
    with pytest.raises(CanceledError):
        run("wmca", root, "mmdg", ReliefScorer(), canceled=lambda: True)


def test_scores_do_not_know_what_the_lists_call_a_clip(tmp_path: Path) -> None:
    """Renamed clips of the other class's name get the same scores: no name reaches the model."""
    root = wmca(tmp_path)
    before = run("wmca", root, "mmdg", ReliefScorer())
    for word in ("val", "test"):
        path = root / f"W-{word}.txt"
        path.write_bytes(path.read_bytes().replace(b"_3_01", b"_2_01"))
    for folder in (root / "WMCA-Image" / "R_CDIT").glob("*_3_01"):
        folder.rename(folder.with_name(folder.name.replace("_3_01", "_2_01")))
    after = run("wmca", root, "mmdg", ReliefScorer())
    assert [trial["score"] for trial in before["trials"]] == [trial["score"] for trial in after["trials"]]
    assert {trial["species"] for trial in after["trials"]} == {"", Species.MANNEQUIN}


def test_the_train_split_gives_crops(tmp_path: Path) -> None:
    protocol = open_collection("wmca", wmca(tmp_path, ("train",))).protocol("mmdg", ["train"])
    broken = next((tmp_path / "WMCA-Image" / "R_CDIT").glob("010*_0_00"))
    (broken / "color" / "0012.png").write_bytes(b"cut")
    left_out: list[LeftOut] = []
    crops = list(crops_of(protocol.train, "collection", left_out))
    assert [(len(found.crops), found.species) for found in crops] == [
        (1, ""),
        (1, "print_flat"),
        (1, "print_flat"),
        (1, ""),
        (1, "print_flat"),
    ]
    assert [entry.row for entry in left_out] == [3]


class _Middle:
    """A detector that finds a face in the middle of anything."""

    def detect(self, picture: np.ndarray, width_px: tuple[float, float] | None = None) -> list[Face]:
        height, width = picture.shape[:2]
        side = min(height, width) // 2
        return [Face(((width - side) // 2, (height - side) // 2, side, side), 1.0)]


def hq_file(path: Path, *, flat: bool, depth: bool = True) -> None:
    pixels = face(flat, size=192)
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        colour = pixels[Modality.RGB][:, :, ::-1].transpose(2, 0, 1)
        file["BASLER_BGR"] = np.stack([colour] * 6)
        file["BASLER_LEFT_NIR_850nm"] = np.stack([pixels[Modality.IR].astype(np.uint16)[None] * 200] * 2)
        if depth:
            file["INTEL_BGR"] = np.stack([colour[:, ::2, ::2]] * 3)
            file["INTEL_DEPTH"] = np.stack([pixels[Modality.DEPTH].astype(np.uint16)[None] + 500] * 3)


def test_hq_wmca_cuts_each_cameras_own_face(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.data.collections.hqwmca.default_detector", _Middle)
    lines = []
    for number, group in enumerate(("dev", "eval")):
        real, mask = f"1_01_{number:04d}_0000_00_00_000-48a8d5a0", f"1_01_{number:04d}_0007_05_01_003-00a8d5a1"
        hq_file(tmp_path / "face-station" / "26.02.19" / f"{real}.h5", flat=False)
        hq_file(tmp_path / "face-station" / "26.02.19" / f"{mask}.h5", flat=True, depth=group == "dev")
        lines += [f"26.02.19/{real},0,bonafide,{group}", f"26.02.19/{mask},1,attack/Rigidmask,{group}"]
    write_list(tmp_path / "PROTOCOL-grand_test-curated.csv", lines, "\n")
    report = run("hq-wmca", tmp_path, "grand_test-curated", ReliefScorer(), tmp_path / "cache")
    assert f"hq-wmca: {NOT_REGISTERED}" in report["warnings"]
    assert {trial["species"]: trial["mask"] for trial in report["trials"]} == {
        "": "rgb+depth+ir",
        Species.MASK_RIGID: "rgb+ir",
    }
    assert [entry["reason"] for entry in report["left_out"]] == [
        f"PROTOCOL-grand_test-curated.csv line 4, {mask}: it has no usable stream for depth"
    ]
    protocol = open_collection("hq-wmca", tmp_path, tmp_path / "cache").protocol("grand_test-curated", ["eval"])
    assert len(protocol.test) == 5 + 5
    picture = cv2.imread(str(protocol.test[0].images[Modality.RGB]))
    assert picture is not None
    picture = picture[:, :, ::-1]
    assert picture.shape == (125, 125, 3)
    wanted = face(size=192)[Modality.RGB][33:158, 33:158]
    np.testing.assert_allclose(picture.astype(int), wanted.astype(int), atol=255 * 0.2)


def test_hq_wmca_table_and_name_must_agree(tmp_path: Path) -> None:
    lines = ["26.02.19/1_01_0064_0000_00_00_000-48a8d5a0,1,attack/Rigidmask,eval"]
    write_list(tmp_path / "LOO_Rigidmask.csv", lines, "\n")
    with pytest.raises(InputError, match=r"line 1: 1_01_0064_0000_00_00_000-48a8d5a0 is listed as 'attack/Rigidmask'"):
        open_collection("hq-wmca", tmp_path, tmp_path).protocol("LOO_Rigidmask")


def test_a_trial_beyond_its_range_is_counted(tmp_path: Path) -> None:
    path = tmp_path / "a0.npz"
    padisi_trial(path, flat=False, depth=np.full((96, 96), 3.0))
    write_list(tmp_path / "x_ground_truth.csv", ["trial_id,ground_truth,participant_id", "a0,m00000,p"], "\n")
    write_list(tmp_path / "P-test.txt", ["a0.npz\t1"], "\n")
    protocol = open_collection("padisi", tmp_path, tmp_path / "cache").protocol("mmdg", ["eval"])
    assert "depth has values from 3 to 3, not 0 to 1" in protocol.left_out[0].reason
    assert set(protocol.test[0].images) == {Modality.RGB, Modality.IR}


def test_the_table_names_every_column_for_what_it_is(tmp_path: Path) -> None:
    text = as_markdown(run("wmca", wmca(tmp_path), "mmdg", ReliefScorer()))
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert [row.split("|")[1].strip() for row in rows[2:7]] == list(COLUMNS.values())
    assert "| DADM | 11.71 | 94.89 |" in rows
    assert "too few attacks to resolve it" in text
    assert "- wmca mmdg eval: 6 entries" in text
    assert "Compare the column literature_oracle with them, and no other." in text
