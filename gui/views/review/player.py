"""Three streams in lockstep, frame by frame or at their recorded pace; reads in the background, newest wish wins."""

from __future__ import annotations

from PySide6.QtCore import QTimer, Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from core.frames import FrameSet, Modality
from gui.context import PageContext
from gui.i18n import tr
from gui.views.review.reading import Opened, read_set
from gui.widgets.forms import VerbButton, quiet
from gui.widgets.picture_layouts import BigAndSmall
from gui.widgets.stream_view import StreamView
from gui.widgets.timeline import Timeline


class Player(QWidget):
    """Shows the frame sets of an `Opened` session."""

    moved = Signal(int)
    """Number of the frame set that is shown."""

    def __init__(self, context: PageContext, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._context = context
        self._opened: Opened | None = None
        self._wanted = 0
        self._reading = False
        self.position = 0
        self.shown: FrameSet | None = None
        self.views = [StreamView(m, self) for m in (Modality.RGB, Modality.DEPTH, Modality.IR)]
        for view in self.views:
            view.range_m = (context.settings.depth_near_m, context.settings.depth_far_m)
        self.timeline = Timeline(self)
        self.timeline.chosen.connect(self.go_to)
        self.where = QLabel(self)
        self.note = quiet("", self)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._play_on)
        self._playing = False
        actions = context.actions
        verbs = QHBoxLayout()
        for action_id in ("frame_back", "play", "frame_on"):
            verbs.addWidget(VerbButton(actions[action_id], self, compact=True))
        verbs.addWidget(self.where)
        verbs.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(BigAndSmall(self.views[0], self.views[1:], self), 3)
        column.addWidget(self.note)
        column.addWidget(self.timeline, 2)
        column.addLayout(verbs)

    @property
    def playing(self) -> bool:
        """Whether it runs by itself."""
        return self._playing

    def show_session(self, opened: Opened) -> None:
        """Begin at the first frame set."""
        self.pause()
        self._opened, self._wanted, self.position, self.shown = opened, 0, 0, None
        self.timeline.show_session([entry.mask for entry in opened.timeline])
        for view in self.views:
            view.clear()
            view.set_source_kind(opened.session.source_kind, opened.shadow)
        if opened.timeline:
            self.note.setText("")
            self._read()
        else:
            self.note.setText(opened.problem or tr("This session kept decisions only: there are no frames to play."))
            self.where.setText("")
        self.note.setVisible(bool(self.note.text()))

    def clear(self) -> None:
        """No session."""
        self.pause()
        self._opened = None
        self.timeline.show_session(())
        self.where.setText("")
        for view in self.views:
            view.clear()

    # --- moving -------------------------------------------------------------------------------------------------

    @Slot(int)
    def go_to(self, position: int) -> None:
        """Show the frame set at ``position``, counted from 0."""
        if self._opened is None or not self._opened.timeline:
            return
        self._wanted = max(0, min(position, len(self._opened.timeline) - 1))
        self._read()

    def go_to_set(self, number: int) -> None:
        """Show the frame set of that number, or the next one after it."""
        if self._opened is not None:
            entries = self._opened.timeline
            self.go_to(next((i for i, entry in enumerate(entries) if entry.number >= number), len(entries) - 1))

    def step(self, by: int) -> None:
        """One frame set on or back."""
        self.pause()
        self.go_to(self._wanted + by)

    def toggle(self) -> None:
        """Play, or pause."""
        if self._playing:
            self.pause()
        elif self._opened is not None and self._opened.timeline:
            self._playing = True
            if self._wanted >= len(self._opened.timeline) - 1:
                self._wanted = -1
            self._play_on()

    def pause(self) -> None:
        """Stop playing."""
        self._playing = False
        self._timer.stop()

    @Slot()
    def _play_on(self) -> None:
        if self._opened is None or not self._playing:
            return
        if self._wanted >= len(self._opened.timeline) - 1:
            self.pause()
            return
        self.go_to(self._wanted + 1)
        entries = self._opened.timeline
        if self._wanted + 1 < len(entries):
            gap_ms = entries[self._wanted + 1].time_ms - entries[self._wanted].time_ms
            self._timer.start(max(10, min(1000, round(gap_ms))))
        else:
            self.pause()

    # --- reading ------------------------------------------------------------------------------------------------

    def _read(self) -> None:
        if self._reading or self._opened is None or not self._opened.timeline:
            return
        self._reading = True
        opened, position = self._opened, self._wanted
        self._context.tasks.run(
            lambda _catalogue: read_set(opened, position),
            lambda found: self._show(opened, position, found),
            lambda error: self._failed(opened, error),
            self,
        )

    def _show(self, opened: Opened, position: int, found: FrameSet) -> None:
        self._reading = False
        if opened is self._opened:
            self.position, self.shown = position, found
            for view in self.views:
                view.show_still(found)
            self.timeline.set_position(position)
            begun_ms = opened.timeline[0].time_ms
            self.where.setText(
                tr(
                    "Set {number}   {seconds:.2f} s   skew {skew:.1f} ms",
                    number=found.number,
                    seconds=(found.time_ms - begun_ms) / 1000.0,
                    skew=found.skew_ms,
                )
            )
            self.moved.emit(found.number)
        if opened is not self._opened or position != self._wanted:
            self._read()

    def _failed(self, opened: Opened, error: BaseException) -> None:
        self._reading = False
        if opened is self._opened:
            self.pause()
        else:  # of another session, which is not shown any more: this one was not read yet
            self._read()
        self._context.show_error(error)
