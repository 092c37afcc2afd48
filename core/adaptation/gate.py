"""The gate: may this candidate stand beside the champion?

Rules of evaluation.md section 6, each on the same presentations for candidate and champion, each model at its own
thresholds. Pooled APCER must be shown to be non-inferior, BPCER better or non-inferior, no species worse by more than a
cap, no rise on hybrid attacks paid for by a fall of BPCER, and there must be a gain. Masks are tested in a fixed order:
the first must show all of it, the following are claimed until one stays open, and harm on any mask refuses the
candidate. What the data cannot decide is *insufficient evidence*, with what would decide it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence

from core.adaptation.paired import (
    Difference,
    PairedTrial,
    Stratum,
    difference,
    drift,
    half_total_difference,
    rise_by_chance,
    smoothed_rise,
)
from core.adaptation.report import Check, GateReport, Holds, MaskFinding
from core.adaptation.settings import GateSettings
from core.codes import GateReason, GateResult
from core.frames import ModalityMask

_CHANCE = 0.25
"""Two new errors and none fewer, or rarer than that: a rise beyond the cap is then not put down to chance."""


def judge(trials: Sequence[PairedTrial], settings: GateSettings) -> GateReport:
    """Judge a candidate on paired trials of judging subjects, hybrids and the simulated hold-out."""
    findings: list[MaskFinding] = []
    claimed = True
    for mask in fixed_order(trials):
        checks = _checks([trial for trial in trials if trial.mask == mask], str(mask), settings, primary=not findings)
        holds = _all_hold(checks)
        claimed = claimed and holds is Holds.YES
        findings.append(MaskFinding(mask=str(mask), holds=holds, claimed=claimed, checks=checks))
    result, reasons = _answer(findings)
    return GateReport(
        result=result, reasons=reasons, masks=findings, settings=settings.model_dump(), judged=_counts(trials)
    )


def unstable() -> Check:
    """Of a pass that went back too often: its candidate is a snapshot, and no gain is worth looking for."""
    return Check(reason=GateReason.PASS_UNSTABLE, holds=Holds.NO, mask="")


def outdated() -> Check:
    """Of a candidate whose champion is not deployed any more: it was not compared with what it would replace."""
    return Check(reason=GateReason.CHAMPION_CHANGED, holds=Holds.NO, mask="")


def refused(report: GateReport, reasons: Sequence[Check]) -> GateReport:
    """The report of a candidate that is refused whatever its figures, for ``reasons``; unchanged without any."""
    if not reasons:
        return report
    result = GateResult.WORSE if report.result is GateResult.WORSE else GateResult.NOT_BETTER
    return report.model_copy(update={"result": result, "reasons": [*reasons, *report.reasons]})


def fixed_order(trials: Sequence[PairedTrial]) -> list[ModalityMask]:
    """The masks that the site's own presentations can be judged under: most modalities first, ties by their bits.

    The order is fixed by the sensors, never by the results. RGB alone comes last: it is referred by default.
    """
    masks = {trial.mask for trial in trials if trial.stratum is Stratum.SITE}
    return sorted(masks, key=lambda mask: (-len(mask), mask == ModalityMask(1), mask.bits))


def _answer(findings: Sequence[MaskFinding]) -> tuple[GateResult, list[Check]]:
    """Too few people conclude nothing; harm anywhere outweighs doubt; doubt about the first mask a missing gain."""
    if not findings:
        return GateResult.INSUFFICIENT_EVIDENCE, [_absent(GateReason.NO_BONA_FIDE, "", GateSettings())]
    harm = [c for f in findings for c in f.checks if c.holds is Holds.NO and c.reason is not GateReason.NO_GAIN]
    few = [c for c in findings[0].checks if c.reason is GateReason.TOO_FEW_SUBJECTS and c.holds is Holds.OPEN]
    if few:  # what looks like harm on so few is told as well
        return GateResult.INSUFFICIENT_EVIDENCE, few + harm
    if harm:
        return GateResult.WORSE, harm
    undecided = [c for c in findings[0].checks if c.holds is Holds.OPEN]
    if undecided:
        return GateResult.INSUFFICIENT_EVIDENCE, undecided
    if no_gain := [c for c in findings[0].checks if c.reason is GateReason.NO_GAIN]:
        return GateResult.NOT_BETTER, no_gain
    return GateResult.PASSED, [c for c in findings[0].checks if c.reason is GateReason.GAIN_SHOWN]


def _checks(trials: Sequence[PairedTrial], mask: str, settings: GateSettings, *, primary: bool) -> list[Check]:
    bona_fide = [t for t in trials if t.bona_fide and t.stratum is Stratum.SITE]
    attacks = [t for t in trials if not t.bona_fide]
    pooled, false_alarms = difference(attacks), difference(bona_fide)
    if pooled is None or false_alarms is None:
        missing = GateReason.NO_ATTACKS if pooled is None else GateReason.NO_BONA_FIDE
        return [_absent(missing, mask, settings)]
    checks = [
        _enough_subjects(bona_fide, attacks, mask, settings),
        _non_inferior(pooled, settings.margin, mask, settings, (GateReason.APCER_RISES, GateReason.APCER_OPEN)),
        _non_inferior(
            false_alarms, settings.bpcer_margin, mask, settings, (GateReason.BPCER_RISES, GateReason.BPCER_OPEN)
        ),
        *_species(trials, mask, settings),
        *_hybrids(trials, false_alarms, mask, settings),
    ]
    if primary:
        on_site = [t for t in attacks if t.stratum is not Stratum.SOURCE]
        checks.append(_gain(half_total_difference(on_site, bona_fide), mask, settings))
    return checks


def _enough_subjects(
    bona_fide: Sequence[PairedTrial], attacks: Sequence[PairedTrial], mask: str, settings: GateSettings
) -> Check:
    """Few people bound nothing, however often each was captured."""
    people = {trial.subject for trial in bona_fide}
    attacked = {trial.subject for trial in attacks if trial.stratum is not Stratum.SOURCE}
    fewest = min(len(people), len(attacked))
    enough = fewest >= settings.min_subjects
    return Check(
        reason=GateReason.TOO_FEW_SUBJECTS,
        holds=Holds.YES if enough else Holds.OPEN,
        mask=mask,
        limit=settings.min_subjects,
        trials=len(bona_fide),
        subjects=fewest,
        needs_subjects=None if enough else settings.min_subjects,
    )


def _non_inferior(
    found: Difference, margin: float, mask: str, settings: GateSettings, reasons: tuple[GateReason, GateReason]
) -> Check:
    """Upper bound below the margin holds; a rise that is shown fails; anything else is open."""
    rises, undecided = reasons
    if found.high(settings.confidence) <= margin:
        return _check(found, rises, Holds.YES, mask, settings, margin)
    if found.low(settings.harm_confidence) > 0.0:
        return _check(found, rises, Holds.NO, mask, settings, margin)
    check = _check(found, undecided, Holds.OPEN, mask, settings, margin)
    return _undecided(check, found, margin, settings)


def _species(trials: Sequence[PairedTrial], mask: str, settings: GateSettings) -> list[Check]:
    """The cap on every cell of stratum and PAI species; forgetting an attack counts as much as harm on site.

    A cell is small and there are many: beyond the cap it fails where harm is shown, and stays open unless chance alone
    explains it as well.
    """
    cells = sorted({(t.stratum, t.species) for t in trials if not t.bona_fide})
    simulated = sum(stratum is Stratum.SOURCE for stratum, _ in cells)
    checks = []
    for stratum, species in cells:
        cell = [t for t in trials if (t.stratum, t.species) == (stratum, species)]
        found = difference(cell)
        if found is None:
            continue
        if stratum is Stratum.SOURCE:
            holds = _simulated_rise(cell, found, simulated, settings)
        else:
            holds = _rise(cell, found, settings)
        reason = GateReason.SPECIES_OPEN if holds is Holds.OPEN else GateReason.SPECIES_RISES
        check = _check(found, reason, holds, mask, settings, settings.species_cap)
        checks.append(check.model_copy(update={"stratum": str(stratum), "species": species}))
    return checks


def _rise(cell: Sequence[PairedTrial], found: Difference, settings: GateSettings) -> Holds:
    """On site and of hybrids. Instruments are few: what three of them bound says little, so presentations count too."""
    if found.value <= settings.species_cap:
        return Holds.YES
    if found.low(settings.harm_confidence) > 0.0:
        return Holds.NO
    shown = found.low(settings.doubt_confidence) > 0.0 or rise_by_chance(cell) <= _CHANCE
    return Holds.OPEN if shown else Holds.YES


def _simulated_rise(cell: Sequence[PairedTrial], found: Difference, cells: int, settings: GateSettings) -> Holds:
    """There are many simulated species, each of few presentations, and a champion accepts some of most: decisions that
    flip both ways rise beyond the cap in some species or other of every candidate. So the scores of a species have to
    have moved towards acceptance as well, more than chance moves any of so many (`core.adaptation.paired.drift`); and
    where they have, a count that stays below the cap by chance is no excuse. It is harm where the count shows a rise by
    itself, too: of six presentations one that flips shows none.
    """
    rises = (found.value, smoothed_rise(cell))
    if max(rises) <= settings.species_cap:
        return Holds.YES
    moved, harm = cells * drift(cell), 1.0 - settings.harm_confidence
    by_scores = min(rises) > settings.species_cap and moved <= harm
    if found.low(1.0 - harm / cells) > 0.0 or (by_scores and found.low(settings.doubt_confidence) > 0.0):
        return Holds.NO
    shown = moved <= 1.0 - settings.doubt_confidence or cells * rise_by_chance(cell) <= _CHANCE
    return Holds.OPEN if shown else Holds.YES


def _hybrids(trials: Sequence[PairedTrial], false_alarms: Difference, mask: str, settings: GateSettings) -> list[Check]:
    """BPCER that falls while the APCER of hybrids rises is the sign of "real = bona fide" (evaluation.md 3)."""
    found = difference(t for t in trials if t.stratum is Stratum.HYBRID)
    if found is None:
        return []
    reason, holds = GateReason.HYBRIDS_RISE, Holds.YES
    if false_alarms.value < 0.0 and found.value > 0.0:
        if found.low(settings.confidence) > 0.0:
            holds = Holds.NO
        elif found.high(settings.confidence) > settings.species_cap:
            reason, holds = GateReason.HYBRIDS_OPEN, Holds.OPEN
    check = _check(found, reason, holds, mask, settings, 0.0)
    return [check.model_copy(update={"stratum": str(Stratum.HYBRID)})]


def _gain(found: Difference | None, mask: str, settings: GateSettings) -> Check:
    """HTER on site must be shown to fall; that it does not fall by half a margin can be shown as well."""
    if found is None:
        return _absent(GateReason.NO_ATTACKS, mask, settings)
    if found.high(settings.confidence) < 0.0:
        return _check(found, GateReason.GAIN_SHOWN, Holds.YES, mask, settings, 0.0)
    if found.low(settings.confidence) > -settings.margin / 2.0:
        return _check(found, GateReason.NO_GAIN, Holds.NO, mask, settings, 0.0)
    return _undecided(_check(found, GateReason.GAIN_OPEN, Holds.OPEN, mask, settings, 0.0), found, 0.0, settings)


def _undecided(check: Check, found: Difference, margin: float, settings: GateSettings) -> Check:
    """With what would decide it: trials, and as many people more as there are trials more."""
    trials = found.trials_to_show(margin, settings.confidence)
    people = None if trials is None else math.ceil(found.subjects * trials / found.trials)
    return check.model_copy(update={"needs_trials": trials, "needs_subjects": people})


def _check(
    found: Difference, reason: GateReason, holds: Holds, mask: str, settings: GateSettings, limit: float
) -> Check:
    return Check(
        reason=reason,
        holds=holds,
        mask=mask,
        before=found.before,
        after=found.after,
        low=found.low(settings.confidence),
        high=found.high(settings.confidence),
        limit=limit,
        trials=found.trials,
        subjects=found.subjects,
    )


def _absent(reason: GateReason, mask: str, settings: GateSettings) -> Check:
    return Check(reason=reason, holds=Holds.OPEN, mask=mask, needs_subjects=settings.min_subjects)


def _all_hold(checks: Sequence[Check]) -> Holds:
    answers = {check.holds for check in checks}
    return Holds.NO if Holds.NO in answers else Holds.OPEN if Holds.OPEN in answers else Holds.YES


def _counts(trials: Sequence[PairedTrial]) -> dict[str, int]:
    def distinct(wanted: Callable[[PairedTrial], bool]) -> int:
        return len({(trial.stratum, trial.presentation) for trial in trials if wanted(trial)})

    counts = Counter({"subjects": len({t.subject for t in trials if t.stratum is Stratum.SITE})})
    for stratum in Stratum:
        counts[f"{stratum}_bona_fide"] = distinct(lambda t, s=stratum: t.stratum is s and t.bona_fide)  # type: ignore[misc]
        counts[f"{stratum}_attack"] = distinct(lambda t, s=stratum: t.stratum is s and not t.bona_fide)  # type: ignore[misc]
    return dict(counts)
