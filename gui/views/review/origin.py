"""Where an imported session comes from, in words."""

from __future__ import annotations

from gui.i18n import tr
from storage.session_signature import Provenance


def origin_words(found: Provenance | None) -> str:
    """Who signed it; empty for what was recorded here, or came in before signatures were kept."""
    if found is None:
        return ""
    if found.own:
        return tr("Signed by this lane itself")
    if found.trusted:
        return tr("Signed by {name}", name=found.name)
    if found.lane:
        return tr("Signed by a lane that nobody here trusted: {key}", key=found.lane[:16])
    return tr("Imported without a signature")
