"""What the gate found, as plain data: it goes to the job as JSON and to the window as a table."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict

from core.codes import GateReason, GateResult

SCHEMA = 1


class Holds(StrEnum):
    """Answer of one check."""

    YES = "yes"
    NO = "no"
    OPEN = "open"


class Check(BaseModel):
    """One rule of the gate, on one mask.

    Rates are fractions before (champion) and after (candidate); ``low`` and ``high`` are one-sided bounds of their
    difference. ``needs_trials`` and ``needs_subjects``: how many in all would decide it, if what was seen goes on;
    ``None`` where it is decided, or where more of the same would not decide it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    reason: GateReason
    holds: Holds
    mask: str
    stratum: str = ""
    species: str = ""
    before: float | None = None
    after: float | None = None
    low: float | None = None
    high: float | None = None
    limit: float | None = None
    trials: int = 0
    subjects: int = 0
    needs_trials: int | None = None
    needs_subjects: int | None = None


class MaskFinding(BaseModel):
    """All checks of one mask. ``claimed``: every mask up to this one in the fixed order was shown to be no worse."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mask: str
    holds: Holds
    claimed: bool
    checks: list[Check]


class GateReport(BaseModel):
    """Candidate against champion, paired on presentations that the pass did not touch."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_: int = SCHEMA
    result: GateResult
    reasons: list[Check]
    """The checks that decided: what failed, what stayed open, or (passed) the gain."""
    masks: list[MaskFinding]
    settings: dict[str, Any]
    judged: dict[str, int]
    """Presentations per stratum and class, and judging subjects."""

    def to_json(self) -> str:
        """Canonical JSON text."""
        return self.model_dump_json()
