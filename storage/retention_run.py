"""Erasing what is due: asked for by a person who may, or by the station itself, which then does exactly that.

Each thing goes by an erasure of its own, with its certificate. Before each one it is looked up anew whether it is still
due and not held: a term that was changed meanwhile, or a hold that was set, counts at once.

Nothing goes by its term while the machine's clock stands further ahead than the data folder bears out
(`storage.clock_trust`): only what was withdrawn does, for that waits for no time.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any

from core.access import STATION, Permission
from core.borne_out import ClockReading, moved_on
from core.codes import ErasureStep, SessionPurpose
from core.errors import HostError, KnownError
from storage.audit_trust import AuditTrust
from storage.catalogue import Catalogue
from storage.clock_trust import BORNE_OUT, RUN, read_clock
from storage.erasure.inventory import Target
from storage.erasure.job import Progress, erase, resume_all
from storage.retention import Expiry, expiries, terms, terms_of_people
from storage.retention_report import BY_CLOCK, SET_AHEAD, RetentionReport, doubt_of, stopped

log = logging.getLogger(__name__)

OVERALL = "overall"
"""Begins the lines of progress that count the things of a run; lines between them count within one erasure."""


def _silent(step: ErasureStep, done: int, total: int) -> None:
    """Nobody watches."""


@dataclass(frozen=True, slots=True)
class Watch:
    """Whoever watches a run: ``step`` is told the steps of each erasure, ``done`` things done and things in all.

    ``canceled``: asked before each thing; what is begun is finished.
    """

    step: Progress = _silent
    done: Callable[[int, int], None] = lambda done, total: None
    canceled: Callable[[], bool] = lambda: False


UNWATCHED = Watch()


def run_retention(catalogue: Catalogue, *, dry_run: bool = False, watch: Watch = UNWATCHED) -> RetentionReport:
    """Erase what is due, for whoever asks; ``dry_run`` only tells.

    Raises:
        DeniedError: whoever acts may not.
    """
    catalogue.require(Permission.RETENTION)
    report = _looked_up(catalogue, terms(catalogue))
    if dry_run:
        return report
    return _erase_all(catalogue, report, terms, lambda: catalogue.granted(Permission.RETENTION), watch)


def run_due(catalogue: Catalogue, *, dry_run: bool = False, watch: Watch = UNWATCHED) -> RetentionReport:
    """Erase what is due, by the station itself: whoever is here, also nobody; ``dry_run`` only tells.

    The authority is that of the people who set the terms and noted the consents, and reaches no further: no target and
    no time can be given, only terms count that the audit log bears out, and without such a term nothing is done. First
    an erasure that was cut off is finished, as at a station's start.

    Raises:
        HostError: the audit log is broken and nobody has acknowledged it: it cannot show who set the terms.
    """
    if AuditTrust(catalogue).broken():
        raise HostError(
            "Nothing is erased by itself: the audit log is not intact, and nobody has acknowledged it.",
            "Look with `main.py audit verify`, then `main.py audit acknowledge`.",
        )
    failed = [*([] if dry_run else _finish_what_was_cut_off(catalogue)), *_distrusted(catalogue)]
    report = RetentionReport((), None)
    if trusted := terms_of_people(catalogue):
        report = _looked_up(catalogue, trusted)
        if not dry_run:
            report = _erase_all(catalogue, report, terms_of_people, catalogue.acting.as_station, watch)
    report = replace(report, failed=(*failed, *report.failed))
    if not dry_run and (trusted or failed):
        _note(catalogue, report)
    return report


def _looked_up(catalogue: Catalogue, days: Mapping[SessionPurpose, float]) -> RetentionReport:
    clock, all_of_it = read_clock(catalogue), expiries(catalogue, days)
    due = tuple(expiry for expiry in all_of_it if expiry.due(clock.now_utc_s))
    now = clock.now_utc_s
    following = next((expiry for expiry in all_of_it if not expiry.due(now) and not expiry.held), None)
    why = doubt_of(all_of_it, clock)
    return RetentionReport(due, following, failed=((BY_CLOCK, why),) if why else (), clock=clock)


def _erase_all(
    catalogue: Catalogue,
    report: RetentionReport,
    days: Callable[[Catalogue], Mapping[SessionPurpose, float]],
    authority: Callable[[], AbstractContextManager[None]],
    watch: Watch,
) -> RetentionReport:
    erased: list[dict[str, Any]] = []
    failed = [*report.failed]
    ready = [expiry.target for expiry in report.ready]
    for done, target in enumerate(ready):
        watch.done(done, len(ready))
        if watch.canceled():
            break
        try:
            expiry = _still_due(catalogue, target, days(catalogue), report.clock)
            if expiry is not None:
                with authority():
                    erased.append(erase(catalogue, target, f"retention: {expiry.ground}", watch.step))
        except KnownError as error:
            log.debug("%s was not erased: %s", target, error)
            failed.append((target.id, error.in_one()))
    else:
        watch.done(len(ready), len(ready))
    return replace(report, erased=tuple(erased), failed=tuple(failed))


def _still_due(
    catalogue: Catalogue, target: Target, days: Mapping[SessionPurpose, float], clock: ClockReading | None
) -> Expiry | None:
    """Not any more: it went with its subject or as a replay, its term was changed, or a hold was set.

    Raises:
        HostError: the clock was set ahead since the run began.
    """
    now = catalogue.clock.utc_s()
    found = (expiry for expiry in expiries(catalogue, days, target) if expiry.target == target)
    due = next((expiry for expiry in found if expiry.due(now) and not expiry.held), None)
    if due is not None and clock is not None and stopped(due, replace(clock, now_utc_s=now)):
        raise HostError(SET_AHEAD)
    return due


def _finish_what_was_cut_off(catalogue: Catalogue) -> list[tuple[str, str]]:
    try:
        with catalogue.acting.as_station():
            resume_all(catalogue)
    except KnownError as error:
        return [("an erasure that was cut off", error.in_one())]
    return []


def _distrusted(catalogue: Catalogue) -> list[tuple[str, str]]:
    """Terms that the station does not act on."""
    trusted = terms_of_people(catalogue)
    why = (
        "The audit log does not bear out that anybody set this term: nothing goes by it. "
        "Set it again: `main.py retention --set PURPOSE=DAYS --reason TEXT`."
    )
    return [(purpose, why) for purpose in terms(catalogue) if purpose not in trusted]


def _note(catalogue: Catalogue, report: RetentionReport) -> None:
    held = sum(bool(expiry.held) for expiry in report.due)
    details: dict[str, Any] = {"due": len(report.due), "held": held, "erased": len(report.erased)}
    details["failed"] = len(report.failed)
    clock = read_clock(catalogue)
    details |= {"clock": str(clock.standing), BORNE_OUT: moved_on(clock.borne_out_utc_s, clock.now_utc_s)}
    catalogue.audit.append(RUN, "retention", "", actor=STATION.id, details=details)
    tell = log.warning if report.failed else log.info
    tell("retention: %(due)d due, %(held)d held, %(erased)d erased, %(failed)d not erased", details)
