"""How much weight the site's loss deserves at this step, and when to go back (method.md section 8.3).

Constants are method.md's starting values. The anchor (replayed simulation) is never scaled down.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace

FLOOR = 0.05
_STABLE = 0.6
_INCREASE = 0.1
_LOSS_MEMORY = 0.9
_PRIOR_MEMORY = 0.95
_PRIOR_FREE = 0.2
_ANCHOR_LIMIT = 0.10
_ANCHOR_STEPS = 20
"""Method.md's five of A_t, which the trainer measures every fourth step. A pass that learns a site of severe shift
raises the anchor's loss by 10 to 30 % while its rate is highest and brings it down again by itself; going back after
two measurements gave the champion back where most was to be learnt (docs/adaptation.md)."""
_FLOOR_STEPS = 20


@dataclass(frozen=True, slots=True)
class Signals:
    """What one step shows without labels of the judging side.

    ``loss``: the site's. ``flips``: share of decisions in which student and averaged teacher differ. ``mean_score``:
    mean probability of bona fide. ``anchor``: relative rise of the loss on the anchor set, 0 or more.
    """

    loss: float
    flips: float
    mean_score: float
    anchor: float


@dataclass(frozen=True, slots=True)
class StabilityWeight:
    """State of the weight after some steps; `after` gives the next. Plain numbers, so that it is stored as JSON."""

    weight: float = 0.5
    stability: float = 1.0
    loss_mean: float = 0.0
    loss_variance: float = 0.0
    prior: float = 0.5
    steps: int = 0
    at_floor: int = 0
    anchor_high: int = 0

    def after(self, signals: Signals) -> StabilityWeight:
        """The state after one more step: additive increase while stable, multiplicative decrease otherwise."""
        surprise = 0.0
        if self.steps:
            surprise = (signals.loss - self.loss_mean) / (math.sqrt(self.loss_variance) + 1e-3)
        drift = abs(signals.mean_score - self.prior)
        stability = math.exp(
            -(
                0.5 * min(max(surprise, 0.0), 6.0)
                + 3.0 * signals.flips
                + 2.0 * max(drift - _PRIOR_FREE, 0.0)
                + 5.0 * signals.anchor
            )
        )
        if stability > _STABLE:
            weight = min(1.0, self.weight + _INCREASE)
        else:
            weight = max(FLOOR, self.weight * (0.4 + 0.6 * stability))
        memory = _LOSS_MEMORY if self.steps else 0.0
        mean = memory * self.loss_mean + (1.0 - memory) * signals.loss
        return replace(
            self,
            weight=weight,
            stability=stability,
            loss_mean=mean,
            loss_variance=memory * self.loss_variance + (1.0 - memory) * (signals.loss - mean) ** 2,
            prior=_PRIOR_MEMORY * self.prior + (1.0 - _PRIOR_MEMORY) * signals.mean_score,
            steps=self.steps + 1,
            at_floor=self.at_floor + 1 if weight <= FLOOR else 0,
            anchor_high=self.anchor_high + 1 if signals.anchor > _ANCHOR_LIMIT else 0,
        )

    @property
    def must_return(self) -> bool:
        """Whether the weights have to go back to the last good snapshot."""
        return self.at_floor >= _FLOOR_STEPS or self.anchor_high >= _ANCHOR_STEPS

    @property
    def stable(self) -> bool:
        """Whether this step counts as accepted (snapshots are kept of accepted steps only)."""
        return self.stability > _STABLE

    def returned(self) -> StabilityWeight:
        """The state after going back: counters cleared, weight at the floor, memory of the loss kept."""
        return replace(self, weight=FLOOR, at_floor=0, anchor_high=0)

    def as_json(self) -> dict[str, float]:
        """Plain numbers."""
        return asdict(self)
