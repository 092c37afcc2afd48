"""The dry run: what is due, what stops it, what goes next; and erasing what is due, after a question."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from PySide6.QtGui import QFontDatabase
from PySide6.QtWidgets import (
    QHBoxLayout,
    QPlainTextEdit,
    QProgressBar,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from core.codes import ErasureStep
from core.errors import ExitCode, KnownError
from gui.command import Command, read_json
from gui.context import PageContext
from gui.i18n import tr, tr_count
from gui.i18n.errors import told, told_error, told_form
from gui.i18n.protection_codes import erasure_step, erasures_done, erasures_failed, retention_ground, target_kind
from gui.models.table_model import TextTable
from gui.views.protection.retention_reading import SHOWN, RetentionView
from gui.widgets.forms import GAP, EmptyState, Plate, heading, quiet
from gui.widgets.tables import make_table
from storage.erasure.certificate import readable
from storage.retention import DAY_S, Expiry
from storage.retention_count import Going, what_goes
from storage.retention_report import stopped
from storage.retention_run import OVERALL

LIST, EMPTY, ASK, RUN, DONE = range(5)
_REMEDY_PX = 420
_NAMED = 3
"""So many replays of unknown source are named."""


class DuePanel(Plate):
    """One panel through its stages: the list (or that there is nothing), the question, the work, the certificates."""

    def __init__(self, context: PageContext, changed: Callable[[], object], parent: QWidget) -> None:
        super().__init__(parent, GAP)
        self._context, self._changed = context, changed
        self._running: Command | None = None
        self._overall = (0, 0)
        self._failure = ""
        """Why what was asked for last could not be done."""
        self.model = TextTable((tr("When"), tr("What"), tr("Person"), tr("Why"), tr("State")))
        self.table = make_table(tr("What goes"), self)
        self.summary, self.last = quiet("", self), quiet("", self)
        self.erase = QPushButton(tr("&Erase what is due"), self)
        self.empty = EmptyState("check", tr("Nothing is due"), "", self)
        self.question = heading("", self)
        self.yes, self.no = QPushButton(tr("&Erase"), self), QPushButton(tr("&Not now"), self)
        self.step, self.bar = quiet("", self), QProgressBar(self)
        self.stop = QPushButton(tr("&Stop after this one"), self)
        self.result, self.text = heading("", self), QPlainTextEdit(self)
        self.back = QPushButton(tr("&Back"), self)
        self.stages = QStackedWidget(self)
        self._build()

    # --- construction -------------------------------------------------------------------------------------------

    def _build(self) -> None:
        self.table.setModel(self.model)
        self.bar.setAccessibleName(tr("Progress"))
        self.bar.setTextVisible(False)
        self.text.setReadOnly(True)
        self.text.setAccessibleName(tr("Certificates of erasure"))
        self.text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.empty.remedy.setMinimumWidth(_REMEDY_PX)
        self.question.setWordWrap(True)
        self.result.setWordWrap(True)
        warning = quiet(tr("This cannot be undone. Each erasure gives a certificate."), self)
        self._add([self.summary, self.table], [self.erase])
        self._add([self.empty], [])
        self._add([self.question, warning], [self.no, self.yes], stretch=True)
        self._add([self.step, self.bar], [self.stop], stretch=True)
        self._add([self.result, self.text], [self.back])
        self.erase.clicked.connect(self.ask)
        self.no.clicked.connect(self.leave)
        self.yes.clicked.connect(self.begin)
        self.stop.clicked.connect(self._stop)
        self.back.clicked.connect(self.leave)
        for button in (self.erase, self.no, self.yes, self.stop, self.back):
            button.setAutoDefault(False)
        self.column.addWidget(heading(tr("What goes"), self))
        self.column.addWidget(self.stages, 1)
        self.column.addWidget(self.last)

    def _add(self, widgets: Sequence[QWidget], verbs: Sequence[QPushButton], stretch: bool = False) -> None:
        stage = QWidget(self)
        column = QVBoxLayout(stage)
        column.setContentsMargins(0, 0, 0, 0)
        for widget in widgets:
            column.addWidget(widget)
        row = QHBoxLayout()
        row.addStretch(1)
        for verb in verbs:
            row.addWidget(verb)
        column.addLayout(row)
        if stretch:
            column.addStretch(1)
        self.stages.addWidget(stage)

    # --- the list -----------------------------------------------------------------------------------------------

    @property
    def running(self) -> bool:
        """Whether something is being erased from here."""
        return self._running is not None

    def show_view(self, view: RetentionView) -> None:
        """Show the dry run, unless a question stands or work goes on."""
        self.model.show([_row(expiry, view) for expiry in (*view.due[:SHOWN], *view.later[:SHOWN])])
        self.summary.setText(self._failure or _summary(view))
        self.last.setText("\n".join(line for line in (_last(view), _unknown(view)) if line))
        self.erase.setEnabled(view.ready > 0)
        if view.terms:
            self.empty.say(tr("Nothing is due"), tr("No stored frames have a term yet."))
        else:
            self.empty.say(tr("Nothing is due"), tr("No term is set: frames are kept until somebody erases them."))
        if self.stages.currentIndex() in (LIST, EMPTY):
            self.leave()

    def leave(self) -> None:
        """To the list, or to its empty state."""
        self.stages.setCurrentIndex(LIST if self.model.rowCount() or self._failure else EMPTY)

    # --- erasing ------------------------------------------------------------------------------------------------

    def ask(self) -> None:
        """Count what would go, and ask."""
        self.erase.setEnabled(False)
        self._failure = ""
        self._context.tasks.run(what_goes, self._ask, self._failed, self)

    def _ask(self, going: Going) -> None:
        self.erase.setEnabled(True)
        self.question.setText("\n".join(_counts(going)))
        self.stages.setCurrentIndex(ASK)
        self.no.setFocus()

    def begin(self) -> None:
        """Erase, in a process of its own, with the authority of whoever is here."""
        self._overall = (0, 0)
        self.step.setText(tr("Beginning"))
        self.bar.setRange(0, 0)
        self.stop.setEnabled(True)
        self.stages.setCurrentIndex(RUN)
        self._running = self._context.erasing.run(
            ["retention", "--json"],
            self._on_output,
            self._failed,
            self,
            _unseen,
            self._on_step,
            frozenset({ExitCode.INPUT, ExitCode.CANCELED}),
        )
        self.stop.setFocus()
        self._changed()

    def _stop(self) -> None:
        self.stop.setEnabled(False)
        if self._running is not None:
            self._running.finish()

    def _on_step(self, what: str, done: int, total: int) -> None:
        if what == OVERALL:
            self._overall = (done, total)
            self.bar.setRange(0, total)
            self.bar.setValue(done)
            return
        number = tr("{n} of {total}", n=min(self._overall[0] + 1, self._overall[1]), total=self._overall[1])
        self.step.setText(f"{number}: {erasure_step(ErasureStep(what))}")

    def _on_output(self, output: str) -> None:
        try:
            answer = read_json(output)
        except KnownError as error:
            self._failed(error)
            return
        self._running = None
        self.result.setText(_result(answer))
        self.text.setPlainText(_certificates(answer))
        self.stages.setCurrentIndex(DONE)
        self.text.verticalScrollBar().setValue(0)
        self.back.setFocus()
        self._changed()

    def _failed(self, error: BaseException) -> None:
        """What was done stays done; the list says what is left."""
        self._running = None
        if isinstance(error, KnownError):
            self._failure = told_error(error)
            self.summary.setText(self._failure)
        else:
            self._context.show_error(error)
        self.erase.setEnabled(True)
        self.leave()
        self._changed()


def _row(expiry: Expiry, view: RetentionView) -> tuple[str, ...]:
    when = datetime.fromtimestamp(expiry.utc_s).strftime("%Y-%m-%d")
    left = -(-(expiry.utc_s - view.now_utc_s) // DAY_S)
    if expiry.held:
        state = tr("held: {reason}", reason=expiry.held)
    elif stopped(expiry, view.clock) and expiry.due(view.now_utc_s):
        state = tr("waits for the clock")
    elif expiry.due(view.now_utc_s):
        state = tr("due")
    elif left <= 1:
        state = tr("within a day")
    else:
        state = tr("in {n} days", n=int(left))
    what = target_kind(expiry.target.kind)
    named = f"{what} {expiry.target.id}" if expiry.target.id != expiry.subject else what
    return (when, named, expiry.subject, retention_ground(expiry.ground), state)


def _summary(view: RetentionView) -> str:
    held, waiting = view.held, len(view.due) - view.held - view.ready
    said = [tr_count(view.ready, "{n} erasure is due", "{n} erasures are due") if view.ready else tr("Nothing is due")]
    if held:
        said.append(tr_count(held, "{n} is stopped by a legal hold", "{n} are stopped by legal holds"))
    if waiting:
        said.append(tr_count(waiting, "{n} waits for the clock", "{n} wait for the clock"))
    following = next((expiry for expiry in view.later if not expiry.held), None)
    if following is not None:
        day = datetime.fromtimestamp(following.utc_s).strftime("%Y-%m-%d %H:%M")
        said.append(tr("the next one on {day}", day=day))
    hidden = max(0, len(view.due) - SHOWN) + max(0, len(view.later) - SHOWN)
    if hidden:
        said.append(tr("{n} more are not listed", n=hidden))
    return ", ".join(said) + "."


def _last(view: RetentionView) -> str:
    """What the station does by itself, and what that last came to."""
    if not view.trusted:
        return tr("The station erases nothing by itself before a term is set.")
    if view.last is None:
        return tr("The station erases what is due by itself, at its start and once a day.")
    when, details = datetime.fromtimestamp(view.last[0]).strftime("%Y-%m-%d %H:%M"), view.last[1]
    said = [erasures_done(int(details["erased"]))]
    if details["failed"]:
        said.append(erasures_failed(int(details["failed"])))
    return tr("Last by itself on {day}: {what}", day=when, what=" ".join(said))


def _unknown(view: RetentionView) -> str:
    """Replays in which a person may be shown whom nobody knows of: to be looked at."""
    if not view.unknown:
        return ""
    said = tr_count(
        len(view.unknown),
        "{n} stored replay does not say what it replays: look at it in Review",
        "{n} stored replays do not say what they replay: look at them in Review",
    )
    return f"{said} ({', '.join(view.unknown[:_NAMED])}{' …' if len(view.unknown) > _NAMED else ''})."


def _counts(going: Going) -> list[str]:
    lines = [
        tr_count(going.sessions, "{n} session is destroyed", "{n} sessions are destroyed"),
        tr_count(going.presentations, "with {n} presentation", "with {n} presentations"),
        tr_count(going.people, "of {n} person", "of {n} people"),
    ]
    said = [" ".join(lines) + "."]
    if going.wholly:
        said.append(tr_count(going.wholly, "Nothing of {n} person stays.", "Nothing of {n} people stays."))
    return said


def _result(answer: Mapping[str, Any]) -> str:
    said = erasures_done(len(answer["erased"]))
    return f"{said} {erasures_failed(len(answer['failed']))}" if answer["failed"] else said


def _certificates(answer: Mapping[str, Any]) -> str:
    failed = [f"{told(target)}: {told_form(why)}\n" for target, why in answer["failed"]]
    return "\n".join([*failed, *(readable(one) for one in answer["erased"])])


def _unseen(output: str) -> tuple[str, str]:
    return _result(read_json(output)), tr("The certificates lie in the data folder.")
