"""The report's curves: DET of champion and candidate on normal deviates, and the candidate's scores by class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from PySide6.QtWidgets import QHBoxLayout, QWidget

from core.metrics.deviate import TICKS, deviate, percent
from gui.i18n import tr
from gui.widgets.plots import add_legend, first_pen, make_plot, second_pen

_HEADROOM = 1.2
"""The legend stands above the highest bin."""


class ScorePlots(QWidget):
    """Two plots side by side."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._det = make_plot(tr("DET"), "APCER, %", "BPCER, %")
        ticks = [[(deviate(rate), percent(rate)) for rate in TICKS]]
        for side in ("left", "bottom"):
            self._det.getAxis(side).setTicks(ticks)
        low, high = ticks[0][0][0], ticks[0][-1][0]
        self._det.setRange(xRange=(low, high), yRange=(low, high), padding=0.02)
        self._det.showGrid(x=True, y=True, alpha=0.15)
        self._scores = make_plot(tr("Scores of the candidate"), tr("score"), tr("presentations"))
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        add_legend(self._det)
        add_legend(self._scores, columns=2)
        for plot in (self._det, self._scores):
            row.addWidget(plot, 1)
        self.setAccessibleName(tr("DET and scores"))

    def show_figures(
        self, det: Mapping[str, Sequence[tuple[float, float]]], histograms: Mapping[str, Sequence[int]]
    ) -> None:
        """``det``: points (APCER, BPCER) ``before`` and ``after``; ``histograms``: counts over equal bins of 0 to 1."""
        self._det.clear()
        self._scores.clear()
        for name, words, pen in (
            ("before", tr("Champion"), second_pen()),
            ("after", tr("Candidate"), first_pen()),
        ):
            points = det.get(name, ())
            if points:
                apcer, bpcer = zip(*((deviate(a), deviate(b)) for a, b in points), strict=True)
                self._det.plot(list(apcer), list(bpcer), pen=pen, name=words)
        for name, words, pen in (
            ("bona_fide", tr("bona fide"), first_pen()),
            ("attack", tr("attack"), second_pen()),
        ):
            counts = histograms.get(name, ())
            if counts:
                edges = np.linspace(0.0, 1.0, len(counts) + 1)
                self._scores.plot(edges, list(counts), stepMode="center", pen=pen, name=words)
        highest = max((max(counts) for counts in histograms.values() if counts), default=0)
        self._scores.setYRange(0.0, _HEADROOM * max(1, highest), padding=0.02)
