"""The end that comes from outside: SIGTERM, Ctrl-C or a terminal that is closed end the window in order."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QObject, QSocketNotifier, Slot

_ASKING = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


class Departure(QObject):
    """Calls ``leave`` when the system asks the program to end; the second time the process ends at once.

    Qt waits in its own code, where Python's handlers do not run. So Python writes a byte for each signal, and Qt wakes
    up at it.
    """

    def __init__(self, leave: Callable[[], object], parent: QObject) -> None:
        super().__init__(parent)
        self._leave = leave
        self._heard, self._said = socket.socketpair()
        for end in (self._heard, self._said):
            end.setblocking(False)
        self._notifier = QSocketNotifier(self._heard.fileno(), QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self._on_signal)
        self._woken_before = signal.set_wakeup_fd(self._said.fileno(), warn_on_full_buffer=False)
        self._previous: dict[int, Any] = {number: signal.signal(number, _ignored) for number in _ASKING}

    def close(self) -> None:
        """The signals mean again what they did before."""
        self._notifier.setEnabled(False)
        for number, before in self._previous.items():
            signal.signal(number, before)
        signal.set_wakeup_fd(self._woken_before)
        self._heard.close()
        self._said.close()

    @Slot()
    def _on_signal(self) -> None:
        asked = any(number in _ASKING for number in self._heard.recv(64))
        if asked:
            for number in _ASKING:
                signal.signal(number, signal.SIG_DFL)
            self._leave()


def _ignored(*_: object) -> None:
    """The byte that Python wrote is what counts."""
