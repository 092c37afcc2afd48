"""Which labelled presentations are labelled twice: the same share of each person's labels and of each class.

The draw follows a key that nobody knows, so it can be repeated but not foreseen: whoever gives wrong labels cannot tell
which of them will be looked at again.
"""

from __future__ import annotations

import hashlib
import hmac
import math
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass

SHARE = 0.2
"""Of each person's labels of each class, unless somebody asks for another share."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A labelled presentation, whoever labelled it, and its class."""

    id: str
    by: str
    bona_fide: bool


def drawn(candidates: Iterable[Candidate], before: Collection[str], share: float, key: bytes) -> list[str]:
    """Ids that are newly to be labelled twice, in an order that tells nothing.

    ``before``: what was drawn earlier; it counts towards the ``share`` (0 to 1, rounded up in each stratum).
    """
    strata: dict[tuple[str, bool], list[str]] = defaultdict(list)
    for one in candidates:
        strata[one.by, one.bona_fide].append(one.id)
    found: list[str] = []
    for ids in strata.values():
        already = sum(one in before for one in ids)
        wanted = math.ceil(share * len(ids) - 1e-9) - already
        fresh = shuffled((one for one in ids if one not in before), key)
        found += fresh[: max(0, wanted)]
    return shuffled(found, key)


def shuffled(ids: Iterable[str], key: bytes) -> list[str]:
    """``ids`` in the order of their HMAC under ``key``."""
    return sorted(ids, key=lambda one: hmac.digest(key, one.encode(), hashlib.sha256))
