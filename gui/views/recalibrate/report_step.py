"""Step 4: candidate against champion, check by check, with n and bounds, and what would decide what is open."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QHBoxLayout, QTabWidget, QVBoxLayout, QWidget

from core.adaptation.result import JobReport, MaskFigures, WrongDecision
from core.codes import GateResult
from core.frames import ModalityMask
from core.ports import JobRecord
from gui.actions import Actions
from gui.documents.adaptation_report import read_report
from gui.documents.report_words import (
    agreement_words,
    check_row,
    misplaced_words,
    number_words,
    rate_words,
    reason_lines,
    traffic_line,
)
from gui.i18n import codes, tr
from gui.i18n.errors import told
from gui.models.table_model import TextTable
from gui.views.recalibrate.changes_plate import ChangesPlate
from gui.widgets.forms import Plate, VerbButton, heading, quiet
from gui.widgets.tables import make_table
from gui.widgets.verdict_sign import ResultSign

if TYPE_CHECKING:
    from gui.widgets.score_plots import ScorePlots


class ReportStep(QWidget):
    """The gate's report of one job."""

    def __init__(self, actions: Actions, look_at: Callable[[str, str], None], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.sign = ResultSign(self)
        self.result = heading(tr("No report yet"), self, 1.6)
        self.why = quiet(tr("The report comes when the job has judged its candidate."), self)
        self.checks = TextTable(
            (
                tr("Holds"),
                tr("Check"),
                tr("Sensors"),
                tr("Species"),
                tr("Champion"),
                tr("Candidate"),
                tr("Difference"),
                tr("n"),
                tr("Subjects"),
            )
        )
        self.checks.setParent(self)
        self.figures = TextTable(
            (tr("Figure"), tr("Sensors"), tr("Champion"), tr("Champion, new thresholds"), tr("Candidate"))
        )
        self.figures.setParent(self)
        head = Plate(self)
        row = QHBoxLayout()
        row.addWidget(self.sign)
        words = QVBoxLayout()
        words.addWidget(self.result)
        words.addWidget(self.why)
        row.addLayout(words, 1)
        row.addWidget(VerbButton(actions["save_report"], self))
        head.column.addLayout(row)
        self.traffic = ChangesPlate(tr("Recorded traffic decided again"), look_at, self)
        self.examples = ChangesPlate(tr("Wrong decisions of the candidate"), look_at, self, name=_example)
        self.tabs = QTabWidget(self)
        self.tabs.setAccessibleName(tr("Report"))
        for title, model in ((tr("Checks of the gate"), self.checks), (tr("Figures"), self.figures)):
            table = make_table(title, self)
            table.setModel(model)
            self.tabs.addTab(table, title)
        self.tabs.addTab(self.examples, tr("Wrong decisions"))
        self.tabs.addTab(self.traffic, tr("Recorded traffic"))
        middle = Plate(self)
        middle.column.addWidget(self.tabs, 1)
        self._plots: ScorePlots | None = None
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(head)
        column.addWidget(middle, 1)
        self._lower = QVBoxLayout()
        column.addLayout(self._lower, 1)
        self._show_tabs(None)

    def show_job(self, record: JobRecord) -> None:
        """Show the job's report, if it has one."""
        report = read_report(record.report)
        if report is None:
            self.sign.show_result(None)
            self.result.setText(codes.job(record.state))
            self.why.setText(message_of(record) or tr("The report comes when the job has judged its candidate."))
            self.checks.show(())
            self._show_tabs(None)
            if self._plots is not None:
                self._plots.hide()
            return
        gate = report.gate
        self.sign.show_result(gate.result)
        self.result.setText(codes.gate(gate.result))
        second = "" if report.second_labels is None else agreement_words(report.second_labels)
        lines = [*reason_lines(report)[:4], misplaced_words(report), second]
        self.why.setText("\n".join(filter(None, lines)))
        self.checks.show([check_row(check) for finding in gate.masks for check in finding.checks])
        self.figures.show(figures_of(report))
        self.examples.show_changes(tr("Attacks that are accepted come first."), report.examples)
        if report.traffic is not None:
            self.traffic.show_changes(traffic_line(report.traffic), report.traffic.changed)
        self._show_tabs(report)
        self._show_plots(report.overall)

    def _show_tabs(self, report: JobReport | None) -> None:
        """What the report has nothing of is absent."""
        there = (
            True,
            report is not None,
            report is not None and bool(report.examples),
            report is not None and report.traffic is not None,
        )
        for number, shown in enumerate(there):
            self.tabs.setTabVisible(number, shown)

    def _show_plots(self, figures: MaskFigures) -> None:
        if self._plots is None:
            from gui.widgets.score_plots import ScorePlots

            self._plots = ScorePlots(self)
            self._lower.addWidget(self._plots)
        self._plots.show_figures(figures.det, figures.histograms)
        self._plots.show()


def _example(one: WrongDecision) -> str:
    return f"{codes.species(one.species)}, {one.presentation}"


def figures_of(report: JobReport) -> list[tuple[str, ...]]:
    """Champion, champion with new thresholds, and candidate side by side: BPCER, APCER by species, AUC, per mask."""
    rows: list[tuple[str, ...]] = []
    for figures in (report.overall, *report.by_mask):
        blocks = (figures.before, figures.threshold_only, figures.after)
        mask = codes.mask(ModalityMask.parse(figures.mask)) if figures is not report.overall else tr("all")
        rows.append((tr("BPCER"), mask, *(rate_words(block.get("bpcer")) for block in blocks)))
        for species in sorted({name for block in blocks for name in block.get("apcer", {})}):
            name = tr("APCER, {species}", species=codes.species(species))
            rows.append((name, mask, *(rate_words(block.get("apcer", {}).get(species)) for block in blocks)))
        rows.append((tr("AUC"), mask, *(number_words(block.get("auc")) for block in blocks)))
    return rows


def message_of(record: JobRecord) -> str:
    """The job's message; where it is the gate's answer, in words."""
    if record.message in GateResult.__members__.values():
        return codes.gate(GateResult(record.message))
    return told(record.message)
