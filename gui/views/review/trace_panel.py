"""The decision trace beside the pictures: assessment, risk, rule, answer (interface.md, Review)."""

from __future__ import annotations

from PySide6.QtGui import QFont
from PySide6.QtWidgets import QScrollArea, QVBoxLayout, QWidget

from core.codes import Hint, Outcome
from core.verdict import Evidence
from gui.i18n import codes, tr
from gui.theme import type_size
from gui.widgets.facts import Facts
from gui.widgets.forms import Plate, heading, quiet
from storage.repositories.verdicts import StoredVerdict


class TracePanel(QScrollArea):
    """Facts of one verdict, and of the frame set under the cursor."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWidgetResizable(True)
        self.setAccessibleName(tr("Decision trace"))
        self._stored: StoredVerdict | None = None
        holder = QWidget(self)
        self._column = QVBoxLayout(holder)
        self._column.setContentsMargins(0, 0, 0, 0)
        self.answer = heading("", holder, 1.6)
        self.why = quiet("", holder)
        self._plate = Plate(holder, 14)
        self._facts = Facts(holder)
        self._evidence_title = heading("", holder)
        self._evidence_facts = Facts(holder)
        self._plate.column.addWidget(self.answer)
        self._plate.column.addWidget(self.why)
        self._plate.column.addWidget(self._facts)
        self._plate.column.addWidget(self._evidence_title)
        self._plate.column.addWidget(self._evidence_facts)
        self._plate.column.addStretch(1)
        self._column.addWidget(self._plate, 1)
        self.setWidget(holder)
        self.show_verdict(None)

    def show_verdict(self, stored: StoredVerdict | None) -> None:
        """Show a verdict; ``None`` = there is none."""
        self._stored = stored
        self._facts.setVisible(stored is not None)
        self._evidence_title.setVisible(False)
        self._evidence_facts.setVisible(False)
        if stored is None:
            self.answer.setText(tr("No verdict"))
            self.why.setText(tr("Choose a presentation with a verdict to see how it was reached."))
            return
        verdict, facts = stored.verdict, self._facts
        self.answer.setText(codes.outcome(verdict.outcome))
        self.why.setText("; ".join(p for p in (codes.rule(verdict.rule), codes.reason(verdict.reason)) if p))
        facts.set(tr("Watermark"), codes.watermark(verdict.source_kind, verdict.shadow))
        facts.set(tr("Sensors"), codes.mask(verdict.mask))
        facts.set(tr("Score"), _figure(verdict.score))
        facts.set(tr("Threshold"), _figure(verdict.threshold))
        band = verdict.trace.abstain_band
        facts.set(tr("Refer band, logits"), f"{band[0]:.3f} … {band[1]:.3f}" if band is not None else "")
        facts.set(tr("Frame sets"), str(len(verdict.trace.frame_sets)))
        facts.set(tr("Duration"), f"{verdict.duration_ms:.0f} ms")
        facts.set(tr("Hints"), ", ".join(f"{_hint(name)} ({n})" for name, n in verdict.trace.hints.items()))
        facts.set(tr("Model"), verdict.model[:12])
        facts.set(tr("Notes"), "\n".join(tr(note) for note in verdict.trace.notes))
        decided = stored.operator_outcome
        facts.set(tr("Operator"), f"{codes.outcome(Outcome(decided))}: {stored.operator_reason}" if decided else "")

    def show_set(self, number: int) -> None:
        """Show the evidence of one frame set, if the verdict rests on it."""
        evidence = self._evidence_of(number)
        self._evidence_title.setVisible(evidence is not None)
        self._evidence_facts.setVisible(evidence is not None)
        if evidence is None:
            return
        self._evidence_title.setText(tr("Evidence of frame set {n}", n=number))
        self._evidence_title.setFont(type_size(1.1, QFont.Weight.DemiBold))
        facts = self._evidence_facts
        facts.set(tr("Score"), _figure(evidence.score))
        facts.set(tr("Logit"), _figure(evidence.logit))
        facts.set(tr("Sensors"), codes.mask(evidence.mask))

    def _evidence_of(self, number: int) -> Evidence | None:
        if self._stored is None:
            return None
        trace = self._stored.verdict.trace
        return dict(zip(trace.frame_sets, trace.evidence, strict=False)).get(number)


def _figure(value: float | None) -> str:
    return f"{value:.3f}" if value is not None else ""


def _hint(name: str) -> str:
    return codes.hint(Hint(name)) if name in Hint.__members__.values() else name
