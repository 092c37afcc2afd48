"""Live curves of a running job, one small plot per figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtWidgets import QGridLayout, QWidget

from gui.i18n import tr
from gui.widgets.plots import add_legend, first_pen, make_plot, second_pen

COLUMNS = 3
_ROOM = 1.5
TITLES: Mapping[str, str] = {
    "site_loss": "Loss on the site's data",
    "replay_loss": "Loss on replayed source data",
    "weight": "Weight of the site's loss",
    "stability": "Stability",
    "anchor": "Drift from the source",
    "mean_score": "Mean score",
    "pseudo_bona_fide": "Guessed labels that are believed, frames",
    "pseudo_agreement": "Sensors that agree with the guess",
}
"""The signals of a pass that a person watches (method.md section 8.3), in this order; the others stand in the log.

What is guessed is there only where a pass learns from presentations without a label.
"""
TOGETHER: Mapping[str, Mapping[str, str]] = {
    "pseudo_bona_fide": {"pseudo_bona_fide": "bona fide", "pseudo_attacks": "attack"}
}
"""Signals that share the plot of the first, with their names."""


class Curves(QWidget):
    """A plot for each watched signal, from its first point on."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.plots: dict[str, Any] = {}
        self._curves: dict[str, dict[str, Any]] = {}
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
                self._show_plot(name, series)

    def _show_plot(self, name: str, series: Mapping[str, tuple[list[int], list[float]]]) -> None:
        newest = []
        for signal, curve in self._curves_of(name).items():
            if signal in series:
                curve.setData(*series[signal])
                words = TOGETHER.get(name, {}).get(signal, "")
                newest.append(f"{tr(words) if words else ''} {series[signal][1][-1]:.3g}".strip())
        if name in TOGETHER:  # counts, with room for the legend above them
            highest = max((max(series[signal][1]) for signal in TOGETHER[name] if signal in series), default=0.0)
            self.plots[name].setYRange(0.0, _ROOM * max(1.0, highest))
        self.plots[name].setAccessibleDescription(", ".join(newest))

    def _curves_of(self, name: str) -> dict[str, Any]:
        """The curves of one plot, which is made with its first point: solid, and dashed for a second one."""
        if name not in self._curves:
            self.plots[name] = plot = make_plot(tr(TITLES[name]))
            place = list(TITLES).index(name)
            self._grid.addWidget(plot, place // COLUMNS, place % COLUMNS)
            names = TOGETHER.get(name)
            if names is None:
                self._curves[name] = {name: plot.plot(pen=first_pen())}
            else:
                add_legend(plot, columns=len(names))
                pens = (first_pen(), second_pen())
                self._curves[name] = {
                    signal: plot.plot(pen=pen, name=tr(words))
                    for (signal, words), pen in zip(names.items(), pens, strict=True)
                }
        return self._curves[name]
