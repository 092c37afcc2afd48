"""Temperature and threshold of every mask, on presentations of people that trained nothing.

Policy of the threshold: the point of the source-dev curve where the mean over species of APCER equals BPCER, which is
where the primary figure, macro HTER (evaluation.md section 1), is balanced. A cap on the worst species was tried first:
with species that a mask cannot tell apart (a worn mask without infrared) it refuses nearly everybody. What the worst
species costs stands in the model card instead. A mask under which some species passes more often than not on dev, and
clearly more often than before all sensors (`gains_by_covering`), may refuse, but what it would accept is referred: who
covers a sensor gains nothing. The factory model, which goes to unknown cameras, takes `field_threshold`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from core.metrics.ranking import auc
from core.verdict import sigmoid

MAX_WORST_APCER = 0.5
TELLABLE_AUC = 0.95
"""A species that a mask ranks no better than this does not move the mask's threshold (`field_threshold`): balancing one
of AUC 0.85 would refuse a fifth of all people, and still let a fifth of the attacks pass."""
_CLEARLY = 0.1
_EDGE = 1e-6
_LOG_TEMPERATURE = (-3.0, 3.0)


@dataclass(frozen=True, slots=True)
class Calibration:
    """Divisor of the raw logit and threshold of the pooled score, of one mask."""

    temperature: float
    threshold: float


def calibrate(logits: NDArray[np.float64], species: NDArray[np.str_]) -> Calibration:
    """Calibrate one mask from pooled raw logits ``(P,)`` of presentations and their species (empty = bona fide)."""
    attacks = {str(kind): logits[species == kind] for kind in np.unique(species) if kind}
    return at_logit(choose_threshold(logits[species == ""], attacks), fit_temperature(logits, species == ""))


def at_logit(threshold: float, temperature: float) -> Calibration:
    """The calibration that accepts from a raw logit on."""
    return Calibration(temperature, min(max(sigmoid(threshold / temperature), _EDGE), 1.0 - _EDGE))


def field_threshold(
    plain: NDArray[np.float64],
    varied: NDArray[np.float64],
    species: NDArray[np.str_],
    temperature: float,
) -> float:
    """The threshold of a mask that goes to cameras which nobody has seen.

    ``plain`` and ``varied (N,)`` are the logits of single crops as rendered, and under strong variation of framing,
    resolution, scale, tone and noise: as rendered, the classes lie too neatly apart for a threshold that must hold
    elsewhere. Only species that the mask can tell count. One that it cannot (a mannequin, for depth) costs as many bona
    fide as one likes and still passes; it is a reason never to accept under the mask, not to refuse everybody.
    """
    told = tellable(plain[species == ""], {str(kind): plain[species == kind] for kind in np.unique(species) if kind})
    both, kinds = np.concatenate([plain, varied]), np.concatenate([species, species])
    found = choose_threshold(both[kinds == ""], {kind: both[kinds == kind] for kind in told})
    return min(max(sigmoid(found / temperature), _EDGE), 1.0 - _EDGE)


def apcers(found: Calibration, logits: NDArray[np.float64], species: NDArray[np.str_]) -> dict[str, float]:
    """APCER of every species among the presentations, at the threshold of ``found``."""
    passed = logits / found.temperature >= math.log(found.threshold / (1.0 - found.threshold))
    return {str(kind): float(passed[species == kind].mean()) for kind in np.unique(species) if kind}


def gains_by_covering(under: Mapping[str, float], complete: Mapping[str, float]) -> bool:
    """Whether some species passes more often than not under a mask, and clearly more often than before all sensors.

    Args:
        under: APCER of each species under the mask.
        complete: under the complete mask.
    """
    return any(rate > MAX_WORST_APCER and rate > complete.get(kind, 0.0) + _CLEARLY for kind, rate in under.items())


def fit_temperature(logits: NDArray[np.float64], bona_fide: NDArray[np.bool_]) -> float:
    """The temperature of least class-balanced negative log-likelihood (Guo et al. 2017)."""
    sign = np.where(bona_fide, 1.0, -1.0)
    weight = np.where(bona_fide, 1.0 / max(1, bona_fide.sum()), 1.0 / max(1, (~bona_fide).sum()))

    def loss(log_temperature: float) -> float:
        return float((weight * np.logaddexp(0.0, -sign * logits / math.exp(log_temperature))).sum())

    return math.exp(float(minimize_scalar(loss, bounds=_LOG_TEMPERATURE, method="bounded").x))


def _auc(bona_fide: NDArray[np.float64], attacks: NDArray[np.float64]) -> float:
    found = auc(bona_fide.tolist(), attacks.tolist())
    return 0.0 if found is None else found


def tellable(bona_fide: NDArray[np.float64], attacks: Mapping[str, NDArray[np.float64]]) -> list[str]:
    """The species that rank below bona fide with an AUC of at least `TELLABLE_AUC`; all where there is no such one.

    A species that a mask cannot tell costs as many bona fide as one likes and still passes: it is a reason never to
    accept under the mask, not to refuse everybody.
    """
    return [kind for kind, scores in attacks.items() if _auc(bona_fide, scores) >= TELLABLE_AUC] or list(attacks)


def choose_threshold(bona_fide: NDArray[np.float64], attacks: Mapping[str, NDArray[np.float64]]) -> float:
    """The lowest score at which macro APCER is no more than BPCER, half-way to the next lower score.

    Half-way, because any threshold between two neighbouring scores decides dev alike, and the middle favours neither
    class on people that dev has not seen. Every species counts alike, however often it was presented.
    """
    return balanced_threshold([(1.0, bona_fide)], [(1.0, attacks)])


def balanced_threshold(
    bona_fide: Sequence[tuple[float, NDArray[np.float64]]],
    groups: Sequence[tuple[float, Mapping[str, NDArray[np.float64]]]],
) -> float:
    """`choose_threshold` over several sources: BPCER by their weights, APCER macro in each group, groups by theirs.

    Args:
        bona_fide: weight and scores of each source of bona fide.
        groups: weight, and scores of each species, group by group; an empty group does not count.

    Raises:
        ValueError: there is no bona fide or no attack.
    """
    sources = [(weight, np.sort(scores)) for weight, scores in bona_fide if weight > 0 and scores.size]
    wanted = [(weight, [np.sort(attack) for attack in group.values()]) for weight, group in groups if weight and group]
    if not sources or not wanted:
        raise ValueError("a threshold needs bona fide and attacks")
    scores = np.unique(np.concatenate([*(s for _, s in sources), *(a for _, group in wanted for a in group)]))
    refused = sum(weight * _below(own, scores) for weight, own in sources) / sum(weight for weight, _ in sources)
    macro = [(weight, np.mean([1.0 - _below(attack, scores) for attack in group], axis=0)) for weight, group in wanted]
    passed = sum(weight * rate for weight, rate in macro) / sum(weight for weight, _ in macro)
    crossed = passed <= refused
    at = int(np.argmax(crossed)) if bool(crossed.any()) else len(scores) - 1
    return float(scores[at]) if at == 0 else float(scores[at - 1] + scores[at]) / 2.0


def _below(ordered: NDArray[np.float64], scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share of ``ordered`` below each of ``scores``."""
    return np.searchsorted(ordered, scores, side="left") / ordered.size
