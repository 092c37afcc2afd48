"""What happens after a bug: the window stays, the person is told, a file keeps the facts for the next start.

Hard crashes are written into the same file by `core.logs.start_logging` (faulthandler); this module adds tracebacks
of exceptions and the mark by which the next start knows that a run ended badly.
"""

from __future__ import annotations

import logging
import sys
import threading
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

log = logging.getLogger(__name__)


class CrashFile:
    """``window.crash`` in a folder, and a mark that stands there while the window runs.

    A folder that cannot be written costs the file, never the start.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / "window.crash"
        self._mark = folder / "window.running"
        self.last_run_ended_badly = self._mark.exists()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._mark.write_text(_now(), encoding="utf-8")
        except OSError as error:
            log.warning("no crash file: %s", error.strerror)

    def append(self, text: str) -> None:
        """Keep a traceback."""
        try:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(f"--- {_now()}\n{text}\n")
        except OSError as error:
            log.warning("no crash file: %s", error.strerror)

    def close(self) -> None:
        """This run ended well."""
        try:
            self._mark.unlink(missing_ok=True)
        except OSError as error:
            log.warning("the mark of this run stays: %s", error.strerror)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def install_hooks(report: Callable[[BaseException, str], None]) -> Callable[[], None]:
    """Send every exception that escapes, from any thread, to ``report(error, traceback)``; returns the way back.

    PySide calls `sys.excepthook` for an exception in a slot; the program goes on.
    """
    before, before_threads = sys.excepthook, threading.excepthook

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            before(kind, error, trace)
            return
        text = "".join(traceback.format_exception(kind, error, trace))
        log.error("unhandled exception\n%s", text)
        report(error, text)

    def thread_hook(args: threading.ExceptHookArgs) -> None:
        if args.exc_value is not None:
            hook(args.exc_type, args.exc_value, args.exc_traceback)

    def restore() -> None:
        sys.excepthook, threading.excepthook = before, before_threads

    sys.excepthook, threading.excepthook = hook, thread_hook
    return restore
