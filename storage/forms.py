"""JSON forms of the core's value objects, as they stand in the databases and in exports.

Every ``*_to_json`` has a ``*_from_json`` that gives back an equal object. JSON texts are canonical: sorted keys, no
spaces, no NaN.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import MISSING, asdict, fields
from typing import Annotated, Any, get_type_hints

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, create_model

from core.challenge import ChallengeAnswer
from core.codes import Rule
from core.errors import InputError, sentence
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
            "challenge": ChallengeAnswer.from_plain(value.get("challenge")),
            "qualified": tuple(value.get("qualified", ())),
            "boxes": tuple(None if box is None else tuple(box) for box in value.get("boxes", ())),
        }
    )


def read_trace(text: str) -> Trace:
    """The trace of a stored row.

    Raises:
        InputError: the text is not what `trace_to_json` gives: the database was damaged or changed.
    """
    try:
        return trace_from_json(_TRACE_FORM.model_validate_json(text).model_dump())
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "text"
        raise InputError(
            sentence("A stored decision trace is damaged: {where}: {problem}.", where=where, problem=first["msg"]),
            "`main.py audit verify` tells what changed.",
        ) from error


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


def _checked_mask(text: str) -> str:
    ModalityMask.parse(text)
    return text


def _form_of(kind: Any, **replaced: Any) -> type[BaseModel]:
    """A model that checks the plain form of a dataclass, field by field; ``replaced`` are written otherwise."""
    hints = get_type_hints(kind)
    entries: dict[str, Any] = {
        one.name: (replaced.get(one.name, hints[one.name]), _default(one)) for one in fields(kind)
    }
    config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)
    return create_model(f"{kind.__name__}Form", __config__=config, **entries)


def _default(one: Any) -> Any:
    if one.default is not MISSING:
        return Field(default=one.default)
    return Field() if one.default_factory is MISSING else Field(default_factory=one.default_factory)


_MASK = Annotated[str, AfterValidator(_checked_mask)]
_EVIDENCE_FORM = _form_of(Evidence, mask=_MASK, **dict.fromkeys(_FIGURES, dict[str, float | None]))
_TRACE_FORM = _form_of(Trace, evidence=tuple[_EVIDENCE_FORM, ...])  # type: ignore[valid-type]
