from __future__ import annotations

import contextlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.codes import Framing
from core.data.manifest import COLUMNS, ManifestRow, load_frame_set, read_manifest, write_manifest
from core.errors import ExitCode, InputError
from core.frames import Modality
from tests.perception import drawn_pixels

HEADER = ",".join(COLUMNS)


def write_images(folder: Path, name: str = "a", size: int = 120) -> dict[Modality, Path]:
    paths = {}
    for modality, pixels in drawn_pixels(size).items():
        path = folder / f"{name}_{modality}.png"
        cv2.imwrite(str(path), pixels[:, :, ::-1] if modality is Modality.RGB else pixels)
        paths[modality] = path
    return paths


def table(folder: Path, *lines: str, header: str = HEADER) -> Path:
    path = folder / "manifest.csv"
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return path


def test_frame_set_holds_what_the_files_hold(tmp_path: Path) -> None:
    write_images(tmp_path)
    path = table(tmp_path, "p1,s1,,a_rgb.png,a_depth.png,a_ir.png,0.001,crop,eval")
    (row,) = read_manifest(path).rows
    loaded = load_frame_set(row)
    assert loaded.framing is Framing.CROP
    assert str(loaded.mask) == "rgb+depth+ir"
    for modality, pixels in drawn_pixels().items():
        np.testing.assert_array_equal(loaded[modality].pixels, pixels)
    assert loaded[Modality.DEPTH].pixels.dtype == np.uint16
    assert loaded.profiles[Modality.DEPTH].depth_unit_m == 0.001
    assert loaded.profiles[Modality.RGB].intrinsics is None


def test_sixteen_bit_infrared_keeps_its_counts(tmp_path: Path) -> None:
    counts = np.arange(120 * 120, dtype=np.uint16).reshape(120, 120) * 4
    cv2.imwrite(str(tmp_path / "ir.png"), counts)
    (row,) = read_manifest(table(tmp_path, "p,s,,,,ir.png,,crop,")).rows
    np.testing.assert_array_equal(load_frame_set(row)[Modality.IR].pixels, counts)


def test_rows_of_one_presentation_are_its_frame_sets_in_order(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        write_images(tmp_path, name)
    rows = read_manifest(
        table(tmp_path, "p,s,,a_rgb.png,,,,frame,", "q,s,mask,c_rgb.png,,,,frame,", "p,s,,b_rgb.png,,,,frame,")
    ).presentations()
    assert [[row.number for row in presentation] for presentation in rows] == [[1, 2], [1]]
    assert rows[0][1].images[Modality.RGB].name == "b_rgb.png"


def test_written_manifest_reads_back_equal(tmp_path: Path) -> None:
    images = write_images(tmp_path)
    rows = [
        ManifestRow("p, with comma", "s", "", images, 0.0001, Framing.FRAME, "train", 1, 2),
        ManifestRow('q "quoted"', "t", "print_flat", {Modality.IR: images[Modality.IR]}, None, Framing.CROP, "", 1, 3),
    ]
    write_manifest(tmp_path / "copy.csv", rows)
    assert read_manifest(tmp_path / "copy.csv").rows == tuple(rows)


@pytest.mark.parametrize(
    ("line", "column"),
    [
        ("p,s,,a_rgb.png,a_depth.png,,fast,crop,", "depth_scale_m"),
        ("p,s,,a_rgb.png,a_depth.png,,nan,crop,", "depth_scale_m"),
        ("p,s,,a_rgb.png,a_depth.png,,-1,crop,", "depth_scale_m"),
        ("p,s,,a_rgb.png,,,,portrait,", "framing"),
        ("p,s,,a_rgb.png,,,,crop,test", "split"),
        (",s,,a_rgb.png,,,,crop,", "presentation"),
        ("p,s,bona_fide,a_rgb.png,,,,crop,", "species"),
        ("p,s,,/etc/passwd,,,,crop,", "rgb"),
    ],
)
def test_a_wrong_cell_is_named_by_line_and_column(tmp_path: Path, line: str, column: str) -> None:
    write_images(tmp_path)
    with pytest.raises(InputError, match=rf"line 2, column {column}") as caught:
        read_manifest(table(tmp_path, line))
    assert caught.value.remedy
    assert caught.value.exit_code == ExitCode.INPUT


def test_wrong_columns_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="unknown column 'label'"):
        read_manifest(table(tmp_path, header=f"{HEADER},label"))
    with pytest.raises(InputError, match="missing column 'ir'"):
        read_manifest(table(tmp_path, header=HEADER.replace(",ir", "")))
    with pytest.raises(InputError, match="'rgb' stands 2 times"):
        read_manifest(table(tmp_path, header=HEADER.replace("depth,", "rgb,depth,")))
    with pytest.raises(InputError, match="8 cells where the header has 9"):
        read_manifest(table(tmp_path, "p,s,,a_rgb.png,,,,crop"))
    with pytest.raises(InputError, match="lists no frame set"):
        read_manifest(table(tmp_path))


