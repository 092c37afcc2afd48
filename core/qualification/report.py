"""A qualification as plain data, for the command line (``qualify --json``, schema 1)."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from core.qualification.checks import expected_rms_mm
from core.qualification.record import Qualification
from core.qualification.rules import Bounded, Judgement, requirements

SCHEMA = 1


def told(record: Qualification, judgement: Judgement) -> dict[str, Any]:
    """Everything about one qualification. ``counts`` says whether it stands and its camera is live."""
    return {
        "schema": SCHEMA,
        "id": record.id,
        "camera": record.camera,
        "fingerprint": record.identity.fingerprint,
        "source_kind": str(record.source_kind),
        "rehearsal": record.rehearsal,
        "mask": str(record.mask),
        "model": record.model,
        "state": str(record.state),
        "reason": str(record.reason),
        "note": record.note,
        "counts": record.counts,
        "placements": [told_placement(record, index) for index in range(len(record.placements))],
        "checks": told_checks(record),
        "bona_fide": {**told_bound(judgement.bpcer), "people": judgement.people},
        "attacks": {
            species: {**told_bound(found), "artefacts": judgement.artefacts[species]}
            for species, found in judgement.apcer.items()
        },
        "other_masks": judgement.other_masks,
        "missing": [f"{lack.more} {lack.what} {lack.species}".rstrip() for lack in judgement.missing],
        "required": asdict(requirements(record.source_kind)),
        "begun_utc_s": record.begun_utc_s,
        "changed_utc_s": record.changed_utc_s,
    }


def told_checks(record: Qualification) -> list[dict[str, Any]]:
    """The measured figures with their ranges."""
    return [
        {
            "figure": str(check.figure),
            "value": None if check.value is None else round(check.value, 4),
            "low": round(check.low, 4),
            "high": round(check.high, 4),
            "commissioned": None if check.commissioned is None else round(check.commissioned, 4),
            "binding": check.binding,
            "passed": check.passed,
        }
        for check in record.checks
    ]


def told_placement(record: Qualification, index: int) -> dict[str, Any]:
    """One distance: what was measured, and what the noise formula expects of the wall there."""
    placement = record.placements[index]
    focal = placement.figures.get("depth_focal_px")
    expected = None if focal is None else expected_rms_mm(placement.distance_mm, focal, record.identity.name)
    figures = {"distance_mm": placement.distance_mm, **placement.figures}
    return {**figures, "expected_rms_mm": None if expected is None else round(expected, 3)}


def told_bound(found: Bounded) -> dict[str, Any]:
    """A rate (formats.md) with the one-sided 95 % bound that decides."""
    rate = found.rate.as_json() if found.rate is not None else {}
    return {**rate, "high_one_sided": round(found.high_one_sided, 6)}
