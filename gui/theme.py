"""Light, dark and high contrast: one palette each, one application style sheet that names palette roles only.

Fusion follows the palette; the sheet adds what a palette cannot say: padding, corner radius, minimum sizes. Colours
with a meaning (`tone`) stand here too, so that a test can assert their contrast of at least 4.5 : 1 (anchors.md 4.7).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFont, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication


class Tone(StrEnum):
    """What a colour means. It never stands alone: a shape and a word go with it."""

    GOOD = "good"
    BAD = "bad"
    WARN = "warn"
    CALM = "calm"


@dataclass(frozen=True, slots=True)
class Scheme:
    """One colour scheme, as hexadecimal RGB."""

    window: str
    base: str
    raised: str
    text: str
    muted: str
    line: str
    accent: str
    on_accent: str
    good: str
    bad: str
    warn: str
    calm: str
    fills: tuple[str, str, str, str]
    """Large areas, in the order of `Tone`."""
    on_fill: str

    def tone(self, tone: Tone) -> QColor:
        """Stroke of a mark that means ``tone``, on `base` or `window`."""
        return QColor({Tone.GOOD: self.good, Tone.BAD: self.bad, Tone.WARN: self.warn, Tone.CALM: self.calm}[tone])

    def fill(self, tone: Tone) -> QColor:
        """Large area that means ``tone``; `on_fill` is readable on it."""
        return QColor(self.fills[list(Tone).index(tone)])


LIGHT = Scheme(
    window="#f3f4f6",
    base="#ffffff",
    raised="#e9ebef",
    text="#1a1d21",
    muted="#565d68",
    line="#d3d7de",
    accent="#1f5fbf",
    on_accent="#ffffff",
    good="#1b7340",
    bad="#b3261e",
    warn="#8a5300",
    calm="#44546a",
    fills=("#1b7340", "#b3261e", "#8a5300", "#44546a"),
    on_fill="#ffffff",
)
DARK = Scheme(
    window="#14171c",
    base="#1b1f26",
    raised="#272c35",
    text="#e7eaee",
    muted="#a2abb8",
    line="#343b46",
    accent="#7fb0ff",
    on_accent="#0d1520",
    good="#63cf8b",
    bad="#ff8a80",
    warn="#f2b84b",
    calm="#a9bbd3",
    fills=("#1d7a45", "#b8322a", "#8f5a08", "#46566d"),
    on_fill="#ffffff",
)
CONTRAST = Scheme(
    window="#000000",
    base="#000000",
    raised="#1a1a1a",
    text="#ffffff",
    muted="#ffffff",
    line="#ffffff",
    accent="#ffd800",
    on_accent="#000000",
    good="#5cff9a",
    bad="#ff9b94",
    warn="#ffd800",
    calm="#cfe3ff",
    fills=("#5cff9a", "#ff9b94", "#ffd800", "#cfe3ff"),
    on_fill="#000000",
)
SCHEMES = {"light": LIGHT, "dark": DARK, "contrast": CONTRAST}

_ICONS = Path(__file__).parent / "icons_svg"
_SHEET = """
QPushButton { padding: 7px 16px; border-radius: 6px; border: 1px solid palette(mid);
  background: palette(button); color: palette(button-text); min-height: 22px; }
QPushButton:hover { background: palette(midlight); }
QPushButton:pressed { background: palette(mid); }
QPushButton:focus { border: 2px solid palette(highlight); padding: 6px 15px; }
QPushButton:disabled { color: palette(placeholder-text);
  background: transparent; }
QPushButton[primary="true"] { background: palette(highlight);
  color: palette(highlighted-text); border-color: palette(highlight); font-weight: 600; }
QPushButton[primary="true"]:focus { border: 2px solid palette(text); }
QPushButton[primary="true"]:disabled { background: palette(button);
  color: palette(placeholder-text); border-color: palette(mid); }
QPushButton[compact="true"] { padding: 7px 10px; }
QPushButton[big="true"] { min-height: 36px; font-size: 15px; }
QLineEdit, QComboBox, QSpinBox, QDoubleSpinBox, QPlainTextEdit, QListWidget, QTableView, QTreeView {
  border: 1px solid palette(mid); border-radius: 6px; background: palette(base); }
QLineEdit, QComboBox, QSpinBox, QDoubleSpinBox { padding: 5px 8px; min-height: 22px; }
QLineEdit:focus, QComboBox:focus, QSpinBox:focus, QDoubleSpinBox:focus, QPlainTextEdit:focus, QListWidget:focus,
QTableView:focus { border: 1px solid palette(highlight); }
QComboBox { combobox-popup: 0; }
QComboBox QAbstractItemView { background: palette(base); border: 1px solid palette(mid);
  selection-background-color: palette(highlight); selection-color: palette(highlighted-text); }
QComboBox QAbstractItemView::item { min-height: 26px; padding: 0 6px; }
QDialogButtonBox { dialogbuttonbox-buttons-have-icons: 0; }
QComboBox::drop-down { border: none; width: 26px; }
QComboBox::down-arrow, QSpinBox::down-arrow, QDoubleSpinBox::down-arrow {
  image: url("%(icons)s/chevron_down.svg"); width: 14px; height: 14px; }
QSpinBox::up-arrow, QDoubleSpinBox::up-arrow { image: url("%(icons)s/chevron_up.svg"); width: 14px; height: 14px; }
QSpinBox::up-button, QDoubleSpinBox::up-button { subcontrol-origin: border; subcontrol-position: top right;
  border: none; background: transparent; width: 24px; }
QSpinBox::down-button, QDoubleSpinBox::down-button { subcontrol-origin: border; subcontrol-position: bottom right;
  border: none; background: transparent; width: 24px; }
