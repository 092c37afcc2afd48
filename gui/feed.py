"""One timer for all pictures: takes the newest frame set from the ring and hands it to the views. Latest wins."""

from __future__ import annotations

from typing import Protocol

from PySide6.QtCore import QObject, Qt, QTimer, Slot

from core.clock import Clock, SystemClock
from core.frames import FrameSet
from core.ports import FrameSource

TICK_MS = 16


class FrameView(Protocol):
    """Something that shows frame sets."""

    def take(self, frame_set: FrameSet, arrived_ms: float) -> None:
        """A newer frame set, which came into the ring at ``arrived_ms`` of the clock."""

    def tick(self, now_ms: float) -> None:
        """Time passes: a picture may have grown too old."""


class FrameFeed(QObject):
    """Polls a `FrameSource` about 60 times a second without ever waiting for it."""

    def __init__(self, clock: Clock | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.clock = clock or SystemClock()
        self.newest: FrameSet | None = None
        self.newest_ms = -1e12
        self._source: FrameSource | None = None
        self._views: list[FrameView] = []
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(TICK_MS)
        self._timer.timeout.connect(self.tick)

    def attach(self, source: FrameSource) -> None:
        """Read from this ring from now on."""
        self._source = source
        self.newest = None
        self._timer.start()

    def detach(self) -> None:
        """Let the ring go; the last pictures grow old in the views."""
        if self._source is not None:
            self._source.close()
            self._source = None

    def show_in(self, view: FrameView) -> None:
        """Hand frame sets to ``view`` too."""
        self._views.append(view)

    def forget(self, view: FrameView) -> None:
        """Hand it nothing more."""
        if view in self._views:
            self._views.remove(view)

    def forget_views(self) -> None:
        """A new window brings its own views."""
        self._views.clear()

    def stop(self) -> None:
        """End: no timer, no ring, no views."""
        self._timer.stop()
        self.detach()
        self._views.clear()

    @property
    def age_ms(self) -> float:
        """Age of the newest frame set; huge before the first."""
        return self.clock.now_ms() - self.newest_ms

    @Slot()
    def tick(self) -> None:
        """One round."""
        now_ms = self.clock.now_ms()
        if self._source is not None:
            after = self.newest.number if self.newest is not None else 0
            found = self._source.newest(after, 0.0)
            if found is not None:
                self.newest, age_ms = found
                self.newest_ms = now_ms - age_ms
                for view in self._views:
                    view.take(self.newest, self.newest_ms)
        for view in self._views:
            view.tick(now_ms)
