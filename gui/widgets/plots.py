"""Plots in the colours of the window (pyqtgraph, loaded when the first plot is shown)."""

from __future__ import annotations

from typing import Any

import pyqtgraph as pg
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor

from gui.theme import current_scheme


def make_plot(title: str, bottom: str = "", left: str = "") -> Any:
    """A plot that is looked at, not dragged about; its title is its accessible name."""
    scheme = current_scheme()
    plot = pg.PlotWidget(background=QColor(scheme.base))
    plot.setTitle(title, color=scheme.text, size="10pt")
    plot.setMenuEnabled(False)
    plot.hideButtons()
    plot.setMouseEnabled(x=False, y=False)
    plot.setMinimumHeight(110)
    plot.setAccessibleName(title)
    for side, words in (("left", left), ("bottom", bottom)):
        plot.getAxis(side).setPen(scheme.line)
        plot.getAxis(side).setTextPen(scheme.muted)
        if words:
            plot.setLabel(side, words, color=scheme.muted)
    return plot


def first_pen() -> Any:
    """Solid, in the accent colour."""
    return pg.mkPen(current_scheme().accent, width=2)


def second_pen() -> Any:
    """Dashed, in the text colour: to be told apart without colours."""
    return pg.mkPen(current_scheme().text, width=2, style=Qt.PenStyle.DashLine)


def add_legend(plot: Any, columns: int = 1) -> None:
    """Name the curves within the plot; in a low plot beside each other."""
    plot.addLegend(offset=(-10, 10 if columns == 1 else 1), labelTextColor=current_scheme().text, colCount=columns)
