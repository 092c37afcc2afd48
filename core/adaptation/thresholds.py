"""Temperature and threshold of every mask of a candidate: balanced, and in neither error worse than the champion."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import fisher_exact

from core.adaptation.judging import Bars, Judged
from core.adaptation.paired import Stratum
from core.frames import EVERY_MASK, ModalityMask
from core.training.calibration import Calibration, at_logit, balanced_threshold, fit_temperature, tellable

Scores = NDArray[np.float64]

_STRICTEST = 1.0 - 1e-6
_HALF_TRUST = 5
"""Bona fide of the site that count as much as the simulated ones together."""
_HALF_TRUST_ATTACKS = 30
"""Attacks presented on site that would count as much as all others together, were they let to: they count at most as
much as hybrids and as simulated ones do. They are few, of one or two species, and at sites left out of the sources
whatever weighs them more places the threshold worse (docs/adaptation.md)."""
_MISPLACED = 0.05
"""One-sided level at which the site's labels show that the champion lets its attacks pass."""
_NONE: Scores = np.empty(0)


def calibrated(judged: Sequence[Judged], own: Container[ModalityMask] = ()) -> dict[ModalityMask, Calibration]:
    """Temperature and threshold of every mask for which both classes are there.

    The threshold is where APCER equals BPCER. What was presented on site counts the more, the more there is of it, bona
    fide and attacks each. APCER is macro over the species of three groups: attacks presented on site, hybrids of its
    people, and those simulated species that the mask can tell (`core.training.calibration.tellable`); all three
    alike where there are enough of the first. Under the masks of ``own`` no simulated bona fide count, and attacks of
    the site as if there were enough.
    """
    found = {}
    for mask in EVERY_MASK:
        rows = _Scores.of(judged, mask)
        if not rows.bona_fide.size or not rows.attacks.size:
            continue
        told = tellable(rows.source.get("", rows.bona_fide), _attacks(rows.source))
        simulated = {kind: rows.source[kind] for kind in told if kind in rows.source}
        others = [group for group in (_attacks(rows.hybrid), simulated) if group]
        share = rows.share_of_attacks(1.0 / (len(others) + 1), mask in own)
        groups = [(share, _attacks(rows.site)), *(((1.0 - share) / len(others), group) for group in others)]
        threshold = balanced_threshold(rows.own() if mask in own else rows.live(), groups)
        found[mask] = at_logit(threshold, rows.temperature())
    return found


def bound(
    judged: Sequence[Judged], before: Sequence[Judged], champion: Bars, own: Sequence[ModalityMask]
) -> dict[ModalityMask, Calibration]:
    """`calibrated`, `no_stricter`, `no_looser`: no more attacks pass than the champion lets pass, and where that allows
    it no more bona fide are refused.

    Under the masks of ``own``, those whose threshold is `misplaced` at the site, its bona fide alone are looked at:
    simulated ones, whose scores lie elsewhere, would hold the threshold below the site's attacks. A candidate that
    trained on these few finds them easier than people whom it has not met, so there it may ask of simulated people,
    whom it has not met either, what the champion's weights would ask of them under thresholds found alike, and no more.
    ``judged`` and ``before`` are the same presentations in the same order, by the new weights and by the champion's.
    """
    found = _given(judged, before, champion, own)
    untrained = Bars("", _given(before, before, champion, own) if own else {})
    for mask in own:
        found[mask] = _lowered(mask, found[mask], judged, before, untrained, _Scores.simulated)
    return no_looser(found, judged, before, champion)


def _given(
    judged: Sequence[Judged], before: Sequence[Judged], champion: Bars, own: Container[ModalityMask]
) -> dict[ModalityMask, Calibration]:
    """Balanced, and no stricter than the champion."""
    return no_stricter(calibrated(judged, own), judged, before, champion, own)


