"""Log files and crash files, one of each per process (anchors.md section 4.6).

Nothing at INFO or above names a subject or an image path. Under pytest no file is written.
"""

from __future__ import annotations

import faulthandler
import logging
import logging.handlers
import multiprocessing
import os
import signal
from pathlib import Path

FORMAT = "%(asctime)s %(process)d %(threadName)s %(levelname)s %(name)s: %(message)s"
MAX_BYTES = 4_000_000
BACKUPS = 5


def start_logging(folder: Path, process: str, *, verbose: bool = False) -> Path | None:
    """Log to ``folder/PROCESS.log`` and dump hard crashes to ``folder/PROCESS.crash``; returns the crash file.

    A folder that cannot be written costs the log, never the start.
    """
    level = os.environ.get("SALLYPORT_LOG", "DEBUG" if verbose else "INFO").upper()
    logging.getLogger().setLevel(level if level in logging.getLevelNamesMapping() else "INFO")
    if "PYTEST_VERSION" in os.environ:
        return None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)  # the data folder, where this is its first file
        folder.mkdir(exist_ok=True, mode=0o700)
        handler = logging.handlers.RotatingFileHandler(
            folder / f"{process}.log", maxBytes=MAX_BYTES, backupCount=BACKUPS, encoding="utf-8", delay=True
        )
        crash = folder / f"{process}.crash"
        # Kept open for the life of the process: the interpreter writes into it while it dies.
        faulthandler.enable(crash.open("a", encoding="utf-8"))
    except OSError as error:
        logging.getLogger(__name__).warning("no log file: %s", error.strerror)
        return None
    handler.setFormatter(logging.Formatter(FORMAT))
    logging.getLogger().addHandler(handler)
    return crash


def begin_child(folder: Path, process: str) -> None:
    """What a child process does first; of a thread that does a child's work there is nothing to prepare."""
    if multiprocessing.parent_process() is not None and multiprocessing.current_process().name != "MainProcess":
        leave_interrupts_to_the_parent()
        start_logging(folder, process)


def leave_interrupts_to_the_parent() -> None:
    """In a child: Ctrl-C and the end of a service reach the whole group; the parent decides when its children end."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
