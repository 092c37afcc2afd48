"""Errors that people may meet, and how they are told.

A `KnownError` is something outside the program's control: bad input, a full disk, a camera that is gone. It carries
what happened and what to do, reaches the person as a notification or one line on stderr, and sets the exit code of
formats.md. Anything else that escapes is a bug: it goes to the crash file and exits with 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes of the command line (formats.md)."""

    DONE = 0
    BUG = 1
    USAGE = 2
    INPUT = 3
    ENVIRONMENT = 4
    CANCELED = 130


class Sentence(str):
    """An English text that knows what it was made of, so that the window can say it in another language.

    ``template`` is what it is looked up by (`gui.i18n.errors`), ``values`` fill the template's fields. Everywhere else,
    also in messages between processes, logs and JSON, it is the text.
    """

    template: str
    values: Mapping[str, str | int | float]


def sentence(template: str, /, **values: object) -> Sentence:
    """``template`` with its ``{name}`` fields filled; what is neither text nor a number enters as its text.

    A value may be a sentence of its own.
    """
    return sentence_of(template, values)


def sentence_of(template: str, values: Mapping[str, object]) -> Sentence:
    """The same of a template that is written elsewhere: whoever calls this answers for what it fills in."""
    kept = {name: _picklable(value) for name, value in values.items()}
    made = Sentence(template.format(**kept))
    made.template, made.values = template, kept
    return made


def _picklable(value: object) -> str | int | float:
    if isinstance(value, float):
        return float(value)
    return value if type(value) in (int, Sentence) else str(value)  # type: ignore[return-value]


class KnownError(Exception):
    """Something outside the program went wrong; ``what`` happened and ``remedy``: what the person can do."""

    exit_code = ExitCode.ENVIRONMENT

    def __init__(self, what: str, remedy: str = "") -> None:
        super().__init__(what, remedy)
        self.what = what
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.what} {self.remedy}".strip()

    def in_one(self) -> str:
        """What happened and what to do as one text that the window can still say in another language."""
        return sentence("{what} {remedy}", what=self.what, remedy=self.remedy) if self.remedy else self.what


class UsageError(KnownError):
    """The command line or a setting does not make sense."""

    exit_code = ExitCode.USAGE


class InputError(KnownError):
    """A file, recording, manifest, model or database that was handed in cannot be used."""

    exit_code = ExitCode.INPUT


class HostError(KnownError):
    """The machine does not allow it: disk, camera, lock, missing library."""

    exit_code = ExitCode.ENVIRONMENT


class CanceledError(KnownError):
    """The person asked to stop; what was finished is kept."""

    exit_code = ExitCode.CANCELED
