"""What a pass may do and what its gate asks for. Frozen with the plan."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


def _later(default: float, **limits: Any) -> Any:
    """A setting that came later: the canonical form is without it where nobody set it, so older plans keep theirs."""
    return Field(default=default, exclude_if=lambda value: value == default, **limits)


class GateSettings(BaseModel):
    """Rules of the gate (evaluation.md section 6). Rates are fractions."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    margin: float = Field(default=0.01, gt=0, lt=0.5, description="the pooled APCER may rise by less than this")
    bpcer_margin: float = Field(default=0.02, gt=0, lt=0.5, description="the BPCER may rise by less than this")
    species_cap: float = Field(default=0.05, gt=0, lt=0.5, description="the APCER of no species may rise by more")
    confidence: float = Field(default=0.95, gt=0.5, lt=1, description="one-sided, for what has to be shown")
    harm_confidence: float = Field(default=0.99, gt=0.5, lt=1, description="one-sided, for harm in any of many tests")
    doubt_confidence: float = Field(default=0.9, gt=0.5, lt=1, description="one-sided, for harm that leaves it open")
    min_subjects: int = Field(default=10, ge=2, description="judging subjects below which nothing is concluded")
    max_parameter_distance: float = _later(0.25, gt=0, description="from the root of the lineage, relative")
    max_decision_distance: float = _later(
        0.2, gt=0, le=1, description="share of the simulated hold-out that the root decides otherwise"
    )


class TrainingSettings(BaseModel):
    """The pass itself: constants of method.md 8.2-8.4, which are starting values and not tuned on any target."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    steps: int = Field(default=120, ge=1, le=100_000)
    batch: int = Field(default=32, ge=2, le=1024, description="site crops a step; as many again from the replay")
    learning_rate: float = Field(default=1e-3, gt=0, lt=1)
    anchor_l2: float = Field(default=0.001, ge=0, description="pull of the weights towards the champion's")
    site_weight: float = Field(default=1.0, gt=0, description="of the site's loss at stability weight 1")
    frames: int = Field(default=5, ge=1, le=60, description="frame sets of a presentation that are used")
    replay: int = Field(default=240, ge=24, description="simulated presentations of the replay memory")
    calibration: int = Field(default=160, ge=24, description="simulated presentations that calibrate, of other people")
    holdout: int = Field(default=480, ge=0, description="simulated presentations that judge, again of other people")
    copies: int = Field(default=2, ge=0, le=16, description="varied copies of each crop beside the crop itself")
    checkpoint_steps: int = Field(default=20, ge=1)
    subject_cap: int = _later(
        12, ge=1, description="presentations of one person, species and instrument that are no flood"
    )
    window_cap: int = _later(6, ge=1, description="of them within window_s (core.adaptation.caps)")
    window_s: float = _later(600.0, gt=0)
