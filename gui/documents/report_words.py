"""An adaptation report in words: the same in the window and in the document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.adaptation.paired import Stratum
from core.adaptation.report import Check, Holds
from core.adaptation.result import JobReport, Traffic
from core.codes import GateReason, Outcome
from core.frames import ModalityMask
from core.labelling.figures import SecondLabels
from gui.i18n import codes, tr

_SIGNS = {Holds.YES: "✓", Holds.NO: "✗", Holds.OPEN: "?"}


def reason_lines(report: JobReport) -> list[str]:
    """Why the gate said so, with what would decide it."""
    everybody = not report.subjects.get("train")
    return [reason_line(check, everybody) for check in report.gate.reasons]


def reason_line(check: Check, everybody_judges: bool = False) -> str:
    """One check in words, with what would decide it."""
    of = [codes.mask(ModalityMask.parse(check.mask))] if check.mask else []
    of += [_species(check)] if check.species else []
    said = ": ".join(filter(None, [", ".join(of), codes.gate_reason(check.reason)]))
    sentences = [f"{said[:1].upper()}{said[1:]}."]
    people = max(0, (check.needs_subjects or 0) - check.subjects)
    trials = max(0, (check.needs_trials or 0) - check.trials)
    if trials:
        told = tr("{n} more presentations of {people} more people who judge would decide it.", n=trials, people=people)
        sentences.append(told)
    elif people:
        sentences.append(tr("{n} more people who judge would decide it.", n=people))
    if people and not everybody_judges:
        sentences.append(tr("Half of the people judge: collect twice as many."))
    if check.reason is GateReason.SPECIES_OPEN and check.stratum == Stratum.SOURCE:
        sentences.append(tr("No capture decides about simulated attacks: another pass may do better."))
    return " ".join(sentences)


def check_row(check: Check) -> tuple[str, ...]:
    """Sign, check, sensors, species, champion, candidate, bounds of the difference, trials, subjects."""
    name = codes.gate_holds if check.holds is Holds.YES else codes.gate_reason
    return (
        _SIGNS[check.holds],
        name(check.reason),
        codes.mask(ModalityMask.parse(check.mask)) if check.mask else "",
        _species(check) if check.species else "",
        *(f"{value:.1%}" if value is not None else "" for value in (check.before, check.after)),
        f"{check.low:+.1%} … {check.high:+.1%}" if check.low is not None and check.high is not None else "",
        str(check.trials or ""),
        str(check.subjects or ""),
    )


def _species(check: Check) -> str:
    """Of the site, or of the simulated hold-out: nobody there may have seen a mask."""
    name = codes.species(check.species)
    return tr("{species} (simulated)", species=name) if check.stratum == Stratum.SOURCE else name


def misplaced_words(report: JobReport) -> str:
    """Where the candidate's thresholds follow the site alone, and why; empty where they do not."""
    masks = "; ".join(codes.mask(ModalityMask.parse(mask)) for mask in report.misplaced)
    if not masks:
        return ""
    return tr("Labelled attacks pass the champion: thresholds follow the site's own people ({masks}).", masks=masks)


def traffic_line(found: Traffic) -> str:
    """How recorded traffic would have been decided otherwise."""
    if not found.decided:
        return tr("None of {n} recorded presentations could be decided again.", n=found.presentations)
    told = tr(
        "{n} of {all} recorded presentations would be decided otherwise.", n=len(found.changed), all=found.decided
    )
    let_in = sum(one.after is Outcome.BONA_FIDE for one in found.changed)
    stopped = sum(one.before is Outcome.BONA_FIDE for one in found.changed)
    if found.changed:
        told += " " + tr("Newly accepted: {in_}; no longer accepted: {out}.", in_=let_in, out=stopped)
    if left := found.gone + found.without_face:
        told += " " + tr("Left out (gone, or without a face): {n}.", n=left)
    return told


def number_words(value: float | None) -> str:
    """With four places; empty where there is none."""
    return f"{value:.4f}" if value is not None else ""


def rate_words(rate: Mapping[str, Any] | None) -> str:
    """A rate of a BLOCK with its bounds and trials; empty where there is none."""
    if rate is None:
        return ""
    return f"{rate['value']:.1%}  ({rate['low']:.1%} … {rate['high']:.1%}; n {rate['trials']})"


def agreement_words(figures: SecondLabels) -> str:
    """Labelled twice, differently, contested; with Cohen's kappa."""
    if not figures.twice:
        return tr("None of {n} labels was given a second time.", n=figures.labelled)
    kappa = tr("not defined") if figures.kappa is None else f"{round(figures.kappa, 2) + 0.0:.2f}"  # never "-0.00"
    return tr(
        "{twice} of {labelled} labelled twice, {differed} of them differently (Cohen's kappa {kappa}, n = {twice}). "
        "Contested and left out of passes: {contested}.",
        twice=figures.twice, labelled=figures.labelled, differed=figures.differed, kappa=kappa,
        contested=figures.contested,
    )  # fmt: skip
