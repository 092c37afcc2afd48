"""From files in the layout of each collection to the rows of its protocols."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from core.codes import Framing, Species
from core.data.collections import Collection, open_collection
from core.data.collections.mad3d import millimetres
from core.data.collections.mmdg import LEAVE_ONE_OUT
from core.data.manifest import load_frame_set, read_manifest
from core.errors import CanceledError, ExitCode, InputError, UsageError
from core.frames import Modality
from tests.unit.collection_files import (
    face,
    kinect,
    mad_video,
    padisi_trial,
    surf_lists,
    triple,
    wmca_lists,
    wmca_tables,
    wmca_video,
    write_list,
)


def test_wmca_lists_become_presentations(tmp_path: Path) -> None:
    wmca_lists(tmp_path)
    protocol = open_collection("wmca", tmp_path).protocol("mmdg")
    assert [len(protocol.split(split)) for split in ("train", "dev", "eval")] == [9, 9, 9]
    test = protocol.manifest("eval").presentations()
    assert [(rows[0].presentation, rows[0].subject, rows[0].species, len(rows)) for rows in test] == [
        ("012_01_000_0_00", "wmca-012", "", 3),
        ("022_01_000_0_01", "wmca-022", "", 3),
        ("032_01_000_2_12", "wmca-032", Species.MASK_RIGID, 3),
    ]
    assert [row.number for row in test[0]] == [1, 2, 3]
    assert [row.line for row in test[1]] == [4, 5, 6]
    assert test[0][0].framing is Framing.CROP
    assert test[0][0].depth_unit_m is None
    assert protocol.left_out == ()
    loaded = load_frame_set(test[0][0])
    np.testing.assert_array_equal(loaded[Modality.DEPTH].pixels, face(seed=12)[Modality.DEPTH])
    protocol.write(tmp_path / "manifest.csv")
    assert len(read_manifest(tmp_path / "manifest.csv").rows) == 27


def test_the_root_may_lie_inside_the_collection(tmp_path: Path) -> None:
    wmca_lists(tmp_path)
    (tmp_path / "lists").rename(tmp_path / "WMCA-Image" / "lists")
    protocol = open_collection("wmca", tmp_path / "WMCA-Image").protocol("mmdg", ["eval"])
    assert len(protocol.test) == 9
    assert protocol.train == ()


def test_turned_polarity_is_refused_and_never_believed(tmp_path: Path) -> None:
    wmca_lists(tmp_path)
    path = tmp_path / "lists" / "W-test.txt"
    turned = {"0": "1", "1": "0"}
    text = path.read_bytes().decode().split("\r\n")
    write_list(path, [line[:-1] + turned[line[-1]] for line in text])
    with pytest.raises(InputError, match=r"W-test.txt line 1: the label says an attack and the name says bona fide"):
        open_collection("wmca", tmp_path).protocol("mmdg")


def test_a_list_of_another_collection_is_refused(tmp_path: Path) -> None:
    wmca_lists(tmp_path / "wmca")
    surf_lists(tmp_path / "surf")
    (tmp_path / "surf" / "S-test.txt").replace(tmp_path / "wmca" / "lists" / "W-test.txt")
    with pytest.raises(InputError, match=r"None of the pictures that W-test.txt names lies below"):
        open_collection("wmca", tmp_path / "wmca").protocol("mmdg", ["eval"])


def test_lists_that_share_a_clip_are_refused(tmp_path: Path) -> None:
    wmca_lists(tmp_path)
    lists = tmp_path / "lists"
    (lists / "W-test.txt").write_bytes((lists / "W-val.txt").read_bytes())
    with pytest.raises(InputError, match=r"stands in dev .* and again in eval"):
        open_collection("wmca", tmp_path).protocol("mmdg")


def test_missing_and_mismatched_frames_are_counted(tmp_path: Path) -> None:
    wmca_lists(tmp_path)
    clip = tmp_path / "WMCA-Image" / "R_CDIT" / "012_01_000_0_00"
    (clip / "depth" / "0012.png").rename(clip / "depth" / "0013.png")
    for folder in ("color", "depth", "ir"):
        (clip.parent / "022_01_000_0_01" / folder / "0036.png").unlink()
    protocol = open_collection("wmca", tmp_path).protocol("mmdg", ["eval"])
    assert len(protocol.test) == 7
    reasons = [(entry.row, entry.reason) for entry in protocol.left_out]
    assert [row for row, _ in reasons] == [1, 6]
    assert "W-test.txt line 1, 012_01_000_0_00: missing file depth/0012.png" in reasons[0][1]
    assert "frame numbers of the modalities do not match" in reasons[0][1]
    assert "missing file color/0036.png, depth/0036.png, ir/0036.png" in reasons[1][1]
    assert "frame numbers" not in reasons[1][1]


def test_wmca_hdf5_is_extracted_without_loss(tmp_path: Path) -> None:
    root, cache = tmp_path / "wmca", tmp_path / "cache"
    wmca_tables(root)
    told: list[float] = []
    collection = open_collection("wmca", root, cache)
    protocol = collection.protocol("grandtest", report=lambda _, share: told.append(share))
    assert [(row.presentation, row.species) for row in protocol.test[::5]] == [
        ("012_01_000_0_00", ""),
        ("042_01_015_2_10", Species.MASK_PAPER),
    ]
    assert len(protocol.test) == 5 + 2
    assert told[-1] == 1.0
    assert [entry.reason for entry in protocol.left_out] == [
        "grandtest.csv line 6, 012_01_000_0_00: 1 frames stand in only one of its two files"
    ]
    frame_set = load_frame_set(protocol.test[0])
    for modality, pixels in face().items():
        np.testing.assert_array_equal(frame_set[modality].pixels, pixels)
    assert protocol.test[0].images[Modality.RGB].is_relative_to(cache)
    assert protocol.reporting.operating_point == "dev_bpcer_1"


def test_extraction_goes_on_where_it_was_stopped_and_sees_a_changed_source(tmp_path: Path) -> None:
    root, cache = tmp_path / "wmca", tmp_path / "cache"
    wmca_tables(root)
    asked = iter([False, False, True])
    with pytest.raises(CanceledError, match="Stopped after 2 of 6 clips"):
        open_collection("wmca", root, cache).protocol("grandtest", canceled=lambda: next(asked, True))
    kept = {path: path.stat().st_mtime_ns for path in cache.rglob("*.png")}
    assert len(kept) == (5 + 2) * 3
    assert len(list(cache.rglob("index.json"))) == 2
    collection = open_collection("wmca", root, cache)
    first = collection.protocol("grandtest")
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert collection.protocol("grandtest").rows == first.rows
    wmca_video(root, "12.02.18", "010_01_000_0_00", flat=False, frames=(1, 2))
    assert len(collection.protocol("grandtest").train) == 2 + 2


def test_extraction_needs_a_folder_and_only_for_what_is_asked(tmp_path: Path) -> None:
    wmca_tables(tmp_path)
    with pytest.raises(UsageError, match="Name a folder for the pictures") as caught:
        open_collection("wmca", tmp_path).protocol("grandtest")
    assert caught.value.exit_code == ExitCode.USAGE
    cache = tmp_path / "cache"
    open_collection("wmca", tmp_path, cache).protocol("grandtest", ["eval"])
    assert sorted(path.name for path in (cache / "wmca").iterdir()) == ["012_01_000_0_00", "042_01_015_2_10"]


def test_a_broken_container_is_left_out_by_name(tmp_path: Path) -> None:
    wmca_tables(tmp_path)
    for path in tmp_path.rglob("012_01_000_0_00.hdf5"):
        path.write_bytes(path.read_bytes()[:200])
    for path in tmp_path.rglob("041_01_015_2_10.hdf5"):
        path.unlink()
    protocol = open_collection("wmca", tmp_path, tmp_path / "cache").protocol("grandtest", ["dev", "eval"])
    assert {row.presentation for row in protocol.rows} == {"011_01_000_0_00", "042_01_015_2_10"}
    missing, broken = protocol.left_out
    assert "041_01_015_2_10: its files are missing" in missing.reason
    assert "012_01_000_0_00: 012_01_000_0_00.hdf5 cannot be read as HDF5" in broken.reason


def test_inverted_depth_is_measured_and_turned(tmp_path: Path) -> None:
    root = tmp_path / "surf"
    surf_lists(root, inverted=True)
    protocol = open_collection("casia-surf", root, tmp_path / "cache").protocol("mmdg")
    assert any("was turned so that larger is farther (0 of 12" in warning for warning in protocol.warnings)
    depth = load_frame_set(protocol.test[0])[Modality.DEPTH].pixels
    wanted = face(seed=0)[Modality.DEPTH]
    np.testing.assert_array_equal(depth[wanted > 8], wanted[wanted > 8])
    assert not depth[wanted == 0].any()


def test_depth_the_right_way_round_stays_where_it_is(tmp_path: Path) -> None:
    surf_lists(tmp_path)
    protocol = open_collection("casia-surf", tmp_path).protocol("mmdg")
    assert not any("depth" in warning for warning in protocol.warnings)
    assert protocol.test[-1].species == Species.PRINT_CUTOUT
    assert protocol.test[0].subject == "surf-CLKJ_AS2000"
    assert all(path.is_relative_to(tmp_path) for row in protocol.rows for path in row.images.values())


def test_a_direction_that_cannot_be_measured_is_said(tmp_path: Path) -> None:
    surf_lists(tmp_path, bona_fide=2)
    protocol = open_collection("casia-surf", tmp_path).protocol("mmdg")
    assert "the direction of depth could not be measured" in protocol.warnings[0]


def test_the_surf_challenge_names_nobody(tmp_path: Path) -> None:
    for folder, name in (("phase1/valid/Val/0000", "val_private_list"), ("phase2/test/Test/0000", "test_private_list")):
        base = tmp_path.joinpath(*folder.split("/")[:2])
        parts = "/".join(folder.split("/")[2:])
        lines = [
            triple(base, f"{parts}/{i:06d}-color.png", face(flat=i % 2 == 1, seed=i)) + f" {int(i % 2 == 0)}"
            for i in range(4)
        ]
        write_list(base / f"{name}.txt", lines, "\n")
    protocol = open_collection("casia-surf", tmp_path).protocol("challenge", ["dev", "eval"])
    assert [(row.subject, row.species) for row in protocol.test] == [("", ""), ("", Species.PRINT_CUTOUT)] * 2
    assert protocol.test[0].presentation == "Test/0000/000000"
    assert protocol.reporting.false_positive_rates == (0.01, 0.001, 0.0001)


def cefa_clip(root: Path, folder: str, *, flat: bool, frames: range = range(1, 4), drop: str = "") -> None:
    for frame in frames:
        pixels = face(flat, seed=frame)
        bordered = {m: cv2.copyMakeBorder(p, 20, 20, 12, 12, cv2.BORDER_CONSTANT) for m, p in pixels.items()}
        triple(root, f"{folder}/profile/{frame:04d}.png", bordered)
    if drop:
        (root / folder / drop).unlink()


def cefa_tree(root: Path) -> Path:
    race = root / "CeFA" / "CeFA-Race"
    for code, name in ((1, "AF"), (2, "CA"), (3, "EA")):
        for person in (7, 207, 307):
            for pai in (1, 2, 4):
                clip = f"{name}/{name}-{person:03d}/{code}_{person:03d}_1_1_{pai}"
                cefa_clip(race, clip, flat=pai != 1, frames=range(1, 3))
    cefa_clip(root / "CeFA" / "CeFA-Mask", "3D-Mask/002/1_002_1_1_2_1_3", flat=True, drop="ir/0002.png")
    return root


@pytest.fixture(scope="module")
def cefa_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return cefa_tree(tmp_path_factory.mktemp("cefa"))


def test_cefa_by_its_names(cefa_root: Path, tmp_path: Path) -> None:
    collection = open_collection("cefa", cefa_root, tmp_path)
    protocol = collection.protocol("4@1")
    assert {row.presentation for row in protocol.train} == {"AF-007/1_007_1_1_1", "AF-007/1_007_1_1_4"}
    assert {row.presentation for row in protocol.test} == {
        "CA-307/2_307_1_1_1",
        "CA-307/2_307_1_1_2",
        "EA-307/3_307_1_1_1",
        "EA-307/3_307_1_1_2",
        "002/1_002_1_1_2_1_3",
    }
    assert {row.species for row in protocol.test} == {"", Species.PRINT_BENT, Species.MASK_RIGID}
    assert [entry.reason for entry in protocol.left_out] == [
        "002/1_002_1_1_2_1_3: 1 frame numbers are not in all of profile, depth and ir"
    ]
    assert [row.number for row in protocol.test if row.species == Species.MASK_RIGID] == [1, 2]
    cross = collection.protocol("3_1", ["eval"])
    assert (str(cross.modalities), str(cross.dev_modalities)) == ("ir", "rgb+depth")


def test_borders_are_cut_off_alike(cefa_root: Path, tmp_path: Path) -> None:
    row = open_collection("cefa", cefa_root, tmp_path).protocol("1_1", ["dev"]).dev[0]
    frame_set = load_frame_set(row)
    shapes = {modality: frame_set[modality].pixels.shape[:2] for modality in Modality}
    assert len(set(shapes.values())) == 1
    height, width = shapes[Modality.RGB]
    assert height <= 96
    assert width <= 96
    assert frame_set[Modality.RGB].pixels[:, 0].any()


def padisi_tree(root: Path) -> Path:
    truth = ["transaction_id,trial_id,trial_name,modality,ground_truth,participant_id,gender,ethnicity,race,age"]
    part = ["transaction_id,trial_id,trial_name,partition_name"]
    lists: dict[str, list[str]] = {"train": [], "val": [], "test": []}
    for number, (partition, word) in enumerate((("train", "train"), ("valid", "val"), ("test", "test"))):
        for kind, code in (("a", "m00000"), ("b", "m50304"), ("c", "m50601")):
            trial = f"{kind}{number}8e7f"
            truth.append(f"t{number},{trial},FACE_NEUTRAL,FACE,{code},p{number},Female,x,y,20")
            part.append(f"t{number},{trial},FACE_NEUTRAL,{partition}")
            lists[word].append(f"{trial}.npz\t{int(code == 'm00000')}")
            padisi_trial(root / "data" / f"ID_t{number}_{trial}_FACE_NEUTRAL.npz", flat=code != "m00000")
    write_list(root / "padisi_USC_FACE_ground_truth.csv", truth, "\n")
    write_list(root / "padisi_USC_FACE_dataset_partition_3folds_part0.csv", part, "\n")
    for word, lines in lists.items():
        write_list(root / f"P-{word}.txt", lines, "\n")
    return root


def test_padisi_partitions_and_lists_are_the_same_trials(tmp_path: Path) -> None:
    root = padisi_tree(tmp_path / "padisi")
    collection = open_collection("padisi", root, tmp_path / "cache")
    official, mmdg = collection.protocol("3folds_part0"), collection.protocol("mmdg")
    assert [(row.presentation, row.subject, row.species) for row in official.test] == [
        ("a28e7f", "padisi-p2", ""),
        ("b28e7f", "padisi-p2", "pai_03"),
        ("c28e7f", "padisi-p2", "makeup"),
    ]
    assert [row.images for row in official.rows] == [row.images for row in mmdg.rows]
    frame_set = load_frame_set(official.test[0])
    np.testing.assert_array_equal(frame_set[Modality.RGB].pixels, face()[Modality.RGB])
    np.testing.assert_array_equal(frame_set[Modality.DEPTH].pixels, face()[Modality.DEPTH].astype(int) + 500)
    assert frame_set[Modality.IR].pixels.dtype == np.uint16


def test_padisi_polarity_is_checked_against_the_ground_truth(tmp_path: Path) -> None:
    root = padisi_tree(tmp_path / "padisi")
    write_list(root / "P-test.txt", ["a28e7f.npz\t0"], "\n")
    with pytest.raises(InputError, match=r"P-test.txt line 1: the label says an attack and the name says bona fide"):
        open_collection("padisi", root, tmp_path / "cache").protocol("mmdg", ["eval"])


def test_pixels_that_are_none_are_counted(tmp_path: Path) -> None:
    root = padisi_tree(tmp_path / "padisi")
    rng = np.random.default_rng(1)
    holes = rng.uniform(0.01, 0.02, (96, 96))
    holes[3:5] = np.nan
    files = {kind: root / "data" / f"ID_t2_{kind}28e7f_FACE_NEUTRAL.npz" for kind in "abc"}
    padisi_trial(files["a"], flat=False, depth=holes)
    padisi_trial(files["b"], flat=False, depth=np.zeros((96, 96)))
    files["c"].write_bytes(b"PK\x03\x04 cut")
    protocol = open_collection("padisi", root, tmp_path / "cache").protocol("mmdg", ["eval"])
    assert [sorted(row.images) for row in protocol.test] == [[Modality.IR, Modality.RGB]] * 2
    reasons = [entry.reason for entry in protocol.left_out]
    assert [entry.row for entry in protocol.left_out] == [1, 2, 3]
    assert "depth has NaN or infinite pixels (2.08%)" in reasons[0]
    assert "depth is all zero" in reasons[1]
    assert "cannot be read" in reasons[2]


@pytest.mark.parametrize("raw", [True, False])
def test_kinect_counts_become_millimetres(raw: bool) -> None:
    depth = millimetres(kinect(raw=raw))
    assert int(depth[220, 320]) == pytest.approx(700, abs=2)
    assert int(depth[20, 600]) == pytest.approx(1500, abs=5)
    assert not depth[:, :30].any()


def test_3dmad_by_its_sessions(tmp_path: Path) -> None:
    for client in (3, 9, 15):
        for session in (1, 2, 3):
            mad_video(tmp_path / f"session0{session}" / "Data" / f"{client:02d}_0{session}_01.hdf5", kinect(), frames=2)
    (tmp_path / "session01" / "Data" / "notes.hdf5").touch()
    protocol = open_collection("3dmad", tmp_path, tmp_path / "cache").protocol("classification")
    assert {(row.presentation, row.species) for row in protocol.test} == {
        ("15_01_01", ""),
        ("15_02_01", ""),
        ("15_03_01", Species.MASK_RIGID),
    }
    row = protocol.dev[0]
    assert (row.framing, row.depth_unit_m, row.subject) == (Framing.FRAME, 0.001, "3dmad-09")
    assert str(load_frame_set(row).mask) == "rgb+depth"
    assert protocol.warnings[0] == (
        "3dmad classification train: 3 entries (2 bona fide); the published one has 105 (70 bona fide)"
    )
    assert protocol.left_out[0].reason == "notes.hdf5 is no name of 3DMAD"


def mmdg_root(root: Path) -> Collection:
    wmca_lists(root / "wmca")
    surf_lists(root / "casia-surf")
    padisi_tree(root / "padisi")
    cefa = cefa_tree(root / "cefa")
    for word, person in (("train", 7), ("val", 207), ("test", 307)):
        lines = []
        for code, name in ((1, "AF"), (2, "CA"), (3, "EA")):
            for pai in (1, 4):
                clip = f"CeFA/CeFA-Race/{name}/{name}-{person:03d}/{code}_{person:03d}_1_1_{pai}"
                columns = (f"{clip}/{folder}/0001.png" for folder in ("profile", "depth", "ir"))
                lines.append(" ".join((*columns, str(int(pai == 1)))))
        write_list(cefa / f"C-{word}.txt", lines)
    return open_collection("mmdg", root, root / "cache")


def test_leave_one_collection_out(tmp_path: Path) -> None:
    collection = mmdg_root(tmp_path)
    protocol = collection.protocol("CPS-W")
    letters = {split: {row.presentation[0] for row in protocol.split(split)} for split in ("train", "dev", "eval")}
    assert letters == {"train": set("CPS"), "dev": set("CPS"), "eval": {"W"}}
    assert not {row.subject for row in protocol.train} & {row.subject for row in protocol.test}
    assert protocol.reporting.published[-2].method == "DADM"
    assert protocol.reporting.published[-2].hter == 11.71
    assert str(collection.protocol("CPS-W:rgb+ir", ["eval"]).modalities) == "rgb+ir"
    assert {row.presentation[0] for row in collection.protocol("CW-PS", ["eval"]).test} == set("PS")
    assert set(LEAVE_ONE_OUT) < set(collection.protocols)


def test_unknown_names_are_usage_errors(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Choose one of wmca, casia-surf"):
        open_collection("replay", tmp_path)
    with pytest.raises(UsageError, match="Choose one of grandtest"):
        open_collection("wmca", tmp_path).protocol("p1")
    with pytest.raises(InputError, match="is no folder"):
        open_collection("wmca", tmp_path / "nowhere")
    with pytest.raises(InputError, match="There is no list for WMCA"):
        open_collection("wmca", tmp_path).protocol("mmdg")
    with pytest.raises(InputError, match="W should be one folder in"):
        open_collection("mmdg", tmp_path).protocol("CPS-W", ["eval"])
