"""A source that a person chose, or that was used last, refused in the words of the command line."""

from __future__ import annotations

from devices.sources import SourceSpec, checked_source


def require_source(text: str) -> None:
    """Refuse what cannot be a source, before a station is opened and before anything is stored.

    Simulated scenes are not read again: they are put together from lists (a test holds those against the renderer's) or
    were checked on the command line, and reading one would load the renderer into the window (60 MB, half a second).

    Raises:
        UsageError: there is no such form.
        InputError: the recording or the script is not there or cannot be one.
    """
    if SourceSpec.parse(text).scheme != "simulated":
        checked_source(text)
