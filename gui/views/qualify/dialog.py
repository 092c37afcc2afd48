"""The wizard: camera, wall, presentations, decision, with live pictures; it can be closed and gone on with later."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from PySide6.QtCore import Qt, QTimer, Slot
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLabel, QPushButton, QStackedWidget, QVBoxLayout, QWidget

from core.codes import QualificationState, RecordMode, SessionPurpose, SourceKind
from core.frames import FrameSet, Modality
from core.messages import Problem, VerdictCommitted
from core.qualification.rules import requirements
from core.station.ports import PresentationLabel, SessionOrder
from core.station.shown import simulated_scene
from gui.context import PageContext
from gui.i18n import codes, tr
from gui.i18n.errors import told, told_error
from gui.link import CHECKPOINT_ORDER
from gui.views.qualify import reading
from gui.views.qualify.camera_step import CameraStep
from gui.views.qualify.cards import next_card
from gui.views.qualify.decide_step import DecideStep
from gui.views.qualify.present_step import PresentStep
from gui.views.qualify.reading import Progress
from gui.views.qualify.sampler import Sampler
from gui.views.qualify.wall_step import WallStep
from gui.widgets.ask import ask_reason
from gui.widgets.forms import GAP, MARGIN
from gui.widgets.picture_layouts import BigAndSmall
from gui.widgets.stepper import Stepper
from gui.widgets.stream_view import LOST_MS, StreamView
from gui.widgets.toast import Level
from storage import qualification
from storage.catalogue import Catalogue

T = TypeVar("T")
CAMERA, WALL, PRESENT, DECIDE = range(4)
RELOST_MS = 150


class QualifyDialog(QDialog):
    """Takes one camera through its qualification. A camera that is not live can only rehearse."""

    def __init__(self, context: PageContext, parent: QWidget) -> None:
        super().__init__(parent)
        self.context = context
        self.progress: Progress | None = None
        self.busy = False
        """A measurement or a take is under way."""
        self._source = context.link.source
        self._sampler: Sampler | None = None
        self._label: PresentationLabel | None = None
        self._take = ""
        self._shows = ""
        """The source that the take waits for."""
        self._trouble = ""
        """What went wrong with what was asked for last."""
        self.setWindowTitle(tr("Qualify this camera"))
        self.setWindowModality(Qt.WindowModality.WindowModal)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.views = [StreamView(m, self) for m in Modality]
        self.note = QLabel(self)
        self.note.setWordWrap(True)
        self.stepper = Stepper((tr("Camera"), tr("Wall"), tr("Presentations"), tr("Decision")), self)
        self.camera, self.wall = CameraStep(self), WallStep(self)
        self.present, self.decide = PresentStep(self), DecideStep(self)
        self.stack = QStackedWidget(self)
        for step in (self.camera, self.wall, self.present, self.decide):
            self.stack.addWidget(step)
        self.on = QPushButton(tr("Begin or go &on"), self)
        self.on.setProperty("primary", True)
        self.stop = QPushButton(tr("&Stop"), self)
        self.shut = QPushButton(tr("&Close, go on later"), self)
        self._build()
        self._connect()
        self.resize(1260, 740)
        self._timer = QTimer(self)
        self._timer.setInterval(RELOST_MS)
        self._timer.timeout.connect(self.refresh)
        self._timer.start()
        self._read_records()
        self.refresh()

    # --- construction -------------------------------------------------------------------------------------------

    def _build(self) -> None:
        verbs = QHBoxLayout()
        verbs.addWidget(self.shut)
        verbs.addStretch(1)
        verbs.addWidget(self.stop)
        verbs.addWidget(self.on)
        for button in (self.shut, self.stop, self.on, *self.findChildren(QPushButton)):
            button.setAutoDefault(False)
        right = QVBoxLayout()
        right.setSpacing(GAP)
        right.addWidget(self.note)
        right.addWidget(self.stack, 1)
        right.addLayout(verbs)
        row = QHBoxLayout()
        row.setSpacing(MARGIN)
        row.addWidget(BigAndSmall(self.views[0], self.views[1:], self), 1)
        holder = QWidget(self)
        holder.setLayout(right)
        holder.setFixedWidth(610)
        row.addWidget(holder)
        column = QVBoxLayout(self)
        column.setContentsMargins(MARGIN, MARGIN, MARGIN, MARGIN)
        column.addWidget(self.stepper)
        column.addLayout(row, 1)

    def _connect(self) -> None:
        link = self.context.link
        for view in self.views:
            view.range_m = (self.context.settings.depth_near_m, self.context.settings.depth_far_m)
            link.feed.show_in(view)
        link.committed.connect(self._on_committed)
        link.problem.connect(self._on_problem)
        self.stepper.chosen.connect(self.go_to_step)
        self.on.clicked.connect(self.begin)
        self.stop.clicked.connect(self.stop_now)
        self.shut.clicked.connect(self.close)
        self.wall.measure.clicked.connect(self.measure)
        self.wall.near.clicked.connect(lambda: self.show_wall("wall_near"))
        self.wall.far.clicked.connect(lambda: self.show_wall("wall_far"))
        self.present.take.clicked.connect(self.take)
        self.decide.conclude.clicked.connect(self.conclude)
        self.decide.cancel.clicked.connect(self.give_up)
        self.decide.revoke.clicked.connect(self.revoke)

    # --- steps --------------------------------------------------------------------------------------------------

    @property
    def simulated(self) -> bool:
        """Whether this program renders what the camera sees, and can put a wall or a person before it."""
        return self.context.link.source_kind is SourceKind.SIMULATED

    @Slot(int)
    def go_to_step(self, step: int) -> None:
        """Bring a step to the front; without a qualification there is only the first."""
        step = step if self.progress is not None else CAMERA
        self.stepper.mark(step)
        self.stack.setCurrentIndex(step)
        self.refresh()

    def begin(self) -> None:
        """Begin with the chosen sensors, or go on with the qualification of them that runs."""
        health, model, kind = self.context.link.health, self.context.link.model, self.context.link.source_kind
        if health is None or model is None or kind is None:
            return
        mask, sha256 = self.camera.chosen, model.sha256
        self._run(lambda catalogue: reading.begin(catalogue, health, kind, mask, sha256), self._begun)

    def _begun(self, progress: Progress) -> None:
        self._show(progress)
        self.go_to_step(PRESENT if progress.record.state is QualificationState.PRESENTING else WALL)

    def show_wall(self, scene: str) -> None:
        """Put the simulated camera before a wall."""
        self.context.link.connect_source(simulated_scene(self._source, scene, 0, ""))

    def measure(self) -> None:
        """Measure the wall from here."""
        if self.progress is None or self.busy:
            return
        self.busy = True
        number, distance = self.progress.record.id, float(self.wall.distance.value()) or None

        def enough(frame_sets: list[FrameSet]) -> None:
            self._forget_sampler()
            self._run(lambda catalogue: _measured(catalogue, number, frame_sets, distance), self._measured)

        self._sampler = Sampler(self.wall.progress.setValue, enough)
        self.context.link.feed.show_in(self._sampler)
        self.refresh()

    def _measured(self, progress: Progress) -> None:
        self.busy = False
        self._show(progress)
        if progress.record.state is QualificationState.PRESENTING:
            self.go_to_step(PRESENT)

    def take(self) -> None:
        """Take the presentation on the card; the simulated camera is shown what the card says."""
        if self.progress is None or self.busy:
            return
        self.busy, self._take = True, ""
        species, person, artefact = self.present.shown
        self._shows = self.context.link.source
        if self.simulated:
            card = next_card(self.progress.judgement, requirements(self.progress.record.source_kind))
            self._shows = simulated_scene(self._source, "booth", card.person or card.artefact, species)
            if self.context.link.source != self._shows:
                self.context.link.connect_source(self._shows)

        def named(label: PresentationLabel) -> None:
            if self.busy:  # it may have been stopped meanwhile
                self._label = label

        self._run(lambda catalogue: reading.label_of(catalogue, species, person, artefact), named)
        self.present.answer.setText(tr("Waiting for the camera"))
        self.refresh()

    def _begin_take(self, label: PresentationLabel) -> None:
        """The camera is there: in the session of this qualification, begin."""
        assert self.progress is not None
        link, number = self.context.link, self.progress.record.id
        order = SessionOrder(SessionPurpose.QUALIFICATION, RecordMode.DECISIONS, qualification=number)

        def begun(presentation: str) -> None:
            if not self.busy:  # as above
                link.order(lambda station: station.end_presentation())
                return
            self._take = presentation
            self.present.answer.setText(tr("Look at the camera"))

        def begin(_session: str = "") -> None:
            if self.busy:
                link.order(lambda station: station.begin_presentation(label), begun, owner=self)

        if link.order_in_use == order and link.session:
            begin()
        else:
            link.open_session(order, begin, owner=self)

    @Slot(object)
    def _on_committed(self, committed: VerdictCommitted) -> None:
        verdict = committed.verdict
        if not self._take or verdict.presentation != self._take or self.progress is None:
            return
        self._take, number = "", self.progress.record.id
        word = codes.outcome(verdict.outcome)
        self.present.answer.setText(tr("Answer: {word}, with {sensors}", word=word, sensors=codes.mask(verdict.mask)))
        self._run(lambda catalogue: reading.read_progress(catalogue, number), self._taken)

    def _taken(self, progress: Progress) -> None:
        self.busy = False
        self._show(progress)
        if progress.judgement.enough:
            self.go_to_step(DECIDE)

    def conclude(self) -> None:
        """Call it qualified."""
        self._decide(qualification.conclude)

    def give_up(self) -> None:
        """Cancel the qualification; nothing of it counts."""
        self._decide(qualification.cancel)

    def revoke(self) -> None:
        """End what stands, with a reason."""
        ask_reason(
            self,
            tr("Revoke the qualification"),
            tr("From now on this camera gives shadow verdicts only."),
            lambda _value, reason: self._decide(
                lambda catalogue, number: qualification.revoke(catalogue, number, reason)
            ),
        )

    def _decide(self, act: Callable[[Catalogue, int], object]) -> None:
        if self.progress is None:
            return
        number = self.progress.record.id
        self.decide.setEnabled(False)

        def work(catalogue: Catalogue) -> Progress:
            act(catalogue, number)
            return reading.read_progress(catalogue, number)

        self._run(work, self._show)

    def stop_now(self) -> None:
        """Stop the running measurement or take; what is stored stays."""
        self._forget_sampler()
        if self._take:
            self.context.link.order(lambda station: station.end_presentation())
        self._label, self._take, self.busy = None, "", False
        self.present.answer.setText("")
        self.refresh()

    # --- state --------------------------------------------------------------------------------------------------

    def _run(self, work: Callable[[Catalogue], T], done: Callable[[T], object]) -> None:
        self._trouble = ""
        self.context.tasks.run(work, done, self._failed, self)

    def _failed(self, error: BaseException) -> None:
        self._forget_sampler()
        self._label, self._take, self.busy = None, "", False
        self._trouble = told_error(error)
        self.decide.setEnabled(True)
        self.context.show_error(error)
        self.refresh()

    @Slot(object)
    def _on_problem(self, problem: Problem) -> None:
        if self.busy:
            self.stop_now()
            self.present.answer.setText(told(problem.what))

    def _read_records(self) -> None:
        health = self.context.link.health
        if health is not None and health.profiles:
            self._run(lambda catalogue: reading.read_records(catalogue, health), self.camera.show_records)

    def _show(self, progress: Progress) -> None:
        self.progress = progress
        required = requirements(progress.record.source_kind)
        self.wall.show_record(progress.record, self.simulated)
        self.present.show_progress(progress, next_card(progress.judgement, required))
        self.decide.show_progress(progress)
        self.decide.setEnabled(True)
        self._read_records()
        self.refresh()

    @Slot()
    def refresh(self) -> None:
        """Buttons and pictures follow what is known; a take begins as soon as its camera delivers."""
        link, record = self.context.link, self.progress.record if self.progress is not None else None
        ready = link.health is not None and link.model is not None and link.feed.age_ms <= LOST_MS
        for view in self.views:
            view.set_source_kind(link.source_kind, link.shadow)
        if link.health is not None:
            self.camera.show_camera(link.health, link.model)
        rehearsal = link.source_kind is not None and link.source_kind is not SourceKind.LIVE
        usual = (
            tr("REHEARSAL: this camera is not live. Every step can be tried; nothing of it ever counts.")
            if rehearsal
            else tr("While it is not qualified, this camera gives shadow verdicts: they open nothing.")
        )
        self.note.setText(self._trouble or usual)
        state = record.state if record is not None else None
        self.on.setVisible(self.stack.currentIndex() == CAMERA)
        self.on.setEnabled(ready and bool(self.camera.chosen))
        self.stop.setVisible(self.busy)
        for button in (self.wall.near, self.wall.far):
            button.setEnabled(not self.busy)
        self.wall.measure.setEnabled(ready and not self.busy and state is QualificationState.MEASURING)
        self.present.take.setEnabled(link.connected and not self.busy and state is QualificationState.PRESENTING)
        if self._label is not None and ready and link.session and link.source == self._shows:
            label, self._label = self._label, None
            self._begin_take(label)

    def _forget_sampler(self) -> None:
        if self._sampler is not None:
            self.context.link.feed.forget(self._sampler)
            self._sampler = None
            self.wall.progress.setValue(0)

    def done(self, result: int) -> None:
        """Closed: the pictures are let go, the checkpoint has its source and session back."""
        self._timer.stop()
        self.stop_now()
        link = self.context.link
        for view in self.views:
            link.feed.forget(view)
        if link.source != self._source:
            link.connect_source(self._source)
        elif link.asked.purpose is SessionPurpose.QUALIFICATION and link.connected:
            link.open_session(CHECKPOINT_ORDER)
        if self.progress is not None and self.progress.record.running:
            words = tr("The qualification can be gone on with."), tr("Open it again on the page Devices.")
            self.context.notify(*words, Level.INFO)
        super().done(result)


def _measured(catalogue: Catalogue, number: int, frame_sets: list[FrameSet], distance_mm: float | None) -> Progress:
    qualification.add_placement(catalogue, number, frame_sets, distance_mm)
    return reading.read_progress(catalogue, number)
