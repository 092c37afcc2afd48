"""A second label: the pictures of one presentation, two answers, and nothing that tells what others said of it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QStackedWidget, QVBoxLayout, QWidget

from core.codes import SourceKind, Species
from core.errors import KnownError
from core.frames import FrameSet, Modality
from gui.context import PageContext
from gui.i18n import tr
from gui.i18n.errors import told_error
from gui.widgets.forms import GAP, EmptyState, VerbButton, heading, quiet
from gui.widgets.picture_layouts import BigAndSmall
from gui.widgets.stream_view import StreamView
from storage.blind_pictures import blind_frame_sets
from storage.catalogue import Catalogue
from storage.repositories.second_labels import BlindTask

_ANSWERS = ("blind_bona_fide", "blind_attack", "blind_skip")


@dataclass(frozen=True, slots=True)
class Shown:
    """A task with its pictures; ``problem``: why there are none."""

    task: BlindTask
    frame_sets: tuple[FrameSet, ...]
    source_kind: SourceKind
    problem: str = ""


def read_next(catalogue: Catalogue, skipped: Collection[int]) -> Shown | None:
    """The next presentation to label; ``None`` when nothing is left. Raises as `BlindLabels.next`."""
    task = catalogue.second_labels.next(skipped)
    if task is None:
        return None
    session = catalogue.presentations.get(catalogue.second_labels.presentation_of(task.number)).session
    kind = catalogue.sessions.get(session).source_kind
    try:
        return Shown(task, tuple(blind_frame_sets(catalogue, task.number)), kind)
    except KnownError as error:  # damaged frames: the next one can be taken
        return Shown(task, (), kind, told_error(error))


class BlindRoom(QWidget):
    """Takes the place of everything else on the page Review: what stands there would tell the first label."""

    ended = Signal()
    """Whoever labels wants back."""

    def __init__(self, context: PageContext, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._context = context
        self._skipped: set[int] = set()
        self._reading = False
        self.shown: Shown | None = None
        self.moment = 0
        self.open = False
        self.views = [StreamView(m, self) for m in (Modality.RGB, Modality.DEPTH, Modality.IR)]
        for view in self.views:
            view.range_m = (context.settings.depth_near_m, context.settings.depth_far_m)
        self.where = QLabel(self)
        self.note = quiet("", self)
        self.progress = QProgressBar(self)
        self.progress.setAccessibleName(tr("Labels given"))
        self.progress.setTextVisible(False)
        self.progress.setFixedWidth(220)
        self.counts = quiet("", self)
        self.counts.setWordWrap(False)
        self.empty = EmptyState("check", "", "", self)
        self.rooms = QStackedWidget(self)
        self._build()
        self._connect()

    def _build(self) -> None:
        actions = self._context.actions
        head = QHBoxLayout()
        head.addWidget(heading(tr("What does this show?"), self, 1.3))
        head.addStretch(1)
        head.addWidget(self.counts)
        head.addWidget(self.progress)
        moments = QHBoxLayout()
        for action_id in ("frame_back", "frame_on"):
            moments.addWidget(VerbButton(actions[action_id], self, compact=True))
        moments.addWidget(self.where)
        moments.addStretch(1)
        answers = QHBoxLayout()
        answers.setSpacing(GAP)
        for action_id in ("blind_bona_fide", "blind_attack"):
            answers.addWidget(VerbButton(actions[action_id], self, big=True), 2)
        answers.addWidget(VerbButton(actions["blind_skip"], self, big=True), 1)
        pictures = QWidget(self)
        column = QVBoxLayout(pictures)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(BigAndSmall(self.views[0], self.views[1:], pictures), 1)
        column.addWidget(self.note)
        column.addLayout(moments)
        column.addLayout(answers)
        self.rooms.addWidget(pictures)
        self.rooms.addWidget(self.empty)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(GAP)
        whole.addLayout(head)
        explained = tr("Somebody labelled this before. What they said, the verdict and the session stay hidden.")
        whole.addWidget(quiet(explained, self))
        whole.addWidget(self.rooms, 1)
        row = QHBoxLayout()
        row.addWidget(VerbButton(actions["end_blind"], self))
        row.addStretch(1)
        whole.addLayout(row)

    def _connect(self) -> None:
        actions = self._context.actions
        actions.connect("blind_bona_fide", lambda: self.give(Species.BONA_FIDE))
        actions.connect("blind_attack", lambda: self.give(Species.UNKNOWN))
        actions.connect("blind_skip", self.skip)
        actions.connect("end_blind", self.ended.emit)
        self.enable()

    # --- life ---------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Show the first presentation to label."""
        self.open = True
        self._skipped.clear()
        self._read()

    def end(self) -> None:
        """Forget the pictures."""
        self.open, self.shown = False, None
        for view in self.views:
            view.clear()
        self.enable()

    def enable(self) -> None:
        """The verbs follow what is shown."""
        actions, answering = self._context.actions, self.open and self.shown is not None and not self._reading
        for action_id in _ANSWERS:
            seen = answering and self.shown is not None and bool(self.shown.frame_sets)
            actions[action_id].setEnabled(seen or (answering and action_id == "blind_skip"))
        actions["end_blind"].setEnabled(self.open)

    # --- answering ----------------------------------------------------------------------------------------------

    def give(self, species: str) -> None:
        """Store the answer, and go on."""
        if self.shown is None:
            return
        number = self.shown.task.number
        self._go_on(lambda catalogue: catalogue.second_labels.give(number, species))

    def skip(self) -> None:
        """Leave it for another time; somebody else may see more."""
        if self.shown is not None:
            self._skipped.add(self.shown.task.number)
            self._go_on(lambda _catalogue: None)

    def step(self, by: int) -> None:
        """Another moment of the presentation."""
        if self.shown is not None and self.shown.frame_sets:
            self.moment = max(0, min(self.moment + by, len(self.shown.frame_sets) - 1))
            self._show_moment()

    def _go_on(self, work: Callable[[Catalogue], None]) -> None:
        self._reading = True
        self.enable()
        self._context.tasks.run(work, lambda _nothing: self._read(), self._failed, self)

    def _read(self) -> None:
        self._reading = True
        skipped = frozenset(self._skipped)
        self._context.tasks.run(lambda catalogue: read_next(catalogue, skipped), self._show, self._failed, self)

    def _show(self, shown: Shown | None) -> None:
        self._reading = False
        if not self.open:
            return
        self.shown, self.moment = shown, 0
        self.rooms.setCurrentIndex(0 if shown is not None else 1)
        self.progress.setVisible(shown is not None)
        self.counts.setText("")
        if shown is None:
            self._say_done()
        else:
            task = shown.task
            self.progress.setMaximum(task.given + task.left)
            self.progress.setValue(task.given)
            self.counts.setText(tr("{given} given, {left} left", given=task.given, left=task.left))
            self.note.setText(shown.problem)
            self.note.setVisible(bool(shown.problem))
            self._show_moment()
        self.enable()

    def _say_done(self) -> None:
        if self._skipped:
            self.empty.say(
                tr("Only what you skipped is left"), tr("It comes again the next time; somebody else may tell.")
            )
        else:
            self.empty.say(
                tr("Nothing is left for you to label"),
                tr("A technician draws what is to be labelled twice. What you labelled first goes to others."),
            )

    def _show_moment(self) -> None:
        found = self.shown.frame_sets if self.shown is not None else ()
        for view in self.views:
            view.clear()
            if self.shown is not None:  # SHADOW belongs to a verdict, of which nothing is shown
                view.set_source_kind(self.shown.source_kind, shadow=False)
            if found:
                view.show_still(found[self.moment])
        self.where.setText(tr("Moment {n} of {of}", n=self.moment + 1, of=len(found)) if found else "")

    def _failed(self, error: BaseException) -> None:
        """Without accounts, say, or where somebody else settled it meanwhile: told, and nothing is asked any more."""
        self._reading = False
        self.shown = None
        self.rooms.setCurrentIndex(1)
        self.progress.hide()
        self.counts.setText("")
        self.empty.say(tr("No label can be given now"), told_error(error))
        self.enable()
