"""JSON forms of the core's value objects, as they stand in the databases and in exports.

Every ``*_to_json`` has a ``*_from_json`` that gives back an equal object. JSON texts are canonical: sorted keys, no
spaces, no NaN.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from core.codes import Rule
from core.frames import Extrinsics, Intrinsics, Modality, ModalityMask, StreamProfile
from core.verdict import Evidence, Trace

Json = dict[str, Any]


def canonical(value: Any) -> str:
    """Canonical JSON text of ``value``."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=False)


def numbers_to_json(numbers: Mapping[str, float]) -> dict[str, float | None]:
    """Named numbers; what could not be measured (NaN) becomes null, because JSON has no NaN."""
    return {name: value if math.isfinite(value) else None for name, value in numbers.items()}


def numbers_from_json(form: Mapping[str, float | None]) -> dict[str, float]:
    """Inverse of `numbers_to_json`."""
    return {name: math.nan if value is None else value for name, value in form.items()}


def profiles_to_json(profiles: Mapping[Modality, StreamProfile]) -> Json:
    """Profiles by modality name."""
    return {str(modality): asdict(profile) for modality, profile in profiles.items()}


def profiles_from_json(value: Json) -> dict[Modality, StreamProfile]:
    """Inverse of `profiles_to_json`."""
    return {Modality(name): _profile(form) for name, form in value.items()}


def _profile(form: Json) -> StreamProfile:
    intrinsics, to_rgb = form["intrinsics"], form["to_rgb"]
    return StreamProfile(
        modality=Modality(form["modality"]),
        width=form["width"],
        height=form["height"],
        fps_hz=form["fps_hz"],
        intrinsics=None if intrinsics is None else Intrinsics(**{**intrinsics, "coeffs": tuple(intrinsics["coeffs"])}),
        to_rgb=None if to_rgb is None else Extrinsics(tuple(to_rgb["rotation"]), tuple(to_rgb["translation_m"])),
        depth_unit_m=form["depth_unit_m"],
    )


def trace_to_json(trace: Trace) -> Json:
    """A decision trace as plain data."""
    form = asdict(trace)
    form["evidence"] = [_evidence_to_json(evidence) for evidence in trace.evidence]
    form["rule"] = str(trace.rule)
    return form


def trace_from_json(value: Json) -> Trace:
    """Inverse of `trace_to_json`."""
    band = value["abstain_band"]
    return Trace(
        **{
            **value,
            "frame_sets": tuple(value["frame_sets"]),
            "evidence": tuple(_evidence(evidence) for evidence in value["evidence"]),
            "abstain_band": None if band is None else (band[0], band[1]),
            "rule": Rule(value["rule"]),
            "notes": tuple(value["notes"]),
            "qualified": tuple(value.get("qualified", ())),
            "boxes": tuple(None if box is None else tuple(box) for box in value.get("boxes", ())),
        }
    )


_FIGURES = ("modality_scores", "residuals", "physics")


def _evidence_to_json(evidence: Evidence) -> Json:
    form = asdict(evidence)
    form["mask"] = str(evidence.mask)
    for name in _FIGURES:
        form[name] = numbers_to_json(form[name])
    return form


def _evidence(form: Json) -> Evidence:
    figures = {name: numbers_from_json(form[name]) for name in _FIGURES}
    return Evidence(**{**form, **figures, "mask": ModalityMask.parse(form["mask"])})
