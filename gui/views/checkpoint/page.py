"""The operator's page: one big picture, one state, three keys (interface.md, Checkpoint)."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Qt, QTimer, Slot
from PySide6.QtWidgets import QHBoxLayout, QWidget

from core.access import Permission
from core.codes import Hint, Outcome, Reason, SecondLineResult, SourceKind
from core.frames import Modality
from core.messages import VerdictCommitted
from core.verdict import Observation
from gui.context import PageContext
from gui.i18n import codes, tr
from gui.theme import type_size
from gui.views.checkpoint.banner import Banner
from gui.views.checkpoint.second_line import VERBS, SecondLineStrip
from gui.views.checkpoint.shift import ShiftDialog
from gui.views.checkpoint.state import CheckpointState
from gui.views.page import Page
from gui.widgets.ask import ask_reason
from gui.widgets.elided import OneLine
from gui.widgets.forms import VerbButton, quiet
from gui.widgets.picture_layouts import BigAndSmall
from gui.widgets.sensors import Sensors
from gui.widgets.stream_view import StreamView
from gui.widgets.toast import Level

REFRESH_MS = 100
BOX_AGE_MS = 500.0
GONE_MS = 2000.0
"""A face that is away this long after its verdict has left; an answer that asks nothing of anybody goes too."""


class CheckpointPage(Page):
    """Shows the person, the state and, once it is stored, the verdict."""

    name = "checkpoint"

    def __init__(self, context: PageContext, parent: QWidget | None = None) -> None:
        super().__init__(context, parent)
        self.state = CheckpointState()
        self.shift: ShiftDialog | None = None
        self._observed_ms = self._face_ms = self._looked_ms = -1e12
        self.rgb_view = StreamView(Modality.RGB, self)
        self.depth_view = StreamView(Modality.DEPTH, self)
        self.ir_view = StreamView(Modality.IR, self)
        self.banner = Banner(self)
        self.banner.announce = context.settings.announce
        self.sensors = Sensors(self)
        self.second_line = SecondLineStrip(context.actions, self)
        self.why = OneLine(parent=self)
        self.why.setFont(type_size(1.05))
        self.why.setAccessibleName(tr("Why, for the operator"))
        self._build()
        self._connect()
        self._timer = QTimer(self)
        self._timer.setInterval(REFRESH_MS)
        self._timer.timeout.connect(self.refresh)
        self._timer.start()
        self._start_over()

    # --- construction -------------------------------------------------------------------------------------------

    def _build(self) -> None:
        self.column.addWidget(BigAndSmall(self.rgb_view, (self.depth_view, self.ir_view), self), 1)
        self.column.addWidget(self.banner)
        facts = QHBoxLayout()
        facts.setSpacing(14)
        facts.addWidget(quiet(tr("Sensors in use"), self))
        facts.addWidget(self.sensors)
        facts.addWidget(self.why, 1)
        self.column.addLayout(facts)
        self.column.addWidget(self.second_line)
        verbs = QHBoxLayout()
        verbs.setSpacing(10)
        actions = self.context.actions
        verbs.addWidget(VerbButton(actions["next_person"], self, primary=True, big=True), 2)
        for action_id in ("refer", "call_technician", "override"):
            verbs.addWidget(VerbButton(actions[action_id], self, big=True), 1)
        self._unlock = VerbButton(actions["unlock"], self, primary=True, big=True)
        verbs.addWidget(self._unlock, 1)
        self._shift = VerbButton(actions["shift_check"], self, primary=True, big=True)
        verbs.addWidget(self._shift, 1)
        self.column.addLayout(verbs)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def _connect(self) -> None:
        link, actions = self.context.link, self.context.actions
        for view in (self.rgb_view, self.depth_view, self.ir_view):
            view.range_m = (self.context.settings.depth_near_m, self.context.settings.depth_far_m)
            link.feed.show_in(view)
        link.model_ready.connect(self._on_model)
        link.observed.connect(self._on_observed)
        link.committed.connect(self._on_committed)
        link.session_changed.connect(self._start_over)
        link.source_changed.connect(self._start_over)
        actions.connect("next_person", self.next_person)
        actions.connect("refer", self.refer)
        actions.connect("call_technician", self.call_technician)
        actions.connect("override", self.override)
        actions.connect("unlock", self.unlock)
        actions.connect("shift_check", self.check_shift)
        for verb, result in VERBS.items():
            actions.connect(verb, partial(self.tell_second_line, result))
        self.second_line.show_waiting(())

    def entered(self) -> None:
        """Give the keys to the page."""
        self.setFocus()
        self._read_waiting()

    # --- verbs --------------------------------------------------------------------------------------------------

    def next_person(self) -> None:
        """Forget the answer and begin a presentation."""
        if self.state.locked:
            return
        self._start_over()
        self.context.link.order(lambda station: station.begin_presentation())

    def refer(self) -> None:
        """The operator refers the person: the stored verdict is marked so, in the audit too."""
        committed = self.state.committed
        if committed is None:
            self.context.link.order(lambda station: station.end_presentation())
            return
        self._mark(committed.row_id, Outcome.REFER.value, tr("referred by the operator"))

    def call_technician(self) -> None:
        """Leave a row in the audit that asks for help; the technician sees it."""
        why = self.state.display()
        details = {"state": why.word, "why": why.why, "source": self.context.link.source}
        self.context.tasks.run(
            lambda catalogue: catalogue.audit.append(
                "call_technician",
                "session",
                self.context.link.session,
                actor=catalogue.actor.id,
                reason=why.word,
                details=details,
            ),
            lambda _row: self.context.notify(
                tr("The technician is called."), tr("The call stands in the audit."), Level.INFO
            ),
            self.context.show_error,
            self,
        )

    def override(self) -> None:
        """Decide otherwise, with a reason."""
        committed = self.state.committed
        if committed is None:
            return
        choices = [(o.value, codes.outcome(o)) for o in (Outcome.BONA_FIDE, Outcome.ATTACK, Outcome.REFER)]
        ask_reason(
            self,
            tr("Decide otherwise"),
            tr("The program's verdict stays stored; your decision and your reason are stored with it."),
            partial(self._mark, committed.row_id),
            choices,
        )

    def check_shift(self) -> None:
        """One bona fide person, one kit print: only then are verdicts given in this shift."""
        self.shift = ShiftDialog(self.context, self)
        self.shift.open()
        self.shift.activateWindow()  # its keys are the dialog's now, not the page's

    def unlock(self) -> None:
        """A supervisor ends the lock-out, with a reason."""
        ask_reason(
            self,
            tr("Unlock the station"),
            tr("Repeated attacks locked it. Unlocking is a supervisor's decision and is stored."),
            lambda _value, reason: self.context.link.order(lambda station: station.unlock(reason)),
        )

    def tell_second_line(self, result: SecondLineResult) -> None:
        """What the second line found about the person that is chosen in the strip; the next person is not held up."""
        verdict = self.second_line.chosen
        if verdict is None:
            return
        self.context.tasks.run(
            lambda catalogue: catalogue.second_line.record(verdict, result),
            lambda _nothing: self._read_waiting(),
            self.context.show_error,
            self,
        )

    def _read_waiting(self) -> None:
        if self.context.actor is not None and self.context.actor.may(Permission.OPERATE):
            self.context.tasks.run(
                lambda catalogue: catalogue.second_line.waiting(),
                self.second_line.show_waiting,
                self.context.show_error,
                self,
            )

    def _mark(self, row_id: int, outcome: str, reason: str) -> None:
        def marked(_nothing: object) -> None:
            if self.state.committed is not None and self.state.committed.row_id == row_id:
                self.state.operator_outcome = Outcome(outcome)
                self.refresh()
            self._read_waiting()

        self.context.tasks.run(
            lambda catalogue: catalogue.verdicts.override(row_id, Outcome(outcome), reason),
            marked,
            self.context.show_error,
            self,
        )

    # --- state --------------------------------------------------------------------------------------------------

    @Slot()
    def _start_over(self) -> None:
        self.state.committed = None
        self.state.operator_outcome = None
        self.state.observation = None
        self.refresh()

    @Slot(object)
    def _on_model(self, _model: object) -> None:
        self._looked_ms = self.context.link.feed.clock.now_ms()

    @Slot(object)
    def _on_observed(self, observation: Observation) -> None:
        self.state.observation = observation
        self._observed_ms = self.context.link.feed.clock.now_ms()
        if observation.reason not in (Reason.STALE, Reason.MODEL_ERROR):
            self._looked_ms = self._observed_ms
        if observation.reason is not Reason.NO_FACE:
            self._face_ms = self._observed_ms
        elif self._observed_ms - self._face_ms > GONE_MS and self._answer_may_go():
            self._start_over()

    def _answer_may_go(self) -> bool:
        """ATTACK and REFER stay until the operator has dealt with them."""
        verdict = self.state.verdict
        return verdict is not None and verdict.outcome in (Outcome.BONA_FIDE, Outcome.NON_RESPONSE)

    @Slot(object)
    def _on_committed(self, committed: VerdictCommitted) -> None:
        self.state.committed = committed
        self.state.operator_outcome = None
        self._face_ms = self._looked_ms = self.context.link.feed.clock.now_ms()
        self.refresh()
        self._read_waiting()

    @Slot()
    def refresh(self) -> None:
        """Work out the one state and show it."""
        link, state = self.context.link, self.state
        state.failure, state.health, state.model = link.failure, link.health, link.model
        state.withheld = link.standing.withheld
        state.locked, state.ended, state.frame_age_ms = link.locked, link.ended, link.feed.age_ms
        state.looked_age_ms = link.feed.clock.now_ms() - self._looked_ms
        if state.unwatched and self._answer_may_go():
            state.committed = state.operator_outcome = state.observation = None
        known = link.health is not None and bool(link.health.profiles)
        state.commissioned = link.source_kind is not SourceKind.LIVE or not known or link.standing.commissioned
        display = state.display()
        shadow = state.verdict.shadow if state.verdict is not None else link.shadow
        watermark = codes.watermark(link.source_kind, shadow) if link.source_kind is not None else ""
        self.banner.show_display(display, watermark)
        self.sensors.set_mask(state.mask)
        self.why.setText(tr("Why: {text}", text=display.why) if display.why else "")
        for view in (self.rgb_view, self.depth_view, self.ir_view):
            view.set_source_kind(link.source_kind, link.shadow)
        self._show_box()
        actions = self.context.actions
        actions["next_person"].setEnabled(not state.locked and link.connected)
        actions["refer"].setEnabled(link.connected and not state.locked)
        actions["call_technician"].setEnabled(True)
        actions["shift_check"].setEnabled(link.connected and not state.locked)
        actions["override"].setEnabled(display.final)
        actions["unlock"].setEnabled(state.locked)
        self._unlock.setVisible(state.locked)
        self._shift.setVisible(state.withheld is Reason.SHIFT_CHECK and not state.locked)

    def _show_box(self) -> None:
        now_ms = self.context.link.feed.clock.now_ms()
        observation = self.state.observation
        if observation is None or now_ms - self._observed_ms > BOX_AGE_MS:
            self.rgb_view.set_overlay(None, "")
            return
        worst = next((h for h in observation.hints if h not in (Hint.OK, Hint.NO_FACE)), None)
        self.rgb_view.set_overlay(observation.box, codes.hint(worst) if worst is not None else "")
