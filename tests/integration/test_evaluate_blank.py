"""The factory model through `main.py evaluate`: a score is made of pixels, and of nothing that stands beside them."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from core.codes import Framing
from core.data.manifest import ManifestRow, read_manifest, write_manifest
from core.frames import Modality
from tests.perception import drawn_pixels
from tests.unit.collection_files import face, triple, write_list

ROOT = Path(__file__).resolve().parents[2]


def sallyport(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "main.py", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)


def evaluate(manifest: Path, *more: str) -> tuple[list[dict[str, str]], dict[str, Any], int]:
    out = manifest.with_name(f"{manifest.stem}_report.json")
    done = sallyport("evaluate", "--manifest", manifest, "--json", out, *more)
    assert out.exists(), done.stderr
    with out.with_suffix(".csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file)), json.loads(out.read_text(encoding="utf-8")), done.returncode


def judged(rows: list[dict[str, str]]) -> list[tuple[str, ...]]:
    return [(row["mask"], row["outcome"], row["reason"], row["score"], row["threshold"]) for row in rows]


def small(folder: Path, name: str, size: int, *, flat: bool = False) -> dict[Modality, Path]:
    """A crop with relative 8-bit depth and infrared of three channels."""
    paths = {}
    for modality, pixels in drawn_pixels(size, flat=flat).items():
        paths[modality] = folder / f"{name}_{modality}.png"
        if modality is Modality.DEPTH:
            pixels = np.full((size, size), 90, np.uint8) if flat else np.clip(pixels - 500.0, 0, 255).astype(np.uint8)
        elif modality is Modality.IR:
            pixels = cv2.merge([pixels] * 3)
        cv2.imwrite(str(paths[modality]), pixels[:, :, ::-1] if modality is Modality.RGB else pixels)
    return paths


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Simulated presentations of several species as the project writes them, and crops of other sizes."""
    folder = tmp_path_factory.mktemp("attack_names_everywhere")
    done = sallyport(
        *("scenes", "--out", folder, "--species", "bona_fide,print_flat,mask_rigid"),
        *("--sensor", "d435", "--n", "3", "--seed", "5"),
    )
    assert done.returncode == 0, done.stderr
    rows = [row for row in read_manifest(folder / "manifest.csv").rows if row.number <= 2]
    for size in (40, 56):
        for flat in (False, True):
            images = small(folder, f"drawn_{size}_{flat}", size, flat=flat)
            species = "print_flat" if flat else ""
            rows.append(ManifestRow(f"drawn_{size}_{flat}", "somebody", species, images, None, Framing.CROP))
    write_manifest(folder / "manifest.csv", rows)
    return folder / "manifest.csv"


def test_scores_are_unchanged_when_species_subjects_names_and_order_are_taken_away(
    scenes: Path, tmp_path: Path
) -> None:
    original, report, code = evaluate(scenes)
    assert code == 0
    assert report["counts"]["attack"] > 0
    names: dict[str, str] = {}
    blank: list[ManifestRow] = []
    groups = reversed(read_manifest(scenes).presentations())
    for number, row in enumerate(row for rows in groups for row in rows):
        images = {m: tmp_path / f"{number:04d}{i}{path.suffix}" for i, (m, path) in enumerate(row.images.items())}
        for modality, path in images.items():
            shutil.copy(row.images[modality], path)
        name = names.setdefault(row.presentation, f"x{len(names)}")
        blank.append(replace(row, presentation=name, subject="", species="", split="", images=images))
    write_manifest(tmp_path / "blank.csv", blank)
    blanked, report, _ = evaluate(tmp_path / "blank.csv")
    assert report["counts"]["attack"] == 0
    assert judged(blanked) == judged(original)[::-1]
    assert all(row["score"] for row in blanked)


