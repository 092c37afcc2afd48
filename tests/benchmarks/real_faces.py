"""`python -m tests.benchmarks.real_faces`: the factory model on real captures and hybrids of them, for the model card.

Two tables. Every mask of the Kinect captures as they are, with the people apart; and their depth as other people's
collections keep it: eight bits by the crop's largest value or its own range, cut tightly, or small and over the whole
frame. Hybrids are made first and go through the same chain, so that the chain carries no label.
"""

from __future__ import annotations

import argparse
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from core.data.hybrids import Family, hybrids_of
from core.data.manifest import load_frame_set, read_manifest
from core.face.sampler import FaceSampler
from core.frames import FaceCrop, ModalityMask
from core.metrics.ranking import auc
from core.model.bundle import FACTORY_BUNDLE, load_scorer
from core.ports import Scorer

Floats = NDArray[np.float64]
Chain = Callable[[NDArray[np.float32]], NDArray[np.float32]]
MASKS = ("depth+ir", "depth", "ir")
BATCH = 64


@dataclass(frozen=True, slots=True)
class Capture:
    """One crop: whose it is, and of which family and species where it is a hybrid (both empty: as captured)."""

    subject: str
    species: str
    family: str
    crop: FaceCrop


def captures(manifest: Path) -> list[Capture]:
    """Every capture of the manifest, each followed by its hybrids of both families."""
    sampler, found = FaceSampler(), []
    for row in read_manifest(manifest).rows:
        crop = sampler.sample(load_frame_set(row)).crop
        if crop is None:
            continue
        found.append(Capture(row.subject, "", "", crop))
        for family in Family:
            for hybrid in hybrids_of([crop], family, zlib.crc32(row.presentation.encode()), row.presentation):
                found.append(Capture(row.subject, str(hybrid.species), str(family), hybrid.crops[0]))
    return found


def _eight_bits(values: NDArray[np.float32], low: float, high: float) -> NDArray[np.float32]:
    counts = np.clip(np.rint(255.0 * (values - low) / max(high - low, 1e-6)), 1, 255)
    return np.where(values > 0, counts, 0).astype(np.float32)


def by_largest(depth: NDArray[np.float32]) -> NDArray[np.float32]:
    """Counts by the largest value of the crop, through JPEG."""
    counts = _eight_bits(depth, 0.0, float(depth.max())).astype(np.uint8)
    _, data = cv2.imencode(".jpg", counts, [cv2.IMWRITE_JPEG_QUALITY, 90])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_UNCHANGED), dtype=np.float32)


def by_range(depth: NDArray[np.float32]) -> NDArray[np.float32]:
    """Counts over the crop's own range."""
    return _eight_bits(depth, float(depth[depth > 0].min()), float(depth.max()))


def tight(depth: NDArray[np.float32]) -> NDArray[np.float32]:
    """The middle seven tenths, then `by_range`."""
    size = depth.shape[0]
    edge = round(0.15 * size)
    cut = depth[edge : size - edge, edge : size - edge]
    return by_range(cv2.resize(cut, (size, size), interpolation=cv2.INTER_NEAREST).astype(np.float32))


def small(depth: NDArray[np.float32]) -> NDArray[np.float32]:
    """Forty pixels, one count a centimetre: a frame whose walls take most of the eight bits."""
    size = depth.shape[0]
    little = cv2.resize(depth, (40, 40), interpolation=cv2.INTER_NEAREST)
    counts = cv2.resize(np.rint(little / 10.0), (size, size), interpolation=cv2.INTER_NEAREST)
    return np.asarray(counts, dtype=np.float32)


CHAINS: dict[str, Chain] = {
    "8 bits by the crop's largest value, JPEG": by_largest,
    "8 bits by its own range": by_range,
    "tight crop, 8 bits": tight,
    "40 px, one count a centimetre": small,
}


def scores(scorer: Scorer, found: Sequence[Capture], mask: ModalityMask, chain: Chain | None = None) -> Floats:
    """The score of every capture under ``mask``, its depth through ``chain``."""
    done: list[float] = []
    crops = [capture.crop.restricted(mask) for capture in found]
    if chain is not None:
        crops = [replace(crop, depth=chain(crop.depth), metric_depth=False, face_mm=None) for crop in crops]  # type: ignore[arg-type]
    for start in range(0, len(crops), BATCH):
        done += [evidence.score for evidence in scorer.score(crops[start : start + BATCH])]
    return np.asarray(done)


def told(found: Sequence[Capture], values: Floats, threshold: float, masks: bool) -> list[str]:
    """BPCER with errors, and for each family and species: APCER and AUC, first and last three people."""
    species = np.array([capture.species for capture in found])
    family = np.array([capture.family for capture in found])
    subject = np.array([capture.subject for capture in found])
    people = sorted(set(subject))
    refused = (values < threshold) & (species == "")
    by_person = ", ".join(str(int(refused[subject == one].sum())) for one in people)
    cells = [
        f"{100 * refused.sum() / (species == '').sum():.1f} % ({refused.sum()}/{(species == '').sum()}; {by_person})"
    ]
    first = np.isin(subject, people[: len(people) // 2])
    for kind in ("hybrid_sheet", "hybrid_mask") if masks else ("hybrid_sheet",):
        for one in (Family.JUDGING, Family.TRAINING):
            hybrid = (species == kind) & (family == str(one))
            passed = (values[hybrid] >= threshold).sum()
            halves = [
                auc(values[(species == "") & half].tolist(), values[hybrid & half].tolist()) for half in (first, ~first)
            ]
            ranked = " / ".join("-" if half is None else f"{half:.3f}" for half in halves)
            cells.append(f"{100 * passed / max(1, hybrid.sum()):.1f} % ({passed}/{hybrid.sum()}); AUC {ranked}")
    return cells


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.real_faces")
    parser.add_argument("--manifest", type=Path, default=Path("../shared/data/kinect2_bona_fide/manifest.csv"))
    parser.add_argument("--model", type=Path, default=FACTORY_BUNDLE)
    options = parser.parse_args()
    found, scorer = captures(options.manifest), load_scorer(options.model)
    families = " | ".join(f"hybrid {kind}, {one}" for kind in ("sheet", "mask") for one in ("judging", "training"))
    print(f"| mask | BPCER (by person) | {families} |\n|---|---|---|---|---|---|")
    for name in MASKS:
        mask = ModalityMask.parse(name)
        values = scores(scorer, found, mask)
        print(f"| {name} | " + " | ".join(told(found, values, scorer.threshold(mask) or 1.0, True)) + " |", flush=True)
    print("\n| depth | BPCER (by person) | hybrid sheet, judging | hybrid sheet, training |\n|---|---|---|---|")
    depth = ModalityMask.parse("depth")
    sheets = [capture for capture in found if capture.species != "hybrid_mask"]
    for name, chain in CHAINS.items():
        values = scores(scorer, sheets, depth, chain)
        print(
            f"| {name} | " + " | ".join(told(sheets, values, scorer.threshold(depth) or 1.0, False)) + " |", flush=True
        )


if __name__ == "__main__":
    main()
