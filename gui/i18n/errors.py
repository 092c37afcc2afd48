"""Known errors in the window's language: their templates stand in `de_errors.json`; one that does not stays English."""

from __future__ import annotations

from core.errors import KnownError, Sentence
from gui.i18n.translator import tr


def told(text: str) -> str:
    """One sentence of an error, or of a problem that a process reported."""
    if isinstance(text, Sentence):
        return tr(text.template, **{name: told(v) if isinstance(v, str) else v for name, v in text.values.items()})
    return tr(text) if text else ""


def told_error(error: BaseException) -> str:
    """What happened and what to do, in one line; of a bug, its own words."""
    if isinstance(error, KnownError):
        return f"{told(error.what)} {told(error.remedy)}".strip()
    return str(error)
