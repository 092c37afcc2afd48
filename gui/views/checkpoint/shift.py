"""The start-of-shift check, with the keyboard alone: one bona fide person, one kit print, the result."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer, Slot
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QDialog, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from core.codes import Outcome, SourceKind
from core.messages import VerdictCommitted
from core.station.shift import SHOWN
from core.station.shown import simulated_scene
from gui.context import PageContext
from gui.i18n import codes, tr
from gui.views.qualify.reading import identity_of
from gui.widgets.forms import MARGIN, heading, quiet
from gui.widgets.stream_view import LOST_MS
from storage import qualification
from storage.catalogue import Catalogue

REFRESH_MS = 150


class ShiftDialog(QDialog):
    """Two presentations, Space for each; their answers decide. Their verdicts open nothing."""

    def __init__(self, context: PageContext, parent: QWidget) -> None:
        super().__init__(parent)
        self.context = context
        self.rows: list[int] = []
        """Row ids of the answers so far."""
        self.passed: bool | None = None
        self._source = self._shows = context.link.source
        self._wanted = False
        self._running = ""
        self.setWindowTitle(tr("Start-of-shift check"))
        self.setWindowModality(Qt.WindowModality.WindowModal)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.todo = heading("", self, 1.6)
        self.todo.setWordWrap(True)
        self.answers = quiet("", self)
        self.on = QPushButton(self)
        self.on.setProperty("primary", True)
        # Not the button's own shortcut: that goes with every change of its text.
        QShortcut(QKeySequence(Qt.Key.Key_Space), self).activated.connect(self.on.click)
        self.shut = QPushButton(tr("&Close"), self)
        self.shut.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # Space would do the other verb; Escape closes
        for button in (self.on, self.shut):
            button.setAutoDefault(False)
        self._build()
        self.on.clicked.connect(self.go_on)
        self.shut.clicked.connect(self.close)
        context.link.committed.connect(self._on_committed)
        self._timer = QTimer(self)
        self._timer.setInterval(REFRESH_MS)
        self._timer.timeout.connect(self.refresh)
        self._timer.start()
        self.refresh()

    def _build(self) -> None:
        verbs = QHBoxLayout()
        verbs.addWidget(self.shut)
        verbs.addStretch(1)
        verbs.addWidget(self.on)
        column = QVBoxLayout(self)
        column.setContentsMargins(MARGIN, MARGIN, MARGIN, MARGIN)
        column.addWidget(self.todo)
        explanation = tr("The check opens nothing. While it is due or has failed, nobody gets a verdict.")
        column.addWidget(quiet(explanation, self))
        column.addWidget(self.answers, 1)
        column.addLayout(verbs)
        self.setMinimumSize(560, 260)

    @property
    def busy(self) -> bool:
        """Whether an answer is waited for."""
        return self._wanted or bool(self._running)

    def go_on(self) -> None:
        """Present what is asked for; after a result, begin again."""
        if self.passed is not None:
            self.rows.clear()
            self.passed = None
            self.answers.setText("")
        if self.busy or len(self.rows) == len(SHOWN):
            return
        self._wanted, self._shows = True, self._source
        if self.context.link.source_kind is SourceKind.SIMULATED:
            self._shows = simulated_scene(self._source, "booth", 3, SHOWN[len(self.rows)].species or "")
            if self._shows != self.context.link.source:
                self.context.link.connect_source(self._shows)
        self.refresh()

    @Slot(object)
    def _on_committed(self, committed: VerdictCommitted) -> None:
        if not self._running or committed.verdict.presentation != self._running:
            return
        self._running = ""
        shown = tr("Person") if not self.rows else tr("Kit print")
        self.rows.append(committed.row_id)
        line = tr("{shown}: {word}", shown=shown, word=codes.outcome(committed.verdict.outcome))
        self.answers.setText(f"{self.answers.text()}\n{line}".strip())
        if committed.verdict.outcome is Outcome.NON_RESPONSE:
            self.rows.pop()  # nobody was seen: that is no answer, the same is asked again
        elif len(self.rows) == len(SHOWN):
            self._store()
        self.refresh()

    def _store(self) -> None:
        link = self.context.link
        health, model, kind = link.health, link.model, link.source_kind
        assert health is not None
        assert model is not None
        assert kind is not None
        person, sheet = self.rows

        def work(catalogue: Catalogue) -> bool:
            return qualification.check_shift(catalogue, identity_of(health), kind, model.sha256, person, sheet)

        self.context.tasks.run(work, self._judged, self._failed, self)

    def _judged(self, passed: bool) -> None:
        self.passed = passed
        self.refresh()

    def _failed(self, error: BaseException) -> None:
        self.rows.clear()
        self.answers.setText("")
        self.context.show_error(error)
        self.refresh()

    @Slot()
    def refresh(self) -> None:
        """Say what comes next; begin a presentation as soon as its camera delivers."""
        link = self.context.link
        ready = link.health is not None and link.model is not None and link.feed.age_ms <= LOST_MS
        if self.passed is not None:
            done = tr("The check has passed. Verdicts are given.")
            self.todo.setText(done if self.passed else tr("The check has failed. Call the technician."))
        elif not self.rows:
            self.todo.setText(tr("1. One of your team looks at the camera"))
        else:
            self.todo.setText(tr("2. Hold the kit print before the camera"))
        waiting = tr("Look at the camera") if self._running else tr("Waiting for the camera")
        self.on.setText(waiting if self.busy else tr("Repeat") if self.passed is not None else tr("Ready"))
        self.on.setEnabled(not self.busy and link.connected)
        if self._wanted and ready and link.session and link.source == self._shows:
            self._wanted = False
            label = SHOWN[len(self.rows)]

            def begun(presentation: str) -> None:
                self._running = presentation
                self.refresh()

            link.order(lambda station: station.begin_presentation(label), begun, owner=self)

    def done(self, result: int) -> None:
        """Closed: the checkpoint has its source back."""
        self._timer.stop()
        link = self.context.link
        if self._running:
            link.order(lambda station: station.end_presentation())
        if link.source != self._source:
            link.connect_source(self._source)
        super().done(result)
