"""The command line as a user types it: results, exit codes, and one clear message for each mistake (formats.md)."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from core.codes import SessionState
from core.data.collections.pictures import turned
from core.data.manifest import COLUMNS
from core.frames import Modality
from core.model.manifest import FACTORY_BUNDLE
from tests.integration.test_asked_to_end import states
from tests.patience import PATIENCE_S, wait_until
from tests.unit.collection_files import face, save

PATIENCE = (5, 20, 60)
"""Seconds of camera time that a person stands there: more where the machine was too busy to answer sooner."""
ROOT = Path(__file__).resolve().parents[2]


def sallyport(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """One command in a process of its own, on this test's data folder."""
    command = [sys.executable, "main.py", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=10.0 * PATIENCE_S, check=False)


def run(
    out: Path, source: str, *more: str, seconds: int = 5
) -> tuple[dict[str, Any], subprocess.CompletedProcess[str]]:
    done = sallyport("run", "--headless", "--source", source, "--seconds", str(seconds), "--json", out, *more)
    return json.loads(out.read_text(encoding="utf-8")) if out.exists() else {}, done


def answered(report: dict[str, Any]) -> dict[str, float]:
    """The threshold of each mask in which a person was decided about."""
    return {v["mask"]: v["threshold"] for v in report["verdicts"] if v["score"] is not None}


def write_manifest(folder: Path, *rows: dict[str, str], columns: tuple[str, ...] = COLUMNS) -> Path:
    lines = [",".join(columns)] + [",".join(row.get(column, "") for column in columns) for row in rows]
    path = folder / "manifest.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def picture(path: Path, height: int = 120, width: int = 120) -> str:
    rng = np.random.default_rng(3)
    cv2.imwrite(str(path), rng.integers(700, 900, (height, width), dtype=np.uint16))
    return path.name


@pytest.mark.shared
def test_a_real_recording_is_read_once_and_answered(tmp_path: Path, shared_data: Path) -> None:
    report, done = run(tmp_path / "run.json", f"file:{shared_data / 'realsense_d435_640x480.bag'}")
    assert done.returncode == 0, done.stderr
    assert report["source_kind"] == "playback"
    assert report["device"]["name"] == "Intel RealSense D435"
    assert report["device"]["streams"]["depth"]["intrinsics"]["fx"] == pytest.approx(390.43, abs=0.01)
    assert report["device"]["streams"]["rgb"]["intrinsics"]["fx"] == pytest.approx(613.20, abs=0.01)
    assert report["frames"] == {"rgb": 1, "depth": 2, "ir": 0}
    assert report["sets"] == 3
    assert [(v["outcome"], v["reason"]) for v in report["verdicts"]] == [("non_response", "no_face")]


@pytest.mark.shared
def test_a_wider_skew_pairs_the_nearest_frames_and_the_session_replays(tmp_path: Path, shared_data: Path) -> None:
    source = f"file:{shared_data / 'realsense_d435_640x480.bag'}"
    report, done = run(tmp_path / "run.json", source, "--max-skew-ms", "150", "--record", "frames")
    assert done.returncode == 0, done.stderr
    assert [mask for _, mask in report["masks"]] == ["rgb+depth", "depth"]
    assert report["skew_ms"]["max"] == pytest.approx(101.6, abs=0.1)
    assert report["recorded"] == 2
    again, done = run(tmp_path / "again.json", f"session:{report['session']}", "--max-skew-ms", "150")
    assert done.returncode == 0, done.stderr
    assert again["frames"] == report["frames"]
    assert again["masks"] == report["masks"]
    assert again["verdicts"][0]["reason"] == "no_face"


