"""Step 5: promote with a reason, reject, roll back; the models with their aliases and the history of the champion."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from core.ports import JobRecord
from gui.actions import Actions
from gui.documents.adaptation_report import read_report
from gui.i18n import codes, tr
from gui.models.table_model import TextTable
from gui.views.recalibrate.changes_plate import ChangesPlate
from gui.views.recalibrate.reading import ModelView
from gui.views.recalibrate.report_step import message_of
from gui.widgets.forms import Plate, VerbButton, heading, quiet
from gui.widgets.tables import make_table
from storage.repositories.shadow_answers import ShadowFigures


class DecideStep(QWidget):
    """What a person decides, and what it changes."""

    def __init__(self, actions: Actions, look_at: Callable[[str, str], None], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shown: tuple[str, ...] = ()
        self.question = heading(tr("No candidate waits for a decision"), self, 1.5)
        self.advice = quiet("", self)
        self.models = TextTable((tr("Model"), tr("Role"), tr("Origin"), tr("Digest"), tr("Added")))
        self.models.setParent(self)
        self.history = TextTable((tr("When"), tr("What"), tr("Model"), tr("Reason")))
        self.history.setParent(self)
        verbs = QHBoxLayout()
        verbs.addWidget(VerbButton(actions["promote"], self, primary=True))
        for action_id in ("reject", "rollback"):
            verbs.addWidget(VerbButton(actions[action_id], self))
        verbs.addStretch(1)
        head = Plate(self)
        head.column.addWidget(self.question)
        head.column.addWidget(self.advice)
        head.column.addLayout(verbs)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        self.shadow = ChangesPlate(tr("Shadow run"), look_at, self)
        beside = QHBoxLayout()
        for action_id in ("shadow_run", "end_shadow"):
            beside.addWidget(VerbButton(actions[action_id], self))
        beside.addStretch(1)
        self.shadow.column.insertLayout(2, beside)
        column.addWidget(head)
        column.addWidget(self.shadow)
        lanes = QGridLayout()
        for number, action_id in enumerate(("send_model", "receive_model", "judge_model")):
            lanes.addWidget(VerbButton(actions[action_id], self), number // 2, number % 2)
        self.table = make_table(tr("Models"), self)
        self.table.setModel(self.models)
        history = make_table(tr("History of the champion"), self)
        history.setModel(self.history)
        lower = QHBoxLayout()
        for title, table in ((tr("Models"), self.table), (tr("History of the champion"), history)):
            plate = Plate(self)
            plate.column.addWidget(heading(title, self))
            plate.column.addWidget(table, 1)
            lower.addWidget(plate, 1)
            if table is self.table:
                plate.column.addLayout(lanes)
        column.addLayout(lower, 1)

    @property
    def chosen(self) -> str:
        """sha256 of the model that is chosen in the list; empty where none is."""
        row = self.table.currentIndex().row()
        return self._shown[row] if 0 <= row < len(self._shown) else ""

    def show_job(self, record: JobRecord) -> None:
        """The question about one job's candidate."""
        if not record.candidate:
            self.question.setText(tr("This job has no candidate"))
            state = codes.job(record.state)
            self.advice.setText(f"{state[:1].upper()}{state[1:]}. {message_of(record)}".strip())
            return
        self.question.setText(tr("Candidate of {job}: {state}", job=record.id, state=codes.job(record.state)))
        report = read_report(record.report)
        self.advice.setText(codes.gate(report.gate.result) if report is not None else message_of(record))

    def show_models(self, view: ModelView) -> None:
        """Models and history."""
        names: Mapping[str, str] = {model.sha256: model.name for model in view.models}
        chosen, self._shown = self.chosen, tuple(model.sha256 for model in view.models)
        self.shadow.show_changes(shadow_line(view.shadow, names), view.shadow.differing if view.shadow else ())
        self.models.show(
            [
                (
                    model.name,
                    ", ".join(codes.role(role) for role in model.roles),
                    tr(model.origin),
                    model.sha256[:12],
                    _day(model.added_utc_s),
                )
                for model in view.models
            ]
        )
        self.table.selectRow(self._shown.index(chosen) if chosen in self._shown else 0)
        self.history.show(
            [
                (_day(one.utc_s), tr(one.action), names.get(one.sha256, one.sha256[:12]), one.reason)
                for one in view.deployments
            ]
        )


def shadow_line(found: ShadowFigures | None, names: Mapping[str, str]) -> str:
    """What the model in shadow answered so far."""
    if found is None:
        return tr("A candidate can run beside the champion first: its answers are kept and open nothing.")
    name = names.get(found.model, found.model[:12])
    if not found.answers:
        return tr("{name} runs beside the champion. Nobody was decided about yet.", name=name)
    counts = {"n": found.otherwise, "all": found.answers}
    return tr("{name} runs beside the champion: {n} of {all} verdicts would have been others.", name=name, **counts)


def _day(utc_s: float) -> str:
    return datetime.fromtimestamp(utc_s).strftime("%Y-%m-%d %H:%M")
