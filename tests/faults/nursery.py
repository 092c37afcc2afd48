"""Processes to kill, made in milliseconds: children of a fork server that has imported everything and opened nothing.

A child does its work in a real data folder, tells what was acknowledged through a pipe, and is killed: at a moment of
the parent's choice, or by itself at its n-th *step*. Steps are what can leave something half: statements that write,
fsync, files opened for writing, renames, removals. They are counted here, so that the program knows of no failpoints.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import sqlite_utils

from tests.faults.invariants import Told

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["tests.faults.operations"])

Tell = Callable[..., None]
Work = Callable[[Path, Tell], None]

_WRITES = ("INSERT", "UPDATE", "DELETE", "CREATE", "BEGIN", "COMMIT", "VACUUM", "ALTER", "DROP")
_FILE_EVENTS = ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "shutil.copyfile", "shutil.rmtree")


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a child ended: what it acknowledged, the names of its steps, whether it was killed, and its error."""

    told: Told
    steps: list[str]
    killed: bool
    error: str


def run(work: Work, root: Path, *, kill_at: int | None = None, kill_after_s: float | None = None) -> Outcome:
    """Let a child do ``work(root, tell)``, and kill it at step ``kill_at``, after ``kill_after_s``, or not at all."""
    ours, theirs = _CONTEXT.Pipe(duplex=False)
    child = _CONTEXT.Process(target=_live, args=(work, root, theirs, kill_at))
    child.start()
    theirs.close()
    if kill_after_s is not None:
        time.sleep(kill_after_s)
        child.kill()
    told, steps, error = Told(), [], ""
    with ours, contextlib.suppress(EOFError):
        while True:
            kind, values = ours.recv()
            if kind == "step":
                steps.append(values)
            elif kind == "error":
                error = values
            else:
                _note(told, kind, values)
    child.join()
    return Outcome(told, steps, child.exitcode == -signal.SIGKILL, error)


def _note(told: Told, kind: str, values: Any) -> None:
    if kind == "frames":
        session, last = values
        told.frame_sets[session] = max(last, told.frame_sets.get(session, 0))
    else:
        getattr(told, kind).append(values)


def _live(work: Work, root: Path, pipe: Connection, kill_at: int | None) -> None:
    """Body of the child."""
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    _Steps(root, pipe, kill_at).watch()
    try:
        work(root, lambda kind, values: pipe.send((kind, values)))
    except Exception as error:  # noqa: BLE001 - whatever it is, the parent's test fails with it
        pipe.send(("error", f"{type(error).__name__}: {error}"))


class _Steps:
    """Counts the steps of this process, and kills it before one of them."""

    def __init__(self, root: Path, pipe: Connection, kill_at: int | None) -> None:
        self._root = str(root)
        self._pipe = pipe
        self._kill_at = kill_at
        self._count = 0

    def step(self, name: str) -> None:
        """One step is about to be made."""
        if self._count == self._kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        self._count += 1
        if self._kill_at is None:
            self._pipe.send(("step", name))

    def watch(self) -> None:
        """See every statement, fsync and change of a file from here on."""
        execute, fsync = sqlite_utils.Database.execute, os.fsync

        def watched(database: sqlite_utils.Database, sql: str, *rest: Any) -> Any:
            word = sql.split(None, 1)[0].upper()
            if word in _WRITES:
                self.step(" ".join(sql.split()[:3]))
            done = execute(database, sql, *rest)
            if word in ("COMMIT", "VACUUM"):
                self.step(f"after {word}")
            return done

        def flushed(descriptor: Any) -> None:
            self.step("fsync")
            fsync(descriptor)

        patched: Any = sqlite_utils.Database
        patched.execute = watched
        vars(os)["fsync"] = flushed
        sys.addaudithook(self._hear)

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, mode, _ = arguments
            if isinstance(mode, str) and set(mode) & set("wax+") and str(path).startswith(self._root):
                self.step(f"open {Path(str(path)).name}")
        elif event in _FILE_EVENTS and str(arguments[0]).startswith(self._root):
            self.step(f"{event} {Path(str(arguments[0])).name}")
