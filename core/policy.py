"""Site policy: the security settings of a station. Not a preference: changes are audited (anchors.md section 4.6)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from core.errors import UsageError, sentence
from core.frames import ModalityMask

THRESHOLDS = "thresholds."
"""What the name of one mask's threshold begins with, as in ``thresholds.depth+ir``."""


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

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

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

    def differing(self, other: SitePolicy) -> dict[str, Any]:
        """The fields that are not as in ``other``, in their JSON form."""
        mine, theirs = self.model_dump(mode="json"), other.model_dump(mode="json")
        return {name: value for name, value in mine.items() if value != theirs[name]}

    def changed(self, changes: Mapping[str, Any]) -> SitePolicy:
        """This policy with other values, which may be texts; ``thresholds.MASK`` is one mask's, ``none`` takes it away.

        Raises:
            UsageError: no such field, or a value outside of its limits.
        """
        values, single = self.model_dump(), {}
        for name, value in changes.items():
            if name.startswith(THRESHOLDS):
                single[name.removeprefix(THRESHOLDS)] = value
            else:
                values[name] = value
        try:
            policy = SitePolicy.model_validate(values)
            bars = {str(ModalityMask.parse(mask)): value for mask, value in {**policy.thresholds, **single}.items()}
            kept = {mask: value for mask, value in sorted(bars.items()) if value != "none"}
            policy = SitePolicy.model_validate({**values, "thresholds": kept})
        except ValidationError as error:
            first = error.errors()[0]
            name = ".".join(str(part) for part in first["loc"]) or "policy"
            fields = ", ".join(SitePolicy.model_fields)
            raise UsageError(
                sentence("{name}: {problem}.", name=name, problem=first["msg"]),
                sentence("Fields are {fields}.", fields=fields),
            ) from error
        except ValueError as error:
            raise UsageError(sentence("{error}.", error=error), "Write sensors as in thresholds.depth+ir.") from error
        for mask, value in policy.thresholds.items():
            if mask == "none" or not 0.0 < value < 1.0:
                raise UsageError(
                    sentence("thresholds.{mask}: {value:g} is no threshold.", mask=mask, value=value),
                    "It lies between 0 and 1.",
                )
        return policy


@dataclass(frozen=True, slots=True)
class PolicyInForce:
    """What a station decides by, and who set it when; ``actor`` is empty for the factory policy.

    ``refused``: somebody edited what is stored, or its key is lost. The factory policy stands in, without verdicts.
    """

    policy: SitePolicy = field(default_factory=SitePolicy)
    refused: bool = False
    actor: str = ""
    reason: str = ""
    utc_s: float | None = None

    @property
    def is_factory(self) -> bool:
        """Whether it is the policy that the program comes with."""
        return self.policy == SitePolicy()