def test_bad_rows_are_counted_and_the_rest_is_judged(tmp_path: Path) -> None:
    names = ("good", "zero", "nan", "gone", "wide")
    rows = [ManifestRow(n, "", "", small(tmp_path, n, 96), None, Framing.CROP) for n in names]
    cv2.imwrite(str(rows[1].images[Modality.IR]), np.zeros((96, 96), np.uint8))
    holes = np.full((96, 96), np.nan, np.float32)
    rows[2] = replace(rows[2], images={**rows[2].images, Modality.DEPTH: tmp_path / "nan.tiff"})
    cv2.imwrite(str(tmp_path / "nan.tiff"), holes)
    rows[3].images[Modality.RGB].unlink()
    cv2.imwrite(
        str(rows[4].images[Modality.RGB]), np.tile(np.arange(192, dtype=np.uint8), (96, 1))[..., None] * [1, 0, 1]
    )
    write_manifest(tmp_path / "manifest.csv", rows)
    found, report, code = evaluate(tmp_path / "manifest.csv", "--model", "builtin:sheet")
    assert code == 3
    assert [(row["presentation"], row["mask"]) for row in found] == [("good", "rgb+depth+ir"), ("zero", "rgb+depth")]
    reasons = {entry["row"]: entry["reason"] for entry in report["left_out"]}
    assert reasons[3] == "zero: ir is all zero"
    assert "nan.tiff holds NaN or infinite pixels" in reasons[4]
    assert reasons[5] == "gone: missing file gone_rgb.png"
    assert "aspect ratios differ" in reasons[6]
    assert report["overall"]["hter"] is None
    assert report["overall"]["apcer"] == {}


def test_what_no_modality_of_the_order_needs_leaves_nothing_out(tmp_path: Path) -> None:
    names = ("good", "gone", "broken", "scale")
    rows = [ManifestRow(n, "", "", small(tmp_path, n, 96), None, Framing.CROP) for n in names]
    rows[1].images[Modality.DEPTH].unlink()
    rows[2].images[Modality.DEPTH].write_bytes(b"cut")
    rows[3] = replace(rows[3], depth_unit_m=10.0)
    rows += [ManifestRow("none", "", "", {Modality.DEPTH: tmp_path / "away.png"}, None, Framing.CROP)]
    write_manifest(tmp_path / "manifest.csv", rows)
    found, report, code = evaluate(tmp_path / "manifest.csv", "--modalities", "rgb")
    assert (code, report["left_out"]) == (0, [])
    assert [(row["presentation"], row["mask"]) for row in found] == [*((n, "rgb") for n in names), ("none", "none")]
    assert len({row["score"] for row in found[:4]}) == 1, "their pictures are the same"
    assert found[0]["score"]
    assert (found[4]["outcome"], found[4]["reason"]) == ("non_response", "no_modality")
    found, report, code = evaluate(tmp_path / "manifest.csv", "--modalities", "depth", "--model", "builtin:sheet")
    assert (code, [row["presentation"] for row in found]) == (3, ["good"])
    assert [entry["row"] for entry in report["left_out"]] == [3, 4, 5, 6]


def test_a_split_counts_what_it_lost_itself(tmp_path: Path) -> None:
    kinds = [(split, state) for split in ("train", "eval") for state in ("good", "gone", "broken", "zero")]
    rows = [ManifestRow(f"{s}_{n}", "", "", small(tmp_path, f"{s}_{n}", 96), None, Framing.CROP, s) for s, n in kinds]
    for row in rows:
        image = row.images[Modality.IR]
        if row.presentation.endswith("gone"):
            image.unlink()
        elif row.presentation.endswith("broken"):
            image.write_bytes(b"cut")
        elif row.presentation.endswith("zero"):
            cv2.imwrite(str(image), np.zeros((96, 96), np.uint8))
    write_manifest(tmp_path / "manifest.csv", rows)
    order = (tmp_path / "manifest.csv", "--model", "builtin:sheet")
    assert [entry["row"] for entry in evaluate(*order, "--split", "eval")[1]["left_out"]] == [7, 8, 9]
    assert [entry["row"] for entry in evaluate(*order, "--split", "train")[1]["left_out"]] == [3, 4, 5]
    assert [entry["row"] for entry in evaluate(*order)[1]["left_out"]] == [3, 4, 5, 7, 8, 9]


