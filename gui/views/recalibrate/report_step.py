"""Step 4: candidate against champion, check by check, with n and bounds, and what would decide what is open."""

from __future__ import annotations

import json
from typing import Any

from pydantic import ValidationError
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from core.adaptation.report import Check, GateReport, Holds
from core.frames import ModalityMask
from core.ports import JobRecord
from gui.i18n import codes, tr
from gui.models.table_model import TextTable
from gui.widgets.forms import Plate, heading, quiet
from gui.widgets.tables import make_table
from gui.widgets.verdict_sign import ResultSign

_SIGNS = {Holds.YES: "✓", Holds.NO: "✗", Holds.OPEN: "?"}


class ReportStep(QWidget):
    """The gate's report of one job."""

    def __init__(self, parent: QWidget | None = None) -> None:
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
        self.figures = TextTable((tr("Figure"), tr("Sensors"), tr("Champion"), tr("Candidate")))
        self.figures.setParent(self)
        head = Plate(self)
        row = QHBoxLayout()
        row.addWidget(self.sign)
        words = QVBoxLayout()
        words.addWidget(self.result)
        words.addWidget(self.why)
        row.addLayout(words, 1)
        head.column.addLayout(row)
        checks = Plate(self)
        checks.column.addWidget(heading(tr("Checks of the gate"), self))
        table = make_table(tr("Checks of the gate"), self)
        table.setModel(self.checks)
        checks.column.addWidget(table, 1)
        self._figures_plate = Plate(self)
        self._figures_plate.column.addWidget(heading(tr("Figures on the judging presentations"), self))
        figures = make_table(tr("Figures on the judging presentations"), self)
        figures.setModel(self.figures)
        self._figures_plate.column.addWidget(figures, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(head)
        column.addWidget(checks, 3)
        column.addWidget(self._figures_plate, 2)
        self._figures_plate.hide()

    def show_job(self, record: JobRecord) -> None:
        """Show the job's report, if it has one."""
        report = read_gate(record.report)
        if report is None:
            self.sign.show_result(None)
            self.result.setText(codes.job(record.state))
            self.why.setText(record.message or tr("The report comes when the job has judged its candidate."))
            self.checks.show(())
            self._figures_plate.hide()
            return
        self.sign.show_result(report.result)
        self.result.setText(codes.gate(report.result))
        lines = [reason_line(check) for check in report.reasons]
        self.why.setText("\n".join(lines[:4]))
        self.checks.show([_row(check) for finding in report.masks for check in finding.checks])
        figures = read_figures(record.report)
        self.figures.show(figures)
        self._figures_plate.setVisible(bool(figures))


def read_gate(text: str) -> GateReport | None:
    """The gate's part of a job's report; ``None`` while there is none, or when another version wrote it."""
    if not text:
        return None
    content = json.loads(text)
    try:
        return GateReport.model_validate(content.get("gate", content))
    except ValidationError:
        return None


def read_figures(text: str) -> list[tuple[str, str, str, str]]:
    """Champion and candidate side by side, where the report holds BLOCKs (formats.md) of both."""
    content = json.loads(text)
    before, after = content.get("before"), content.get("after")
    if not isinstance(before, dict) or not isinstance(after, dict):
        return []
    rows = []
    for mask, (old, new) in _blocks(before, after).items():
        rows.append((tr("BPCER"), mask, _rate(old.get("bpcer")), _rate(new.get("bpcer"))))
        for species in sorted({*old.get("apcer", {}), *new.get("apcer", {})}):
            name = tr("APCER, {species}", species=codes.species(species))
            rows.append((name, mask, _rate(old["apcer"].get(species)), _rate(new["apcer"].get(species))))
        rows.append((tr("AUC"), mask, _number(old.get("auc")), _number(new.get("auc"))))
    return rows


def _blocks(before: dict[str, Any], after: dict[str, Any]) -> dict[str, tuple[dict[str, Any], dict[str, Any]]]:
    if "bpcer" in before:
        return {tr("all"): (before, after)}
    both = [mask for mask in before if mask in after and isinstance(before[mask], dict)]
    return {mask: (before[mask], after[mask]) for mask in both if "bpcer" in before[mask]}


def reason_line(check: Check) -> str:
    """One check in words, with what would decide it."""
    parts = [codes.gate_reason(check.reason)]
    if check.species:
        parts.append(codes.species(check.species))
    if check.mask:
        parts.append(codes.mask(ModalityMask.parse(check.mask)))
    sentences = [", ".join(parts) + "."]
    if check.needs_trials:
        sentences.append(tr("{n} presentations in all would decide it.", n=check.needs_trials))
    if check.needs_subjects:
        sentences.append(tr("{n} judging subjects in all would decide it.", n=check.needs_subjects))
    return " ".join(sentences)


def _row(check: Check) -> tuple[str, ...]:
    return (
        _SIGNS[check.holds],
        codes.gate_reason(check.reason),
        codes.mask(ModalityMask.parse(check.mask)) if check.mask else "",
        codes.species(check.species) if check.species else "",
        _share(check.before),
        _share(check.after),
        f"{check.low:+.1%} … {check.high:+.1%}" if check.low is not None and check.high is not None else "",
        str(check.trials or ""),
        str(check.subjects or ""),
    )


def _share(value: float | None) -> str:
    return f"{value:.1%}" if value is not None else ""


def _number(value: float | None) -> str:
    return f"{value:.4f}" if value is not None else ""


def _rate(rate: dict[str, Any] | None) -> str:
    if rate is None:
        return ""
    return f"{rate['value']:.1%}  ({rate['low']:.1%} … {rate['high']:.1%}; n {rate['trials']})"
