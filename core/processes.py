"""Child processes: spawned, spoken to over a pipe, and killable.

A child's entry point is ``target(pipe, *args)``. It must exit when the pipe closes (its parent died). With
``threaded=True`` the same target runs in a thread of this process, for debugging and tests.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import HostError
from core.logs import leave_interrupts_to_the_parent

if TYPE_CHECKING:
    from concurrent.futures import ProcessPoolExecutor

_SPAWN = multiprocessing.get_context("spawn")

_AUTOGROUP = Path("/proc/self/autogroup")
_LOWEST = 19

Target = Callable[..., None]


class Child:
    """One child process (or thread) and the station's end of its pipe."""

    def __init__(self, name: str, target: Target, *args: Any, threaded: bool = False) -> None:
        self.name = name
        self._target = target
        self._args = args
        self._threaded = threaded
        self._runner: Any = None
        self.pipe: Connection | None = None

    def start(self) -> None:
        """Start (again, after `kill`)."""
        ours, theirs = _SPAWN.Pipe(duplex=True)
        self.pipe = ours
        if self._threaded:
            self._runner = threading.Thread(
                target=self._target, args=(theirs, *self._args), name=self.name, daemon=True
            )
            self._runner.start()
            return
        self._runner = _SPAWN.Process(target=self._target, args=(theirs, *self._args), name=self.name)
        self._runner.start()
        theirs.close()

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self._runner is not None and self._runner.is_alive()

    @property
    def pid(self) -> int | None:
        """Process id; ``None`` for a thread or before the start."""
        return getattr(self._runner, "pid", None)

    @property
    def exit_code(self) -> int | None:
        """Exit code once it has ended; negative = signal; ``None`` for a thread or while it runs."""
        return getattr(self._runner, "exitcode", None)

    def send(self, message: object) -> bool:
        """Send a message; ``False`` when the child is gone."""
        if self.pipe is None:
            return False
        try:
            self.pipe.send(message)
        except (BrokenPipeError, ConnectionResetError, OSError):
            return False
        return True

    def join(self, timeout_s: float) -> bool:
        """Wait for its end; ``True`` when it has ended."""
        if self._runner is not None:
            self._runner.join(timeout_s)
        return not self.alive

    def kill(self) -> None:
        """End it now (SIGKILL). A thread cannot be killed: it is told by its closed pipe."""
        if self._runner is not None and not self._threaded:
            self._runner.kill()
            self._runner.join(5.0)
        self.close()

    def close(self) -> None:
        """Close our end of the pipe; the child takes that as the order to stop."""
        if self.pipe is not None:
            self.pipe.close()
            self.pipe = None


@contextmanager
def workers(count: int) -> Iterator[ProcessPoolExecutor]:
    """A pool of ``count`` spawned processes; what nobody waits for any more when it is left is not begun.

    Ctrl-C reaches the whole group: this process is asked to stop, and its workers finish what they are at.

    Raises:
        HostError: a worker has ended by itself (the kernel kills where memory is short).
    """
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool

    with ProcessPoolExecutor(count, mp_context=_SPAWN, initializer=leave_interrupts_to_the_parent) as pool:
        try:
            yield pool
        except BrokenProcessPool as error:
            raise HostError(
                "A process that took part in the work was ended from outside.",
                "Mostly memory was too short: close other programs, then start again; what is finished is kept.",
            ) from error
        finally:
            pool.shutdown(cancel_futures=True)


def usable_cores() -> int:
    """Cores that this process may use: fewer than the machine has where a container or a service confines it."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def compute_with_one_thread() -> None:
    """Before torch is loaded: one thread for work on one crop at a time.

    Threads gain nothing on a single crop and wait actively for each other on a busy machine (measured: explaining a
    verdict beside a running camera took 2.5 s of CPU with one thread, 11.9 s with two).
    """
    os.environ.setdefault("OMP_NUM_THREADS", "1")


@contextmanager
def without_collection() -> Iterator[None]:
    """Around imports of much: modules make objects that stay, and the collector would look at all of them repeatedly.

    Measured in CPU time: what the inference process imports 1.6 s, without the collector 1.4 s; a command 0.42 and
    0.37 s.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def yield_to_the_station() -> None:
    """Lower this process's priority: long work must not make frames late.

    Linux schedules sessions against each other first ("autogroup"), and within them by nice value: a process that was
    detached into a session of its own has to lower that session too, or its nice value counts for nothing
    (measured: niced to 15 and detached, it took half of what a process at -5 in another session wanted).
    """
    os.nice(10)
    leads_its_session = hasattr(os, "getsid") and os.getsid(0) == os.getpid()
    if leads_its_session and _AUTOGROUP.exists():
        _AUTOGROUP.write_text(str(_LOWEST), encoding="ascii")
