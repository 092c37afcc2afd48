from __future__ import annotations

import pytest
from PySide6.QtCore import QEvent
from PySide6.QtGui import QColor, QHelpEvent, QPalette
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QApplication, QToolTip
from pytestqt.qtbot import QtBot

from gui.actions import PAGES, VERBS
from gui.app import SallyportApp
from gui.icons import _FOLDER, icon
from gui.theme import SCHEMES, Scheme, Tone, apply_theme, build_palette, contrast_ratio
from gui.widgets.forms import combo_box

READABLE = 4.5


@pytest.mark.parametrize("name", SCHEMES)
def test_every_text_is_readable(name: str) -> None:
    scheme: Scheme = SCHEMES[name]
    palette, role = build_palette(scheme), QPalette.ColorRole
    pairs = [
        (role.WindowText, role.Window),
        (role.Text, role.Base),
        (role.ButtonText, role.Button),
        (role.ButtonText, role.Midlight),
        (role.PlaceholderText, role.Base),
        (role.PlaceholderText, role.Window),
        (role.HighlightedText, role.Highlight),
        (role.ToolTipText, role.ToolTipBase),
        (role.BrightText, role.Base),
    ]
    for text, ground in pairs:
        ratio = contrast_ratio(palette.color(text), palette.color(ground))
        assert ratio >= READABLE, f"{text.name} on {ground.name}: {ratio:.2f}"
    for tone in Tone:
        assert contrast_ratio(QColor(scheme.on_fill), scheme.fill(tone)) >= READABLE, tone
        assert contrast_ratio(scheme.tone(tone), QColor(scheme.base)) >= READABLE, tone
        assert contrast_ratio(scheme.tone(tone), QColor(scheme.window)) >= READABLE, tone


def test_contrast_of_black_and_white_is_21() -> None:
    assert contrast_ratio(QColor("#000000"), QColor("#ffffff")) == pytest.approx(21.0)


@pytest.mark.parametrize("choice", ["light", "dark", "contrast"])
def test_a_chosen_theme_is_used_whatever_the_system_says(qapp: SallyportApp, choice: str) -> None:
    assert apply_theme(qapp, choice) == choice
    assert qapp.palette().color(QPalette.ColorRole.Window) == QColor(SCHEMES[choice].window)


def test_the_system_theme_is_one_of_ours(qapp: SallyportApp) -> None:
    assert apply_theme(qapp, "system") in SCHEMES


@pytest.mark.qt_log_level_fail("CRITICAL")  # without a screen, a tool tip cannot come to the front
def test_a_long_choice_ends_in_dots_and_its_tool_tip_has_all_of_it(qapp: SallyportApp, qtbot: QtBot) -> None:
    box = combo_box(name="Species")
    qtbot.addWidget(box)
    box.addItems(["short", "a choice that no box of this width can hold"])
    box.setFixedWidth(140)
    box.show()
    tips = []
    for index in range(2):
        box.setCurrentIndex(index)
        here = box.rect().center()
        QApplication.sendEvent(box, QHelpEvent(QEvent.Type.ToolTip, here, box.mapToGlobal(here)))
        tips.append(box.toolTip())
    QToolTip.hideText()
    assert tips == ["", "a choice that no box of this width can hold"]


@pytest.mark.qt_log_level_fail("CRITICAL")  # without a screen, a list that opens cannot take the keyboard
@pytest.mark.parametrize("choice", ["light", "dark", "contrast"])
def test_the_chosen_entry_of_an_open_list_is_readable(qapp: SallyportApp, qtbot: QtBot, choice: str) -> None:
    apply_theme(qapp, choice)
    box = combo_box(name="Species")
    qtbot.addWidget(box)
    box.addItems(["MMMMMMMM", "second"])
    box.show()
    box.showPopup()
    view = box.view()
    row = view.grab(view.visualRect(box.model().index(0, 0))).toImage()
    colors = {row.pixelColor(x, y).name() for x in range(row.width()) for y in range(row.height())}
    ground = QColor(SCHEMES[choice].accent)
    assert ground.name() in colors
    assert max(contrast_ratio(QColor(color), ground) for color in colors) >= READABLE
    box.hidePopup()
    apply_theme(qapp, "light")


def test_every_icon_draws(qapp: SallyportApp) -> None:
    for path in _FOLDER.glob("*.svg"):
        assert QSvgRenderer(str(path)).isValid(), path.name
    for info in (*PAGES, *VERBS):
        assert not icon(info.icon).isNull()


def test_shortcuts_of_one_page_do_not_collide() -> None:
    for page in ("", *(info.id for info in PAGES)):
        keys = [info.shortcut for info in (*PAGES, *VERBS) if info.page in ("", page) and info.shortcut]
        assert len(keys) == len(set(keys)), page
