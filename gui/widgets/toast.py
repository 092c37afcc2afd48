"""Notifications in the corner: what happened and what to do. The same notice again only raises its count."""

from __future__ import annotations

from enum import StrEnum

from PySide6.QtCore import QEvent, QObject, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QFont, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from gui.i18n import tr
from gui.icons import icon, paint_icon
from gui.theme import Tone, current_scheme, type_size

MAX_TOASTS = 4


class Level(StrEnum):
    """How serious a notice is; an error stays until it is closed."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


_TONES = {Level.INFO: Tone.CALM, Level.WARNING: Tone.WARN, Level.ERROR: Tone.BAD}
_ICONS = {Level.INFO: "check", Level.WARNING: "warning", Level.ERROR: "warning"}
_STAY_MS = {Level.INFO: 6_000, Level.WARNING: 12_000}


class Toast(QWidget):
    """One notice."""

    closed = Signal(object)

    def __init__(self, what: str, remedy: str, level: Level, parent: QWidget) -> None:
        super().__init__(parent)
        self.what, self.remedy, self.level = what, remedy, level
        self.count = 1
        self._title = QLabel(what, self)
        self._title.setWordWrap(True)
        self._title.setFont(type_size(1.0, QFont.Weight.DemiBold))
        self._times = QLabel(self)
        self._times.setForegroundRole(self.palette().ColorRole.PlaceholderText)
        self._times.hide()
        close = QToolButton(self)
        close.setIcon(icon("cross"))
        close.setAutoRaise(True)
        close.setAccessibleName(tr("Close this notice"))
        close.clicked.connect(self._close)
        text = QVBoxLayout()
        text.setSpacing(2)
        text.addWidget(self._title)
        if remedy:
            body = QLabel(remedy, self)
            body.setWordWrap(True)
            text.addWidget(body)
        text.addWidget(self._times)
        row = QHBoxLayout(self)
        row.setContentsMargins(48, 12, 10, 12)
        row.addLayout(text, 1)
        row.addWidget(close, 0, Qt.AlignmentFlag.AlignTop)
        self.setFixedWidth(420)
        self.setAccessibleName(f"{what} {remedy}".strip())
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._close)
        self._restart()

    def again(self) -> None:
        """The same happened once more."""
        self.count += 1
        self._times.setText(tr("{n} times", n=self.count))
        self._times.show()
        self._restart()

    def _restart(self) -> None:
        if self.level in _STAY_MS:
            self._timer.start(_STAY_MS[self.level])

    def _close(self) -> None:
        self.closed.emit(self)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Notices take clicks, so that none falls through to the page below."""
        event.accept()

    def paintEvent(self, event: QPaintEvent) -> None:
        """A raised plate with the tone's bar and sign."""
        scheme = current_scheme()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        plate = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.setPen(QColor(scheme.line))
        painter.setBrush(QColor(scheme.base))
        painter.drawRoundedRect(plate, 8, 8)
        tone = scheme.tone(_TONES[self.level])
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(tone)
        painter.drawRoundedRect(QRectF(plate.left() + 1, plate.top() + 8, 4, plate.height() - 16), 2, 2)
        paint_icon(painter, _ICONS[self.level], QRectF(plate.left() + 15, plate.top() + 12, 22, 22), tone)
        painter.end()


class Toasts(QObject):
    """Stacks notices in the upper right corner of a widget, away from the verbs."""

    def __init__(self, host: QWidget) -> None:
        super().__init__(host)
        self._host = host
        self.shown: list[Toast] = []
        host.installEventFilter(self)

    def show(self, what: str, remedy: str = "", level: Level = Level.INFO) -> Toast:
        """Show a notice, or count it when the same one stands already."""
        for toast in self.shown:
            if (toast.what, toast.remedy) == (what, remedy):
                toast.again()
                self._place()
                return toast
        toast = Toast(what, remedy, level, self._host)
        toast.closed.connect(self._remove)
        self.shown.append(toast)
        while len(self.shown) > MAX_TOASTS:
            self._remove(self.shown[0])
        toast.show()
        self._place()
        return toast

    def clear(self) -> None:
        """Close all."""
        for toast in tuple(self.shown):
            self._remove(toast)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Keep them in the corner."""
        if watched is self._host and event.type() == QEvent.Type.Resize:
            self._place()
        return False

    def _remove(self, toast: Toast) -> None:
        if toast in self.shown:
            self.shown.remove(toast)
            toast.hide()
            toast.deleteLater()
            self._place()

    def _place(self) -> None:
        top = 18
        for toast in reversed(self.shown):
            toast.resize(toast.width(), toast.heightForWidth(toast.width()))
            toast.move(self._host.width() - toast.width() - 18, top)
            toast.raise_()
            top += toast.height() + 10
