"""Paired differences of error rates, clustered by subject and by artefact: the arithmetic below the gate."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from core.codes import Species
from core.frames import ModalityMask
from core.metrics.rate import cluster_index


class Stratum(StrEnum):
    """Where a judging presentation comes from."""

    SITE = "site"
    HYBRID = "hybrid"
    SOURCE = "source"


@dataclass(frozen=True, slots=True)
class PairedTrial:
    """One presentation under one mask, decided by champion and candidate; each at its own threshold.

    ``artefact``: the instrument that was presented, where it is known: several people may present the same mask.
    ``margins``: how far above its own threshold the score of champion and candidate lies, in log-odds.
    """

    presentation: str
    subject: str
    species: str
    stratum: Stratum
    mask: ModalityMask
    champion_accepts: bool
    candidate_accepts: bool
    artefact: str = ""
    margins: tuple[float, float] = (0.0, 0.0)

    @property
    def bona_fide(self) -> bool:
        """Whether the presentation is bona fide."""
        return self.species == Species.BONA_FIDE

    @property
    def errors(self) -> tuple[bool, bool]:
        """Whether champion and candidate err."""
        if self.bona_fide:
            return not self.champion_accepts, not self.candidate_accepts
        return self.champion_accepts, self.candidate_accepts


@dataclass(frozen=True, slots=True)
class Difference:
    """Candidate's error rate minus the champion's on the same presentations.

    ``error`` is the standard error, clustered by subject and by artefact; ``degrees`` the degrees of freedom of its t
    bounds: of whichever is fewer.
    """

    before: float
    after: float
    error: float
    trials: int
    subjects: int
    degrees: int

    @property
    def value(self) -> float:
        """``after - before``."""
        return self.after - self.before

    def high(self, confidence: float) -> float:
        """One-sided upper bound."""
        return self.value + self._reach(confidence)

    def low(self, confidence: float) -> float:
        """One-sided lower bound."""
        return self.value - self._reach(confidence)

    def trials_to_show(self, margin: float, confidence: float) -> int | None:
        """Trials that would bring the upper bound below ``margin`` if the difference stayed as it is.

        ``None`` where more of the same would not (the difference itself is not below the margin).
        """
        room = margin - self.value
        if room <= 0:
            return None
        return max(self.trials, math.ceil(self.trials * (self._reach(confidence) / room) ** 2))

    def _reach(self, confidence: float) -> float:
        from scipy.special import stdtrit  # heavy: only where figures are made

        return float(stdtrit(self.degrees, confidence)) * self.error


def difference(trials: Iterable[PairedTrial]) -> Difference | None:
    """The paired difference of one class; ``None`` without trials.

    A ratio estimator over subjects (the number of presentations differs between them). One discordant pair each way is
    added to the variance: without it a handful of presentations that agree would prove that nothing ever differs
    (compare the rule of three).
    """
    trials = list(trials)
    if not trials:
        return None
    return _combine([_Part.of(trials)])


def rise_by_chance(trials: Iterable[PairedTrial]) -> float:
    """How likely at least this many of the presentations that changed would be new errors, were either way as likely.

    The exact sign test on discordant pairs (one-sided McNemar): it sees a rise that a bound from three artefacts, with
    its two degrees of freedom, cannot show; 1 where nothing changed.
    """
    changed = [trial.errors for trial in trials if trial.errors[0] != trial.errors[1]]
    new = sum(after for _, after in changed)
    return sum(math.comb(len(changed), k) for k in range(new, len(changed) + 1)) / (1 << len(changed))


def drift(trials: Iterable[PairedTrial]) -> float:
    """How likely the scores would have moved towards acceptance this far on the mean by chance: a t-test over subjects.

    One-sided. Decisions that flip near a threshold say little of a dozen presentations; that all of them moved says a
    lot. 1 where one subject or none is there.
    """
    from scipy.special import stdtr  # heavy: only where figures are made

    of: dict[str, list[float]] = {}
    for trial in trials:
        of.setdefault(trial.subject, []).append(trial.margins[1] - trial.margins[0])
    means = np.array([np.mean(shifts) for shifts in of.values()])
    if len(means) < 2:
        return 1.0
    error = float(means.std(ddof=1)) / math.sqrt(len(means))
    if error == 0.0:
        return 0.0 if means[0] > 0.0 else 1.0
    return float(stdtr(len(means) - 1, -float(means.mean()) / error))


def smoothed_rise(trials: Iterable[PairedTrial]) -> float:
    """By how much the accepted share rises, each score blurred by half of the spread that the champion's have.

    Of two dozen presentations the count moves in steps of four points; this moves as the scores do.
    """
    from scipy.special import ndtr  # heavy: only where figures are made

    margins = np.array([trial.margins for trial in trials])
    blur = 0.5 * float(margins[:, 0].std())
    if blur == 0.0:
        return 0.0
    before, after = ndtr(margins / blur).mean(axis=0)
    return float(after - before)


def half_total_difference(attacks: Iterable[PairedTrial], bona_fide: Iterable[PairedTrial]) -> Difference | None:
    """The paired difference of HTER = (APCER + BPCER) / 2, subjects shared by both classes taken together."""
    parts = [list(attacks), list(bona_fide)]
    if not all(parts):
        return None
    return _combine([_Part.of(part, share=0.5) for part in parts])


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """Weighted rates of one class, with the influence of every subject on their difference."""

    before: float
    after: float
    influence: tuple[dict[object, float], ...]
    """By subject, by artefact, and by both together; a presentation without an artefact is its subject's."""
    pseudo: float
    trials: int

    @classmethod
    def of(cls, trials: Sequence[PairedTrial], share: float = 1.0) -> _Part:
        errors: NDArray[np.float64] = np.array([trial.errors for trial in trials], np.float64)
        change = errors[:, 1] - errors[:, 0]
        count = len(trials)
        named = [(trial.subject, (trial.artefact or ("", trial.subject))) for trial in trials]

        def influence(keys: Sequence[object]) -> dict[object, float]:
            clusters, members = cluster_index(keys)
            total = np.bincount(members, weights=change) - change.mean() * np.bincount(members)
            return {key: share * float(value) / count for key, value in zip(clusters, total, strict=True)}

        return cls(
            before=share * float(errors[:, 0].mean()),
            after=share * float(errors[:, 1].mean()),
            influence=(influence([s for s, _ in named]), influence([a for _, a in named]), influence(named)),
            pseudo=2.0 * (share / count) ** 2,
            trials=count,
        )


def _combine(parts: Sequence[_Part]) -> Difference:
    """Two-way clustered variance (Cameron, Gelbach and Miller 2011, section 2): V_subject + V_artefact - V_both.

    It is never taken to be less than either way alone, to which it may fall by chance.
    """
    by_subject, by_artefact, by_both = (_spread(parts, way) for way in range(3))
    subjects, artefacts = (len({key for part in parts for key in part.influence[way]}) for way in range(2))
    spread = max(by_subject, by_artefact, by_subject + by_artefact - by_both)
    return Difference(
        before=sum(part.before for part in parts),
        after=sum(part.after for part in parts),
        error=math.sqrt(spread + sum(part.pseudo for part in parts)),
        trials=sum(part.trials for part in parts),
        subjects=subjects,
        degrees=max(1, min(subjects, artefacts) - 1),
    )


def _spread(parts: Sequence[_Part], way: int) -> float:
    """Variance of the difference, clustered one way; clusters that several parts share are taken together."""
    influence: dict[object, float] = {}
    for part in parts:
        for key, value in part.influence[way].items():
            influence[key] = influence.get(key, 0.0) + value
    return sum(value**2 for value in influence.values()) * len(influence) / max(1, len(influence) - 1)
