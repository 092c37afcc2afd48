"""What a verdict rests on, in pictures: contributions, pairs, stability, each sensor alone, physics beside faces' own.

Contributions and pairs need the frames and the model, and are made on demand (`Explaining`); the rest stands in the
trace and is shown for every verdict with evidence.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal, Slot
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QScrollArea, QVBoxLayout, QWidget

from core.assessment import log_odds
from core.explain import Explanation
from core.frames import Modality
from core.stability import Stability
from gui.context import PageContext
from gui.i18n import codes, tr
from gui.i18n.figures import signed
from gui.views.review.evidence_rows import disagreement_rows, mean_evidence, physics_rows, scalar_rows, sensor_rows
from gui.views.review.explaining import Explaining, Stage
from gui.views.review.reading import Opened
from gui.widgets.figure_rows import FigureRows, Gauges, Row, ShareBars, SignedBars
from gui.widgets.forms import Plate, VerbButton, combo_box, heading, quiet
from storage.repositories.verdicts import StoredVerdict

WHOLE, ONE = 0, 1
_CONFLICT_LOGITS = 0.5
"""Contributions of opposite signs, both larger than this, are called a contradiction."""


class ExplanationPanel(QScrollArea):
    """For the whole presentation, or for the frame set under the cursor."""

    changed = Signal()
    """What can be done has changed."""

    def __init__(self, context: PageContext, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWidgetResizable(True)
        self.setAccessibleName(tr("Explanation"))
        self.explaining = Explaining(context, self)
        self.explaining.changed.connect(self._update)
        self._number = 0
        plate = Plate(self, 14)
        self._column = plate.column
        self.scope = combo_box(plate, tr("What is explained"))
        self.scope.addItems([tr("Whole presentation"), tr("Frame set under the cursor")])
        self.scope.currentIndexChanged.connect(self._update)
        self.note = quiet("", plate)
        self.busy = QWidget(plate)
        self.progress = QProgressBar(self.busy)
        self._column.addWidget(self.scope)
        self._column.addWidget(self.note)
        self._build_busy(context)
        ends = (tr("attack"), tr("bona fide"))
        self.contributions = SignedBars(tr("What each sensor contributed, in logits"), ends, plate)
        self.pairs = SignedBars(tr("What pairs add, in logits"), ends, plate)
        self.alone = ShareBars(tr("Score of each sensor alone"), parent=plate)
        self.disagreement = ShareBars(tr("Disagreement with the other sensors"), parent=plate)
        self.physics = Gauges(tr("Physics"), plate)
        self.doubt = ShareBars(tr("Doubt"), parent=plate)
        self.summary = QLabel(plate)
        self.summary.setWordWrap(True)
        self.stability = quiet("", plate)
        self._titles: dict[FigureRows, QLabel] = {}
        self._section(self.contributions, tr("What moved the score"), self.summary, self.stability)
        self.meaning = quiet(
            tr("A bar that points against its two sensors: both say the same. With them: together they say more."),
            plate,
        )
        self._section(self.pairs, tr("What pairs add"), self.meaning)
        self._section(self.alone, tr("Each sensor alone"))
        self._section(self.disagreement, tr("Disagreement"))
        self._section(self.physics, tr("Physics"))
        self._section(self.doubt, tr("Doubt"))
        self._column.addStretch(1)
        self.setWidget(plate)
        self._update()

    def _build_busy(self, context: PageContext) -> None:
        row = QHBoxLayout(self.busy)
        row.setContentsMargins(0, 0, 0, 0)
        self.explain_button = VerbButton(context.actions["explain"], self.busy)
        self.stop_button = VerbButton(context.actions["stop_explaining"], self.busy)
        self.progress.setTextVisible(False)
        self.progress.setAccessibleName(tr("Progress of the explanation"))
        row.addWidget(self.explain_button)
        row.addWidget(self.progress, 1)
        row.addWidget(self.stop_button)
        row.addStretch(0)
        self._column.addWidget(self.busy)

    def _section(self, rows: FigureRows, title: str, *below: QLabel) -> None:
        holder = QVBoxLayout()
        holder.setSpacing(4)
        self._titles[rows] = heading(title, self)
        holder.addWidget(self._titles[rows])
        holder.addWidget(rows)
        for label in below:
            holder.addWidget(label)
        self._column.addLayout(holder)

    # --- what is shown ------------------------------------------------------------------------------------------

    def show_verdict(self, opened: Opened | None, stored: StoredVerdict | None) -> None:
        """Another verdict is in question."""
        self._number = 0
        self.explaining.show(opened, stored)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Lay the figures out anew: a tab that was filled while hidden keeps the layout of another width."""
        super().resizeEvent(event)
        self._column.invalidate()

    @Slot(int)
    def show_set(self, number: int) -> None:
        """The cursor moved."""
        self._number = number
        if self.scope.currentIndex() == ONE:
            self._update()

    @Slot()
    def _update(self) -> None:
        self._show_stage()
        self._show_evidence()
        self._show_explanation()
        self.changed.emit()

    def _show_stage(self) -> None:
        doing, stage = self.explaining, self.explaining.stage
        lines = [doing.obstacle if stage is Stage.IMPOSSIBLE or stage is Stage.NO_VERDICT else "", doing.remark]
        if stage is Stage.POSSIBLE:
            lines.append(doing.failure or tr("The model can weigh the sensors again, from the stored frames."))
        if doing.found is not None and doing.found.missing:
            lines.append(
                tr("Frame sets of this verdict that are not stored any more: {n}.", n=len(doing.found.missing))
            )
        self.note.setText("\n".join(line for line in lines if line))
        self.note.setVisible(bool(self.note.text()))
        self.busy.setVisible(stage in (Stage.POSSIBLE, Stage.RUNNING))
        self.explain_button.setVisible(stage is Stage.POSSIBLE)
        for widget in (self.progress, self.stop_button):
            widget.setVisible(stage is Stage.RUNNING)
        done, total = doing.steps
        self.progress.setRange(0, total)  # 0 to 0 while the process starts: busy
        self.progress.setValue(done)
        self.scope.setVisible(stage is not Stage.NO_VERDICT)

    def _show_evidence(self) -> None:
        stored = self.explaining.stored
        chosen = stored.verdict.trace.evidence if stored is not None else ()
        if stored is not None and self.scope.currentIndex() == ONE:
            at = dict(zip(stored.verdict.trace.frame_sets, chosen, strict=False))
            chosen = (at[self._number],) if self._number in at else ()
            if not chosen:
                self.note.setText(tr("The verdict does not rest on this frame set."))
                self.note.setVisible(True)
        elif stored is not None:
            chosen = tuple(evidence for evidence in chosen if evidence.mask == stored.verdict.mask)
        mean = mean_evidence(chosen)
        self._show(self.alone, sensor_rows(mean))
        self._show(self.disagreement, disagreement_rows(mean))
        self._show(self.physics, physics_rows(mean))
        self._show(self.doubt, scalar_rows(mean))

    def _show_explanation(self) -> None:
        found, stored = self.explaining.found, self.explaining.stored
        explanation, stability = (found.whole, found.stability) if found is not None else (None, None)
        if found is not None and self.scope.currentIndex() == ONE:
            own = next((one for one in found.sets if one.number == self._number), None)
            explanation, stability = (own.explanation, own.stability) if own is not None else (None, None)
        threshold = stored.verdict.threshold if stored is not None else None
        self.contributions.line = log_odds(threshold) if threshold is not None and 0 < threshold < 1 else None
        self._show(self.contributions, _contribution_rows(explanation, stability))
        self._show(self.pairs, _pair_rows(explanation))
        self.summary.setText(_summary(explanation, self.contributions.line))
        self.stability.setText(_stability(explanation, stability))
        for label in (self.summary, self.stability):
            label.setVisible(bool(label.text()))
        self.meaning.setVisible(bool(self.pairs.rows))

    def _show(self, widget: FigureRows, rows: Sequence[Row]) -> None:
        widget.show_rows(rows)
        self._titles[widget].setVisible(bool(rows))


