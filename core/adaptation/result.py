"""What a finished job reports: the gate's answer and the figures behind it."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from core.adaptation.report import GateReport
from core.codes import Outcome
from core.labelling.figures import SecondLabels

SCHEMA = 1


class MaskFigures(BaseModel):
    """Judging presentations and hybrids under one mask: BLOCKs of formats.md and curves for the report.

    ``threshold_only``: the champion's weights with newly derived temperature and thresholds. What it gains is
    calibration; only what the candidate gains beyond it is ranking (evaluation.md section 1).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    mask: str
    before: dict[str, Any]
    threshold_only: dict[str, Any]
    after: dict[str, Any]
    det: dict[str, list[tuple[float, float]]]
    """``before`` and ``after``: points (APCER, BPCER)."""
    histograms: dict[str, list[int]]
    """Scores after, ``bona_fide`` and ``attack``, in 20 bins."""


class Distance(BaseModel):
    """How far a candidate has gone from the root of its lineage (`core.adaptation.distance`).

    ``parameters``: |theta - theta_root| / |theta_root| over what adaptation may change (Euclidean norms).
    ``decisions``: share of the simulated hold-out that is decided otherwise, each model at its own thresholds, all
    modalities present; of ``trials`` presentations.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    root: str = Field(description="sha256 of the root's weights")
    parameters: float
    decisions: float
    trials: int


class TrafficChange(BaseModel):
    """A recorded presentation that the two models decide otherwise."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    presentation: str
    session: str
    before: Outcome
    after: Outcome


class Traffic(BaseModel):
    """Recorded checkpoint traffic decided again (`core.adaptation.traffic`).

    ``outcomes``: how many, by what the champion says, then by what the candidate says. Of all ``presentations`` some
    were ``gone`` (erased, without consent, unreadable) and some ``without_face``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    presentations: int
    gone: int
    without_face: int
    outcomes: dict[str, dict[str, int]]
    changed: list[TrafficChange]

    @property
    def decided(self) -> int:
        """How many both models decided about."""
        return self.presentations - self.gone - self.without_face


class WrongDecision(BaseModel):
    """A judging presentation that the candidate decides wrongly, to look at; ``species`` empty = bona fide."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    presentation: str
    session: str
    species: str
    before: Outcome
    after: Outcome


class JobReport(BaseModel):
    """Report of one job."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_: int = Field(default=SCHEMA, alias="schema")
    gate: GateReport
    overall: MaskFigures
    by_mask: list[MaskFigures]
    subjects: dict[str, int]
    without_face: dict[str, int]
    """Presentations in which no face was found, by use."""
    steps: int
    returns: int
    candidate: str
    """sha256 of the candidate's weights, also where the gate refused it."""
    pseudo_labels: dict[str, int] = Field(default_factory=dict)
    """Rows without a label that the pass believed at its end (``bona_fide``, ``attack``), of all ``rows``."""
    misplaced: list[str] = Field(default_factory=list)
    """Masks whose thresholds follow the site alone (`core.adaptation.thresholds.misplaced`)."""
    distance: Distance | None = None
    """From the factory model, or the one that was trained here; ``None`` in reports from before it was measured."""
    traffic: Traffic | None = None
    """``None`` where the plan named no recorded traffic."""
    examples: list[WrongDecision] = Field(default_factory=list)
    """Attacks that are accepted first, those of the highest score before the others; at most twenty."""
    second_labels: SecondLabels | None = None
    """As the plan has it; ``None`` in reports from before labels were given twice."""
    seconds: float = 0.0

    def to_json(self) -> str:
        """JSON text for the job."""
        return self.model_dump_json(by_alias=True)
