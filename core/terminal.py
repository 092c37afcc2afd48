"""What a command says on a terminal, and hears: lists, progress, messages, Ctrl-C.

Results go to stdout, the rest to stderr.
"""

from __future__ import annotations

import dataclasses
import getpass
import json
import os
import select
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from core.errors import ExitCode, InputError, UsageError, sentence
from core.handing_over import hand_over

if TYPE_CHECKING:
    from core.data.manifest import LeftOut


SPEAKER = "sallyport: "
"""Begins what a command says when it fails; the remedy stands indented on the line below."""


def progress(what: str) -> Callable[[int, int], None]:
    """A counter on stderr, where somebody looks at it."""
    if not sys.stderr.isatty():
        return lambda done, total: None

    def show(done: int, total: int) -> None:
        end = "\n" if done >= total else ""
        print(f"\r{what} {done} of {total}", end=end, file=sys.stderr, flush=True)

    return show


def steps(what: str) -> Callable[[int, int], None]:
    """Like `progress`, and one line a step where a program listens (the window runs commands as processes)."""
    if sys.stderr.isatty():
        return progress(what)
    return lambda done, total: print(f"{what} {done} of {total}", file=sys.stderr, flush=True)


def percentage(what: str) -> Callable[[float], None]:
    """The same for work that knows only the fraction that is done."""
    show = progress(what)
    return lambda fraction: show(round(100 * fraction), 100)


def say(text: str, remedy: str = "") -> None:
    """One line on stderr, and the remedy below it."""
    print(text, file=sys.stderr)
    if remedy:
        print(f"  {remedy}", file=sys.stderr)


def reader_left() -> bool:
    """Whether nobody reads stdout any more, as after ``| head``. What was still to be said goes nowhere then."""
    if sys.stdout is None or not hasattr(select, "poll"):  # Windows
        return False
    output = select.poll()
    output.register(sys.stdout.fileno(), 0)  # errors are always told
    if not any(event & select.POLLERR for _, event in output.poll(0)):
        return False
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())  # else Python tries once more at its end, and complains
    os.close(nowhere)
    return True


def heard(errors: str) -> tuple[str, str]:
    """What a command of this program said on stderr when it failed, and its remedy; else its last line, or nothing."""
    lines = [line for line in errors.splitlines() if line.strip()]
    for line, below in pairwise([*lines, ""]):
        if line.startswith(SPEAKER):
            return line.removeprefix(SPEAKER), below.strip() if below.startswith(" ") else ""
    return (lines[-1] if lines else ""), ""


def plain(value: Any) -> Any:
    """Value objects as JSON types."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if isinstance(value, float) and value in (float("inf"), float("-inf")):
        return None
    return value if isinstance(value, str | int | float | bool | type(None)) else str(value)


def show_rows(found: Sequence[Any], columns: Sequence[str], empty: str, *, as_json: bool) -> None:
    """A listing: JSON for programs, else a table of ``columns`` (``empty`` where there is nothing)."""
    rows = [plain(entry) for entry in found]
    if as_json:
        print(json.dumps(rows, indent=2))
        return
    if not rows:
        print(empty)
        return
    cells = [list(columns)] + [[_cell(row.get(column)) for column in columns] for row in rows]
    widths = [max(len(line[i]) for line in cells) for i in range(len(columns))]
    for line in cells:
        print("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip())


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, dict):
        return " ".join(f"{name} {number:+.2f}" for name, number in value.items())
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def told_left_out(left_out: Sequence[LeftOut], place: str) -> int:
    """Name what could not be used; the exit code says that something was."""
    told = [
        sentence("left out, {place} {row}: {reason}", place=place, row=one.row, reason=one.reason) for one in left_out
    ]
    for text in told:
        say(text)
    if told:
        hand_over(InputError(told[-1]))
    return ExitCode.INPUT if left_out else ExitCode.DONE


class Interrupt:
    """Ctrl-C as a request: the first one asks the work to stop cleanly, the second one interrupts it.

    SIGTERM asks alike: by it the window ends its commands, and a machine that is shut down everything. While
    ``at_once`` is set already the first one interrupts: nothing runs yet that has to end cleanly.
    """

    _SIGNALS = (signal.SIGINT, signal.SIGTERM)

    def __init__(self, *, at_once: bool = False) -> None:
        self.at_once = at_once
        self._asked = False
        self._previous: list[Any] = []

    def __call__(self) -> bool:
        """Whether somebody asked to stop."""
        return self._asked

    def __enter__(self) -> Interrupt:
        self._previous = [signal.signal(number, self._ask) for number in self._SIGNALS]
        return self

    def __exit__(self, *_: object) -> None:
        for number, previous in zip(self._SIGNALS, self._previous, strict=True):
            signal.signal(number, previous)

    def _ask(self, *_: object) -> None:
        if self._asked or self.at_once:
            raise KeyboardInterrupt
        self._asked = True


def read_secret(prompt: str, descriptor: int | None = None) -> str:
    """A secret from a file descriptor (one line), or typed by a person without being shown. Never from the arguments.

    Nothing beyond the line is read: the next secret may come from the same descriptor.

    Raises:
        UsageError: the descriptor cannot be read, or nobody is there to be asked.
    """
    if descriptor is not None:
        line = bytearray()
        try:
            while (byte := os.read(descriptor, 1)) not in (b"", b"\n"):
                line += byte
            return line.decode().rstrip("\r")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"The descriptor {descriptor} gives no secret: {error}.", "Give an open one.") from error
    if sys.stdin is None or not sys.stdin.isatty():
        raise UsageError("Nobody is there to type the secret.", "Give it through a file descriptor (`--help`).")
    return getpass.getpass(prompt)
