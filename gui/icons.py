"""Line icons, 24 units square (`icons_svg/`), drawn in the colour that the palette gives text."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from PySide6.QtCore import QByteArray, QRectF, Qt
from PySide6.QtGui import QColor, QGuiApplication, QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

_FOLDER = Path(__file__).parent / "icons_svg"


@cache
def _source(name: str) -> str:
    return (_FOLDER / f"{name}.svg").read_text(encoding="utf-8")


def _svg(name: str, color: QColor) -> QSvgRenderer:
    return QSvgRenderer(QByteArray(_source(name).replace("currentColor", color.name()).encode()))


def paint_icon(painter: QPainter, name: str, rect: QRectF, color: QColor) -> None:
    """Draw an icon into ``rect``."""
    _svg(name, color).render(painter, rect)


def pixmap(name: str, color: QColor, size_px: int, ratio: float) -> QPixmap:
    """The icon at a device pixel ratio."""
    picture = QPixmap(round(size_px * ratio), round(size_px * ratio))
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    _svg(name, color).render(painter)
    painter.end()
    picture.setDevicePixelRatio(ratio)
    return picture


def icon(name: str) -> QIcon:
    """An icon in the palette's present colours; ask again after the theme changed."""
    palette = QGuiApplication.palette()
    found = QIcon()
    for ratio in (1.0, 2.0, 3.0):
        group = palette.ColorGroup
        normal = palette.color(group.Active, palette.ColorRole.ButtonText)
        muted = palette.color(group.Disabled, palette.ColorRole.ButtonText)
        found.addPixmap(pixmap(name, normal, 20, ratio), QIcon.Mode.Normal)
        found.addPixmap(pixmap(name, muted, 20, ratio), QIcon.Mode.Disabled)
    return found
