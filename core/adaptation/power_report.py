"""What `adapt power` found, as plain data between the command and whoever asked: the window, or a script."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from core.adaptation.power import Design, More
from core.codes import GateResult
from core.errors import InputError
from core.metrics.rate import Rate

WANTED = 0.8
"""Share of better models that a gate with enough data passes (evaluation.md section 6)."""


class Tried(BaseModel):
    """One size of the judging half, and how often the gate passed the better candidate there."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    design: Design
    passed: Rate
    answers: dict[GateResult, int]


class PowerReport(BaseModel):
    """The sizes that were tried, the present one first, and what is still to be captured.

    ``cut``: by how much of its errors the candidate is better; ``bpcer``, ``apcer``: what the champion is taken to do.
    ``more`` is all zero where nothing is missing, and absent where not even thousands of people would do.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    wanted: float = WANTED
    cut: float
    bpcer: float
    apcer: float
    tried: list[Tried]
    more: More | None = None

    @property
    def now(self) -> Rate:
        """What the present sessions give."""
        return self.tried[0].passed

    @property
    def enough(self) -> bool:
        """Whether the present sessions do."""
        return self.now.value >= self.wanted

    def as_json(self) -> dict[str, Any]:
        """The form of the command; figures only where they exist."""
        return self.model_dump(mode="json", exclude_none=True)


def read_power(text: str) -> PowerReport:
    """The report that a command printed.

    Raises:
        InputError: it is none.
    """
    try:
        return PowerReport.model_validate_json(text)
    except ValidationError as error:
        raise InputError("The answer of `adapt power` cannot be read.", "Run `main.py doctor`.") from error
