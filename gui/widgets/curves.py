"""Live curves of a running job, one small plot per figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtWidgets import QGridLayout, QWidget

from gui.i18n import tr
from gui.widgets.plots import first_pen, make_plot

COLUMNS = 3
TITLES: Mapping[str, str] = {
    "site_loss": "Loss on the site's data",
    "replay_loss": "Loss on replayed source data",
    "weight": "Weight of the site's loss",
    "stability": "Stability",
    "anchor": "Drift from the source",
    "mean_score": "Mean score",
}
"""The signals of a pass that a person watches (method.md section 8.3), in this order; the others stand in the log."""


class Curves(QWidget):
    """A plot for each watched signal, from its first point on."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._curves: dict[str, Any] = {}
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
        for name in TITLES:
            if name in series:
                self._curve(name).setData(*series[name])

    def _curve(self, name: str) -> Any:
        if name not in self._curves:
            plot = make_plot(tr(TITLES[name]))
            place = list(TITLES).index(name)
            self._grid.addWidget(plot, place // COLUMNS, place % COLUMNS)
            self._curves[name] = plot.plot(pen=first_pen())
        return self._curves[name]