def test_hybrids_of_nobody_are_refused_and_the_report_is_written(tmp_path: Path) -> None:
    rows = [ManifestRow("p", "", "print_flat", small(tmp_path, "p", 96), None, Framing.CROP)]
    write_manifest(tmp_path / "manifest.csv", rows)
    out = tmp_path / "report.json"
    order = ("evaluate", "--manifest", tmp_path / "manifest.csv", "--model", "builtin:sheet", "--json", out)
    done = sallyport(*order, "--hybrids")
    assert done.returncode == 3
    assert "no bona fide presentation to make hybrids of. Leave --hybrids out." in " ".join(done.stderr.split())
    report = json.loads(out.read_text(encoding="utf-8"))
    assert report["counts"] == {"presentations": 1, "bona_fide": 0, "attack": 1}
    assert "hybrids" not in report
    assert out.with_suffix(".csv").exists()


def one_row(manifest: Path) -> Path:
    folder = manifest.parent
    write_manifest(manifest, [ManifestRow("p", "", "", small(folder, "p", 96), None, Framing.CROP)])
    return manifest


@pytest.mark.parametrize("quoted", [False, True])
@pytest.mark.parametrize("report", ["manifest.json", "alias.json", "manifest.csv"])
def test_a_report_never_overwrites_its_manifest(tmp_path: Path, report: str, quoted: bool) -> None:
    manifest = one_row(tmp_path / "manifest.csv")
    (tmp_path / "alias.csv").symlink_to(manifest)
    if quoted:
        head, row = manifest.read_text(encoding="utf-8").splitlines()
        head = ",".join(f'"{column}"' for column in head.split(","))
        manifest.write_text(f"\ufeff{head}\r\n{row}\r\n", encoding="utf-8", newline="")
    before = manifest.read_bytes()
    done = sallyport("evaluate", "--manifest", manifest, "--model", "builtin:sheet", "--json", tmp_path / report)
    assert done.returncode == 2
    assert "would overwrite" in done.stderr
    assert manifest.read_bytes() == before
    other = sallyport("evaluate", "--manifest", tmp_path / "none.csv", "--json", tmp_path / "manifest.json")
    assert "would overwrite the manifest manifest.csv" in other.stderr, "nor another manifest"


def test_a_report_does_not_overwrite_itself_and_its_folder_is_made(tmp_path: Path) -> None:
    order = ("evaluate", "--manifest", one_row(tmp_path / "manifest.csv"), "--model", "builtin:sheet", "--json")
    done = sallyport(*order, tmp_path / "report.csv")
    assert done.returncode == 2
    assert "would overwrite report.csv" in done.stderr
    assert not (tmp_path / "report.csv").exists()
    assert sallyport(*order, tmp_path / "new" / "report.json").returncode == 0
    assert {path.name for path in (tmp_path / "new").iterdir()} == {"report.json", "report.csv"}
    done = sallyport(*order, tmp_path / "manifest.csv" / "report.json")
    assert done.returncode == 4
    assert "Cannot write" in done.stderr
    assert "evaluating" not in done.stderr, "it is told before the work"


def test_a_collection_is_judged_by_its_protocol_from_the_command_line(tmp_path: Path) -> None:
    root, out = tmp_path / "wmca", tmp_path / "report.json"
    for number, word in enumerate(("val", "test")):
        lines = []
        for client in range(2):
            for kind, label in (("0_00", 1), ("3_01", 0)):
                name = f"WMCA-Image/R_CDIT/{number}{client}0_01_000_{kind}/color/0012.png"
                lines.append(f"{triple(root, name, face(flat=not label, seed=client))} {label}")
        write_list(root / f"W-{word}.txt", lines)
    order = ("benchmark", "--collection", "wmca", "--root", root, "--protocol", "mmdg", "--json", out)
    done = sallyport(*order, "--model", "builtin:sheet")
    assert done.returncode == 0, done.stderr
    report = json.loads(out.read_text(encoding="utf-8"))
    assert report["splits"]["eval"] == {"presentations": 4, "bona_fide": 2, "attack": 2}
    assert report["model"]["name"] == "builtin:sheet"
    assert "| literature: threshold from the test set itself |" in done.stdout
    order = ("benchmark", "--collection", "wmca", "--root", root, "--protocol", "P1", "--json", out)
    done = sallyport(*order, "--model", "builtin:sheet")
    assert done.returncode == 2
    assert "Choose one of grandtest" in done.stderr
