"""The order in which Tab walks: that of the layout. Qt goes by the order in which widgets were made."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLayout, QScrollArea, QTabWidget, QWidget


def follow_layout(root: QWidget) -> None:
    """Let Tab walk through ``root`` as it is laid out, beginning at the first field: rows from above, from the left."""
    stops = list(_stops(root))
    if not stops:
        return
    begins, first = root.nextInFocusChain(), stops[0]
    while begins is not None and begins not in stops:
        begins = begins.nextInFocusChain()
    if begins is not None and begins is not first:  # the two change places: nothing can be put before the beginning
        QWidget.setTabOrder(begins, first)
        QWidget.setTabOrder(first, begins)
    for before, after in pairwise(stops):
        QWidget.setTabOrder(before, after)


def _stops(widget: QWidget | None) -> Iterator[QWidget]:
    """What Tab stops at, in the order of the layouts; what is hidden now may be shown later."""
    if widget is None:
        return
    if widget.focusPolicy() & Qt.FocusPolicy.TabFocus and widget.focusProxy() is None:
        yield widget
    if isinstance(widget, QTabWidget):
        for inner in (widget.tabBar(), *(widget.widget(index) for index in range(widget.count()))):
            yield from _stops(inner)
    elif isinstance(widget, QScrollArea):
        yield from _stops(widget.widget())
    elif (layout := widget.layout()) is not None:
        yield from _laid_out(layout)


def _laid_out(layout: QLayout) -> Iterator[QWidget]:
    for index in range(layout.count()):
        item = layout.itemAt(index)
        assert item is not None
        yield from _stops(item.widget())
        if (inner := item.layout()) is not None:
            yield from _laid_out(inner)