def no_looser(
    found: Mapping[ModalityMask, Calibration], judged: Sequence[Judged], before: Sequence[Judged], champion: Bars
) -> dict[ModalityMask, Calibration]:
    """Raise thresholds until no more attacks pass than the champion lets pass, on site and in simulation each.

    An operating point is a trade: a new one that accepts more bona fide by accepting more attacks is no adaptation. In
    simulation it is the species that the champion can tell under the mask: which of the others pass is chance. A mask
    for which the champion has no threshold is referred; it gets none here either, having nothing to be held to.
    """
    raised = {}
    for mask, calibration in found.items():
        if champion.threshold(mask) is None:
            continue
        bars = Bars("", {mask: calibration})
        rows = [(new, old) for new, old in zip(judged, before, strict=True) if mask in new.logits]
        scores = np.sort([bars.score(mask, new.logits[mask]) for new, _ in rows])
        source = _Scores.of(before, mask).source
        told = tellable(source.get("", _NONE), _attacks(source))
        threshold = calibration.threshold
        for simulated in (True, False):
            attacks = [
                (new, old)
                for new, old in rows
                if new.species
                and (new.stratum is Stratum.SOURCE) is simulated
                and (not simulated or new.species in told)
            ]
            allowed = sum(champion.accepts(mask, old.logits[mask]) for _, old in attacks)
            if allowed < len(attacks):
                passing = sorted((bars.score(mask, new.logits[mask]) for new, _ in attacks), reverse=True)[allowed]
                threshold = max(threshold, _above(passing, scores))
        raised[mask] = Calibration(calibration.temperature, min(threshold, _STRICTEST))
    return raised


def no_stricter(
    found: Mapping[ModalityMask, Calibration], judged: Sequence[Judged], before: Sequence[Judged], champion: Bars,
    own: Container[ModalityMask] = (),
) -> dict[ModalityMask, Calibration]:  # fmt: skip
    """Lower thresholds until no more bona fide are refused than the champion refuses, weighed as in `calibrated`.

    A champion that stands at few false alarms and many accepted attacks would otherwise be balanced, which no gate
    promotes: what better ranking gives is to be had without asking more of people who are what they say. It comes
    before `no_looser`, which has the last word.
    """
    return {
        mask: _lowered(mask, one, judged, before, champion, _Scores.own if mask in own else _Scores.live)
        for mask, one in found.items()
    }


def _lowered(
    mask: ModalityMask, calibration: Calibration, judged: Sequence[Judged], before: Sequence[Judged], champion: Bars,
    counted: Callable[[_Scores], list[tuple[float, Scores]]],
) -> Calibration:  # fmt: skip
    """Lowered until no more of the ``counted`` bona fide, each source with its weight, are refused than before."""
    new, old = _Scores.of(judged, mask), _Scores.of(before, mask)
    if champion.threshold(mask) is None or not any(part.size for _, part in counted(old)):
        return calibration
    bars = Bars("", {mask: calibration})
    allowed = sum(w * np.mean([not champion.accepts(mask, x) for x in part]) for w, part in counted(old) if part.size)
    weighed = [(w, np.sort([bars.score(mask, x) for x in part])) for w, part in counted(new) if part.size]
    if allowed >= sum(w for w, _ in weighed):  # nobody was accepted
        return calibration
    scores = np.unique(np.concatenate([part for _, part in weighed]))
    refused = sum(w * np.searchsorted(part, scores, side="left") / part.size for w, part in weighed)
    within = scores[refused <= allowed + 1e-9]
    threshold = min(calibration.threshold, float(within[-1])) if within.size else calibration.threshold
    return Calibration(calibration.temperature, threshold)


def misplaced(before: Sequence[Judged], champion: Bars) -> list[ModalityMask]:
    """The masks under which the champion's threshold is misplaced at the site: its labels show that attacks pass, and
    a threshold of the site's own would stop at least half of those that do.

    Attacks that pass because nobody can tell them are no reason: no threshold stops them, whatever it costs people.
    """
    shown = [mask for mask in EVERY_MASK if lets_attacks_pass(before, champion, mask)]
    if not shown:
        return []
    bars = Bars("", no_looser(_given(before, before, champion, shown), before, before, champion))
    found = []
    for mask in shown:
        site = _attacks(_Scores.of(before, mask).site).values()
        passing = [x for part in site for x in part if champion.accepts(mask, x)]
        if 2 * sum(not bars.accepts(mask, x) for x in passing) >= len(passing):
            found.append(mask)
    return found


