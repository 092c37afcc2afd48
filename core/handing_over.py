"""Errors that leave the process in which they happened, in a form that the window can still say in another language.

A command that fails says so in English, on stderr, to people. The window, which runs commands as processes of their
own, asks by an environment variable that nobody else sets for one more line there: the same error, its sentences with
their templates and values. Answers in JSON carry that form where they name a reason, and a job that failed leaves it
beside its message in the catalogue.

What is read here was written by another process or lay in a file. A form that is not exactly what `packed` makes counts
only as the text that it carries; a template may fill in values and nothing else.
"""

from __future__ import annotations

import json
import os
import re
import string
import sys
from collections.abc import Mapping
from typing import Any

from core.errors import KnownError, Sentence, sentence_of
from core.untrusted import json_value

VARIABLE = "SALLYPORT_HAND_OVER"
"""Environment variable by which the window asks a command for forms."""
MARK = "sallyport-error: "
"""Begins the line that carries an error; it follows the text that people read."""

_SPEC = re.compile(r"\+?(\.\d{1,2})?[a-z%]?")
"""How a value may be written: a width from outside could ask for gigabytes."""


def packed(text: str) -> Any:
    """``text`` as plain data for JSON: itself, or for a sentence a form of it that `unpacked` reads."""
    if not isinstance(text, Sentence):
        return text
    values = {name: packed(value) if isinstance(value, str) else value for name, value in text.values.items()}
    return {"text": str(text), "template": text.template, "values": values}


def unpacked(form: object) -> str:
    """What `packed` was given; of a form that does not come to its text, the text alone.

    Raises:
        ValueError: there is not even a text.
    """
    if isinstance(form, str):
        return form
    if not isinstance(form, Mapping) or not isinstance(text := form.get("text"), str):
        raise ValueError("it is neither a text nor a sentence")
    try:
        made = _made(form["template"], form["values"])
    except (LookupError, TypeError, ValueError, RecursionError):
        return text
    return made if made == text else text


def _made(template: Any, values: Any) -> Sentence:
    if not isinstance(template, str) or not isinstance(values, Mapping):
        raise TypeError("it is no sentence")
    for _, field, spec, _ in string.Formatter().parse(template):
        if field is not None and not (field in values and _SPEC.fullmatch(spec or "")):
            raise ValueError(f"{field} is not to be filled in")
    kept = {name: value if isinstance(value, int | float) else unpacked(value) for name, value in values.items()}
    return sentence_of(template, kept)


def asked() -> bool:
    """Whether a window listens to this command."""
    return VARIABLE in os.environ


def given(text: str) -> Any:
    """``text`` within an answer in JSON: its form where a window listens, else as people read it."""
    return packed(text) if asked() else text


def hand_over(error: KnownError) -> None:
    """Say on stderr, after the text and where a window listens, what ``error`` is made of."""
    if asked():
        form = {"what": packed(error.what), "remedy": packed(error.remedy)}
        print(MARK + json.dumps(form), file=sys.stderr, flush=True)


def taken_over(line: str) -> tuple[str, str] | None:
    """What happened and what to do, of a line that begins with `MARK`; ``None`` where it cannot be read."""
    try:
        form = json_value(line.removeprefix(MARK))
        return (unpacked(form["what"]), unpacked(form["remedy"])) if isinstance(form, Mapping) else None
    except (KeyError, ValueError):
        return None
