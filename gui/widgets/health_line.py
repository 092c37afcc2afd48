"""Camera health, always in the status line: a sign, a word, the streams, the model; colour alone says nothing."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPolygonF
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from core.codes import ConnectionState, Reason
from core.frames import MODALITIES
from core.messages import CameraHealth, DoorChanged, ModelReady, Standing
from gui.i18n import codes, tr
from gui.i18n.errors import told
from gui.theme import Tone, current_scheme
from gui.widgets.elided import OneLine

_TONES = {
    ConnectionState.STREAMING: Tone.GOOD,
    ConnectionState.DEGRADED: Tone.WARN,
    ConnectionState.WARM_UP: Tone.CALM,
    ConnectionState.OPENING: Tone.CALM,
    ConnectionState.SEARCHING: Tone.CALM,
    ConnectionState.ENDED: Tone.CALM,
    ConnectionState.RESETTING: Tone.WARN,
    ConnectionState.BACK_OFF: Tone.WARN,
    ConnectionState.LOST: Tone.BAD,
    ConnectionState.FAILED: Tone.BAD,
}


class Sign(QWidget):
    """A small sign: disc = good, triangle = warning, square = bad, ring = calm."""

    def __init__(self, parent: QWidget | None = None, name: str = "") -> None:
        super().__init__(parent)
        self.tone = Tone.CALM
        self.setFixedSize(16, 16)
        self.setAccessibleName(name or tr("Camera health"))

    def sizeHint(self) -> QSize:
        """Fixed."""
        return QSize(16, 16)

    def set_tone(self, tone: Tone) -> None:
        """Change the sign."""
        if tone is not self.tone:
            self.tone = tone
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw it."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        color = current_scheme().tone(self.tone)
        field = QRectF(self.rect()).adjusted(3, 3, -3, -3)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(color)
        if self.tone is Tone.GOOD:
            painter.drawEllipse(field)
        elif self.tone is Tone.WARN:
            points = [field.bottomLeft(), QPointF(field.center().x(), field.top()), field.bottomRight()]
            painter.drawPolygon(QPolygonF(points))
        elif self.tone is Tone.BAD:
            painter.drawRect(field)
        else:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QColor(color))
            painter.drawEllipse(field)
        painter.end()


class HealthLine(QWidget):
    """State of camera and model in one line."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._sign = Sign(self)
        self.state = OneLine(tr("No camera"), self)
        self.streams = QLabel(self)
        self.model = QLabel(self)
        self.drops = QLabel(self)
        self.door_sign = Sign(self, tr("Door"))
        self.door = QLabel(self)
        self.policy = QLabel(self)
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 3, 12, 3)
        row.setSpacing(10)
        row.addWidget(self._sign)
        for label in (self.state, self.streams, self.drops):
            row.addWidget(label)
        row.addStretch(1)
        for widget in (self.policy, self.door_sign, self.door, self.model):
            row.addWidget(widget)
        self.set_model(None)
        self.show_door(None)
        self.show_standing(Standing())

    def show_health(self, health: CameraHealth) -> None:
        """A new report of the camera."""
        self._sign.set_tone(_TONES[health.state])
        kind = codes.source(health.source_kind)
        self.state.setText(f"{health.device.name or tr('Camera')} ({kind}): {codes.connection(health.state)}")
        rates = [
            f"{codes.modality(m)} {health.streams[m].fps_hz:.0f} Hz"
            if m in health.mask and m in health.streams
            else tr("{name} missing", name=codes.modality(m))
            for m in MODALITIES
            if m in health.streams or m in health.mask
        ]
        self.streams.setText("   ".join(rates))
        lost = health.dropped_capture + health.dropped_recorder
        self.drops.setText(tr("{n} dropped", n=lost) if lost else "")
        self._describe()

    def show_failure(self, what: str) -> None:
        """The camera could not be opened at all."""
        self._sign.set_tone(Tone.BAD)
        self._only_state(told(what))

    def show_opening(self, source: str) -> None:
        """A source is being opened."""
        self._sign.set_tone(Tone.CALM)
        self._only_state(tr("Opening {source}", source=source))

    def _only_state(self, words: str) -> None:
        """There is no camera of which anything else could be said."""
        self.state.setText(words)
        self.streams.clear()
        self.drops.clear()
        self._describe()

    def _describe(self) -> None:
        words = (self.state.text(), self.streams.text(), self.drops.text())
        self.setAccessibleDescription(" ".join(filter(None, words)))

    def show_door(self, door: DoorChanged | None) -> None:
        """What gate controllers are told; ``None`` = nobody is told anything."""
        self.door_sign.setVisible(door is not None)
        self.door.setVisible(door is not None)
        if door is None:
            return
        self.door_sign.set_tone(Tone.GOOD if door.open else Tone.CALM if door.controllers else Tone.WARN)
        state = tr("Door open") if door.open else tr("Door closed: {why}", why=codes.door(door.reason))
        nobody = "" if door.controllers else tr("no gate controller listens")
        self.door.setText("   ".join(filter(None, (state, nobody))))

    def show_standing(self, standing: Standing) -> None:
        """Whether this site decides otherwise than the program does as it comes."""
        refused = standing.withheld is Reason.POLICY_REFUSED
        own = tr("Own site policy") if standing.own_policy else ""
        self.policy.setText(tr("Site policy refused") if refused else own)
        self.policy.setVisible(bool(self.policy.text()))

    def set_model(self, model: ModelReady | None) -> None:
        """The deployed model; ``None`` while it loads."""
        self.model.setText(
            tr("Model {name} ({digest}) on {device}", name=model.name, digest=model.sha256[:8], device=model.device)
            if model is not None
            else tr("Loading the model")
        )
