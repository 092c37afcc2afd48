"""One line of the door protocol: a JSON object with everything that a gate controller needs (docs/door.md)."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from core.codes import DoorReason, Outcome, SourceKind
from core.errors import InputError, sentence

SCHEMA: Literal[1] = 1
HEARTBEAT_MS = 500.0
"""A line comes at least this often while the station works."""
TIMEOUT_MS = 2000.0
"""Silence after which a door must be closed, counted from when the last line was sent."""
OPEN_MS = 5000.0
"""How long a verdict opens the door, at most."""
MAX_LINE_BYTES = 1024
"""With its line feed. Small enough that a pipe takes it whole or not at all."""

Number = Annotated[float, Field(ge=0.0)]


class LineKind(StrEnum):
    """Why a line was sent. Only ``VERDICT`` may open a door; every line may close it."""

    HEARTBEAT = "heartbeat"
    CHANGE = "change"
    VERDICT = "verdict"


class DoorVerdict(BaseModel):
    """The verdict of a ``VERDICT`` line. No score and no reason: a subject must not learn them at the gate."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    row: int = Field(ge=1, strict=True)
    """Row of the catalogue: it was stored before this line was sent."""
    presentation: str = Field(max_length=64)
    outcome: Outcome
    source_kind: SourceKind
    shadow: bool = Field(strict=True)

    @property
    def opens(self) -> bool:
        """See `core.verdict.Verdict.opens`."""
        return self.source_kind is SourceKind.LIVE and not self.shadow and self.outcome is Outcome.BONA_FIDE


class DoorLine(BaseModel):
    """What the station says at one moment. ``open`` is the state of the door from this line on."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    schema_: Literal[1] = Field(default=SCHEMA, alias="schema")
    nonce: str = Field(pattern=r"^[0-9a-f]{32}$")
    """Random, new with every start of the output: lines of an earlier one cannot be told as those of this one."""
    seq: int = Field(ge=1, strict=True)
    """Counts the lines of this nonce from 1, without a gap."""
    mono_ms: Number
    """When it was sent, on the machine's monotonic clock, which every process of the machine reads alike."""
    utc_s: Number
    kind: LineKind
    open: bool = Field(strict=True)
    reason: DoorReason = DoorReason.NONE
    open_for_ms: float = Field(default=0.0, ge=0.0, le=OPEN_MS)
    """How much longer the door may stay open."""
    verdict: DoorVerdict | None = None
    mac: str = Field(default="", pattern=r"^([0-9a-f]{64})?$")
    """Signature of the rest (`core.door.signing`); empty, and then left out, where lines are not signed."""

    @model_validator(mode="after")
    def _means_one_thing(self) -> DoorLine:
        if self.open != (self.open_for_ms > 0.0) or self.open != (self.reason is DoorReason.NONE):
            raise ValueError("open, open_for_ms and reason contradict each other")
        if (self.kind is LineKind.VERDICT) != (self.verdict is not None):
            raise ValueError("a verdict line carries a verdict, and no other line does")
        if self.open and self.verdict is not None and not self.verdict.opens:
            raise ValueError("this verdict opens nothing")
        return self

    def encode(self) -> bytes:
        """The line with its line feed."""
        return self.model_dump_json(by_alias=True, exclude=None if self.mac else {"mac"}).encode() + b"\n"


def parse_line(raw: bytes) -> DoorLine:
    """Read one line, with or without its line feed.

    Raises:
        InputError: it is no line of this protocol; a controller then closes the door and connects anew.
    """
    if len(raw) > MAX_LINE_BYTES:
        raise InputError("A line of the door is too long.", "Check what is connected to the socket.")
    try:
        return DoorLine.model_validate_json(raw)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "line"
        raise InputError(
            sentence("Not a line of the door: {where}: {problem}.", where=where, problem=first["msg"]),
            "Check what is connected to the socket.",
        ) from error
