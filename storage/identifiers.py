"""Names that the program gives: short enough to type, sortable by time, unguessable enough never to collide."""

from __future__ import annotations

import secrets
import time


def timed_id(utc_s: float) -> str:
    """``20261123-203015-7f3a2c``: UTC to the second and 24 random bits."""
    return f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime(utc_s))}-{secrets.token_hex(3)}"


def random_id(prefix: str) -> str:
    """``prefix-`` and 40 random bits, for things that a person names otherwise (artefacts, consents)."""
    return f"{prefix}-{secrets.token_hex(5)}"
