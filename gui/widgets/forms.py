"""Small building blocks of pages: verb buttons, headings, quiet text, plates, and the state of an empty page."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QKeyCombination, QRectF, Qt
from PySide6.QtGui import QAction, QColor, QFont, QKeyEvent, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import (
    QComboBox,
    QFormLayout,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from gui.icons import pixmap
from gui.theme import current_scheme, type_size
from gui.widgets.elided import Choice

GAP = 12
MARGIN = 16


class VerbButton(QPushButton):
    """A button that follows an action: text, shortcut, icon, enabled state. ``compact`` shows the icon alone."""

    def __init__(
        self, action: QAction, parent: QWidget, primary: bool = False, big: bool = False, compact: bool = False
    ) -> None:
        super().__init__(parent)
        self._action, self._primary, self._compact = action, primary, compact
        self.setProperty("primary", primary)
        self.setProperty("big", big)
        self.setProperty("compact", compact)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        if big:
            self.setMinimumHeight(50)
        self.clicked.connect(action.trigger)
        action.changed.connect(self._follow)
        self._follow()

    def event(self, event: QEvent) -> bool:
        """Space presses the button that has the focus, also where the page has given that key to another verb."""
        if not isinstance(event, QKeyEvent) or event.type() != QEvent.Type.ShortcutOverride:
            return super().event(event)
        own = event.keyCombination() == QKeyCombination(Qt.Key.Key_Space)
        event.setAccepted(own)
        return own or super().event(event)

    def _follow(self) -> None:
        words = self._action.text()
        keys = self._action.shortcut().toString(self._action.shortcut().SequenceFormat.NativeText)
        self.setAccessibleName(words)
        self.setToolTip(f"{words}  {keys}".strip() if self._compact else keys)
        home = self._home()
        if self.hasFocus() and not self._action.isEnabled() and home is not None:
            home.setFocus()  # Qt would give it to the next button, which the next Space would then press
        self.setEnabled(self._action.isEnabled())
        if not self._action.isVisible():  # not this person's: absent, not greyed
            self.hide()
        if not self._primary:  # a primary button has its own background, on which an icon in text colour would vanish
            self.setIcon(self._action.icon())
        if not self._compact:
            lead = "" if self._primary else "  "
            self.setText(f"{lead}{words}   {keys}" if keys else f"{lead}{words}")

    def _home(self) -> QWidget | None:
        """The page whose verb it is."""
        widget = self.parentWidget()
        while widget is not None and self._action not in widget.actions():
            widget = widget.parentWidget()
        return widget


def form_layout(parent: QWidget | None = None) -> QFormLayout:
    """Labels on the left, middle of their row; fields as wide as there is room."""
    form = QFormLayout(parent) if parent is not None else QFormLayout()
    form.setContentsMargins(0, 0, 0, 0)
    form.setVerticalSpacing(10)
    form.setHorizontalSpacing(14)
    form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
    return form


def add_row(form: QFormLayout, words: str, field: QWidget, *beside: QWidget) -> None:
    """A labelled row; the label's mnemonic leads to ``field``, other widgets may stand beside it."""
    label = QLabel(words)
    label.setBuddy(field)
    label.setMinimumHeight(36)
    if not beside:
        form.addRow(label, field)
        return
    row = QHBoxLayout()
    row.setSpacing(6)
    row.addWidget(field, 1)
    for widget in beside:
        row.addWidget(widget)
    form.addRow(label, row)


def combo_box(parent: QWidget | None = None, name: str = "") -> QComboBox:
    """A choice that does not widen its page when an entry is long."""
    box = Choice(parent)
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    box.setMinimumContentsLength(6)
    if name:
        box.setAccessibleName(name)
    return box


def spin_box(low: int, high: int, value: int, suffix: str = "", parent: QWidget | None = None) -> QSpinBox:
    """A whole number."""
    box = QSpinBox(parent)
    box.setRange(low, high)
    box.setValue(value)
    box.setSuffix(suffix)
    box.lineEdit().setTextMargins(6, 0, 0, 0)
    return box


def heading(text: str, parent: QWidget | None = None, size: float = 1.15) -> QLabel:
    """A title within a page."""
    label = QLabel(text, parent)
    label.setFont(type_size(size, QFont.Weight.DemiBold))
    return label


def quiet(text: str = "", parent: QWidget | None = None) -> QLabel:
    """Secondary text, wrapped."""
    label = QLabel(text, parent)
    label.setWordWrap(True)
    label.setForegroundRole(QPalette.ColorRole.PlaceholderText)
    return label


class Plate(QFrame):
    """A raised area with a thin line around it; its layout is a column."""

    def __init__(self, parent: QWidget | None = None, margin: int = MARGIN) -> None:
        super().__init__(parent)
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(margin, margin, margin, margin)
        self.column.setSpacing(GAP)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Rounded plate in the base colour."""
        scheme = current_scheme()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QColor(scheme.line))
        painter.setBrush(QColor(scheme.base))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 10, 10)
        painter.end()


class EmptyState(QWidget):
    """What a page shows when there is nothing yet: a picture, one sentence, and what to do next."""

    def __init__(self, icon_name: str, what: str, remedy: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._icon_name = icon_name
        self._picture = QLabel(self)
        self._picture.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.what = heading(what, self)
        self.remedy = quiet(remedy, self)
        for label in (self.what, self.remedy):
            label.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.remedy.setMaximumWidth(460)
        column = QVBoxLayout(self)
        column.setSpacing(8)
        column.addStretch(1)
        column.addWidget(self._picture)
        column.addWidget(self.what)
        column.addWidget(self.remedy, 0, Qt.AlignmentFlag.AlignHCenter)
        self.body = column
        column.addStretch(1)
        self.setAccessibleName(what)

    def paintEvent(self, event: QPaintEvent) -> None:
        """The picture follows the theme."""
        color = QColor(current_scheme().muted)
        wanted = f"{self._icon_name}{color.name()}"
        if self._picture.property("drawn") != wanted:
            self._picture.setPixmap(pixmap(self._icon_name, color, 44, self.devicePixelRatioF()))
            self._picture.setProperty("drawn", wanted)
        super().paintEvent(event)

    def say(self, what: str, remedy: str) -> None:
        """Change the words."""
        self.what.setText(what)
        self.remedy.setText(remedy)
        self.setAccessibleName(what)