def _contribution_rows(found: Explanation | None, stability: Stability | None) -> list[Row]:
    if found is None or stability is None:
        return []
    rows = [
        Row(codes.modality(m), signed(value), value, stability.spread.get(m, 0.0), m is found.leading)
        for m, value in found.contributions.items()
    ]
    return [*rows, Row(tr("Together"), signed(found.logit), found.logit, strong=True)]


def _pair_rows(found: Explanation | None) -> list[Row]:
    if found is None:
        return []
    return [
        Row(f"{codes.modality(a)} × {codes.modality(b)}", signed(value), value)
        for (a, b), value in found.interactions.items()
    ]


def _summary(found: Explanation | None, line: float | None) -> str:
    """The picture in a sentence or two."""
    if found is None:
        return ""
    leading, accused = found.leading, found.accused
    lines = [_leader(leading, found.contributions[leading])]
    for_it = max(found.contributions, key=found.contributions.__getitem__)
    if found.contributions[accused] < -_CONFLICT_LOGITS and found.contributions[for_it] > _CONFLICT_LOGITS:
        lines.append(tr("{one} contradicts {other}.", one=codes.modality(accused), other=codes.modality(for_it)))
    if line is not None:
        lines.append(tr("The dashed line is the threshold, {value} logits.", value=signed(line)))
    return " ".join(lines)


def _leader(modality: Modality, value: float) -> str:
    if value < 0:
        return tr("{name} speaks most for an attack.", name=codes.modality(modality))
    return tr("{name} speaks most for bona fide.", name=codes.modality(modality))


def _stability(found: Explanation | None, stability: Stability | None) -> str:
    if found is None or stability is None:
        return ""
    return tr(
        "Moved by one pixel in every sensor alike, {name} still leads in {kept} % of {n} copies; the whiskers show how "
        "far the bars move.",
        name=codes.modality(found.leading),
        kept=round(100 * stability.kept),
        n=stability.copies,
    )
