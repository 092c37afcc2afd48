"""`main.py shards` and `train --shards`: a model of depth and infrared from stored captures, as a person makes one."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from core.data.manifest import write_manifest
from core.training.shards import open_shards
from core.training.shards.form import MAX_FRAMES
from main import main
from tests.unit.test_evaluation import collection


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    """Twelve presentations, a third in each split, one without its picture."""
    rows = collection(tmp_path, attacks=6, bona_fide=6)
    splits = ("train", "dev", "eval")
    write_manifest(tmp_path / "all.csv", [replace(row, split=splits[int(row.subject[1:]) % 3]) for row in rows])
    (tmp_path / "3_1_depth.png").unlink()
    return tmp_path / "all.csv"


def test_captures_are_stored_listed_and_trained_on(
    manifest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shards, data = str(tmp_path / "shards"), ["--data", str(tmp_path / "data")]
    written = ["shards", "captures", *data, "--manifest", str(manifest), "--domain", "kiosk", "--out", shards]
    assert main(written) == 3  # the picture that is missing
    said = capsys.readouterr()
    assert "kiosk: 12 presentations in 3 shards" in said.out
    assert "p3: missing file 3_1_depth.png" in said.err
    assert main(["shards", "list", shards, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {row["of"] for row in found} == {"captures"}
    assert {(row["split"], row["species"]): row["presentations"] for row in found} == {
        (split, species): 2 for split in ("train", "dev", "test") for species in ("bona_fide", "print_flat")
    }
    out = tmp_path / "model"
    assert main(["train", *data, "--shards", shards, "--epochs", "1", "--out", str(out)]) == 0
    made = json.loads((out / "manifest.json").read_text())
    assert set(made["thresholds"]) == {"depth", "ir", "depth+ir"}  # colour was never seen: its masks refer
    assert made["data"]["splits"]["train"]["presentations"] == 4 + 2  # and a hybrid of each bona fide
    assert made["threshold_source"].startswith("source-dev, 6 stored presentations")
    assert list(made["figures"]["test"]["by_domain"]) == ["kiosk"]
    assert shards not in (out / "manifest.json").read_text()


def test_a_video_is_stored_as_frames_spread_over_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows, videos = collection(tmp_path, attacks=1, bona_fide=1), []
    for row in rows[::2]:
        for number in range(1, 151):
            images = {m: tmp_path / f"{row.presentation}-{number}-{m}.png" for m in row.images}
            for modality, image in images.items():
                image.hardlink_to(row.images[modality])
            videos.append(replace(row, images=images, number=number))
    write_manifest(tmp_path / "videos.csv", videos)
    written = ["shards", "captures", "--data", str(tmp_path / "data"), "--manifest", str(tmp_path / "videos.csv")]
    assert main([*written, "--domain", "kiosk", "--out", str(tmp_path / "shards")]) == 0
    assert "kiosk: 2 presentations in 1 shards" in capsys.readouterr().out
    (video, _) = open_shards([str(tmp_path / "shards")]).presentations("test")
    assert len(video.crops) == MAX_FRAMES


def test_shards_are_not_for_the_factory_and_need_both_classes(
    manifest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shards, data = str(tmp_path / "shards"), ["--data", str(tmp_path / "data")]
    assert main(["train", *data, "--factory", "--shards", shards]) == 2
    lines = manifest.read_text().splitlines(keepends=True)
    manifest.write_text("".join(line for line in lines if "print_flat" not in line))
    assert main(["shards", "captures", *data, "--manifest", str(manifest), "--domain", "kiosk", "--out", shards]) == 3
    capsys.readouterr()
    assert main(["train", *data, "--shards", shards, "--out", str(tmp_path / "model")]) == 3
    assert "no attack presentation for train" in capsys.readouterr().err
    assert not (tmp_path / "model").exists()
