"""A broken audit log: verdicts count for nothing until an administrator acknowledges it, and it stays a finding."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import main as program
from core.access import Actor, DeniedError, Role
from core.checks import Finding
from core.clock import FakeClock
from core.codes import AuditFault, DoorReason, Outcome, Reason, Rule, SourceKind
from core.door.machine import obstacle
from core.errors import InputError
from core.frames import ALL_MODALITIES
from core.messages import Standing
from storage.audit_acknowledge import acknowledge, audit_actions
from storage.audit_report import AuditFinding
from storage.audit_trust import AuditTrust
from storage.audit_verify import verify, verify_tail
from storage.doctor import check_audit
from storage.paths import DataFolder
from storage.registry import ModelRegistry
from storage.repositories.proposals import ProposedError
from storage.schema import AUDIT_GUARDS
from storage.station_ledger import CatalogueLedger
from storage.station_life import begin_station, end_station
from tests import audit_attack, stored
from tests.people import PASSPHRASE, add_people, cheap_catalogue
from tests.unit.audit_logs import fill
from tests.unit.test_shadow import ACCEPTED, Bench

WHY = "a disk was exchanged"


def station(data: Path) -> list[str]:
    with cheap_catalogue(data, FakeClock()) as catalogue:
        told = begin_station(catalogue, SourceKind.SIMULATED)
        end_station(catalogue)
    return [problem.what for problem in told]


def spoiled(data: Path, sql: str = "UPDATE audit SET reason = 'x' WHERE id = 4") -> None:
    with audit_attack.opened(data / "catalogue.db") as connection:
        connection.execute(sql)


def broken(data: Path) -> bool:
    with cheap_catalogue(data, FakeClock()) as catalogue:
        return AuditTrust(catalogue).broken()


def acknowledged(data: Path) -> None:
    with cheap_catalogue(data, FakeClock()) as catalogue:
        acknowledge(catalogue, WHY)


def changed(data: Path) -> None:
    spoiled(data)


def removed(data: Path) -> None:
    spoiled(data, "DELETE FROM audit WHERE id IN (3, 4)")


def cut(data: Path) -> None:
    spoiled(data, "DELETE FROM audit WHERE id > 6")


def cut_and_tidied(data: Path) -> None:
    with audit_attack.opened(data / "catalogue.db") as connection:
        connection.execute("DELETE FROM audit WHERE id > 6")
        audit_attack.tidy_numbers(connection)


def unguarded(data: Path) -> None:
    audit_attack.spoil(data / "catalogue.db", "DROP TRIGGER audit_is_never_changed")


def without_checkpoints(data: Path) -> None:
    shutil.rmtree(DataFolder(data).anchors)


def without_key(data: Path) -> None:
    DataFolder(data).audit_key.unlink()


BREAKS = (changed, removed, cut, cut_and_tidied, unguarded, without_checkpoints, without_key)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A log that nothing is wrong with."""
    fill(tmp_path / "data")
    assert station(tmp_path / "data") == []
    return tmp_path / "data"


@pytest.mark.parametrize("attack", BREAKS)
def test_every_break_is_found_acknowledged_and_stays_known(data: Path, attack: object) -> None:
    assert callable(attack)
    attack(data)
    (told,) = station(data)
    assert "No verdict counts" in told
    assert broken(data)
    assert len(station(data)) == 1, "it is told at every start"
    with cheap_catalogue(data, FakeClock()) as catalogue:
        acknowledge(catalogue, WHY)
        assert not AuditTrust(catalogue).broken()
    assert station(data) == []
    for _ in range(3):  # the log goes on, past the numbers that a cut tail took away too
        station(data)
    with cheap_catalogue(data, FakeClock()) as catalogue:
        for report in (verify_tail(catalogue), verify(catalogue)):
            assert report.findings, "the break stays a finding"
            assert report.open == ()
        assert not AuditTrust(catalogue).broken()
        check = check_audit(catalogue)
        assert (check.finding, bool(check.remedy)) == (Finding.WARNING, True)


