"""The real window under measurement: prints when it was visible and how late its timer ticked while recording.

``python -m tests.benchmarks.window_probe DATA STARTED SECONDS``; STARTED is the wall time at which it was launched.
"""

from __future__ import annotations

import json
import sys
import time

import psutil
from PySide6.QtCore import QEvent, QObject, QTimer

import main
from core.codes import RecordMode, SessionPurpose
from core.commandline import build_parser
from core.station import SessionOrder
from gui.app import Desk, SallyportApp

TICK_MS = 16


class FirstPaint(QObject):
    """Notes when the window was painted for the first time."""

    at_s = 0.0

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """See Qt."""
        if event.type() == QEvent.Type.Paint and not self.at_s:
            self.at_s = time.time()
        return super().eventFilter(watched, event)


def run(data: str, started_s: float, seconds: float) -> None:
    """Open the window, record, tick."""
    app = SallyportApp([])
    desk = Desk(app, main.window_services(build_parser().parse_args(["--data", data])))
    paint = FirstPaint()
    desk.window.installEventFilter(paint)
    ticks_ms: list[float] = []
    last = [0.0]

    def tick() -> None:
        now = time.perf_counter()
        if last[0]:
            ticks_ms.append(1000.0 * (now - last[0]))
        last[0] = now

    timer = QTimer(app)
    timer.setInterval(TICK_MS)
    timer.timeout.connect(tick)

    def record() -> None:
        desk.link.open_session(SessionOrder(SessionPurpose.COLLECTION, RecordMode.FRAMES))
        timer.start()
        QTimer.singleShot(round(1000 * seconds), app.quit)

    desk.link.model_ready.connect(lambda _: QTimer.singleShot(2000, record))
    desk.open()
    app.exec()
    memory = psutil.Process().memory_info().rss / 2**20
    desk.close()
    print(json.dumps({"visible_s": paint.at_s - started_s, "ticks_ms": ticks_ms, "memory_mib": memory}))


if __name__ == "__main__":
    run(sys.argv[1], float(sys.argv[2]), float(sys.argv[3]))
