"""Distances to real captures: nothing between equals, something between others, pictures never in a repository."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from core.benchmark.realism import measure
from core.benchmark.realism.compare import Measured, distances, probe_auc
from core.benchmark.realism.picture import sheet
from core.benchmark.realism.statistics import STATISTICS, statistics_of
from core.codes import Framing
from core.data.manifest import ManifestRow, write_manifest
from core.errors import CanceledError, InputError, UsageError
from core.frames import CROP_PX, FaceCrop, Modality


def _measured(shift: float, seed: int, people: int = 8) -> Measured:
    random = np.random.default_rng(seed)
    values = random.normal(shift, 1.0, (people * 12, len(STATISTICS)))
    return Measured(values, np.array([f"{seed}-{i % people}" for i in range(len(values))]))


def _crop(noise_mm: float, seed: int = 0) -> FaceCrop:
    random = np.random.default_rng(seed)
    y, x = np.mgrid[-1 : 1 : CROP_PX * 1j, -1 : 1 : CROP_PX * 1j]
    depth = 700 + 40 * (x**2 + y**2) - 12 * np.exp(-((x / 0.15) ** 2) - (y / 0.25) ** 2)
    depth = depth + random.normal(0, noise_mm, depth.shape)
    infrared = 0.5 * (700 / depth) ** 2
    return FaceCrop(depth=depth.astype(np.float32), ir=infrared.astype(np.float32), metric_depth=True, face_mm=220.0)


def test_equals_are_close_and_a_probe_cannot_tell_them() -> None:
    real, rendered = _measured(0.0, 1), _measured(0.0, 2)
    assert max(figures["ks"] or 0.0 for figures in distances(real, rendered).values()) < 0.35
    assert probe_auc(real, rendered).value < 0.7


def test_what_differs_is_far_and_told_by_the_probe() -> None:
    real, rendered = _measured(0.0, 1), _measured(2.0, 2)
    assert all((figures["ks"] or 0.0) > 0.4 for figures in distances(real, rendered).values())
    assert probe_auc(real, rendered).value > 0.95


def test_a_missing_modality_is_no_statistic() -> None:
    figures = dict(zip(STATISTICS, statistics_of(FaceCrop(depth=_crop(1.0).depth, metric_depth=True)), strict=True))
    assert np.isnan(figures["ir_fall_off"])
    assert np.isfinite(figures["quadric_residual_p50"])


def test_the_spectrum_rises_with_noise_and_the_fall_off_is_that_of_a_lamp() -> None:
    calm, noisy = (dict(zip(STATISTICS, statistics_of(_crop(mm)), strict=True)) for mm in (0.3, 3.0))
    assert noisy["depth_spectrum_0"] > calm["depth_spectrum_0"] + 1
    assert calm["ir_fall_off"] == pytest.approx(-2.0, abs=0.1)


def test_the_sheet_shows_both() -> None:
    picture = sheet([_crop(1.0)] * 3, [_crop(2.0)] * 5, columns=4)
    assert picture.ndim == 3
    assert picture.dtype == np.uint8


def _manifest(folder: Path, species: str = "") -> Path:
    """Six people, two captures each, as registered crops with 16-bit depth and infrared."""
    rows = []
    for i in range(12):
        crop = _crop(1.5, i)
        assert crop.depth is not None
        assert crop.ir is not None
        images = {}
        for modality, pixels in ((Modality.DEPTH, crop.depth), (Modality.IR, crop.ir * 40000)):
            images[modality] = folder / f"{i}_{modality}.png"
            cv2.imwrite(str(images[modality]), pixels.astype(np.uint16))
        rows.append(ManifestRow(f"p{i}", f"s{i % 6}", species, images, 0.001, Framing.CROP))
    write_manifest(folder / "manifest.csv", rows)
    return folder / "manifest.csv"


def test_the_command_writes_figures_and_pictures(tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = measure(_manifest(tmp_path), out, presentations=12)
    assert (result["captures"], result["people"], result["rendered"]) == (12, 6, 12)
    assert set(result["statistics"]) == set(STATISTICS)
    assert json.loads((out / "realism.json").read_text(encoding="utf-8"))["probe_auc"] == result["probe_auc"]
    assert cv2.imread(result["picture"]) is not None


def test_pictures_of_people_are_not_written_into_a_repository(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    with pytest.raises(UsageError):
        measure(_manifest(tmp_path), tmp_path / "docs", presentations=4)


def test_a_manifest_without_people_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        measure(_manifest(tmp_path, species="print_flat"), tmp_path / "out", presentations=4)


def test_canceling_stops_it(tmp_path: Path) -> None:
    with pytest.raises(CanceledError):
        measure(_manifest(tmp_path), tmp_path / "out", presentations=4, canceled=lambda: True)
