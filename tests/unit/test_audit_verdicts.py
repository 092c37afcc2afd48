"""Rows of verdicts against the audit log: what somebody changes, removes or adds by hand is found."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.clock import FakeClock
from core.codes import AuditFault, Outcome, SourceKind
from core.errors import ExitCode
from storage.audit_report import AuditFinding
from storage.audit_trust import AuditTrust
from storage.audit_verify import verify, verify_tail
from storage.catalogue import Catalogue, open_catalogue
from storage.paths import DataFolder
from storage.station_life import begin_station
from storage.verdict_digests import COVERED, without_measurements
from tests import audit_attack, stored

VERDICTS = 4


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A catalogue with verdicts, one of them overridden, and nobody who has it open."""
    with open_catalogue(tmp_path / "data", FakeClock()) as catalogue:
        session = stored.open_session(catalogue)
        for _ in range(VERDICTS):
            catalogue.verdicts.commit(stored.verdict(session))
        catalogue.verdicts.override(2, Outcome.REFER, "looked odd")
        assert verify(catalogue).intact
    return DataFolder(tmp_path / "data").catalogue


def found(catalogue: Catalogue) -> list[AuditFinding]:
    """The same by the quick look at a station's start and by the whole verification."""
    quick, whole = verify_tail(catalogue), verify(catalogue)
    assert quick.findings == whole.findings
    assert not whole.intact
    assert whole.first_bad is None, "no entry of the log is bad"
    return list(whole.findings)


def by_hand(file: Path, *statements: str) -> list[AuditFinding]:
    for sql in statements:
        audit_attack.spoil(file, sql)
    with open_catalogue(file.parent, FakeClock()) as catalogue:
        return found(catalogue)


def test_every_column_that_is_changed_is_found(file: Path) -> None:
    other = {"session": None, "presentation": None, "shadow": 1, "trace": "{}"}
    real = {"committed_utc_s", "passed_s", "t_s", "score", "threshold", "duration_ms"}
    with open_catalogue(file.parent, FakeClock()) as catalogue:
        for column in (*(name for name in COVERED if name != "id"), "trace", "operator", "operator_reason"):
            before = catalogue.file.value(f"SELECT {column} FROM verdicts WHERE id = 3")
            changed = other.get(column, 0.123 if column in real else "other")
            catalogue.file.change(f"UPDATE verdicts SET {column} = ? WHERE id = 3", (changed,))
            report = verify_tail(catalogue)
            assert report.findings == (AuditFinding(AuditFault.VERDICT_CHANGED, 3),), column
            assert "verdict 3" in str(report.findings[0])
            catalogue.file.change(f"UPDATE verdicts SET {column} = ? WHERE id = 3", (before,))
        assert verify(catalogue).intact


def test_an_override_that_was_taken_back_or_turned_is_found(file: Path) -> None:
    sql = "UPDATE verdicts SET operator_outcome = 'bona_fide' WHERE id = 2"
    assert by_hand(file, sql) == [AuditFinding(AuditFault.VERDICT_CHANGED, 2)]
    sql = "UPDATE verdicts SET operator_outcome = '', operator_reason = '', operator = '' WHERE id = 2"
    assert by_hand(file, sql) == [AuditFinding(AuditFault.VERDICT_CHANGED, 2)]


def test_a_removed_verdict_is_found(file: Path) -> None:
    removed = [AuditFinding(AuditFault.VERDICT_REMOVED, number) for number in (1, 4)]
    assert by_hand(file, "DELETE FROM verdicts WHERE id IN (1, 4)") == removed


def test_an_added_verdict_is_found(file: Path) -> None:
    names = ", ".join(name for name in COVERED if name != "id")
    sql = f"INSERT INTO verdicts (id, {names}, trace) SELECT 77, {names}, trace FROM verdicts WHERE id = 1"
    assert by_hand(file, sql) == [AuditFinding(AuditFault.VERDICT_ADDED, 77)]


def test_text_that_is_no_unicode_is_a_changed_row(file: Path) -> None:
    sql = "UPDATE verdicts SET model = CAST(x'ff41' AS TEXT) WHERE id = 1"
    assert by_hand(file, sql) == [AuditFinding(AuditFault.VERDICT_CHANGED, 1)]


def test_a_trace_that_was_emptied_by_hand_is_no_erasure(file: Path) -> None:
    with open_catalogue(file.parent, FakeClock()) as catalogue:
        trace = catalogue.file.value("SELECT trace FROM verdicts WHERE id = 1")
        catalogue.file.change("UPDATE verdicts SET trace = ? WHERE id = 1", (without_measurements(trace),))
        assert found(catalogue) == [AuditFinding(AuditFault.VERDICT_CHANGED, 1)]


def test_verdicts_of_before_are_compared_by_what_their_entries_name(tmp_path: Path) -> None:
    with open_catalogue(tmp_path, FakeClock()) as catalogue:
        session = stored.open_session(catalogue)
        names = ("outcome", "score", "threshold", "source_kind", "shadow", "model")
        with catalogue.transaction():
            number = catalogue.verdicts.commit(stored.verdict(session))
            row = catalogue.file.row("SELECT * FROM verdicts WHERE id = ?", (number,))
            assert row is not None
            old = {name: value for name, value in row.items() if name not in ("id", "passed_s")}
            second = catalogue.file.insert("verdicts", old)
            details = {name: row[name] for name in names}
            catalogue.audit.append("commit", "verdict", str(second), actor="station", details=details)
        assert verify(catalogue).intact
        catalogue.file.change("UPDATE verdicts SET duration_ms = 1.0 WHERE id = ?", (second,))
        assert verify(catalogue).intact, "its entry names no duration"
        catalogue.file.change("UPDATE verdicts SET score = 0.99 WHERE id = ?", (second,))
        assert verify(catalogue).findings == (AuditFinding(AuditFault.VERDICT_CHANGED, second),)


def test_the_station_gives_no_verdict_that_counts_after_one_was_turned(file: Path) -> None:
    audit_attack.spoil(file, "UPDATE verdicts SET outcome = 'refer' WHERE id = 1")
    with open_catalogue(file.parent, FakeClock()) as catalogue:
        (told,) = begin_station(catalogue, SourceKind.SIMULATED)
        assert "verdict 1" in told.what
        assert AuditTrust(catalogue).broken()


def test_the_command_names_the_verdict(file: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    import main as program

    audit_attack.spoil(file, "UPDATE verdicts SET outcome = 'refer' WHERE id = 1")
    out = tmp_path / "report.json"
    arguments = ["audit", "verify", "--json", str(out), "--data", str(file.parent)]
    assert program.main(arguments) == ExitCode.INPUT
    assert "BAD  verdict 1 is not what was stored" in capsys.readouterr().out
    (finding,) = json.loads(out.read_text())["findings"]
    assert (finding["fault"], finding["entry"]) == ("verdict_changed", 1)


def test_an_erasure_that_somebody_made_up_stops_no_verification(file: Path) -> None:
    made_up = "INSERT INTO audit (utc_s, actor, action, object_kind, object, details) VALUES (1.0, 'x', "
    for details in ("x", "[]", "{}", '{"verdicts": 7}'):
        audit_attack.spoil(file, f"{made_up} 'erase_traces', 'erasure', '', '{details}')")
    with open_catalogue(file.parent, FakeClock()) as catalogue:
        assert begin_station(catalogue, SourceKind.SIMULATED), "the station starts, and says what is wrong"
        assert not verify(catalogue).intact