@pytest.mark.parametrize("attack", BREAKS)
def test_a_second_break_after_an_acknowledgement_is_a_new_one(data: Path, attack: object) -> None:
    assert callable(attack)
    spoiled(data, "UPDATE audit SET actor = 'mallory' WHERE id = 2")
    station(data)
    acknowledged(data)
    station(data)
    attack(data)
    assert len(station(data)) == 1
    assert broken(data)


def test_what_is_broken_already_is_not_broken_further_unseen(data: Path) -> None:
    spoiled(data)
    station(data)
    acknowledged(data)
    spoiled(data, "UPDATE audit SET reason = 'something else' WHERE id = 4")
    with cheap_catalogue(data, FakeClock()) as catalogue:
        report = verify(catalogue)
        (found,) = report.open
        assert found.fault is AuditFault.EARLIER
        assert AuditTrust(catalogue).broken(), "a verification finds it, and from then on nothing counts"


def test_the_triggers_are_put_back_and_a_checkpoint_is_made(data: Path) -> None:
    unguarded(data)
    station(data)
    with cheap_catalogue(data, FakeClock()) as catalogue:
        acknowledge(catalogue, WHY)
        assert AuditFinding(AuditFault.GUARDS, 0) not in verify(catalogue).findings
        entry = next(one for one in catalogue.audit.entries() if one.action == "acknowledge")
        assert (entry.reason, entry.details["mended"]) == (WHY, ["guards"])
        assert catalogue.audit.anchors.here()[-1].entry >= entry.id
    unguarded(data)
    assert len(station(data)) == 1


def test_an_acknowledgement_that_nobody_with_the_key_wrote_says_nothing(data: Path) -> None:
    spoiled(data)
    station(data)
    with audit_attack.opened(data / "catalogue.db") as connection:
        rows = audit_attack.rows(connection)
        forged = {**rows[-1], "id": rows[-1]["id"] + 1, "action": "acknowledge", "object_kind": "audit"}
        forged["details"] = '{"breaks":{"changed":[[4,4]]},"checkpoints":[],"mended":[],"sha256":""}'
        audit_attack.write(connection, [*rows, forged])
    assert broken(data)
    (told,) = station(data)
    assert "entry 4" in told


def test_a_break_that_was_seen_is_not_forgotten_with_its_entry(data: Path) -> None:
    spoiled(data)
    station(data)
    with cheap_catalogue(data, FakeClock()) as catalogue:
        trust = AuditTrust(catalogue)
        assert trust.broken()
        catalogue.file.execute("DROP TRIGGER audit_is_never_shortened")
        catalogue.file.change("DELETE FROM audit WHERE action = 'break_found'", ())
        assert trust.broken()


def test_it_needs_an_administrator_a_reason_and_a_break(data: Path) -> None:
    with cheap_catalogue(data, FakeClock()) as catalogue:
        with pytest.raises(InputError, match="Nothing is broken"):
            acknowledge(catalogue, WHY)
        with pytest.raises(InputError, match="reason"):
            acknowledge(catalogue, " ")
        catalogue.actor = Actor.of("tea", [Role.TECHNICIAN])
        with pytest.raises(DeniedError):
            acknowledge(catalogue, WHY)


def test_with_the_two_person_rule_another_administrator_approves(data: Path) -> None:
    spoiled(data)
    station(data)
    with cheap_catalogue(data, FakeClock()) as catalogue:
        add_people(catalogue)
        catalogue.log_ins.log_in("ada", PASSPHRASE)
        with pytest.raises(ProposedError) as told:
            acknowledge(catalogue, WHY)
        assert AuditTrust(catalogue).broken()
        catalogue.log_ins.log_in("bea", PASSPHRASE)
        proposal = catalogue.proposals.approve(told.value.proposal.id)
        audit_actions(catalogue)[proposal.action](proposal.arguments, proposal.reason)
        assert not AuditTrust(catalogue).broken()
        entry = next(one for one in catalogue.audit.entries() if one.action == "acknowledge")
        assert (entry.actor, entry.reason) == ("bea", WHY)


