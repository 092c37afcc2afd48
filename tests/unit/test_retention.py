"""Terms, consents and holds: what goes when, by the same way as an erasure, and what a consent lets be used for."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import main as program
from core.access import Actor, DeniedError, Role
from core.checks import Finding
from core.clock import FakeClock
from core.codes import ErasureStep, SessionPurpose, SiteKeyMethod
from core.errors import ExitCode, HostError, InputError, UsageError
from storage import doctor
from storage.audit_trust import BREAK
from storage.audit_verify import verify
from storage.catalogue import Catalogue, open_catalogue
from storage.clock_trust import RUN
from storage.erasure.inventory import TargetKind
from storage.erasure.job import certificates
from storage.export import export_session
from storage.key_care import protect
from storage.repositories.proposals import ProposedError
from storage.repositories.subjects import SHARE
from storage.retention import Ground, expiries, hold, release, set_term, terms
from storage.retention_report import RetentionReport
from storage.retention_run import Watch, run_due, run_retention
from storage.vault import SiteAccess
from tests import site, stored
from tests.people import PASSPHRASE, add_people, cheap_catalogue

DAY_MS = 86_400_000.0
LAB = SessionPurpose.COLLECTION


def test_a_session_goes_when_its_term_is_over(catalogue: Catalogue, clock: FakeClock) -> None:
    old = site.take(catalogue, "ann")
    set_term(catalogue, LAB, 30, "the lab's rule")
    site.days_pass(catalogue, clock, 20)
    new = site.take(catalogue, "ann")
    report = run_retention(catalogue)
    assert (len(report.due), len(report.erased)) == (0, 0)
    assert report.following is not None
    assert (report.following.target.id, report.following.ground) == (old, Ground.TERM)
    site.days_pass(catalogue, clock, 11)
    dry = run_retention(catalogue, dry_run=True)
    assert [expiry.target.id for expiry in dry.due] == [old]
    assert catalogue.frames_path(old).exists()
    report = run_retention(catalogue)
    assert [one["target"] for one in report.erased] == [old]
    assert report.erased[0]["reason"] == "retention: term"
    assert not catalogue.frames_path(old).exists()
    assert catalogue.frames_path(new).exists()
    assert run_retention(catalogue).due == ()
    assert catalogue.subjects.get("ann").state == "active"


def test_a_withdrawn_consent_erases_the_person_and_an_ended_one_its_sessions(
    catalogue: Catalogue, clock: FakeClock
) -> None:
    catalogue.subjects.add("bob")
    catalogue.consents.add("bob", term_end_utc_s=clock.utc_s() + 86_400.0)
    ended = site.take(catalogue, "bob", live=True)
    site.take(catalogue, "ann", live=True)
    site.take(catalogue, "ann", live=True)
    assert [(e.target.id, e.ground) for e in expiries(catalogue)] == [(ended, Ground.CONSENT_ENDS)]
    catalogue.consents.withdraw(catalogue.consents.of("ann")[0].id, "ann", "asked to")
    clock.sleep_ms(2 * DAY_MS)
    report = run_retention(catalogue)
    assert {(one["kind"], one["target"]) for one in report.erased} == {("subject", "ann"), ("session", ended)}
    assert catalogue.subjects.get("ann").state == "erased"


def test_a_hold_stops_retention_until_it_is_released(catalogue: Catalogue, clock: FakeClock) -> None:
    session = site.take(catalogue, "ann")
    set_term(catalogue, LAB, 1, "short")
    hold(catalogue, "ann", "case 7")
    clock.sleep_ms(2 * DAY_MS)
    report = run_retention(catalogue)
    assert [(expiry.held, expiry.target.kind) for expiry in report.due] == [("case 7", TargetKind.SESSION)]
    assert (len(report.erased), len(report.failed)) == (0, 0)
    assert release(catalogue, "ann", "case closed") == 1
    assert [one["target"] for one in run_retention(catalogue).erased] == [session]


@settings(max_examples=15, deadline=None)
@given(days=st.lists(st.integers(1, 60), min_size=1, max_size=3), wait=st.integers(0, 70), held=st.booleans())
def test_nothing_goes_early_and_nothing_stays_late(
    tmp_path_factory: pytest.TempPathFactory, days: list[int], wait: int, held: bool
) -> None:
    clock = FakeClock()
    with open_catalogue(tmp_path_factory.mktemp("site"), clock) as catalogue:
        set_term(catalogue, LAB, 30, "rule")
        made: dict[str, float] = {}
        for pause in days:
            made[site.take(catalogue, "ann", count=1)] = clock.utc_s()
            site.days_pass(catalogue, clock, pause)
        if held:
            hold(catalogue, "ann", "case")
        site.days_pass(catalogue, clock, wait)
        run_retention(catalogue)
        over = {session for session, utc_s in made.items() if clock.utc_s() - utc_s >= 30 * 86_400}
        there = {session for session in made if catalogue.frames_path(session).exists()}
        assert there == (set(made) if held else set(made) - over)


def test_terms_are_changed_with_a_reason_by_those_who_may(catalogue: Catalogue) -> None:
    with pytest.raises(InputError, match="reason"):
        set_term(catalogue, LAB, 30, " ")
    set_term(catalogue, LAB, 30, "rule")
    set_term(catalogue, LAB, None, "no rule")
    assert terms(catalogue) == {}
    assert catalogue.audit.entries()[0].details == {"from": 30.0, "to": None}
    catalogue.actor = Actor.of("col", [Role.COLLECTOR])
    changes: list[Callable[[], object]] = [
        lambda: set_term(catalogue, LAB, 1, "x"),
        lambda: run_retention(catalogue),
        lambda: hold(catalogue, "ann", "x"),
    ]
    for change in changes:
        with pytest.raises(DeniedError):
            change()


def test_the_command_tells_and_erases(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = tmp_path / "data"
    with open_catalogue(root, FakeClock()) as catalogue:
        session = site.take(catalogue, "ann")

    def call(*arguments: str) -> tuple[int, str]:
        return program.main(["retention", *arguments, "--data", str(root)]), capsys.readouterr().out

    assert call("--set", "collection=30")[0] == ExitCode.INPUT
    assert call("--set", "nothing=30", "--reason", "x")[0] == UsageError.exit_code
    assert call("--set", "collection=30", "--reason", "rule")[0] == ExitCode.DONE
    code, said = call("--dry-run", "--json")
    told = json.loads(said)
    assert (code, told["terms"]["collection"], len(told["due"]), told["erased"]) == (ExitCode.DONE, 30.0, 1, [])
    assert call()[0] == ExitCode.INPUT, "years lie between the session and this clock"
    today = datetime.now(UTC).date().isoformat()
    assert call("--confirm-date", today, "--reason", "it was off")[0] == ExitCode.DONE
    code, said = call()
    assert (code, f"erased {session}" in said) == (ExitCode.DONE, True)
    assert list(root.glob("sessions/*.db")) == []


# --- by itself ------------------------------------------------------------------------------------------------------


def closed_site(catalogue: Catalogue, approved: bool = True) -> str:
    """A station with accounts, a session of ann and a term of 30 days; nobody is logged in. Returns the session."""
    session = site.take(catalogue, "ann")
    add_people(catalogue, "ada", "bea", "olga")
    catalogue.log_ins.log_in("ada", PASSPHRASE)
    with pytest.raises(ProposedError) as proposed:
        set_term(catalogue, LAB, 30, "rule")
    if approved:
        catalogue.log_ins.log_in("bea", PASSPHRASE)
        catalogue.proposals.approve(proposed.value.proposal.id)
        set_term(catalogue, LAB, 30, "rule")
    catalogue.actor = None
    return session


def test_the_station_itself_erases_what_is_due_and_signs_for_it(tmp_path: Path, clock: FakeClock) -> None:
    with cheap_catalogue(tmp_path, clock) as catalogue:
        session = closed_site(catalogue)
        site.days_pass(catalogue, clock, 29)
        assert run_due(catalogue).erased == ()
        clock.sleep_ms(2 * DAY_MS)
        report = run_due(catalogue)
        assert ([one["target"] for one in report.erased], report.failed) == ([session], ())
        assert (report.erased[0]["actor"], report.erased[0]["reason"]) == ("station", "retention: term")
        assert not catalogue.frames_path(session).exists()
        begun = next(entry for entry in catalogue.audit.entries() if entry.action == "begin_erasure")
        assert (begun.actor, begun.reason) == ("station", "retention: term")
        run = next(entry for entry in catalogue.audit.entries() if entry.action == RUN)
        assert (run.actor, run.details["erased"], run.details["failed"]) == ("station", 1, 0)
        assert catalogue.actor.id == "nobody", "the authority ends with the run"
        with pytest.raises(DeniedError):
            run_retention(catalogue)
        catalogue.log_ins.log_in("ada", PASSPHRASE)
        assert verify(catalogue).intact


def test_the_station_goes_by_no_term_that_nobody_approved(tmp_path: Path, clock: FakeClock) -> None:
    with cheap_catalogue(tmp_path, clock) as catalogue:
        session = closed_site(catalogue, approved=False)
        site.days_pass(catalogue, clock, 400)
        assert run_due(catalogue) == RetentionReport((), None)
        assert catalogue.frames_path(session).exists()


def test_a_term_that_was_written_by_hand_erases_nothing_by_itself(catalogue: Catalogue, clock: FakeClock) -> None:
    session = site.take(catalogue, "ann")
    set_term(catalogue, LAB, 365, "rule")
    catalogue.file.change("UPDATE retention SET days = 1")
    clock.sleep_ms(10 * DAY_MS)
    report = run_due(catalogue)
    assert (report.erased, [what for what, _ in report.failed]) == ((), ["collection"])
    assert "Set it again" in report.failed[0][1]
    assert catalogue.frames_path(session).exists()
    set_term(catalogue, LAB, 1, "as it stands")
    assert [one["target"] for one in run_due(catalogue).erased] == [session]


def test_the_station_does_nothing_while_its_log_cannot_show_who_set_the_terms(
    catalogue: Catalogue, clock: FakeClock
) -> None:
    session = site.take(catalogue, "ann")
    set_term(catalogue, LAB, 1, "short")
    clock.sleep_ms(2 * DAY_MS)
    catalogue.audit.append(BREAK, "audit", "", actor="program", details={"faults": ["changed"]})
    with pytest.raises(HostError, match="audit log is not intact"):
        run_due(catalogue)
    assert catalogue.frames_path(session).exists()


def test_a_hold_on_anybody_in_the_session_stops_the_station_and_is_no_failure(
    catalogue: Catalogue, clock: FakeClock
) -> None:
    session = site.take(catalogue, "ann")
    catalogue.subjects.add("bob")
    catalogue.file.change("UPDATE presentations SET subject = 'bob' WHERE session = ?", (session,))
    set_term(catalogue, LAB, 1, "short")
    hold(catalogue, "bob", "case 7")
    clock.sleep_ms(2 * DAY_MS)
    report = run_due(catalogue)
    assert ([expiry.held for expiry in report.due], report.erased, report.failed) == (["case 7"], (), ())
    assert catalogue.frames_path(session).exists()


def test_a_term_that_is_changed_while_a_run_goes_on_counts_at_once(catalogue: Catalogue, clock: FakeClock) -> None:
    first, second = site.take(catalogue, "ann"), site.take(catalogue, "ann", 4)
    set_term(catalogue, LAB, 1, "short")
    clock.sleep_ms(2 * DAY_MS)

    def change(done: int, _total: int) -> None:
        if done == 1:
            set_term(catalogue, LAB, 365, "kept longer")

    report = run_due(catalogue, watch=Watch(done=change))
    assert len(report.due) == 2
    assert sum(catalogue.frames_path(session).exists() for session in (first, second)) == 1
    assert len(report.erased) == 1


def test_what_could_not_be_erased_is_told_and_done_at_the_next_run(catalogue: Catalogue, clock: FakeClock) -> None:
    session = site.take(catalogue, "ann")
    copy = catalogue.folder.root / "copy.db"
    copy.write_bytes(catalogue.frames_path(session).read_bytes())
    set_term(catalogue, LAB, 1, "short")
    clock.sleep_ms(2 * DAY_MS)
    report = run_due(catalogue)
    assert (report.erased, report.failed[0][0]) == ((), session)
    assert "copy.db" in report.failed[0][1]
    copy.unlink()
    clock.sleep_ms(DAY_MS)
    assert run_due(catalogue).failed == ()
    assert [one["target"] for one in certificates(catalogue)] == [session]


def test_a_run_first_finishes_what_was_cut_off(catalogue: Catalogue, clock: FakeClock) -> None:
    """Its frames are gone already, so nothing but the job itself tells of it."""
    session = site.take(catalogue, "ann")
    set_term(catalogue, LAB, 1, "short")
    clock.sleep_ms(2 * DAY_MS)

    def die(step: ErasureStep, _done: int, _total: int) -> None:
        if step is ErasureStep.DERIVED:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_due(catalogue, watch=Watch(step=die))
    assert catalogue.actor.id == "local", "the authority ends with the run, however it ends"
    assert (expiries(catalogue), certificates(catalogue)) == ([], [])
    assert run_due(catalogue).failed == ()
    assert [one["target"] for one in certificates(catalogue)] == [session]


def test_a_locked_site_key_stops_no_erasure(tmp_path: Path, clock: FakeClock) -> None:
    """Destroying needs no key: neither by hand nor by itself."""
    root = tmp_path / "data"
    with open_catalogue(root, clock) as catalogue:
        session = site.take(catalogue, "ann")
        protect(catalogue, SiteKeyMethod.PASSPHRASE, "four quiet green herons")
        set_term(catalogue, LAB, 1, "short")
    clock.sleep_ms(2 * DAY_MS)
    with open_catalogue(root, clock) as catalogue:
        assert catalogue.vault.state().locked
        assert [one["target"] for one in run_due(catalogue).erased] == [session]


def test_the_doctor_names_what_is_overdue(catalogue: Catalogue, clock: FakeClock) -> None:
    site.take(catalogue, "ann")
    assert doctor.check_retention(catalogue).finding is Finding.GOOD
    set_term(catalogue, LAB, 1, "short")
    clock.sleep_ms(2.5 * DAY_MS)
    assert doctor.check_retention(catalogue).finding is Finding.GOOD
    clock.sleep_ms(DAY_MS)
    check = doctor.check_retention(catalogue)
    assert (check.finding, check.detail[:7]) == (Finding.BAD, "1 thing")
    assert "main.py retention" in check.remedy
    hold(catalogue, "ann", "case 7")
    assert "kept by legal holds" in doctor.check_retention(catalogue).detail
    release(catalogue, "ann", "over")
    run_due(catalogue)
    assert doctor.check_retention(catalogue).detail == "nothing is overdue"
    catalogue.file.change("UPDATE retention SET days = 2")
    assert "does not bear out" in doctor.check_retention(catalogue).detail


def test_due_is_a_command_that_needs_nobody_and_takes_nothing_else(tmp_path: Path) -> None:
    with cheap_catalogue(tmp_path, FakeClock()) as catalogue:
        session = closed_site(catalogue)

    def call(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "main.py", "retention", *arguments, "--data", str(tmp_path)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    assert "may not do this" in call().stderr
    for other in (("--set", "collection=1"), ("--hold", "ann"), ("--user", "ada"), ("--confirm-date", "2026-11-26")):
        assert call("--due", *other).returncode == ExitCode.USAGE
    told = call("--due", "--dry-run")
    assert (told.returncode, f"session {session} of ann (term): waits" in told.stdout) == (ExitCode.DONE, True)
    assert "would not be erased: The machine's clock stands too far ahead" in told.stderr
    with cheap_catalogue(tmp_path) as catalogue:
        catalogue.log_ins.log_in("ada", PASSPHRASE)
        with pytest.raises(ProposedError) as proposed:
            site.date_is_right(catalogue)
        catalogue.log_ins.log_in("bea", PASSPHRASE)
        catalogue.proposals.approve(proposed.value.proposal.id)
        site.date_is_right(catalogue)
    done = call("--due", "--json")
    assert (done.returncode, [one["target"] for one in json.loads(done.stdout)["erased"]]) == (0, [session])
    assert not (tmp_path / "sessions" / f"{session}.db").exists()


# --- what a consent covers ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("purposes", "material"), [(("evaluate", "train"), 1), (("evaluate",), 0), (("train",), 0)])
def test_only_what_a_consent_covers_trains_and_judges(
    catalogue: Catalogue, purposes: tuple[str, ...], material: int
) -> None:
    catalogue.subjects.add("ann")
    catalogue.consents.add("ann", purposes=purposes)
    session = site.take(catalogue, "ann", live=True)
    assert len(catalogue.material.presentations([session])) == material


def test_frames_leave_the_station_only_when_the_person_agreed(catalogue: Catalogue, tmp_path: Path) -> None:
    session = site.take(catalogue, "ann", live=True)
    with pytest.raises(InputError, match="does not cover sharing"):
        export_session(catalogue, session, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    catalogue.clock.sleep_ms(1000.0)
    catalogue.consents.add("ann", purposes=("evaluate", SHARE))
    assert export_session(catalogue, session, tmp_path / "out").frame_sets == 3


def test_a_key_is_handed_to_the_windows_commands_in_memory(tmp_path: Path) -> None:
    access = SiteAccess()
    with open_catalogue(tmp_path, access=access) as catalogue:
        session = site.take(catalogue, "ann")
        assert access.descriptor() is None
        protect(catalogue, SiteKeyMethod.PASSPHRASE, "four quiet green herons")
    memory = access.descriptor()
    assert memory is not None
    for _ in range(2):
        handed = SiteAccess.from_descriptor(memory)
        with open_catalogue(tmp_path, access=handed) as child, child.material.session(session) as store:
            assert len(list(store)) == 3
    with pytest.raises(UsageError):
        SiteAccess.from_descriptor(2**20)


def test_what_a_hold_stops_is_looked_up_in_time_that_grows_with_the_sessions_alone(tmp_path: Path) -> None:
    def steps(sessions: int) -> int:
        with cheap_catalogue(tmp_path / str(sessions)) as catalogue:
            with catalogue.transaction():
                for number in range(sessions):
                    session = stored.open_session(catalogue, subject=f"p{number % 7}")
                    catalogue.sessions.describe(session, device={"name": "x"}, profiles=stored.profiles(64, 48))
                    catalogue.sessions.close(session)
                    catalogue.frames_path(session).touch()
            set_term(catalogue, LAB, 30, "the lab's rule")
            hold(catalogue, "p1", "a court asks")
            counted = [0]

            def count() -> None:
                counted[0] += 1

            catalogue.file._connection().conn.set_progress_handler(count, 100)
            assert any(expiry.held for expiry in expiries(catalogue))
            return counted[0]

    assert steps(160) < 6 * steps(40), "four times as many sessions, not sixteen times the work"
