"""The audit log in the window: found, verified, exported; and the support report, looked at before it is saved."""

from __future__ import annotations

import json
import sys
import threading
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pytestqt.modeltest import ModelTester
from pytestqt.qtbot import QtBot

from core.access import Actor, Role
from gui.app import Desk
from gui.i18n import audit_codes
from gui.models.audit_model import PAGE, AuditModel
from gui.services import Services
from gui.tasks import Tasks
from gui.views.audit.page import AuditPage
from gui.views.support_dialog import SupportDialog
from gui.widgets.ask import ReasonDialog
from storage.audit_export import check_export
from storage.audit_report import AuditReport
from storage.audit_verify import verify
from storage.catalogue import Catalogue, open_catalogue
from storage.repositories.audit import AuditFilter
from tests import audit_attack

OpenDesk = Callable[[], Desk]
ENTRIES = PAGE + 30


def fill(data: Path) -> None:
    with open_catalogue(data) as catalogue, catalogue.transaction():
        for number in range(1, ENTRIES + 1):
            actor = "op7" if number % 10 == 0 else "station"
            catalogue.audit.append("second_line", "verdict", str(number), actor=actor, details={"score": 0.5})


@pytest.fixture
def page(services: Services, open_desk: OpenDesk, qtbot: QtBot) -> AuditPage:
    fill(services.data_dir)
    desk = open_desk()
    desk.window.go_to("audit")
    found = desk.window.pages["audit"]
    assert isinstance(found, AuditPage)
    qtbot.waitUntil(lambda: found.model.rowCount() > 0 and not desk.tasks.busy)
    return found


def test_newest_entries_come_first_and_more_on_demand(page: AuditPage, qtbot: QtBot) -> None:
    assert page.model.rowCount() == PAGE
    assert page.facts.value("No.") == str(ENTRIES)
    assert page.facts.value("Details") == "score: 0.5"
    page.model.fetchMore()
    qtbot.waitUntil(lambda: page.model.rowCount() == ENTRIES)
    assert not page.model.canFetchMore()
    assert page.count.text() == f"{ENTRIES} entries"