QSpinBox QLineEdit, QDoubleSpinBox QLineEdit { border: none; background: transparent; padding: 0; }
QListWidget::item { padding: 5px 6px; }
QCheckBox { spacing: 8px; }
QCheckBox::indicator, QTableView::indicator { width: 16px; height: 16px; border-radius: 4px;
  border: 1px solid palette(placeholder-text); background: palette(base); }
QCheckBox::indicator:checked, QTableView::indicator:checked { border-color: palette(highlight);
  background: palette(highlight); image: url("%(icons)s/tick_%(tick)s.svg"); }
QCheckBox::indicator:focus { border: 2px solid palette(highlight); }
QCheckBox::indicator:disabled { border-color: palette(mid); background: palette(window); }
QScrollBar:vertical { background: transparent; width: 12px; margin: 0; }
QScrollBar:horizontal { background: transparent; height: 12px; margin: 0; }
QScrollBar::handle { background: palette(mid); border-radius: 4px; margin: 2px; min-height: 28px; min-width: 28px; }
QScrollBar::handle:hover { background: palette(placeholder-text); }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }
QTableView { gridline-color: transparent; selection-background-color: palette(highlight);
  selection-color: palette(highlighted-text); }
QTableView::item { padding: 4px 8px; border: none; }
QHeaderView { background: palette(base); border: none; }
QHeaderView::section { background: palette(base); color: palette(placeholder-text); border: none;
  border-bottom: 1px solid palette(mid); padding: 6px 11px; font-weight: 600; }
QTableCornerButton::section { background: palette(base); border: none; }
QProgressBar { border: none; border-radius: 4px; background: palette(midlight); min-height: 8px; max-height: 8px; }
QProgressBar::chunk { border-radius: 4px; background: palette(highlight); }
QStatusBar { background: palette(base); border-top: 1px solid palette(mid); }
QStatusBar::item { border: none; }
QToolTip { border: 1px solid palette(mid); padding: 4px 6px; background: palette(tool-tip-base);
  color: palette(tool-tip-text); }
QScrollArea { border: none; background: transparent; }
QTabWidget::pane { border: none; }
QTabBar::tab { padding: 7px 14px; border: none; border-bottom: 3px solid transparent; color: palette(placeholder-text);
  background: transparent; }
QTabBar::tab:selected { border-bottom-color: palette(highlight); color: palette(text); font-weight: 600; }
QTabBar::tab:focus { border-bottom-color: palette(text); }
QSplitter::handle { background: transparent; }
"""


def build_palette(scheme: Scheme) -> QPalette:
    """The palette of a scheme; a disabled text is the muted colour."""
    palette = QPalette()
    role = QPalette.ColorRole
    colors = {
        role.Window: scheme.window,
        role.WindowText: scheme.text,
        role.Base: scheme.base,
        role.AlternateBase: scheme.window,
        role.Text: scheme.text,
        role.Button: scheme.base,
        role.ButtonText: scheme.text,
        role.Midlight: scheme.raised,
        role.Light: scheme.raised,
        role.Mid: scheme.line,
        role.Dark: scheme.line,
        role.Shadow: scheme.line,
        role.BrightText: scheme.bad,
        role.Highlight: scheme.accent,
        role.HighlightedText: scheme.on_accent,
        role.Link: scheme.accent,
        role.LinkVisited: scheme.accent,
        role.PlaceholderText: scheme.muted,
        role.ToolTipBase: scheme.base,
        role.ToolTipText: scheme.text,
        role.Accent: scheme.accent,
    }
    for key, value in colors.items():
        palette.setColor(key, QColor(value))
    for key in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, key, QColor(scheme.muted))
    return palette


def contrast_ratio(one: QColor, other: QColor) -> float:
    """WCAG contrast ratio of two opaque colours, 1 to 21."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _luminance(color: QColor) -> float:
    channels = (color.redF(), color.greenF(), color.blueF())
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _followed(choice: str) -> str:
    if choice in SCHEMES:
        return choice
    hints = QGuiApplication.styleHints()
    if hints.accessibility().contrastPreference() == Qt.ContrastPreference.HighContrast:
        return "contrast"
    return "dark" if hints.colorScheme() == Qt.ColorScheme.Dark else "light"


_current = LIGHT


def current_scheme() -> Scheme:
    """The scheme in use, for what is painted by hand."""
    return _current


def apply_theme(app: QApplication, choice: str) -> str:
    """Use ``light``, ``dark`` or ``contrast``; ``system`` follows the desktop. Returns the scheme's name."""
    global _current
    hints = app.styleHints()
    wanted = {"light": Qt.ColorScheme.Light, "dark": Qt.ColorScheme.Dark, "contrast": Qt.ColorScheme.Dark}
    hints.setColorScheme(wanted.get(choice, Qt.ColorScheme.Unknown))
    name = _followed(choice)
    _current = SCHEMES[name]
    if app.style().objectName().lower() != "fusion":
        app.setStyle("Fusion")
    app.setPalette(build_palette(_current))
    # The sheet is set again with every look, so that its palette roles are read anew.
    tick = "white" if _luminance(QColor(_current.on_accent)) > 0.5 else "black"
    app.setStyleSheet(_SHEET % {"icons": _ICONS.as_posix(), "tick": tick})
    return name


def type_size(factor: float, weight: QFont.Weight = QFont.Weight.Normal) -> QFont:
    """The application's font, ``factor`` times its size."""
    font = QFont(QApplication.font())
    font.setPointSizeF(font.pointSizeF() * factor)
    font.setWeight(weight)
    return font
