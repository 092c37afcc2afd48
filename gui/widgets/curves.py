"""Live curves of a running job, one small plot per figure (pyqtgraph, loaded when first shown)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyqtgraph as pg
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QGridLayout, QWidget

from gui.i18n import tr
from gui.theme import current_scheme

COLUMNS = 3
MAX_PLOTS = 6


class Curves(QWidget):
    """Plots appear as figures do; the order is that of their first point."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._plots: dict[str, tuple[Any, Any]] = {}
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(8)
        self.setAccessibleName(tr("Curves of the job"))

    def show_events(self, events: Sequence[tuple[int, Mapping[str, float]]]) -> None:
        """All points so far: step and figures by name."""
        series: dict[str, tuple[list[int], list[float]]] = {}
        for step, values in events:
            for name, value in values.items():
                steps, points = series.setdefault(name, ([], []))
                steps.append(step)
                points.append(value)
        for name, (steps, points) in list(series.items())[:MAX_PLOTS]:
            self._curve(name).setData(steps, points)

    def clear(self) -> None:
        """Another job."""
        for plot, _curve in self._plots.values():
            self._grid.removeWidget(plot)
            plot.close()
            plot.deleteLater()
        self._plots.clear()

    def _curve(self, name: str) -> Any:
        if name not in self._plots:
            scheme = current_scheme()
            plot = pg.PlotWidget(background=QColor(scheme.base))
            plot.setTitle(name.replace("_", " "), color=scheme.text, size="10pt")
            plot.setMenuEnabled(False)
            plot.hideButtons()
            plot.setMouseEnabled(x=False, y=False)
            plot.setMinimumHeight(110)
            plot.setAccessibleName(name.replace("_", " "))
            for side in ("left", "bottom"):
                plot.getAxis(side).setPen(scheme.line)
                plot.getAxis(side).setTextPen(scheme.muted)
            curve = plot.plot(pen=pg.mkPen(scheme.accent, width=2))
            place = len(self._plots)
            self._grid.addWidget(plot, place // COLUMNS, place % COLUMNS)
            self._plots[name] = (plot, curve)
        return self._plots[name][1]
