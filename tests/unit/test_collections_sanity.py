"""Collections whose files are not what the lists say: holes, lengths, people, colours, containers, a full cache."""

from __future__ import annotations

from pathlib import Path

import cv2
import h5py
import numpy as np
import pytest

from core.codes import Framing
from core.data.collections import open_collection
from core.data.collections.pictures import turned
from core.data.likeness import picture_warnings
from core.data.manifest import ManifestRow, load_frame_set
from core.errors import HostError
from core.frames import Modality
from tests.unit.collection_files import (
    face,
    kinect,
    mad_video,
    save,
    surf_lists,
    wmca_lists,
    wmca_tables,
    wmca_video,
    write_list,
)


def test_a_converted_jpeg_keeps_its_holes(tmp_path: Path) -> None:
    root = tmp_path / "surf"
    surf_lists(root, inverted=True)
    for path in list(root.rglob("depth/*.png")):
        save(path.with_suffix(".jpg"), cv2.imread(str(path), cv2.IMREAD_UNCHANGED))
        path.unlink()
    for path in root.glob("*.txt"):
        lines = path.read_bytes().decode().split("\r\n")
        swapped = (" ".join((c, d.replace(".png", ".jpg"), i, label)) for c, d, i, label in map(str.split, lines))
        write_list(path, swapped)
    protocol = open_collection("casia-surf", root, tmp_path / "cache").protocol("mmdg")
    depth = load_frame_set(protocol.test[0])[Modality.DEPTH].pixels
    holes = face(seed=0)[Modality.DEPTH] == 0
    inside = cv2.erode(holes.astype(np.uint8), np.ones((17, 17), np.uint8)) > 0
    assert not inside.any() or not depth[inside].any()


def test_lists_of_another_length_than_the_published_ones_are_said(tmp_path: Path) -> None:
    wmca_lists(tmp_path)
    protocol = open_collection("wmca", tmp_path).protocol("mmdg", ["eval"])
    wanted = "wmca mmdg eval: 9 entries (6 bona fide); the published one has 1,670 (345 bona fide)"
    assert wanted in protocol.warnings


def test_people_in_two_splits_are_said(tmp_path: Path) -> None:
    wmca_tables(tmp_path)
    path = tmp_path / "wmca-protocols-csv" / "grandtest.csv"
    wmca_video(tmp_path, "13.02.18", "010_02_000_0_00", flat=False, frames=(1, 2))
    path.write_bytes(path.read_bytes() + b"\r\n99,1,face-station/13.02.18/010_02_000_0_00,eval,bonafide")
    protocol = open_collection("wmca", tmp_path, tmp_path / "cache").protocol("grandtest")
    assert "1 subjects are in train and in eval" in protocol.warnings


def test_swapped_colours_and_turned_depth_are_said(tmp_path: Path) -> None:
    rows = []
    for number in range(6):
        pixels = face(seed=number)
        save(tmp_path / f"{number}_rgb.png", pixels[Modality.RGB][:, :, ::-1])
        save(tmp_path / f"{number}_depth.png", turned(pixels[Modality.DEPTH]))
        images = {m: tmp_path / f"{number}_{m}.png" for m in (Modality.RGB, Modality.DEPTH)}
        rows.append(ManifestRow(f"p{number}", "", "", images, None, Framing.CROP))
    assert picture_warnings("wmca", rows) == [
        "wmca: depth seems to grow towards the camera; here larger is farther, or faces are refused",
        "wmca: faces are more blue than red; red and blue may be swapped",
    ]
    assert picture_warnings("wmca", rows[:3]) == []


def test_hdf5_of_another_kind_is_counted(tmp_path: Path) -> None:
    good, bad = (tmp_path / "Data" / f"13_0{session}_01.hdf5" for session in (1, 2))
    mad_video(good, kinect(), frames=1)
    with h5py.File(bad, "w") as file:
        file["Depth_Data"] = np.zeros((1, 1, 4, 4))
        file.create_group("Color_Data")
    protocol = open_collection("3dmad", tmp_path, tmp_path / "cache").protocol("classification", ["eval"])
    assert [row.presentation for row in protocol.test] == ["13_01_01"]
    assert [entry.reason for entry in protocol.left_out] == ["13_02_01: there is no array 'Color_Data' in '/'"]


def test_a_cache_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    wmca_tables(tmp_path)
    (tmp_path / "cache").write_text("a file, and no folder")
    with pytest.raises(HostError, match="cannot be written"):
        open_collection("wmca", tmp_path, tmp_path / "cache").protocol("grandtest")
