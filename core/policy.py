"""Site policy: the security settings of a station. Not a preference: changes are audited (anchors.md section 4.6)."""

from __future__ import annotations

import hashlib
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field, model_validator


class ShiftCheckFor(StrEnum):
    """Which sources need a start-of-shift check (one bona fide, one kit print) before their verdicts are given."""

    OFF = "off"
    LIVE = "live"
    ALWAYS = "always"


class SitePolicy(BaseModel):
    """How evidence becomes an answer at this site. Immutable; `sha256` stands in every trace.

    Durations are milliseconds of camera time. ``thresholds`` override the model's own threshold of a mask; they can
    only be raised above it (`core.decision`), so that a policy never lowers the bar that the model was measured at.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    min_frame_sets: int = Field(default=5, ge=1, le=120, description="frame sets with evidence that a verdict needs")
    max_frame_sets: int = Field(default=15, ge=1, le=600, description="newest frame sets that are pooled")
    deadline_ms: float = Field(
        default=5000.0, gt=0, description="a presentation without a verdict ends after this time"
    )
    stale_ms: float = Field(default=1000.0, gt=0, description="older evidence is not used")
    abstain_margin: float = Field(
        default=0.5, ge=0, description="half width of the refer band around the threshold, in logits"
    )
    rgb_alone_refers: bool = True
    lock_out_attacks: int = Field(
        default=3, ge=0, description="attack verdicts in a row that lock the station; 0 = never"
    )
    lock_out_window_ms: float = Field(default=300_000.0, gt=0)
    shift_check: ShiftCheckFor = ShiftCheckFor.LIVE
    shift_hours: float = Field(default=12.0, gt=0, description="how long a start-of-shift check holds")
    thresholds: dict[str, float] = Field(default_factory=dict, description="mask -> score threshold, above the model's")

    @model_validator(mode="after")
    def _a_verdict_is_possible(self) -> SitePolicy:
        if self.min_frame_sets > self.max_frame_sets:
            raise ValueError(
                f"min_frame_sets is {self.min_frame_sets} and max_frame_sets {self.max_frame_sets}: "
                "no verdict could ever have enough evidence; raise max_frame_sets"
            )
        return self

    def sha256(self) -> str:
        """Digest of the canonical JSON form."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()
