"""Retention under a clock that somebody set: nothing goes by a time that the data folder does not bear out."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.access import Actor, DeniedError, Role
from core.borne_out import LEAP_S, ClockReading, moved_on
from core.checks import Finding
from core.clock import FakeClock
from core.codes import ClockStanding, SessionPurpose
from core.daily import DAY_S
from core.errors import InputError
from storage import doctor
from storage.audit_rows import rows_of
from storage.catalogue import Catalogue
from storage.clock_trust import CONFIRM, RUN, confirm_date, read_clock
from storage.people_actions import PEOPLE_COMMANDS
from storage.repositories.proposals import ProposedError
from storage.retention import set_term
from storage.retention_report import BY_CLOCK, SET_AHEAD, SET_BACK
from storage.retention_run import Watch, run_due, run_retention
from storage.schema import AUDIT_GUARDS
from tests import site
from tests.people import PASSPHRASE, add_people, cheap_catalogue

DAY_MS = DAY_S * 1000.0
LAB = SessionPurpose.COLLECTION


def today(clock: FakeClock) -> date:
    return datetime.fromtimestamp(clock.utc_s(), UTC).date()


@given(steps=st.lists(st.floats(0.0, 30 * DAY_S), max_size=30))
def test_what_is_borne_out_never_runs_back_and_never_leaps(steps: list[float]) -> None:
    borne_out, now = moved_on(None, 0.0), 0.0
    for step in steps:
        now += step
        before, borne_out = borne_out, moved_on(borne_out, now)
        assert before <= borne_out <= before + LEAP_S
        assert borne_out in (before, now)
        credible = ClockReading(now, before).standing is ClockStanding.CREDIBLE
        assert credible is (now <= before + LEAP_S), "whoever is believed is whoever moves it on"


def test_a_clock_that_was_set_ahead_erases_nothing_and_everybody_is_told(
    catalogue: Catalogue, clock: FakeClock
) -> None:
    session = site.take(catalogue, "ann")
    set_term(catalogue, LAB, 90, "rule")
    assert run_due(catalogue).failed == ()
    clock.sleep_ms(365 * DAY_MS)
    for _ in range(3):  # its own entries, day after day, do not bear it out
        for report in (run_due(catalogue, dry_run=True), run_due(catalogue), run_retention(catalogue)):
            assert (report.erased, report.failed) == ((), ((BY_CLOCK, SET_AHEAD),))
            assert (len(report.due), report.ready) == (1, ())
        site.take(catalogue, "ann", 10)
        clock.sleep_ms(DAY_MS)
    assert catalogue.frames_path(session).exists()
    check = doctor.check_retention(catalogue)
    assert (check.finding, "368 days ahead" in check.detail) == (Finding.BAD, True)
    assert "--confirm-date" in check.remedy
    run = json.loads(rows_of(catalogue.file, RUN, "retention")[-1]["details"])
    assert (run["clock"], run["failed"], run["erased"]) == ("ahead", 1, 0)
    clock.sleep_ms(-368 * DAY_MS)
    assert run_due(catalogue).failed == (), "the clock is right again: nobody has to confirm anything"
    assert catalogue.frames_path(session).exists()


def test_after_a_month_off_a_person_confirms_the_date_and_what_is_due_goes(
    catalogue: Catalogue, clock: FakeClock
) -> None:
    session = site.take(catalogue, "ann")
    set_term(catalogue, LAB, 30, "rule")
    with pytest.raises(InputError, match="in no doubt"):
        confirm_date(catalogue, today(clock), "all is well")
    clock.sleep_ms(35 * DAY_MS)
    assert run_due(catalogue).erased == ()
    with pytest.raises(InputError, match="reason"):
        confirm_date(catalogue, today(clock), " ")
    for days in (-20, 3):
        with pytest.raises(InputError, match="and you say"):
            confirm_date(catalogue, date.fromordinal(today(clock).toordinal() + days), "I think")
    confirm_date(catalogue, today(clock), "the site was closed")
    entry = catalogue.audit.of("clock", today(clock).isoformat())[0]
    assert (entry.action, entry.reason, entry.actor) == (CONFIRM, "the site was closed", "local")
    report = run_due(catalogue)
    assert ([one["target"] for one in report.erased], report.failed) == ([session], ())


def test_a_confirmation_that_was_written_by_hand_counts_for_nothing(catalogue: Catalogue, clock: FakeClock) -> None:
    site.take(catalogue, "ann")
    set_term(catalogue, LAB, 30, "rule")
    clock.sleep_ms(40 * DAY_MS)
    site.date_is_right(catalogue)
    forged = json.dumps({"borne_out_utc_s": clock.utc_s() + 400 * DAY_S})
    for name in AUDIT_GUARDS:
        catalogue.file.execute(f"DROP TRIGGER {name}")
    catalogue.file.change("UPDATE audit SET details = ? WHERE action = ?", (forged, CONFIRM))
    assert read_clock(catalogue).standing is ClockStanding.AHEAD


def test_two_people_confirm_a_date_where_the_site_wants_two(
    tmp_path: Path, clock: FakeClock, capsys: pytest.CaptureFixture[str]
) -> None:
    with cheap_catalogue(tmp_path, clock) as catalogue:
        add_people(catalogue, "ada", "bea", "tim")
        clock.sleep_ms(40 * DAY_MS)
        catalogue.log_ins.log_in("ada", PASSPHRASE)
        with pytest.raises(ProposedError) as proposed:
            site.date_is_right(catalogue)
        clock.sleep_ms(DAY_MS)
        catalogue.log_ins.log_in("bea", PASSPHRASE)
        number = proposed.value.proposal.id
        options = type("Options", (), {"proposal": number})
        assert PEOPLE_COMMANDS["proposals approve"](catalogue, options) == 0  # type: ignore[arg-type]
        assert "approved and done: confirm_date" in capsys.readouterr().out
        assert read_clock(catalogue).standing is ClockStanding.CREDIBLE


def test_what_was_withdrawn_waits_for_no_clock(catalogue: Catalogue, clock: FakeClock) -> None:
    site.take(catalogue, "ann", live=True)
    kept = site.take(catalogue, "bob", 10)
    set_term(catalogue, LAB, 30, "rule")
    clock.sleep_ms(60 * DAY_MS)
    catalogue.consents.withdraw(catalogue.consents.of("ann")[0].id, "ann", "asked to")
    clock.sleep_ms(-30 * DAY_MS)  # half way back: the withdrawal lies in the future of this clock
    report = run_due(catalogue)
    assert ([one["target"] for one in report.erased], report.failed[0][0]) == (["ann"], BY_CLOCK)
    assert catalogue.frames_path(kept).exists()


def test_a_clock_that_was_set_back_postpones_nothing_in_silence(catalogue: Catalogue, clock: FakeClock) -> None:
    site.take(catalogue, "ann")
    set_term(catalogue, LAB, 30, "rule")
    site.days_pass(catalogue, clock, 29)
    clock.sleep_ms(2 * DAY_MS)
    assert run_retention(catalogue, dry_run=True).failed == ()
    catalogue.audit.append("used", "station", "", actor="station")
    clock.sleep_ms(-20 * DAY_MS)
    for report in (run_due(catalogue), run_retention(catalogue)):
        assert (report.due, report.erased, report.failed) == ((), (), ((BY_CLOCK, SET_BACK),))
    check = doctor.check_retention(catalogue)
    assert (check.finding, "20 days before what this folder bears out" in check.detail) == (Finding.BAD, True)
    site.date_is_right(catalogue)
    assert run_due(catalogue).failed == (), "it was ahead before; by the date that is right nothing is due"


def test_a_clock_that_is_set_ahead_while_a_run_goes_on_ends_it(catalogue: Catalogue, clock: FakeClock) -> None:
    sessions = [site.take(catalogue, "ann", first) for first in (1, 10)]
    set_term(catalogue, LAB, 1, "short")
    clock.sleep_ms(2 * DAY_MS)

    def set_ahead(done: int, _total: int) -> None:
        if done == 1:
            clock.sleep_ms(700 * DAY_MS)

    report = run_due(catalogue, watch=Watch(done=set_ahead))
    assert (len(report.erased), report.failed[0][1]) == (1, str(SET_AHEAD))
    assert sum(catalogue.frames_path(session).exists() for session in sessions) == 1


def test_only_those_who_set_terms_confirm_a_date(catalogue: Catalogue) -> None:
    catalogue.actor = Actor.of("tim", [Role.TECHNICIAN])
    with pytest.raises(DeniedError):
        confirm_date(catalogue, date(2026, 1, 1), "x")
