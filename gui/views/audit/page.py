"""The audit log: who did what and when, whether the log is whole, and a copy of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta

from PySide6.QtCore import QModelIndex, Qt, Slot
from PySide6.QtWidgets import (
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QProgressBar,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from core.errors import CanceledError
from gui.context import PageContext
from gui.i18n import audit_codes, tr, tr_count
from gui.i18n.errors import told_error
from gui.models.audit_model import AuditModel, short
from gui.tasks import Task
from gui.views.page import Page
from gui.widgets.ask import ask_reason
from gui.widgets.facts import Facts
from gui.widgets.forms import GAP, EmptyState, Plate, VerbButton, combo_box, heading, quiet
from gui.widgets.save_dialog import ask_where
from gui.widgets.tables import make_table
from gui.widgets.toast import Level
from storage.audit_acknowledge import acknowledge
from storage.audit_export import export_audit
from storage.audit_report import AuditReport
from storage.audit_trust import AuditTrust
from storage.audit_verify import verify
from storage.catalogue import Catalogue
from storage.repositories.audit import AuditFilter

Reading = Callable[[Catalogue, Callable[[int, int], None], Callable[[], bool]], AuditReport]
"""Something that reads the whole log, with its progress (done, total) and whether to stop."""


class AuditPage(Page):
    """Filters and table on the left; verification, export and one entry on the right."""

    name = "audit"

    def __init__(self, context: PageContext, parent: QWidget | None = None) -> None:
        super().__init__(context, parent)
        self.report: AuditReport | None = None
        self.broken = False
        """Whether a break stands that nobody has acknowledged."""
        self._running: Task | None = None
        self._chosen = 0
        """The entry that is looked at: it stays chosen when the log is read again."""
        self.model = AuditModel(context.tasks)
        self.model.setParent(self)
        self.table = make_table(tr("Audit log"), self)
        self.count = quiet("", self)
        self.who = combo_box(self, tr("Who"))
        self.what = combo_box(self, tr("What was done"))
        self.when = combo_box(self, tr("When"))
        self.answer = heading(tr("Not verified yet"), self, 1.3)
        self.findings = QLabel("", self)
        self.progress = QProgressBar(self)
        self.facts = Facts(self)
        self._build()
        self._connect()

    # --- construction -------------------------------------------------------------------------------------------

    def _build(self) -> None:
        for days, words in ((0, tr("at any time")), (1, tr("today")), (7, tr("7 days")), (30, tr("30 days"))):
            self.when.addItem(words, days)
        filters = QHBoxLayout()
        for box in (self.who, self.what, self.when):
            filters.addWidget(box, 1)
        self.table.setModel(self.model)
        self.table.horizontalHeader().setSectionResizeMode(4, QHeaderView.ResizeMode.Interactive)
        self.table.horizontalHeader().resizeSection(4, 190)
        left = QVBoxLayout()
        left.setSpacing(8)
        left.addLayout(filters)
        left.addWidget(self.table, 1)
        left.addWidget(self.count)
        content = QWidget(self)
        row = QHBoxLayout(content)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(GAP)
        row.addLayout(left, 1)
        row.addWidget(self._beside())
        self.empty = EmptyState("empty", "", "", self)
        self.rooms = QStackedWidget(self)
        self.rooms.addWidget(content)
        self.rooms.addWidget(self.empty)
        self.column.addWidget(self.rooms, 1)

    def _beside(self) -> QWidget:
        actions = self.context.actions
        state = Plate(self)
        self.answer.setWordWrap(True)
        self.findings.setWordWrap(True)
        self.findings.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.findings.setAccessibleName(tr("What the verification found"))
        self.progress.setAccessibleName(tr("Verification"))
        self.progress.hide()
        for widget in (self.answer, self.findings, self.progress):
            state.column.addWidget(widget)
        state.column.addWidget(VerbButton(actions["verify_audit"], self, primary=True))
        for action_id in ("stop_verifying", "acknowledge_audit", "export_audit"):
            state.column.addWidget(VerbButton(actions[action_id], self))
        entry = Plate(self)
        entry.column.addWidget(heading(tr("Entry"), self))
        entry.column.addWidget(self.facts)
        beside = QWidget(self)
        beside.setFixedWidth(344)
        column = QVBoxLayout(beside)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GAP)
        column.addWidget(state)
        column.addWidget(entry)
        column.addStretch(1)
        return beside

    def _connect(self) -> None:
        actions = self.context.actions
        actions.connect("verify_audit", self.verify)
        actions.connect("stop_verifying", self.stop)
        actions.connect("acknowledge_audit", self.ask_to_acknowledge)
        actions.connect("export_audit", self.export)
        actions.connect("refresh_audit", self.refresh)
        for box in (self.who, self.what, self.when):
            box.currentIndexChanged.connect(lambda _index: self._filter())
        self.model.loaded.connect(self._on_loaded)
        self.model.failed.connect(self._on_failed)
        self.table.selectionModel().currentRowChanged.connect(self._on_entry)
        self._enable()

    def entered(self) -> None:
        """Read again: the log grows with everything that happens."""
        self.setFocus()
        self.refresh()

    # --- the table ----------------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Read who and what there is to filter by, whether a break stands, and the newest page."""
        self.context.tasks.run(
            lambda catalogue: (*catalogue.audit.choices(), AuditTrust(catalogue).broken()),
            self._offer,
            self.context.show_error,
            self,
        )
        self.model.refresh()

    def _offer(self, found: tuple[list[str], list[str], bool]) -> None:
        actors, actions, self.broken = found
        self._enable()
        for box, everything, names in (
            (self.who, tr("everybody"), {name: name for name in actors}),
            (self.what, tr("everything"), {name: audit_codes.action(name) for name in actions}),
        ):
            chosen = box.currentData()
            box.blockSignals(True)
            box.clear()
            box.addItem(everything, "")
            for name, words in names.items():
                box.addItem(words, name)
            box.setCurrentIndex(max(0, box.findData(chosen)))
            box.blockSignals(False)

    def _filter(self) -> None:
        days = int(self.when.currentData() or 0)
        midnight = datetime.now().replace(hour=0, minute=0, second=0, microsecond=0)
        since = (midnight - timedelta(days=days - 1)).timestamp() if days else None
        actor, action = (str(box.currentData() or "") for box in (self.who, self.what))
        self.model.show(AuditFilter(actor=actor, action=action, since_utc_s=since))

    @Slot(int)
    def _on_loaded(self, rows: int) -> None:
        self.rooms.setCurrentIndex(0)
        if self.model.canFetchMore():
            self.count.setText(tr("{n} entries, more below", n=rows))
        else:
            self.count.setText(tr_count(rows, "{n} entry", "{n} entries"))
        if rows and not self.table.currentIndex().isValid():
            self.table.selectRow(self.model.row_of(self._chosen) or 0)

    @Slot(object)
    def _on_failed(self, error: BaseException) -> None:
        self.rooms.setCurrentIndex(1)
        self.empty.say(tr("The audit log cannot be read"), told_error(error))

    @Slot(QModelIndex, QModelIndex)
    def _on_entry(self, current: QModelIndex, _previous: QModelIndex) -> None:
        if not current.isValid():
            return
        entry = self.model.at(current.row())
        self._chosen = entry.id
        self.facts.set(tr("No."), str(entry.id))
        self.facts.set(tr("When"), datetime.fromtimestamp(entry.utc_s).strftime("%Y-%m-%d %H:%M:%S"))
        self.facts.set(tr("Who"), entry.actor)
        self.facts.set(tr("What was done"), audit_codes.action(entry.action))
        kind = audit_codes.kind(entry.object_kind)
        self.facts.set(tr("To what"), f"{kind}\n{short(entry.object)}".strip(), entry.object)
        self.facts.set(tr("Why"), entry.reason)
        values = {k: v if isinstance(v, str) else json.dumps(v) for k, v in entry.details.items()}
        told = {k: v for k, v in values.items() if v not in ("", "null")}
        self.facts.set(
            tr("Details"),
            "\n".join(f"{k}: {short(v)}" for k, v in told.items()),
            "\n".join(f"{k}: {v}" for k, v in told.items()),
        )

    # --- verbs --------------------------------------------------------------------------------------------------

    def _enable(self) -> None:
        actions, running = self.context.actions, self._running is not None
        actions["verify_audit"].setEnabled(not running)
        actions["export_audit"].setEnabled(not running)
        actions["acknowledge_audit"].setEnabled(not running and self.broken)
        actions["stop_verifying"].setEnabled(running)
        actions["refresh_audit"].setEnabled(True)
        self.progress.setVisible(running)

    def verify(self) -> None:
        """Read the whole chain against its checkpoints, off the GUI thread."""
        self._read(
            lambda catalogue, progress, cancel: verify(catalogue, (), progress, cancel),
            self._on_report,
            tr("Verifying the audit log"),
        )

    def ask_to_acknowledge(self) -> None:
        """Ask why the station may go on with a broken log."""
        ask_reason(
            self,
            tr("Acknowledge the break"),
            tr("Verdicts count again from then on. The break stays a finding of every verification, for ever."),
            lambda _choice, reason: self.acknowledge(reason),
        )

    def acknowledge(self, reason: str) -> None:
        """Read the whole log and acknowledge what is broken in it; a second person may have to approve."""
        self._read(
            lambda catalogue, progress, cancel: acknowledge(catalogue, reason, progress, cancel),
            lambda _report: self._on_acknowledged(),
            tr("Reading the audit log"),
        )

    def _read(self, work: Reading, done: Callable[[AuditReport], None], words: str) -> None:
        if self._running is not None:
            return

        def run(catalogue: Catalogue, task: Task) -> AuditReport:
            return work(catalogue, lambda now, total: task.progress(now / max(1, total)), lambda: task.canceled)

        self.progress.setValue(0)
        self.answer.setText(words)
        self.findings.setText("")
        task = self._running = self.context.tasks.start(
            run,
            done,
            lambda error: self._on_failed_reading(task, error),
            self,
            lambda share: self._on_progress(task, share),
        )
        self._enable()

    def _on_progress(self, task: Task, share: float) -> None:
        if task is self._running:
            self.progress.setValue(round(100 * share))

    def _on_failed_reading(self, task: Task, error: BaseException) -> None:
        """Of one that was stopped, the end comes late: by then another one may be running, and goes on."""
        if task is self._running:
            self._on_stopped()
        if not isinstance(error, CanceledError):
            self.context.show_error(error)

    def _on_acknowledged(self) -> None:
        self._running = None
        self.context.notify(
            tr("The break is acknowledged: verdicts count again."),
            tr("It stays a finding of every verification."),
            Level.INFO,
        )
        self.verify()

    def stop(self) -> None:
        """Stop the verification; nothing is changed by it."""
        if self._running is not None:
            self._running.cancel()
            self._on_stopped()

    def _on_stopped(self) -> None:
        self._running = None
        self.answer.setText(tr("Not verified yet"))
        self._enable()
        self.refresh()

    def _on_report(self, report: AuditReport) -> None:
        self._running, self.report = None, report
        if report.intact:
            self.answer.setText(tr("✓ The audit log is intact"))
        elif not report.open:
            self.answer.setText(tr("NOT intact, as is known and acknowledged"))
        elif report.first_bad is None:
            self.answer.setText(tr("✗ The audit log is NOT intact"))
        else:
            self.answer.setText(tr("✗ NOT intact: the first bad entry is {n}", n=report.first_bad))
        lines = [audit_codes.fault(finding.fault, finding.entry, finding.acknowledged) for finding in report.findings]
        if report.open:
            lines.append(tr("No verdict counts until an administrator acknowledges the break."))
            lines.append(tr("Keep a copy of the data folder as it is, and find out who could write to it."))
        lines.append(
            tr(
                "{n} entries and {checkpoints} checkpoints were read.",
                n=report.protected,
                checkpoints=report.checkpoints,
            )
        )
        lines += [text for text in [audit_codes.began(report.began, report.earlier)] if text]
        self.findings.setText("\n\n".join(lines))
        self._enable()
        self.refresh()

    def export(self) -> None:
        """Ask where, and write the whole log there."""
        ask_where(self, tr("Export the audit log"), "", "*.jsonl", self.export_to)

    def export_to(self, path: str) -> None:
        """Write the whole log to ``path``."""
        from pathlib import Path

        self.context.tasks.run(
            lambda catalogue: export_audit(catalogue, Path(path)),
            lambda count: self.context.notify(
                tr_count(count, "{n} entry exported.", "{n} entries exported."), path, Level.INFO
            ),
            self.context.show_error,
            self,
        )
