"""Traces as JSON, for the catalogue and for export: what was written reads back equal, bit for bit."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from core.challenge import ChallengeAnswer
from core.codes import Rule
from core.errors import InputError
from core.frames import ModalityMask
from core.verdict import Evidence, Trace


def trace_to_json(trace: Trace) -> str:
    """Canonical JSON of a trace; masks are written as text (``depth+ir``)."""
    content = asdict(trace)
    content["evidence"] = [{**asdict(evidence), "mask": str(evidence.mask)} for evidence in trace.evidence]
    return json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)


def trace_from_json(text: str) -> Trace:
    """Read what `trace_to_json` wrote.

    Raises:
        InputError: the text is not a trace.
    """
    try:
        content: dict[str, Any] = json.loads(text)
        evidence = tuple(Evidence(**{**item, "mask": ModalityMask.parse(item["mask"])}) for item in content["evidence"])
        band = content["abstain_band"]
        return Trace(
            frame_sets=tuple(content["frame_sets"]),
            evidence=evidence,
            hints=content["hints"],
            masks=content["masks"],
            threshold=content["threshold"],
            abstain_band=None if band is None else (band[0], band[1]),
            rule=Rule(content["rule"]),
            model=content["model"],
            policy_sha256=content["policy_sha256"],
            calibration_sha256=content["calibration_sha256"],
            notes=tuple(content["notes"]),
            camera=content.get("camera", ""),
            challenge=ChallengeAnswer.from_plain(content.get("challenge")),
            qualified=tuple(content.get("qualified", ())),
            boxes=tuple(None if box is None else tuple(box) for box in content["boxes"]),
        )
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise InputError(f"A stored decision trace cannot be read: {error}.", "Run `main.py audit verify`.") from error
