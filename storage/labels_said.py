"""Labels as people write them on the command line, where nothing is left empty."""

from __future__ import annotations

from core.codes import Species
from core.errors import UsageError, sentence

_WORDS = {"bona_fide": Species.BONA_FIDE, "attack": Species.UNKNOWN}


def species_said(said: str) -> str:
    """What is stored for a label: a species, empty for ``bona_fide``, `Species.UNKNOWN` for ``attack``.

    Raises:
        UsageError: nothing was said.
    """
    if not said:
        raise UsageError(sentence("{species!r} is no label.", species=said), "Say bona_fide, or name the species.")
    return _WORDS.get(said.strip(), said)
