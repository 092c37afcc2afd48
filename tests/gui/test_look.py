from __future__ import annotations

import pytest
from PySide6.QtGui import QColor, QPalette
from PySide6.QtSvg import QSvgRenderer

from gui.actions import PAGES, VERBS
from gui.app import SallyportApp
from gui.icons import _FOLDER, icon
from gui.theme import SCHEMES, Scheme, Tone, apply_theme, build_palette, contrast_ratio

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


def test_every_icon_draws(qapp: SallyportApp) -> None:
    for path in _FOLDER.glob("*.svg"):
        assert QSvgRenderer(str(path)).isValid(), path.name
    for info in (*PAGES, *VERBS):
        assert not icon(info.icon).isNull()


def test_shortcuts_of_one_page_do_not_collide() -> None:
    for page in ("", *(info.id for info in PAGES)):
        keys = [info.shortcut for info in (*PAGES, *VERBS) if info.page in ("", page) and info.shortcut]
        assert len(keys) == len(set(keys)), page