def test_a_presentation_in_both_classes_is_refused(tmp_path: Path) -> None:
    write_images(tmp_path, "a")
    write_images(tmp_path, "b")
    with pytest.raises(InputError, match="line 3, column species"):
        read_manifest(table(tmp_path, "p,s,,a_rgb.png,,,,crop,", "p,s,mask,b_rgb.png,,,,crop,"))
    with pytest.raises(InputError, match=r"line 3, column presentation.*stand in line 2 already"):
        read_manifest(table(tmp_path, "p,s,,a_rgb.png,,,,crop,", "q,s,mask,a_rgb.png,,,,crop,"))


def test_unreadable_files_give_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_manifest(tmp_path / "none.csv")
    with pytest.raises(InputError, match="cannot be read"):
        read_manifest(tmp_path)
    (tmp_path / "latin.csv").write_bytes(f"{HEADER}\np,Jürgen,,,,,,crop,\n".encode("latin-1"))
    with pytest.raises(InputError, match="not UTF-8"):
        read_manifest(tmp_path / "latin.csv")


def test_a_missing_image_leaves_its_row_out(tmp_path: Path) -> None:
    write_images(tmp_path)
    manifest = read_manifest(table(tmp_path, "p,s,,a_rgb.png,,,,crop,", "q,s,,gone.png,,,,crop,"))
    assert [row.presentation for row in manifest.rows] == ["p"]
    assert [(entry.row, entry.reason) for entry in manifest.left_out] == [(3, "q: missing file gone.png")]


def test_bad_images_are_named_problems(tmp_path: Path) -> None:
    images = write_images(tmp_path)
    cut_short = tmp_path / "cut.png"
    cut_short.write_bytes(images[Modality.DEPTH].read_bytes()[:-200])
    cv2.imwrite(str(tmp_path / "wide.png"), np.arange(120 * 60, dtype=np.uint8).reshape(60, 120))
    empty = tmp_path / "empty.png"
    empty.touch()
    text = tmp_path / "text.png"
    text.write_text("no image")

    def load(**paths: Path) -> None:
        given_images = {Modality(name): path for name, path in paths.items()}
        load_frame_set(ManifestRow("p", "s", "", given_images, 0.001, Framing.CROP))

    for unreadable in (empty, cut_short, text):
        with pytest.raises(InputError, match=f"{unreadable.name} does not decode"):
            load(depth=unreadable)
    with pytest.raises(InputError, match="aspect ratios differ by more than 5%: rgb 120x120, ir 120x60"):
        load(rgb=images[Modality.RGB], ir=tmp_path / "wide.png")
    with pytest.raises(InputError, match="not an 8-bit colour image"):
        load(rgb=images[Modality.DEPTH])
    with pytest.raises(InputError, match="colour image where depth is wanted"):
        load(depth=images[Modality.RGB])


@pytest.mark.parametrize("unit_m", [0.000005, 0.1])
def test_a_wrong_depth_scale_is_a_named_problem(tmp_path: Path, unit_m: float) -> None:
    images = write_images(tmp_path)
    row = ManifestRow("p", "s", "", {Modality.DEPTH: images[Modality.DEPTH]}, unit_m, Framing.CROP)
    with pytest.raises(InputError, match="Wrong depth scale"):
        load_frame_set(row)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.binary(max_size=300), st.text(max_size=300).map(lambda text: f"{HEADER}\n{text}".encode())))
def test_any_bytes_are_read_or_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "any.csv"
    path.write_bytes(content)
    with contextlib.suppress(InputError):
        read_manifest(path)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_pixels_that_are_no_numbers_are_a_named_problem(tmp_path: Path, bad: float) -> None:
    depth = np.full((120, 120), 700.0, np.float32)
    depth[5, 7] = bad
    cv2.imwrite(str(tmp_path / "depth.tiff"), depth)
    row = ManifestRow("p", "s", "", {Modality.DEPTH: tmp_path / "depth.tiff"}, None, Framing.CROP)
    with pytest.raises(InputError, match=r"depth.tiff holds NaN or infinite pixels"):
        load_frame_set(row)
    cv2.imwrite(str(tmp_path / "depth.tiff"), np.full((120, 120), 700.0, np.float32))
    with pytest.raises(InputError, match="of type float32"):
        load_frame_set(row)


def test_holes_of_jpeg_depth_stay_holes(tmp_path: Path) -> None:
    depth = np.full((96, 96), 120, np.uint8)
    depth[:, :40] = 0
    cv2.imwrite(str(tmp_path / "d.jpg"), depth, [cv2.IMWRITE_JPEG_QUALITY, 85])
    row = ManifestRow("p", "s", "", {Modality.DEPTH: tmp_path / "d.jpg"}, None, Framing.CROP)
    assert not load_frame_set(row)[Modality.DEPTH].pixels[:, :24].any()


@pytest.mark.parametrize("channels", [1, 3])
def test_infrared_of_one_or_three_channels_is_the_same(tmp_path: Path, channels: int) -> None:
    grey = drawn_pixels()[Modality.IR]
    cv2.imwrite(str(tmp_path / "ir.png"), grey if channels == 1 else cv2.merge([grey] * 3))
    row = ManifestRow("p", "s", "", {Modality.IR: tmp_path / "ir.png"}, None, Framing.CROP)
    np.testing.assert_array_equal(load_frame_set(row)[Modality.IR].pixels, grey)
