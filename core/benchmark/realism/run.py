"""Reads real captures, renders people before the same kind of sensor, and writes down how far apart they are."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from core.benchmark.realism.compare import Measured, distances, probe_auc
from core.benchmark.realism.picture import sheet
from core.benchmark.realism.statistics import statistics_of
from core.benchmark.work import Canceled, Report, stop_if
from core.codes import Species
from core.data.manifest import load_frame_set, read_manifest
from core.errors import HostError, InputError, UsageError
from core.face.crop import cut
from core.frames import FaceCrop
from core.scenes.crops import presentation
from core.scenes.domain import Domain, load_domain
from core.scenes.frozen import identity

SEED = 700_000_001
LIKE_KINECT2 = Domain(
    name="like-kinect2", sensor="kinect2", species=("bona_fide",), people=60, frames=1, distance_mm=(780.0, 980.0),
    blind_share=0.0, face_px=(62.0, 80.0), registered_share=1.0, registration_px=(0.0, 0.0), hole_share=(0.0, 0.0),
    ambient_ir=(0.0, 0.01), dots=(0.0, 0.0), framing=(1.3, 1.5),
    yaw_deg=(-32.0, 32.0), pitch_deg=(-20.0, 20.0),
)  # fmt: skip
"""The circumstances of `kinect2_bona_fide` (scenes.md, "Sensors")."""


def measure_realism(
    manifest: Path, out_dir: Path, domain_file: Path | None, presentations: int, report: Report, canceled: Canceled
) -> dict[str, Any]:
    """See `core.benchmark.realism.measure`."""
    _refuse_repository(out_dir)
    domain = LIKE_KINECT2 if domain_file is None else load_domain(domain_file).model_copy(update={"frames": 1})
    real = list(_real(manifest, report, canceled))
    if not real:
        raise InputError(f"{manifest.name} holds no bona fide depth or infrared.", "Name captures of real people.")
    rendered = list(_rendered(domain, presentations, report, canceled))
    found = compared(real, rendered)
    picture = sheet([crop for _, crop in real], [crop for _, crop in rendered])
    result = {"domain": domain.name, "renderer": identity.renderer_digest(), **found}
    try:
        out_dir.mkdir(parents=True, exist_ok=True)
        (out_dir / "realism.json").write_text(json.dumps(result, indent=1), encoding="utf-8")
        (out_dir / "realism.png").write_bytes(cv2.imencode(".png", picture)[1].tobytes())
    except OSError as error:
        raise HostError(f"{out_dir} cannot be written: {error.strerror}.", "Choose another folder.") from error
    return {**result, "picture": str(out_dir / "realism.png")}


Owned = tuple[str, FaceCrop]
"""A subject and one crop."""


def compared(real: Sequence[Owned], rendered: Sequence[Owned]) -> dict[str, Any]:
    """Distances and probe of two sets of crops."""
    one, other = _measured(real), _measured(rendered)
    return {
        "captures": len(real),
        "people": len(set(one.subjects)),
        "rendered": len(rendered),
        "statistics": distances(one, other),
        "probe_auc": probe_auc(one, other).as_json(),
    }


def _measured(crops: Sequence[Owned]) -> Measured:
    return Measured(
        np.array([statistics_of(crop) for _, crop in crops]), np.array([subject for subject, _ in crops], dtype=np.str_)
    )


def _real(manifest: Path, report: Report, canceled: Canceled) -> Iterator[Owned]:
    """Crops of the bona fide rows: the whole image, as a collection of face crops has it."""
    rows = [row for row in read_manifest(manifest).rows if row.bona_fide]
    for number, row in enumerate(rows, start=1):
        stop_if(canceled)
        frame_set = load_frame_set(row)
        crop = cut(frame_set, frame_set.mask, None)
        if crop.depth is not None or crop.ir is not None:
            yield row.subject, crop
        report("reading captures", number / len(rows))


def _rendered(domain: Domain, count: int, report: Report, canceled: Canceled) -> Iterator[Owned]:
    for index in range(count):
        stop_if(canceled)
        made = presentation(domain, Species.BONA_FIDE, SEED, index)
        yield made.subject, made.crops[0]
        report("rendering", (index + 1) / count)


def _refuse_repository(out_dir: Path) -> None:
    """Pictures of real people never lie where they could be committed."""
    for folder in (out_dir.resolve(), *out_dir.resolve().parents):
        if (folder / ".git").exists():
            raise UsageError(f"{out_dir} lies inside a repository.", "Choose a folder outside: it shows real faces.")
