"""Stored sessions: find one, look at it frame by frame, question its verdicts, correct a label, export it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from PySide6.QtCore import QModelIndex, Qt, Slot
from PySide6.QtGui import QFont
from PySide6.QtWidgets import (
    QComboBox,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QHeaderView,
    QStackedWidget,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from core.codes import SessionPurpose, SessionState, SourceKind, Species
from core.errors import ExitCode
from gui.command import Command
from gui.context import PageContext
from gui.i18n import codes, tr, tr_count
from gui.i18n.errors import told_error
from gui.models.presentations_model import PresentationsModel
from gui.models.sessions_model import SessionsModel
from gui.theme import type_size
from gui.views.page import Page
from gui.views.protection.erase_dialog import EraseDialog
from gui.views.review.agreement_dialog import AgreementDialog
from gui.views.review.blind_room import BlindRoom
from gui.views.review.explaining import Stage
from gui.views.review.explanation_panel import ExplanationPanel
from gui.views.review.origin import origin_words
from gui.views.review.player import Player
from gui.views.review.reading import Opened, open_session
from gui.views.review.replay_report import replay_summary
from gui.views.review.trace_panel import TracePanel
from gui.widgets.ask import ask_reason
from gui.widgets.elided import OneLine
from gui.widgets.forms import GAP, EmptyState, VerbButton, combo_box, heading, quiet
from gui.widgets.tables import make_table
from gui.widgets.toast import Level
from storage.repositories.presentations import Presentation
from storage.repositories.sessions import SessionFilter
from storage.repositories.subjects import ERASED

_BEGUN_PX = 98
_VERBS = ("change_label", "replay_check", "export_session", "erase_person", "second_label", "label_agreement")
_CONTENT, _EMPTY, _BLIND = range(3)


class ReviewPage(Page):
    """Table, player, trace."""

    name = "review"

    def __init__(self, context: PageContext, parent: QWidget | None = None) -> None:
        super().__init__(context, parent)
        self.opened: Opened | None = None
        self._running: Command | None = None
        self.sessions = SessionsModel(context.tasks)
        self.sessions.setParent(self)
        self.presentations = PresentationsModel()
        self.presentations.setParent(self)
        self.table = make_table(tr("Sessions"), self)
        self.takes = make_table(tr("Presentations"), self)
        self.player = Player(context, self)
        self.trace = TracePanel(self)
        self.explanation = ExplanationPanel(context, self)
        self.beside = QTabWidget(self)
        self.blind = BlindRoom(context, self)
        self.count = quiet("", self)
        self.title = OneLine(tr("No session is chosen"), self)
        self.title.setFont(type_size(1.3, QFont.Weight.DemiBold))
        self.facts = quiet("", self)
        self.busy = quiet("", self)
        """What a command does that runs, whatever session is shown meanwhile."""
        self.busy.hide()
        self._build()
        self._connect()

    # --- construction -------------------------------------------------------------------------------------------

    def _build(self) -> None:
        self.purpose = _filter_box(tr("all purposes"), {p.value: codes.purpose(p) for p in SessionPurpose}, self)
        self.kind = _filter_box(tr("all sources"), {k.value: codes.source(k) for k in SourceKind}, self)
        self.state = _filter_box(tr("all states"), {s.value: codes.session_state(s) for s in SessionState}, self)
        filters = QHBoxLayout()
        for box, stretch in ((self.purpose, 12), (self.kind, 12), (self.state, 13)):
            box.currentIndexChanged.connect(lambda _index: self._filter())
            filters.addWidget(box, stretch)
        left = QVBoxLayout()
        left.setSpacing(8)
        left.addLayout(filters)
        self.table.setModel(self.sessions)
        self.table.setSortingEnabled(True)
        self.table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.table.horizontalHeader().setStretchLastSection(False)
        self.table.horizontalHeader().setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
        self.table.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.Fixed)
        self.table.horizontalHeader().resizeSection(0, _BEGUN_PX)
        self.table.horizontalHeader().setSortIndicator(*self.sessions.sorted_by)
        left.addWidget(self.table, 3)
        left.addWidget(self.count)
        left.addWidget(heading(tr("Presentations"), self))
        self.takes.setModel(self.presentations)
        self.takes.horizontalHeader().setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
        self.takes.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        left.addWidget(self.takes, 2)
        holder = QWidget(self)
        holder.setLayout(left)
        left.setContentsMargins(0, 0, 0, 0)
        holder.setFixedWidth(382)
        middle = QVBoxLayout()
        middle.setSpacing(8)
        middle.addWidget(self.title)
        middle.addWidget(self.facts)
        middle.addWidget(self.busy)
        middle.addWidget(self.player, 1)
        verbs = QGridLayout()
        for place, action_id in enumerate(_VERBS):
            verbs.addWidget(VerbButton(self.context.actions[action_id], self), place // 2, place % 2)
        middle.addLayout(verbs)
        self.beside.setFixedWidth(308)
        self.beside.setDocumentMode(True)
        self.beside.tabBar().setDrawBase(False)
        self.beside.setAccessibleName(tr("Verdict"))
        self.beside.addTab(self.trace, tr("Decision"))
        self.beside.addTab(self.explanation, tr("Explanation"))
        content = QWidget(self)
        row = QHBoxLayout(content)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(GAP)
        row.addWidget(holder)
        row.addLayout(middle, 1)
        row.addWidget(self.beside)
        self.empty = EmptyState(
            "empty",
            tr("No session is stored yet"),
            tr("Decide about somebody on the page Checkpoint, or record takes on the page Collect."),
            self,
        )
        self.rooms = QStackedWidget(self)
        self.rooms.addWidget(content)
        self.rooms.addWidget(self.empty)
        self.rooms.addWidget(self.blind)
        self.column.addWidget(self.rooms, 1)

    def _connect(self) -> None:
        actions = self.context.actions
        actions.connect("play", self.player.toggle)
        actions.connect("frame_back", lambda: self._step(-1))
        actions.connect("frame_on", lambda: self._step(1))
        actions.connect("change_label", self.change_label)
        actions.connect("second_label", self.label_blind)
        actions.connect("label_agreement", lambda: AgreementDialog(self.context, self).open())
        self.blind.ended.connect(self.end_blind)
        actions.connect("explain", self.explain)
        actions.connect("stop_explaining", self.explanation.explaining.stop)
        actions.connect("replay_check", self.replay_check)
        actions.connect("export_session", self.export)
        actions.connect("erase_person", self.erase_person)
        actions.connect("refresh_review", self.sessions.refresh)
        self.sessions.loaded.connect(self._on_loaded)
        self.sessions.failed.connect(self._on_failed)
        self.table.horizontalHeader().sortIndicatorChanged.connect(self._on_sorted)
        self.table.selectionModel().currentRowChanged.connect(self._on_session)
        self.takes.selectionModel().currentRowChanged.connect(self._on_take)
        self.player.moved.connect(self.trace.show_set)
        self.player.moved.connect(self.explanation.show_set)
        self.explanation.changed.connect(self._enable)
        self._enable()

    def entered(self) -> None:
        """Read the list again: there may be new sessions."""
        self.setFocus()
        self.sessions.refresh()

    def left(self) -> None:
        """Do not play on behind another page."""
        self.player.pause()

    def erased(self) -> None:
        """The frames in question may be gone: read everything again."""
        if self.blind.open:
            self.end_blind()
        self.sessions.refresh()
        self.explanation.explaining.forget()
        if self.opened is not None:
            self.open(self.opened.session.id)

    # --- the list -----------------------------------------------------------------------------------------------

    def _filter(self) -> None:
        purpose, kind, state = (box.currentData() for box in (self.purpose, self.kind, self.state))
        self.sessions.show(
            SessionFilter(
                purpose=SessionPurpose(purpose) if purpose else None,
                source_kind=SourceKind(kind) if kind else None,
                state=SessionState(state) if state else None,
            )
        )

    @property
    def _filtered(self) -> bool:
        return any(box.currentData() for box in (self.purpose, self.kind, self.state))

    def _on_sorted(self, column: int, order: Qt.SortOrder) -> None:
        """The arrow stands where rows are really sorted, also where a column that cannot be was clicked."""
        if (column, order) != self.sessions.sorted_by:
            self.table.horizontalHeader().setSortIndicator(*self.sessions.sorted_by)

    @Slot(int)
    def _on_loaded(self, rows: int) -> None:
        self._enter_room(_EMPTY if rows == 0 and not self._filtered else _CONTENT)
        more = self.sessions.canFetchMore()
        self.count.setText(
            tr("{n} sessions, more below", n=rows) if more else tr_count(rows, "{n} session", "{n} sessions")
        )
        if self.opened is not None:
            self._select_opened()
        elif rows:
            self.table.selectRow(0)

    def _select_opened(self) -> None:
        row = self.sessions.row_of(self.opened.session.id) if self.opened is not None else None
        if row is not None:
            self.table.selectRow(row)

    @Slot(object)
    def _on_failed(self, error: BaseException) -> None:
        self._enter_room(_EMPTY)
        self.empty.say(tr("The sessions could not be read"), told_error(error))
        self.context.show_error(error)

    @Slot(QModelIndex, QModelIndex)
    def _on_session(self, current: QModelIndex, _previous: QModelIndex) -> None:
        if not current.isValid():
            return
        session = self.sessions.at(current.row()).id
        if self.opened is not None and self.opened.session.id == session:
            return
        self.open(session)

    def _enter_room(self, room: int) -> None:
        """Bring a room to the front; whoever labels blind stays undisturbed."""
        if not self.blind.open:
            self.rooms.setCurrentIndex(room)

    def open(self, session: str, presentation: str = "") -> None:
        """Read and show a session, at one of its presentations."""
        if self.blind.open:
            self.end_blind()
        self.context.tasks.run(
            lambda catalogue: open_session(catalogue, session),
            lambda opened: self._show(opened, presentation),
            self.context.show_error,
            self,
        )

    def _show(self, opened: Opened, presentation: str) -> None:
        if self.opened is not None and self.opened.store is not None:
            store = self.opened.store
            self.context.tasks.run(lambda _catalogue: store.close(), lambda _nothing: None)
        self.opened = opened
        session = opened.session
        begun = datetime.fromtimestamp(session.created_utc_s).strftime("%Y-%m-%d %H:%M")
        self._select_opened()
        self.title.setText(session.name or session.subject or tr("Session of {day}", day=begun))
        kind, state = codes.source(session.source_kind), codes.session_state(session.state)
        self.facts.setText("   ".join((kind, state, origin_words(opened.origin), session.problem)).strip())
        self.player.show_session(opened)
        self.trace.show_verdict(None)
        self.explanation.show_verdict(opened, None)
        self.presentations.show(opened.presentations, opened.verdicts)
        rows = [i for i, p in enumerate(opened.presentations) if p.id == presentation] or [0]
        if opened.presentations:
            self.takes.selectRow(rows[0])
        self._enable()

    # --- one presentation ---------------------------------------------------------------------------------------

    @property
    def chosen(self) -> Presentation | None:
        """The presentation in question."""
        index = self.takes.currentIndex()
        return self.presentations.presentation(index.row()) if index.isValid() else None

    @Slot(QModelIndex, QModelIndex)
    def _on_take(self, current: QModelIndex, _previous: QModelIndex) -> None:
        if not current.isValid() or self.opened is None:
            return
        take = self.presentations.presentation(current.row())
        stored = self.presentations.verdict(current.row())
        self.trace.show_verdict(stored)
        self.explanation.show_verdict(self.opened, stored)
        place = {entry.number: i for i, entry in enumerate(self.opened.timeline)}
        scores: dict[int, float] = {}
        threshold = None
        if stored is not None:
            trace, threshold = stored.verdict.trace, stored.verdict.threshold
            pairs = zip(trace.frame_sets, trace.evidence, strict=False)
            scores = {place[number]: evidence.score for number, evidence in pairs if number in place}
        inside = [i for number, i in place.items() if take.first_set <= number <= take.last_set]
        span = (inside[0], inside[-1]) if inside else None
        self.player.timeline.show_scores(scores, threshold, span)
        if take.first_set:
            self.player.go_to_set(take.first_set)
        self._enable()

    # --- verbs --------------------------------------------------------------------------------------------------

    def _enable(self) -> None:
        actions, blind = self.context.actions, self.blind.open
        frames = self.opened is not None and bool(self.opened.timeline) and not blind
        for action_id in ("frame_back", "frame_on"):
            actions[action_id].setEnabled(frames or blind)
        actions["play"].setEnabled(frames)
        for action_id in ("replay_check", "export_session"):
            actions[action_id].setEnabled(frames and self._running is None)
        actions["change_label"].setEnabled(self.chosen is not None and not blind)
        for action_id in ("second_label", "label_agreement"):
            actions[action_id].setEnabled(not blind)
        stage = self.explanation.explaining.stage
        actions["explain"].setEnabled(stage in (Stage.POSSIBLE, Stage.DONE) and not blind)
        actions["stop_explaining"].setEnabled(stage is Stage.RUNNING)

    def change_label(self) -> None:
        """Ask for the species and a reason."""
        take = self.chosen
        if take is None or self.opened is None:
            return
        session = self.opened.session.id
        names = [s for s in Species if s not in (Species.HYBRID_SHEET, Species.HYBRID_MASK)]
        choices = [(s.value, codes.species(s.value)) for s in names]

        def answered(species: str, reason: str) -> None:
            self.context.tasks.run(
                lambda catalogue: catalogue.presentations.relabel(take.id, species, reason),
                lambda _nothing: self.open(session, take.id),
                self.context.show_error,
                self,
            )

        explanation = tr("Now: {label}. The old label stays in the audit.", label=codes.species(take.species))
        ask_reason(self, tr("Change label"), explanation, answered, choices)

    def label_blind(self) -> None:
        """Hide everything but the pictures of what whoever is here is to label a second time."""
        self.player.pause()
        self.blind.begin()
        self.rooms.setCurrentIndex(_BLIND)
        self._enable()

    def end_blind(self) -> None:
        """Back to the sessions, as they are now."""
        self.blind.end()
        self.rooms.setCurrentIndex(_CONTENT)
        self._enable()
        self.sessions.refresh()

    def _step(self, by: int) -> None:
        (self.blind if self.blind.open else self.player).step(by)

    def explain(self) -> None:
        """Show the explanation, and have it made where it was not yet."""
        self.beside.setCurrentWidget(self.explanation)
        self.explanation.explaining.start()

    def replay_check(self) -> None:
        """Recompute the verdicts from the stored frames, in a process of its own."""
        if self.opened is None:
            return
        self._run(
            ["replay", "--session", self.opened.session.id, "--json"],
            tr("Recomputing the verdicts from the stored frames"),
            lambda output: self.context.notify(*replay_summary(output)),
            frozenset({ExitCode.INPUT}),
        )

    def export(self) -> None:
        """Write the session as images, manifest and JSON into a folder."""
        dialog = QFileDialog(self, tr("Export session"))
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self.export_to)
        dialog.open()

    def export_to(self, folder: str) -> None:
        """Export into ``folder``."""
        if self.opened is None:
            return
        self._run(
            ["export", "--session", self.opened.session.id, "--out", folder],
            tr("Exporting"),
            lambda _output: self.context.notify(tr("Exported and signed."), folder, Level.INFO),
        )

    def erase_person(self) -> None:
        """Ask whom to erase (the person of the session in question, unless another is chosen), and do it."""
        chosen = self.opened.session.subject if self.opened is not None else ""
        self.context.tasks.run(
            lambda catalogue: [s.id for s in catalogue.subjects.all() if s.state != ERASED],
            lambda subjects: self._ask_erase(subjects, chosen),
            self.context.show_error,
            self,
        )

    def _ask_erase(self, subjects: list[str], chosen: str) -> None:
        if not subjects:
            self.context.notify(tr("Nobody is registered."), tr("There is nothing to erase."), Level.INFO)
            return
        EraseDialog(self.context, subjects, chosen, self).open()

    def _run(
        self,
        arguments: list[str],
        what: str,
        done: Callable[[str], object],
        also_fine: frozenset[int] = frozenset(),
    ) -> None:
        self.busy.setText(what)
        self.busy.show()

        def ended() -> None:
            self._running = None
            self.busy.hide()
            self._enable()

        command = self.context.services.command(arguments)
        self._running = Command(command, done, self.context.show_error, self, also_fine=also_fine)
        self._running.ended.connect(ended)
        self._enable()


def _filter_box(every: str, entries: dict[str, str], parent: QWidget) -> QComboBox:
    box = combo_box(parent, every)
    box.addItem(every, "")
    for value, words in entries.items():
        box.addItem(words, value)
    return box
