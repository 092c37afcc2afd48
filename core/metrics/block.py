"""BLOCK of formats.md: the figures of one set of presentations at fixed thresholds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from core.codes import Outcome
from core.metrics.ranking import auc, equal_error
from core.metrics.rate import Rate, rate_of
from core.metrics.trial import Thresholds, Trial


@dataclass(frozen=True, slots=True)
class ByClass:
    """A rate for each class; ``None`` where the class is absent."""

    bona_fide: Rate | None
    attack: Rate | None

    def as_json(self) -> dict[str, Any]:
        """The form of formats.md."""
        return {"bona_fide": _json(self.bona_fide), "attack": _json(self.attack)}


@dataclass(frozen=True, slots=True)
class Block:
    """Figures of a set of presentations (ISO/IEC 30107-3; names as in formats.md).

    ``threshold`` is ``None`` where the masks of the set have different thresholds, or none. ``apcer`` and ``bpcer`` are
    shares of the presentations that were answered. In ``auc``, ``eer``, ``hter`` and ``macro_hter`` a bona fide without
    response is an error (it ranks below every attack); an attack without response stands in ``non_response`` alone.
    """

    threshold: float | None
    threshold_source: str
    auc: float | None
    eer: float | None
    hter: float | None
    macro_hter: float | None
    apcer: dict[str, Rate]
    apcer_max: float | None
    bpcer: Rate | None
    non_response: ByClass
    refer: ByClass

    def as_json(self) -> dict[str, Any]:
        """The form of formats.md."""
        return {
            "threshold": self.threshold,
            "threshold_source": self.threshold_source,
            "auc": self.auc,
            "eer": self.eer,
            "hter": self.hter,
            "macro_hter": self.macro_hter,
            "apcer": {species: rate.as_json() for species, rate in self.apcer.items()},
            "apcer_max": self.apcer_max,
            "bpcer": _json(self.bpcer),
            "non_response": self.non_response.as_json(),
            "refer": self.refer.as_json(),
        }


def block_of(trials: Iterable[Trial], thresholds: Thresholds, threshold_source: str) -> Block:
    """Compute the BLOCK of ``trials`` by the forced decision ``score >= threshold(mask)``.

    A mask without a threshold accepts nothing: its bona fide presentations are errors.
    """
    trials = list(trials)
    bona_fide = [trial for trial in trials if trial.bona_fide]
    attacks = [trial for trial in trials if not trial.bona_fide]
    answered = [trial for trial in attacks if trial.answered]
    by_species = {
        species: _accepted([trial for trial in answered if trial.species == species], thresholds)
        for species in sorted({trial.species for trial in answered})
    }
    apcer = {species: rate for species, rate in by_species.items() if rate is not None}
    positive, negative = [trial.rank for trial in bona_fide], [trial.rank for trial in answered]
    equal = equal_error(positive, negative)
    hter = macro_hter = None
    if bona_fide and answered:
        refused = sum(not trial.accepted(thresholds) for trial in bona_fide) / len(bona_fide)
        hter = (sum(trial.accepted(thresholds) for trial in answered) / len(answered) + refused) / 2.0
        macro_hter = (sum(rate.value for rate in apcer.values()) / len(apcer) + refused) / 2.0
    return Block(
        threshold=_common_threshold(trials, thresholds),
        threshold_source=threshold_source,
        auc=auc(positive, negative),
        eer=None if equal is None else equal[0],
        hter=hter,
        macro_hter=macro_hter,
        apcer=apcer,
        apcer_max=max((rate.value for rate in apcer.values()), default=None),
        bpcer=_refused([trial for trial in bona_fide if trial.answered], thresholds),
        non_response=ByClass(_unanswered(bona_fide), _unanswered(attacks)),
        refer=ByClass(_referred(bona_fide), _referred(attacks)),
    )


def _accepted(trials: Sequence[Trial], thresholds: Thresholds) -> Rate | None:
    return rate_of([trial.accepted(thresholds) for trial in trials], _clusters(trials))


def _refused(trials: Sequence[Trial], thresholds: Thresholds) -> Rate | None:
    return rate_of([not trial.accepted(thresholds) for trial in trials], _clusters(trials))


def _unanswered(trials: Sequence[Trial]) -> Rate | None:
    return rate_of([not trial.answered for trial in trials], _clusters(trials))


def _referred(trials: Sequence[Trial]) -> Rate | None:
    return rate_of([trial.outcome is Outcome.REFER for trial in trials], _clusters(trials))


def _clusters(trials: Sequence[Trial]) -> list[str]:
    return [trial.subject for trial in trials]


def _common_threshold(trials: Iterable[Trial], thresholds: Thresholds) -> float | None:
    found = {thresholds(mask) for mask in {trial.mask for trial in trials if trial.mask}}
    return found.pop() if len(found) == 1 else None


def _json(rate: Rate | None) -> dict[str, float | int] | None:
    return None if rate is None else rate.as_json()