def test_filters_by_who_what_and_when(page: AuditPage, qtbot: QtBot) -> None:
    page.who.setCurrentIndex(page.who.findData("op7"))
    qtbot.waitUntil(lambda: page.model.rowCount() == ENTRIES // 10)
    assert page.what.itemText(page.what.findData("second_line")) == "second-line result"
    page.when.setCurrentIndex(page.when.findData(1))
    qtbot.waitUntil(lambda: page.model.rowCount() == ENTRIES // 10)


def test_a_short_log_is_readable_in_full(services: Services, open_desk: OpenDesk, qtbot: QtBot) -> None:
    digest = "ab" * 32
    with open_catalogue(services.data_dir) as catalogue:
        catalogue.audit.append("second_line", "verdict", "1", actor="station", details={"row_sha256": digest})
    desk = open_desk()
    desk.window.go_to("audit")
    page = desk.window.pages["audit"]
    assert isinstance(page, AuditPage)
    qtbot.waitUntil(lambda: page.model.rowCount() > 0)
    header, words = page.table.horizontalHeader(), page.table.fontMetrics()
    qtbot.waitUntil(lambda: header.sectionSize(1) > words.horizontalAdvance("2026-11-27 07:02:28"))
    assert header.sectionSize(2) > words.horizontalAdvance("station")
    assert page.facts.value("Details") == "row_sha256: abababababab…"
    assert digest in page.facts.tip("Details"), "the whole of it on demand"


def test_a_whole_log_is_said_to_be_intact(page: AuditPage, qtbot: QtBot) -> None:
    page.context.actions["verify_audit"].trigger()
    assert not page.context.actions["verify_audit"].isEnabled()
    qtbot.waitUntil(lambda: page.report is not None)
    assert page.answer.text() == "✓ The audit log is intact"
    assert f"{ENTRIES} entries" in page.findings.text()
    assert page.context.actions["verify_audit"].isEnabled()


def test_a_verification_that_was_stopped_leaves_the_next_one_alone(
    page: AuditPage, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    began, asked, go_on = threading.Event(), threading.Event(), threading.Event()
    monkeypatch.setattr("storage.audit_verify._STEPS", 1)

    def slowly(catalogue: Catalogue, *order: Any) -> AuditReport:
        began.set()
        asked.wait(10.0)
        return verify(catalogue, *order)

    monkeypatch.setattr("gui.views.audit.page.verify", slowly)
    verbs, after_the_first = page.context.actions, list[bool]()
    page.verify()
    assert began.wait(10.0)
    verbs["stop_verifying"].trigger()
    assert verbs["verify_audit"].isEnabled()
    page.context.tasks.run(lambda _catalogue: True, after_the_first.append, owner=page)
    page.context.tasks.run(lambda _catalogue: go_on.wait(10.0), lambda _done: None, owner=page)
    page.verify()
    asked.set()
    qtbot.waitUntil(lambda: bool(after_the_first))
    assert verbs["stop_verifying"].isEnabled()
    assert not verbs["verify_audit"].isEnabled()
    go_on.set()
    qtbot.waitUntil(lambda: page.report is not None)
    assert page.answer.text() == "✓ The audit log is intact"
    assert not verbs["stop_verifying"].isEnabled()


def page_on_a_changed_entry(services: Services, open_desk: OpenDesk) -> AuditPage:
    fill(services.data_dir)
    with audit_attack.opened(services.data_dir / "catalogue.db") as connection:
        connection.execute("UPDATE audit SET actor = 'mallory' WHERE id = 17")
    desk = open_desk()
    desk.window.go_to("audit")
    page = desk.window.pages["audit"]
    assert isinstance(page, AuditPage)
    return page


def test_a_changed_entry_is_named(services: Services, open_desk: OpenDesk, qtbot: QtBot) -> None:
    page = page_on_a_changed_entry(services, open_desk)
    page.verify()
    qtbot.waitUntil(lambda: page.report is not None)
    assert page.answer.text() == "✗ NOT intact: the first bad entry is 17"
    assert "Entry 17 was changed" in page.findings.text()


def test_a_broken_log_is_acknowledged_with_a_reason(services: Services, open_desk: OpenDesk, qtbot: QtBot) -> None:
    page = page_on_a_changed_entry(services, open_desk)
    verb = page.context.actions["acknowledge_audit"]
    assert not verb.isEnabled(), "nobody has found a break yet"
    page.verify()
    qtbot.waitUntil(lambda: page.report is not None and verb.isEnabled())
    assert "No verdict counts" in page.findings.text()
    page.report = None
    verb.trigger()
    question = page.findChild(ReasonDialog)
    assert question is not None
    question.reason.setPlainText("the disk was exchanged")
    question.accept()
    qtbot.waitUntil(lambda: page.report is not None)
    assert "as is known and acknowledged" in page.answer.text()
    assert "Entry 17 was changed" in page.findings.text()
    assert "Acknowledged in entry" in page.findings.text()
    qtbot.waitUntil(lambda: not page.broken and not verb.isEnabled())


def test_the_log_is_exported(page: AuditPage, qtbot: QtBot, tmp_path: Path) -> None:
    page.export_to(str(tmp_path / "log.jsonl"))
    qtbot.waitUntil((tmp_path / "log.jsonl").exists)
    assert check_export(tmp_path / "log.jsonl") >= ENTRIES


def test_who_may_not_read_it_sees_why(services: Services, open_desk: OpenDesk, qtbot: QtBot) -> None:
    fill(services.data_dir)

    def as_collector() -> Catalogue:
        catalogue = open_catalogue(services.data_dir)
        catalogue.actor = Actor.of("co1", [Role.COLLECTOR])
        return catalogue

    desk = open_desk()
    desk.tasks._open_catalogue = as_collector
    desk.tasks.run(lambda _catalogue: desk.tasks._close_catalogue(), lambda _nothing: None)
    desk.window.go_to("audit")
    page = desk.window.pages["audit"]
    assert isinstance(page, AuditPage)
    qtbot.waitUntil(lambda: page.rooms.currentIndex() == 1)
    assert "co1" in page.empty.remedy.text()


def test_the_model_keeps_qts_rules(services: Services, qtbot: QtBot, qtmodeltester: ModelTester) -> None:
    fill(services.data_dir)
    tasks = Tasks(services.open_catalogue)
    model = AuditModel(tasks)
    with qtbot.waitSignal(model.loaded):
        model.show(AuditFilter())
    qtmodeltester.check(model)
    tasks.close()


def test_words_for_what_is_not_in_the_table() -> None:
    assert audit_codes.action("new_thing") == "new_thing"
    assert audit_codes.kind("new_kind") == "new_kind"


def test_a_report_is_shown_before_it_is_saved(desk: Desk, qtbot: QtBot, tmp_path: Path) -> None:
    checks = json.dumps([{"name": "cameras", "finding": "warning", "detail": "none found", "remedy": "Plug one in."}])
    program = f"print({checks!r})"
    desk.window.context.services = replace(
        desk.window.context.services, command=lambda _arguments: [sys.executable, "-c", program]
    )
    desk.window.actions_table["support_report"].trigger()
    dialog = desk.window.findChild(SupportDialog)
    assert dialog is not None
    assert not dialog.save.isEnabled()
    qtbot.waitUntil(dialog.save.isEnabled)
    names = [dialog.names.item(row).text() for row in range(dialog.names.count())]
    assert names[:3] == ["versions.json", "checks.json", "figures.json"]
    dialog.names.setCurrentRow(1)
    assert "none found" in dialog.text.toPlainText()
    out = tmp_path / "report.zip"
    dialog.save_to(str(out))
    qtbot.waitUntil(out.exists)
    with zipfile.ZipFile(out) as file:
        assert file.read("checks.json").decode() == dialog.text.toPlainText()
    dialog.reject()


def test_the_entry_that_is_looked_at_stays_chosen(page: AuditPage, qtbot: QtBot) -> None:
    page.table.selectRow(40)
    chosen = page.facts.value("No.")
    page.refresh()
    qtbot.waitUntil(lambda: page.model.rowCount() == PAGE and not page.context.tasks.busy)
    assert page.table.currentIndex().row() == 40
    assert page.facts.value("No.") == chosen