def lets_attacks_pass(before: Sequence[Judged], champion: Bars, mask: ModalityMask) -> bool:
    """Whether the site's labels show that the champion accepts attacks there more readily than it refuses bona fide.

    Fisher's exact test of the two errors over labelled presentations, one-sided: 3 of 6 attacks accepted and none of 14
    bona fide refused show it (p .02), 3 of 6 and one of 14 do not (p .06). Fewer than five bona fide show nothing.
    """
    site = _Scores.of(before, mask).site
    live = [champion.accepts(mask, x) for x in site.get("", _NONE)]
    attacks = [champion.accepts(mask, x) for part in _attacks(site).values() for x in part]
    if len(live) < _HALF_TRUST or not attacks:
        return False
    passed, refused = sum(attacks), len(live) - sum(live)
    table = [[passed, len(attacks) - passed], [refused, len(live) - refused]]
    return float(fisher_exact(table, alternative="greater").pvalue) < _MISPLACED


@dataclass(frozen=True, slots=True, eq=False)
class _Scores:
    """Logits under one mask by species (empty = bona fide), for each stratum."""

    site: dict[str, Scores]
    hybrid: dict[str, Scores]
    source: dict[str, Scores]

    @classmethod
    def of(cls, judged: Iterable[Judged], mask: ModalityMask) -> _Scores:
        found: dict[Stratum, dict[str, list[float]]] = {stratum: {} for stratum in Stratum}
        for one in judged:
            if mask in one.logits:
                found[one.stratum].setdefault(one.species, []).append(one.logits[mask])
        by = {stratum: {k: np.array(v, np.float64) for k, v in each.items()} for stratum, each in found.items()}
        return cls(by[Stratum.SITE], by[Stratum.HYBRID], by[Stratum.SOURCE])

    def live(self) -> list[tuple[float, Scores]]:
        """Bona fide of the site and simulated ones, each with its weight."""
        of_site = self.site.get("", _NONE)
        share = of_site.size / (of_site.size + _HALF_TRUST)
        return [(share, of_site), (1.0 - share, self.source.get("", _NONE))]

    def share_of_attacks(self, most: float, enough: bool) -> float:
        """What attacks presented on site weigh beside all others: ``most``, or less where they are not ``enough``."""
        count = sum(scores.size for scores in _attacks(self.site).values())
        return min(most, 1.0 if enough and count else count / (count + _HALF_TRUST_ATTACKS))

    def own(self) -> list[tuple[float, Scores]]:
        """Bona fide of the site alone."""
        return [(1.0, self.site.get("", _NONE))]

    def simulated(self) -> list[tuple[float, Scores]]:
        """Simulated bona fide alone."""
        return [(1.0, self.source.get("", _NONE))]

    @property
    def bona_fide(self) -> Scores:
        """Of the site and simulated."""
        return np.concatenate([self.site.get("", _NONE), self.source.get("", _NONE)])

    @property
    def attacks(self) -> Scores:
        """Of every stratum."""
        parts = [_attacks(stratum) for stratum in (self.site, self.hybrid, self.source)]
        return np.concatenate([_NONE, *(scores for part in parts for scores in part.values())])

    def temperature(self) -> float:
        """Site presentations count as often as it takes to weigh as much as the simulated ones."""
        of_site = [*self.site.items(), *self.hybrid.items()]
        count = sum(scores.size for _, scores in of_site)
        weight = max(1, round(sum(scores.size for scores in self.source.values()) / count)) if count else 1
        repeated = [*self.source.items(), *((kind, np.repeat(scores, weight)) for kind, scores in of_site)]
        bona_fide = np.concatenate([np.full(scores.size, kind == "") for kind, scores in repeated])
        return fit_temperature(np.concatenate([scores for _, scores in repeated]), bona_fide)


def _attacks(by_species: Mapping[str, Scores]) -> dict[str, Scores]:
    return {kind: scores for kind, scores in by_species.items() if kind}


def _above(score: float, scores: NDArray[np.float64]) -> float:
    """Half-way from ``score`` to the next higher of ``scores``."""
    higher = scores[scores > score]
    return (score + (float(higher[0]) if higher.size else 1.0)) / 2.0
