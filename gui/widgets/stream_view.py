"""The live picture of one modality: newest frame, outline of the face, hint, watermark, and its age made visible."""

from __future__ import annotations

from enum import StrEnum

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QImage, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from core.codes import SourceKind
from core.frames import FrameSet, Modality
from core.pictures import FAR_M, NEAR_M
from gui.i18n import codes, tr
from gui.theme import current_scheme, type_size
from gui.widgets.pictures import greyed, to_image

STALE_MS = 250.0
LOST_MS = 1000.0
_INK = QColor(255, 255, 255)
_SHADE = QColor(0, 0, 0, 150)


class Freshness(StrEnum):
    """How old the picture is (interface.md, Checkpoint)."""

    NONE = "none"
    FRESH = "fresh"
    STALE = "stale"
    LOST = "lost"


class StreamView(QWidget):
    """Draws one modality. It is handed frame sets by a `FrameFeed`, or a single one by a player (`show_still`)."""

    def __init__(self, modality: Modality, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.modality = modality
        self.freshness = Freshness.NONE
        self.source_kind: SourceKind | None = None
        self.shadow = True
        self.hint = ""
        self.box: tuple[int, int, int, int] | None = None
        self.range_m = (NEAR_M, FAR_M)
        self.frame_number = -1
        self._image: QImage | None = None
        self._pending: FrameSet | None = None
        self._arrived_ms = 0.0
        self._still = False
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(120, 90)
        self.setAccessibleName(tr("Live picture: {name}", name=codes.modality(modality)))

    def sizeHint(self) -> QSize:
        """Half a VGA frame; layouts may stretch it."""
        return QSize(320, 240)

    def heightForWidth(self, width: int) -> int:
        """Pictures are 4 : 3."""
        return width * 3 // 4

    # --- what is shown ------------------------------------------------------------------------------------------

    def take(self, frame_set: FrameSet, arrived_ms: float) -> None:
        """See `FrameView.take`. A modality that is not in the mask counts as missing: its last picture grows old."""
        frame = frame_set.frames.get(self.modality)
        if frame is None or self.modality not in frame_set.mask or frame.number == self.frame_number:
            return
        self.frame_number = frame.number
        self._arrived_ms = arrived_ms
        self._pending = frame_set
        self._still = False
        self._set_freshness(Freshness.FRESH)
        self.update()

    def show_still(self, frame_set: FrameSet) -> None:
        """Show a stored frame set; it does not grow old. An absent modality leaves an empty field."""
        self._still = True
        if self.modality in frame_set.frames:
            self._pending = frame_set
            self._set_freshness(Freshness.FRESH)
        else:
            self._image = self._pending = None
            self._set_freshness(Freshness.NONE)
        self.update()

    def tick(self, now_ms: float) -> None:
        """See `FrameView.tick`."""
        if self._still or self.freshness is Freshness.NONE:
            return
        age_ms = now_ms - self._arrived_ms
        state = Freshness.FRESH if age_ms <= STALE_MS else Freshness.STALE if age_ms <= LOST_MS else Freshness.LOST
        self._set_freshness(state)

    def set_overlay(self, box: tuple[int, int, int, int] | None, hint: str) -> None:
        """Outline of the face (``x, y, width, height`` in the picture) and one line about it."""
        if (box, hint) != (self.box, self.hint):
            self.box, self.hint = box, hint
            self.update()

    def set_source_kind(self, kind: SourceKind | None, shadow: bool = True) -> None:
        """What is not live carries a watermark word; a live camera carries SHADOW unless it is said to be qualified."""
        if (kind, shadow) != (self.source_kind, self.shadow):
            self.source_kind, self.shadow = kind, shadow
            self.update()

    def clear(self) -> None:
        """Forget the picture."""
        self._image = self._pending = None
        self.frame_number = -1
        self.box = None
        self._set_freshness(Freshness.NONE)
        self.update()

    @property
    def watermark(self) -> str:
        """The word across the picture."""
        return codes.watermark(self.source_kind, self.shadow) if self.source_kind is not None else ""

    @property
    def message(self) -> str:
        """What the picture says of its own age."""
        if self.freshness is Freshness.STALE:
            return tr("signal lost")
        if self.freshness is Freshness.LOST:
            return tr("NOT AVAILABLE")
        if self.freshness is Freshness.NONE:
            return tr("no {name} in this set", name=codes.modality(self.modality)) if self._still else tr("no picture")
        return ""

    def _set_freshness(self, state: Freshness) -> None:
        if state is not self.freshness:
            self.freshness = state
            self.setAccessibleDescription(self.message)
            self.update()

    # --- painting -----------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        """Picture, then overlays, in one pass; the image is made only when a picture is really drawn."""
        if self._pending is not None:
            frame = self._pending.frames[self.modality]
            self._image = to_image(frame, self._pending.profiles.get(self.modality), *self.range_m)
            self._pending = None
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(self.rect(), QColor(current_scheme().window))
        area = QRectF(self.rect())
        field = self._picture_rect(area)
        painter.fillRect(field, QColor("#0b0d10"))
        if self._image is not None and self.freshness is not Freshness.LOST:
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            stale = self.freshness is Freshness.STALE
            painter.setOpacity(0.55 if stale else 1.0)
            painter.drawImage(field, greyed(self._image) if stale else self._image)
            painter.setOpacity(1.0)
            if not stale:
                self._paint_box(painter, field)
        self._paint_words(painter, field)
        painter.end()

    def _picture_rect(self, area: QRectF) -> QRectF:
        width, height = (self._image.width(), self._image.height()) if self._image is not None else (4, 3)
        scale = min(area.width() / width, area.height() / height)
        field = QRectF(0, 0, width * scale, height * scale)
        field.moveCenter(area.center())
        return field

    def _paint_box(self, painter: QPainter, field: QRectF) -> None:
        if self.box is None or self._image is None:
            return
        scale = field.width() / self._image.width()
        x, y, width, height = self.box
        box = QRectF(field.x() + x * scale, field.y() + y * scale, width * scale, height * scale)
        arm = min(box.width(), box.height()) * 0.22
        for color, pen_width in ((QColor(0, 0, 0, 120), 5.0), (_INK, 2.5)):
            pen = QPen(color, pen_width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap)
            painter.setPen(pen)
            for corner, dx, dy in (
                (box.topLeft(), 1, 1),
                (box.topRight(), -1, 1),
                (box.bottomLeft(), 1, -1),
                (box.bottomRight(), -1, -1),
            ):
                painter.drawLine(corner, corner + QPointF(dx * arm, 0))
                painter.drawLine(corner, corner + QPointF(0, dy * arm))

    def _paint_words(self, painter: QPainter, field: QRectF) -> None:
        small = field.width() < 420
        margin = 6.0 if small else 12.0
        inner = field.adjusted(margin, margin, -margin, -margin)
        corner = Qt.AlignmentFlag
        _pill(painter, inner, codes.modality(self.modality), corner.AlignLeft | corner.AlignTop, 0.85 if small else 1.0)
        if self.watermark:
            _pill(
                painter, inner, self.watermark, corner.AlignRight | corner.AlignTop, 0.85 if small else 1.3, bold=True
            )
        if self.message:
            _pill(painter, inner, self.message, corner.AlignCenter, 1.0 if small else 1.6, bold=True)
        elif self.hint:
            _pill(painter, inner, self.hint, corner.AlignHCenter | corner.AlignBottom, 1.0 if small else 1.3)


def _pill(
    painter: QPainter, inside: QRectF, text: str, align: Qt.AlignmentFlag, size: float, bold: bool = False
) -> None:
    """A word on a dark rounded plate: readable on any picture."""
    painter.setFont(type_size(size, QFont.Weight.Bold if bold else QFont.Weight.Medium))
    metrics = painter.fontMetrics()
    plate = QRectF(0, 0, metrics.horizontalAdvance(text) + metrics.height(), metrics.height() * 1.45)
    place = Qt.AlignmentFlag
    x = inside.left() if align & place.AlignLeft else inside.right() - plate.width()
    if align & place.AlignHCenter:
        x = inside.center().x() - plate.width() / 2
    y = inside.top() if align & place.AlignTop else inside.bottom() - plate.height()
    if align & place.AlignVCenter:
        y = inside.center().y() - plate.height() / 2
    plate.moveTo(x, y)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(_SHADE)
    painter.drawRoundedRect(plate, plate.height() / 2, plate.height() / 2)
    painter.setPen(_INK)
    painter.drawText(plate, Qt.AlignmentFlag.AlignCenter, text)
