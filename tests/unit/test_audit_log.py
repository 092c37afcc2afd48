"""The audit log as it is read: pages, export, permission, and what never reaches it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from core.access import Actor, DeniedError, Role
from core.clock import FakeClock
from core.errors import CanceledError, InputError
from storage import audit_verify
from storage.audit_export import check_export, export_audit
from storage.audit_verify import verify
from storage.catalogue import Catalogue, open_catalogue
from storage.repositories.audit import AuditFilter
from tests.unit.audit_logs import ENTRIES, fill


@pytest.fixture
def data(tmp_path: Path) -> Path:
    fill(tmp_path / "data")
    return tmp_path / "data"


def test_pages_are_filtered_by_who_what_and_when(tmp_path: Path) -> None:
    clock = FakeClock(utc_s=1000.0)
    with open_catalogue(tmp_path / "data", clock) as catalogue:
        for number in range(30):
            catalogue.audit.append(
                ("open", "close")[number % 2], "session", str(number), actor=("ann", "bob")[number % 3 == 0]
            )
            clock.advance(1000.0)
        log = catalogue.audit
        by = AuditFilter(actor="bob", action="open", since_utc_s=1006.0, until_utc_s=1025.0)
        assert [entry.object for entry in log.entries(filters=by)] == ["24", "18", "12", "6"]
        assert [entry.object for entry in log.entries(before=19, limit=2, filters=by)] == ["12", "6"]
        assert log.count(by) == 4
        assert log.choices() == (["ann", "bob"], ["close", "open"])


def test_an_export_proves_itself(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "log.jsonl"
    with open_catalogue(data) as catalogue:
        assert export_audit(catalogue, out) == ENTRIES
    assert check_export(out) == ENTRIES
    assert json.loads(out.read_text().splitlines()[0])["object"] == "1"
    for change in (lambda t: t.replace("0.25", "0.26"), lambda t: t[t.index("\n") + 1 :], lambda t: "nonsense\n"):
        assert_refused(tmp_path / "changed.jsonl", out.read_text(), change)


def assert_refused(path: Path, text: str, change: Callable[[str], str]) -> None:
    path.write_text(change(text))
    with pytest.raises(InputError):
        check_export(path)


def test_only_who_may_read_the_log_verifies_and_exports_it(data: Path, tmp_path: Path) -> None:
    with open_catalogue(data) as catalogue:
        catalogue.actor = Actor.of("op7", [Role.OPERATOR])
        for refused in (lambda: verify(catalogue), lambda: export_audit(catalogue, tmp_path / "x")):
            with pytest.raises(DeniedError):
                refused()
        assert catalogue.audit.entries(limit=1)[0].action == "denied"
        assert not (tmp_path / "x").exists()


def test_a_verification_can_be_stopped(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_verify, "_STEPS", 5)
    with open_catalogue(data) as catalogue:
        told: list[tuple[int, int]] = []
        with pytest.raises(CanceledError):
            verify(catalogue, progress=lambda *at: told.append(at), cancel=lambda: True)
        assert told == [(5, ENTRIES)]


def test_names_do_not_reach_the_log(tmp_path: Path) -> None:
    """Whatever a person types as a name stays in its own table, where erasing finds it."""
    name = "Erika Mustermann"
    with open_catalogue(tmp_path / "data") as catalogue:
        people(catalogue, name)
        said = json.dumps([[e.actor, e.object, e.reason, e.details] for e in catalogue.audit.entries(limit=1000)])
    assert len(said) > 200
    assert name not in said
    assert "Mustermann" not in said


def people(catalogue: Catalogue, name: str) -> None:
    from core.codes import RecordMode, SessionPurpose, SourceKind

    catalogue.subjects.add("S1", notes=name)
    consent = catalogue.consents.add("S1", reference=name, guardian=name, signer_method=name, operator=name)
    catalogue.sessions.open(
        SessionPurpose.COLLECTION, RecordMode.FRAMES, SourceKind.LIVE, subject="S1", name=name, settings={"by": name}
    )
    catalogue.artefacts.add("print_flat", name, maker=name, notes=name)
    catalogue.consents.withdraw(consent, by=name, reason="asked to")


def test_an_entry_whose_details_are_damaged_is_still_shown(tmp_path: Path) -> None:
    with open_catalogue(tmp_path / "data") as catalogue:
        details = {"from": "", "to": "print_flat"}
        catalogue.audit.append("relabel", "presentation", "p-1", actor="somebody", details=details)
        catalogue.file.execute("DROP TRIGGER audit_is_never_changed")
        catalogue.file.execute("UPDATE audit SET details = '{*' WHERE object = 'p-1'")
        entry = next(one for one in catalogue.audit.entries() if one.object == "p-1")
    assert entry.details == {"damaged": "{*"}