def test_the_station_gives_no_verdict_that_counts_until_it_is_acknowledged(data: Path) -> None:
    spoiled(data)
    station(data)
    with cheap_catalogue(data, FakeClock()) as catalogue:
        bench = Bench()
        ledger = CatalogueLedger(catalogue, ModelRegistry(catalogue))
        bench.ledger.audit_broken = ledger.audit_broken  # type: ignore[method-assign]
        bench.ledger.changes = catalogue.changes  # type: ignore[method-assign]
        bench.ledger.of_camera = {"A": frozenset({ALL_MODALITIES})}
        assert any(isinstance(event, Standing) and event.withheld is Reason.AUDIT_BROKEN for event in bench.see("A"))
        assert bench.answer(ACCEPTED).shadow, "inference answered before it heard of it"
        assert obstacle(bench.station._doorway.view()) is not DoorReason.NONE
        acknowledge(catalogue, WHY)
        bench.clock.advance(500.0)
        (standing,) = [event for event in bench.station.poll(0.0) if isinstance(event, Standing)]
        assert standing.withheld is Reason.NONE
        assert bench.answer(ACCEPTED).opens


def test_a_running_station_finds_what_is_done_to_its_log(data: Path) -> None:
    with cheap_catalogue(data, FakeClock()) as catalogue, cheap_catalogue(data, FakeClock()) as other:
        bench = Bench()
        ledger = CatalogueLedger(catalogue, ModelRegistry(catalogue))
        bench.ledger.audit_broken = ledger.audit_broken  # type: ignore[method-assign]
        bench.ledger.changes = catalogue.changes  # type: ignore[method-assign]
        bench.ledger.of_camera = {"A": frozenset({ALL_MODALITIES})}
        bench.see("A")
        assert bench.answer(ACCEPTED).opens
        other.audit.append("second_line", "verdict", "1", actor="op7")
        bench.clock.advance(500.0)
        assert not [event for event in bench.station.poll(0.0) if isinstance(event, Standing)], "an honest entry"
        for guard in AUDIT_GUARDS:
            other.file.execute(f"DROP TRIGGER {guard}")
        other.file.execute("UPDATE audit SET actor = 'mallory' WHERE id = 4")
        bench.clock.advance(500.0)
        (standing,) = [event for event in bench.station.poll(0.0) if isinstance(event, Standing)]
        assert standing.withheld is Reason.AUDIT_BROKEN
        assert not bench.answer(ACCEPTED).opens
        assert next(iter(catalogue.audit.entries())).action == "break_found"


def test_every_kind_of_source_is_answered_without_a_verdict_that_says_why() -> None:
    from tests.unit.test_shadow import show, window

    for kind in SourceKind:
        withheld = window(ALL_MODALITIES)
        withheld.withheld = Reason.AUDIT_BROKEN
        verdict = show(withheld, kind, 9.0)
        assert (verdict.outcome, verdict.reason) == (Outcome.NON_RESPONSE, Reason.AUDIT_BROKEN)
        assert verdict.rule is Rule.AUDIT_BROKEN


def test_the_command_line(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def run(*arguments: str) -> tuple[int, str]:
        code = program.main(["audit", *arguments, "--data", str(data)])
        return code, capsys.readouterr().out

    spoiled(data)
    code, text = run("verify")
    assert code != 0
    assert "audit acknowledge" in text
    assert run("acknowledge", "--reason", WHY) == (
        0,
        "acknowledged: entry 4 " + "was changed, or written by somebody without the key\n",
    )
    code, text = run("verify")
    assert code != 0, "the log is not intact, whatever anybody acknowledges"
    assert "(acknowledged in entry" in text
    assert run("acknowledge", "--reason", WHY)[0] != 0


@pytest.mark.parametrize("column", ["object", "actor", "reason", "details"])
def test_a_byte_that_is_no_text_is_acknowledged_like_any_other(data: Path, column: str) -> None:
    with cheap_catalogue(data, FakeClock()) as catalogue:
        catalogue.verdicts.commit(stored.verdict(stored.open_session(catalogue)))
    spoiled(data, f"UPDATE audit SET {column} = CAST(x'ff' || {column} AS TEXT) WHERE action = 'commit'")
    assert broken(data) or station(data)
    acknowledged(data)
    assert station(data) == []
    with cheap_catalogue(data, FakeClock()) as catalogue:
        assert verify(catalogue).open == ()