@pytest.mark.shared
def test_a_truncated_recording_is_an_input_error(tmp_path: Path, shared_data: Path) -> None:
    whole = (shared_data / "realsense_d435_640x480.bag").read_bytes()
    broken = tmp_path / "broken.bag"
    broken.write_bytes(whole[: len(whole) // 3])
    report, done = run(tmp_path / "run.json", f"file:{broken}")
    assert done.returncode == 3
    assert "Traceback" not in done.stderr
    assert report["verdicts"] == [] or report["verdicts"][0]["outcome"] == "non_response"


def test_a_missing_recording_and_an_unknown_source_say_so(tmp_path: Path) -> None:
    _, done = run(tmp_path / "run.json", f"file:{tmp_path / 'nothing.bag'}")
    assert done.returncode == 3
    assert "nothing.bag" in done.stderr
    _, done = run(tmp_path / "run.json", "webcam:0")
    assert done.returncode == 2
    assert "realsense[:SERIAL]" in done.stderr


def test_the_simulated_camera_is_answered_and_its_verdicts_replay(tmp_path: Path) -> None:
    for seconds in PATIENCE:
        report, done = run(tmp_path / "run.json", "simulated", "--record", "frames", seconds=seconds)
        assert done.returncode == 0, done.stderr
        if answered(report):
            break
    assert report["source_kind"] == "simulated"
    assert report["recorded"] + report["drops"]["recorder"] == report["sets"] > 0
    scored = [v for v in report["verdicts"] if v["score"] is not None]
    assert scored
    done = sallyport("replay", "--session", report["session"], "--json")
    assert done.returncode == 0, done.stderr + done.stdout
    replayed = json.loads(done.stdout)["verdicts"]
    assert replayed
    assert all(entry["max_logit_difference"] <= 1e-4 for entry in replayed)
    for entry in replayed:
        mean = sum(entry["logits"]) / len(entry["logits"])
        assert sum(entry["contributions"].values()) == pytest.approx(mean, abs=1e-3), (
            "contributions add up to the logit"
        )
    verdict = str(replayed[0]["verdict"])
    done = sallyport("replay", "--session", report["session"], "--verdict", verdict, "--explain", "--json")
    assert done.returncode == 0, done.stderr
    (explained,) = json.loads(done.stdout)["explanations"]
    assert explained["model"]["champion"]
    assert sum(explained["contributions"].values()) == pytest.approx(explained["logit"], abs=1e-6)
    assert explained["stability"]["copies"] == 8 * len(explained["frame_sets"])
    assert "explaining 1 of" in done.stderr
    labelled, out = scored[0]["presentation"], tmp_path / "out"
    assert sallyport("label", labelled, "--species", "bona_fide", "--reason", "simulated").returncode == 0
    done = sallyport("export", "--session", report["session"], "--out", out)
    assert done.returncode == 3, "what nobody labelled is left out, and said"
    rows = list(csv.DictReader((out / "manifest.csv").read_text(encoding="utf-8").splitlines()))
    assert rows
    assert {row["presentation"] for row in rows} == {labelled}
    listed = json.loads(sallyport("sessions", "--json").stdout)
    assert [session["id"] for session in listed] == [report["session"]]
    assert listed[0]["state"] == "closed"


def test_a_stream_that_drops_and_returns_is_followed_by_mask_hint_and_threshold(tmp_path: Path) -> None:
    script = tmp_path / "drop.toml"
    for seconds in PATIENCE:
        event = f'[[event]]\nat_s = {0.6 * seconds}\ndo = "stop"\nstream = "depth"\nfor_s = {0.8 * seconds}\n'
        script.write_text(event, encoding="utf-8")
        report, done = run(tmp_path / "run.json", f"scripted:{script}", seconds=2 * seconds)
        assert done.returncode == 0, done.stderr
        if {"rgb+depth+ir", "rgb+ir"} <= set(answered(report)):
            break
    assert report["source_kind"] == "scripted"
    masks = [mask for _, mask in report["masks"] if mask != "none"]
    assert masks[0] == masks[-1] == "rgb+depth+ir"
    assert "rgb+ir" in masks
    assert report["hints"]["modality_missing"] > 0
    thresholds = json.loads((FACTORY_BUNDLE / "manifest.json").read_text(encoding="utf-8"))["thresholds"]
    assert {"rgb+depth+ir", "rgb+ir"} <= set(answered(report))
    assert all(answered(report)[mask] == pytest.approx(thresholds[mask]) for mask in ("rgb+depth+ir", "rgb+ir"))


def test_only_one_station_works_on_a_data_folder(tmp_path: Path) -> None:
    command = [sys.executable, "main.py", "run", "--headless", "--source", "simulated:empty", "--seconds", "900"]
    first = subprocess.Popen([*command, "--json", str(tmp_path / "first.json")], cwd=ROOT, stderr=subprocess.DEVNULL)
    try:
        lock = Path(os.environ["SALLYPORT_DATA"]) / "station.lock"
        wait_until(lambda: lock.exists() and bool(lock.read_text(encoding="utf-8")), "the lock")
        _, done = run(tmp_path / "second.json", "simulated:empty")
        assert done.returncode == 4
        assert str(first.pid) in done.stderr
        wait_until(lambda: states(lock.parent) == [SessionState.OPEN], "the session")
    finally:
        first.send_signal(2)
        assert first.wait(PATIENCE_S) == 130
    assert json.loads((tmp_path / "first.json").read_text(encoding="utf-8"))["schema"] == 1


def test_a_manifest_with_a_bad_column_names_it(tmp_path: Path) -> None:
    manifest = write_manifest(tmp_path, {"presentation": "p1"}, columns=(*COLUMNS[:-1], "spilt"))
    done = sallyport("evaluate", "--manifest", manifest, "--model", "builtin:sheet", "--json", tmp_path / "out.json")
    assert done.returncode == 3
    assert "spilt" in done.stderr


def test_rows_that_cannot_be_used_are_left_out_and_the_report_is_written(tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"no picture")
    rows = [
        {"presentation": "good", "depth": picture(tmp_path / "a.png"), "depth_scale_m": "0.001", "framing": "crop"},
        {"presentation": "broken", "depth": "broken.png", "depth_scale_m": "0.001", "framing": "crop"},
        {"presentation": "gone", "depth": "gone.png", "depth_scale_m": "0.001", "framing": "crop"},
        {
            "presentation": "askew",
            "depth": picture(tmp_path / "b.png"),
            "ir": picture(tmp_path / "c.png", 60, 120),
            "depth_scale_m": "0.001",
            "framing": "crop",
        },
    ]
    out = tmp_path / "out.json"
    done = sallyport(
        "evaluate", "--manifest", write_manifest(tmp_path, *rows), "--model", "builtin:sheet", "--json", out
    )
    assert done.returncode == 3
    report = json.loads(out.read_text(encoding="utf-8"))
    assert report["counts"]["presentations"] == 1
    assert sorted(entry["row"] for entry in report["left_out"]) == [3, 4, 5]


def test_depth_that_grows_towards_the_camera_is_said(tmp_path: Path) -> None:
    """Turned depth would else only show as everybody refused."""
    rows = []
    for number in range(6):
        save(tmp_path / f"{number}.png", turned(face(seed=number)[Modality.DEPTH]))
        rows.append({"presentation": f"p{number}", "subject": "s", "depth": f"{number}.png", "framing": "crop"})
    manifest = write_manifest(tmp_path, *rows)
    for command in (("evaluate", "--json", tmp_path / "out.json"), ("import", "--basis", "published", "--name", "n")):
        done = sallyport(*command, "--manifest", manifest)
        assert done.returncode == 0, done.stderr
        assert "depth seems to grow towards the camera; here larger is farther" in done.stderr


@pytest.mark.parametrize("damage", ["nan", "architecture", "flipped"])
def test_a_model_that_cannot_be_trusted_is_refused(tmp_path: Path, damage: str) -> None:
    import hashlib

    from safetensors.numpy import load_file, save_file

    bundle = tmp_path / "model"
    shutil.copytree(FACTORY_BUNDLE, bundle)
    weights, manifest = bundle / "model.safetensors", bundle / "manifest.json"
    tensors = load_file(weights)
    if damage == "nan":
        name = next(name for name, tensor in tensors.items() if tensor.dtype == np.float32)
        tensors[name] = np.full_like(tensors[name], np.nan)
    elif damage == "architecture":
        tensors = {f"other.{name}": value for name, value in tensors.items()}
    if damage == "flipped":
        weights.write_bytes(weights.read_bytes()[:-1] + b"\xff")
    else:
        save_file(tensors, weights)
        told = json.loads(manifest.read_text(encoding="utf-8"))
        told["sha256"] = hashlib.sha256(weights.read_bytes()).hexdigest()
        manifest.write_text(json.dumps(told), encoding="utf-8")
    row = {"presentation": "p", "depth": picture(tmp_path / "a.png"), "depth_scale_m": "0.001", "framing": "crop"}
    done = sallyport(
        "evaluate", "--manifest", write_manifest(tmp_path, row), "--model", bundle, "--json", tmp_path / "out.json"
    )
    assert done.returncode == 3
    assert "Traceback" not in done.stderr


def test_a_catalogue_from_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    from storage.catalogue import open_catalogue
    from storage.paths import data_folder

    with open_catalogue(data_folder()) as catalogue:
        catalogue.file.execute("PRAGMA user_version = 9999")
    before = data_folder().catalogue.read_bytes()
    done = sallyport("sessions")
    assert done.returncode == 3
    assert "newer" in done.stderr
    assert data_folder().catalogue.read_bytes() == before


def test_a_data_folder_that_is_a_file_is_an_environment_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    done = sallyport("sessions", "--data", tmp_path / "file")
    assert done.returncode == 4
    assert "--data" in done.stderr


def test_a_wrong_command_line_is_a_usage_error() -> None:
    assert sallyport("run", "--seconds", "-1").returncode == 2
    assert sallyport("dance").returncode == 2


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such pipes")
@pytest.mark.parametrize("buffered", [True, False])
def test_a_list_whose_reader_has_left_ends_quietly(tmp_path: Path, buffered: bool) -> None:
    reader, writer = os.pipe()
    os.close(reader)  # what `| head -0` does
    told = subprocess.run(
        [sys.executable, "main.py", "models", "--data", str(tmp_path)],
        cwd=ROOT, env={**os.environ, "PYTHONUNBUFFERED": "" if buffered else "1"},
        stdout=writer, stderr=subprocess.PIPE, text=True, timeout=10.0 * PATIENCE_S, check=False,
    )  # fmt: skip
    os.close(writer)
    assert (told.returncode, told.stderr) == (0 if buffered else 130, ""), "cut short or not, nothing else is said"


def test_a_window_without_a_screen_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    done = sallyport()
    assert done.returncode == 4
    assert "screen" in done.stderr


def test_a_camera_is_measured_listed_and_revoked(tmp_path: Path) -> None:
    data = ("--data", tmp_path)
    assert "No camera is qualified" in sallyport("qualify", "status", *data).stdout
    near = json.loads(sallyport("qualify", "measure", "--source", "simulated:wall_near", "--json", *data).stdout)
    assert (near["state"], near["rehearsal"], near["counts"]) == ("measuring", True, False)
    assert {c["figure"] for c in near["checks"] if not c["passed"] and c["binding"]} == {"ir_exponent"}
    far = json.loads(sallyport("qualify", "measure", "--source", "simulated:wall_far", "--json", *data).stdout)
    assert (far["id"], far["state"]) == (near["id"], "presenting")
    assert far["placements"][1]["wall_rms_mm"] < far["placements"][1]["expected_rms_mm"] * 1.5
    (listed,) = json.loads(sallyport("qualify", "status", "--json", *data).stdout)
    assert listed["missing"] == ["2 bona_fide", "2 people", "3 species"]
    assert sallyport("qualify", "revoke", "1", *data).returncode == 2, "a reason is needed"
    revoked = sallyport("qualify", "revoke", "1", "--reason", "moved", *data)
    assert (revoked.returncode, revoked.stdout.strip()) == (0, "qualification 1: revoked")
    again = sallyport("qualify", "revoke", "1", "--reason", "moved", *data)
    assert again.returncode == 3
    assert "cannot become revoked" in again.stderr
    nothing = sallyport("qualify", "measure", "--source", "session:x", *data)
    assert nothing.returncode == 2
    assert "no camera" in nothing.stderr
