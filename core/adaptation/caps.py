"""How much one person, one instrument or ten minutes may weigh in a pass (reliability.md section 5.1, point 2).

Whoever stands before the camera again and again would otherwise teach the model a face, or an attack noted as one. The
limits follow the collection: where everybody was captured twenty times, twenty are no flood.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from enum import StrEnum
from statistics import median

import numpy as np

from core.adaptation.settings import TrainingSettings
from core.codes import Species
from core.ports import StoredPresentation

_SUBJECT_MEDIANS = 3
_WINDOW_MEDIANS = 2


class Cap(StrEnum):
    """Which limit a presentation is beyond."""

    SUBJECT = "subject"
    WINDOW = "window"


_Cell = tuple[str, str | None, str]


def capped(presentations: Sequence[StoredPresentation], settings: TrainingSettings) -> dict[str, Cap]:
    """Ids of the presentations that are too many, with the limit that each is beyond.

    A cell is what one person shows of one species with one instrument. It may hold `TrainingSettings.subject_cap`
    presentations, or three times the median of the cells of its class; within `window_s` at most `window_cap`, or twice
    the median. Where the time of capture is unknown (``utc_s`` 0) there is no window. What stays is the first of each
    window, then evenly chosen.
    """
    cells: dict[_Cell, list[StoredPresentation]] = defaultdict(list)
    for one in presentations:
        cells[one.subject, one.species, one.artefact].append(one)
    usual = _usual(cells)
    found: dict[str, Cap] = {}
    for cell, members in cells.items():
        often = usual[_class(cell[1])]
        kept = _within_windows(members, max(settings.window_cap, round(_WINDOW_MEDIANS * often)), settings.window_s)
        found |= dict.fromkeys({one.id for one in members} - {one.id for one in kept}, Cap.WINDOW)
        most = max(settings.subject_cap, round(_SUBJECT_MEDIANS * often))
        if len(kept) > most:
            chosen = {int(place) for place in np.linspace(0, len(kept) - 1, most).round()}
            found |= {one.id: Cap.SUBJECT for place, one in enumerate(kept) if place not in chosen}
    return found


def _class(species: str | None) -> bool | None:
    return None if species is None else species == Species.BONA_FIDE


def _usual(cells: Mapping[_Cell, Sequence[StoredPresentation]]) -> dict[bool | None, float]:
    """How many presentations a cell usually has, by class."""
    sizes: dict[bool | None, list[int]] = defaultdict(list)
    for (_, species, _), members in cells.items():
        sizes[_class(species)].append(len(members))
    return {kind: median(found) for kind, found in sizes.items()}


def _within_windows(members: Sequence[StoredPresentation], most: int, window_s: float) -> list[StoredPresentation]:
    """Those of which fewer than ``most`` were kept in the time before them."""
    kept: list[StoredPresentation] = []
    for one in sorted(members, key=lambda member: member.utc_s):
        crowded = len(kept) >= most and one.utc_s - kept[-most].utc_s < window_s
        if not (one.utc_s and crowded):
            kept.append(one)
    return kept
