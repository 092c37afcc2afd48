"""What `retention` says on a terminal; `main.py` opens the catalogue for it."""

from __future__ import annotations

import json
import time
from argparse import Namespace
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from core.codes import SessionPurpose
from core.errors import ExitCode, UsageError
from core.handing_over import given
from core.logs import start_logging
from core.processes import yield_to_the_station
from core.terminal import Interrupt, plain, say, steps
from storage.catalogue import Catalogue, open_catalogue
from storage.clock_trust import CONFIRM, confirm_date
from storage.commands_erasure import tell_step
from storage.opening import folder_of, site_access
from storage.replay_sources import without_source
from storage.retention import SET_TERM, Expiry, hold, release, set_term, terms
from storage.retention_report import RetentionReport, stopped
from storage.retention_run import OVERALL, Watch, run_due, run_retention


def retention(catalogue: Catalogue, options: Namespace) -> int:
    """`main.py retention`: change a term or a hold where one is given, else erase what is due (or only tell)."""
    if _changes(options):
        return _change(catalogue, options)
    with Interrupt() as canceled:
        watch = Watch(tell_step, steps(OVERALL), canceled)
        report = run_retention(catalogue, dry_run=options.dry_run, watch=watch)
    return _answer(catalogue, options, report, canceled())


def retention_by_itself(options: Namespace) -> int:
    """`main.py retention --due`: the station's own duty. Nobody logs in; what is due is all that can go."""
    if _changes(options) or getattr(options, "user", None) is not None:
        raise UsageError("--due stands alone.", "Leave the other options out.")
    folder = folder_of(options)
    start_logging(folder.root / "logs", "retention")
    with (
        open_catalogue(folder, access=site_access(options, prompt=False)) as catalogue,
        Interrupt() as canceled,
    ):
        yield_to_the_station()
        report = run_due(catalogue, dry_run=options.dry_run, watch=Watch(canceled=canceled))
        return _answer(catalogue, options, report, canceled())


def _changes(options: Namespace) -> bool:
    return any(one is not None for one in (options.set, options.hold, options.release, options.confirm_date))


def _answer(catalogue: Catalogue, options: Namespace, report: RetentionReport, canceled: bool) -> int:
    if options.json:
        told = {"schema": 1, "dry_run": options.dry_run, "terms": _terms(catalogue), **plain(report)}
        told["failed"] = [(target, given(why)) for target, why in report.failed]
        told["replays_of_unknown_source"] = without_source(catalogue)
        if report.clock is not None:
            told["clock"]["standing"] = str(report.clock.standing)
        print(json.dumps(told, indent=2))
    else:
        _tell(catalogue, report, options.dry_run)
    for target, why in report.failed:
        say(f"{target} {'would not be' if options.dry_run else 'was not'} erased: {why}")
    if canceled:
        return ExitCode.CANCELED
    return ExitCode.INPUT if report.failed and not options.dry_run else ExitCode.DONE


def _change(catalogue: Catalogue, options: Namespace) -> int:
    if options.set is not None:
        purpose, days = _term(options.set)
        set_term(catalogue, purpose, days, options.reason)
    if options.hold is not None:
        print(hold(catalogue, options.hold, options.reason))
    if options.release is not None:
        print(f"{release(catalogue, options.release, options.reason)} holds released")
    if options.confirm_date is not None:
        confirm_date(catalogue, options.confirm_date, options.reason)
        print(f"{options.confirm_date} is confirmed: terms are counted by the machine's clock again")
    return ExitCode.DONE


def _term(text: str) -> tuple[SessionPurpose, float | None]:
    """Read ``PURPOSE=DAYS`` or ``PURPOSE=never``."""
    purpose, _, days = text.partition("=")
    try:
        term = None if days == "never" else float(days)
        if term is None or 0 < term < float("inf"):
            return SessionPurpose(purpose), term
    except ValueError:
        pass
    purposes = ", ".join(str(purpose) for purpose in SessionPurpose)
    raise UsageError(f"{text!r} is no term.", f"Write PURPOSE=DAYS or PURPOSE=never; purposes are {purposes}.")


def _tell(catalogue: Catalogue, report: RetentionReport, dry_run: bool) -> None:
    for purpose, days in _terms(catalogue).items():
        print(f"{purpose:<12} {'kept until erased' if days is None else f'{days:g} days'}")
    for expiry in report.due:
        done = "would be erased" if dry_run else "due"
        if expiry.held or stopped(expiry, report.clock):
            done = f"held: {expiry.held}" if expiry.held else "waits: the clock is in doubt"
        print(f"{_words(expiry)}: {done}")
    for certificate in report.erased:
        print(f"erased {certificate['target']}: certificate {certificate['erasure']}")
    print(f"next: {_words(report.following)}" if report.following else "next: nothing has a term")
    if unknown := without_source(catalogue):
        print(f"replays that do not say what they replay (an erasure compares their frames): {', '.join(unknown)}")


def _terms(catalogue: Catalogue) -> dict[str, float | None]:
    given = terms(catalogue)
    return {str(purpose): given.get(purpose) for purpose in SessionPurpose}


def _words(expiry: Expiry) -> str:
    when = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(expiry.utc_s))
    who = f" of {expiry.subject}" if expiry.subject and expiry.subject != expiry.target.id else ""
    return f"{when} {expiry.target.kind} {expiry.target.id}{who} ({expiry.ground})"


def retention_actions(catalogue: Catalogue) -> dict[str, Callable[[Mapping[str, Any], str], None]]:
    """What is done at once when a second person approves it."""

    def term(arguments: Mapping[str, Any], reason: str) -> None:
        set_term(catalogue, SessionPurpose(arguments["purpose"]), arguments["days"], reason)

    def end(arguments: Mapping[str, Any], reason: str) -> None:
        release(catalogue, arguments["subject"], reason)

    def confirm(arguments: Mapping[str, Any], reason: str) -> None:
        confirm_date(catalogue, date.fromisoformat(arguments["day"]), reason)

    return {SET_TERM: term, "release_hold": end, CONFIRM: confirm}
