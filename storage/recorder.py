"""The recording thread of the capture process: queue in, frames database out (architecture.md section 3).

Only frame sets that are committed count as recorded. What does not fit into the queue is dropped whole and counted.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from core.errors import KnownError
from core.frames import FrameSet
from storage.disk import Ballast, DiskGuard
from storage.frames import FrameStore
from storage.paths import DataFolder
from storage.problems import DiskFullError
from storage.sealing import DataKey

log = logging.getLogger(__name__)

QUEUE_SETS = 60
"""Two seconds at 30 Hz; 110 MB of 640x480 frame sets."""
BATCH_SETS = 10
"""At most so many frame sets are one transaction; when the disk keeps up, each is its own."""

_WAIT_S = 0.1
"""How often an idle recorder looks whether it was closed."""


class SessionRecorder:
    """Implements `core.ports.Recorder`.

    Payloads are sealed by ``key``. The ballast of ``folder`` is released when the disk is full. ``committed`` is
    called from the recording thread with the numbers of the frame sets of each commit.

    Raises:
        HostError: the database cannot be made, or the disk has too little room to begin.
        InputError: the file at ``path`` belongs to something else.
    """

    def __init__(
        self,
        path: Path,
        session: str,
        *,
        key: DataKey | None = None,
        folder: DataFolder | None = None,
        guard: DiskGuard | None = None,
        queue_sets: int = QUEUE_SETS,
        committed: Callable[[Sequence[int]], None] | None = None,
    ) -> None:
        self._guard = guard or DiskGuard(path.parent)
        self._guard.require_room()
        self._ballast = None if folder is None else Ballast(folder.ballast)
        self._committed = committed
        self._store = FrameStore.create(path, session, key)
        self._queue: queue.Queue[FrameSet] = queue.Queue(queue_sets)
        self._lock = threading.Lock()
        self._recorded = 0
        self._dropped = 0
        self._problem = ""
        self._warning = ""
        self._closing = False
        self._thread = threading.Thread(target=self._run, name=f"recorder {session}", daemon=True)
        self._thread.start()

    @property
    def recorded(self) -> int:
        """See `core.ports.Recorder.recorded`."""
        return self._recorded

    @property
    def dropped(self) -> int:
        """See `core.ports.Recorder.dropped`."""
        return self._dropped

    @property
    def problem(self) -> str:
        """See `core.ports.Recorder.problem`."""
        return self._problem

    @property
    def warning(self) -> str:
        """What a person should do before the recorder has to stop, or the empty string."""
        return self._warning

    def offer(self, frame_set: FrameSet) -> bool:
        """See `core.ports.FrameSink.offer`."""
        if not self._problem and not self._closing:
            try:
                self._queue.put_nowait(frame_set)
            except queue.Full:
                log.debug("the queue is full at frame set %d", frame_set.number)
            else:
                return True
        self._drop(1)
        return False

    def close(self) -> None:
        """See `core.ports.Recorder.close`. May be called twice."""
        self._closing = True
        self._thread.join()
        self._drop_waiting()

    # --- in the recording thread ----------------------------------------------------------------------------------

    def _run(self) -> None:
        ended = False
        try:
            self._record()
            ended = True
        except KnownError as error:
            self._give_up(error.in_one())
            if isinstance(error, DiskFullError) and self._ballast is not None:
                self._ballast.release()
            ended = True
        finally:
            if not ended:
                self._give_up("The recorder failed. The crash file tells why.")
            self._finish()

    def _record(self) -> None:
        while batch := self._next_batch():
            self._write(batch)
            if problem := self._guard.problem():
                self._give_up(problem)
                return
            self._warning = self._guard.warning()

    def _next_batch(self) -> list[FrameSet]:
        """What is waiting, at most a batch; empty when the recorder is closed and nothing waits."""
        batch: list[FrameSet] = []
        while not batch:
            try:
                batch.append(self._queue.get(timeout=_WAIT_S))
            except queue.Empty:
                if self._closing:
                    return batch
        while len(batch) < BATCH_SETS and not self._queue.empty():
            batch.append(self._queue.get())
        return batch

    def _write(self, batch: Sequence[FrameSet]) -> None:
        try:
            self._store.append(batch)
        except BaseException:
            self._drop(len(batch))
            raise
        self._recorded += len(batch)
        if self._committed is not None:
            self._committed([frame_set.number for frame_set in batch])

    def _give_up(self, problem: str) -> None:
        """Stop by itself: what is committed stays, what still waits is counted as dropped."""
        self._problem = problem
        log.error("recording stopped: %s", problem)

    def _finish(self) -> None:
        self._drop_waiting()
        try:
            self._store.checkpoint()
        except KnownError as error:
            # The write-ahead log stays beside the file; SQLite reads both, and the next start tidies up.
            self._problem = self._problem or error.in_one()
        self._store.close()

    def _drop_waiting(self) -> None:
        while not self._queue.empty():
            self._queue.get()
            self._drop(1)

    def _drop(self, count: int) -> None:
        with self._lock:
            self._dropped += count
