"""Known errors in the window's language: their templates stand in `de_errors.json`; one that does not stays English."""

from __future__ import annotations

from core.errors import KnownError, Sentence
from core.handing_over import unpacked
from gui.i18n.translator import tr


def told(text: str) -> str:
    """One sentence of an error, or of a problem that a process reported."""
    if isinstance(text, Sentence):
        return tr(text.template, **{name: told(v) if isinstance(v, str) else v for name, v in text.values.items()})
    return tr(text) if text else ""


def told_form(form: object) -> str:
    """A reason within the answer of a command (`core.handing_over.given`); what is none is shown as it came."""
    try:
        return told(unpacked(form))
    except ValueError:
        return str(form)


def told_error(error: BaseException) -> str:
    """What happened and what to do, in one line; of a bug, its own words."""
    if isinstance(error, KnownError):
        return f"{told(error.what)} {told(error.remedy)}".strip()
    return str(error)
