"""Several things that end one after the other, whatever becomes of each."""

from __future__ import annotations

import logging
from collections.abc import Callable

log = logging.getLogger(__name__)


def end_all(*ends: Callable[[], object]) -> None:
    """Call every one of them, in this order; raises the first error at the end, later ones are logged."""
    first: BaseException | None = None
    for end in ends:
        try:
            end()
        except BaseException as error:
            if first is None:
                first = error
            else:
                log.error("another error at the end", exc_info=error)
    if first is not None:
        raise first
