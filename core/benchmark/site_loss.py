"""The view ``site_missing``: a target as its site would send it, with modalities lost or spoiled by its own profile.

Losses are coupled (sun or a cover takes depth and infrared together), degraded but present, and chosen by the attacker
(`core.scenes.missing`; evaluation.md section 2, point 6). The rows are those of the complete table.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from core.benchmark.tables import table_piece
from core.benchmark.work import Work
from core.codes import Species
from core.scenes.domain import Domain
from core.scenes.missing import apply_loss, draw_loss
from core.training.scoring import crop_of
from core.training.table import CropTable, LabelledCrops, open_table, write_table

SITE_MISSING = "site_missing"
_STREAM = 30107


def lossy_table(work: Work, domain: Domain, split: str) -> CropTable:
    """The table of a split after the site's losses, made unless it lies there."""
    complete = table_piece(domain, split)
    piece = f"{complete}-{SITE_MISSING}"
    if not work.has(piece):
        table = open_table(work.path(complete))
        with work.making(piece) as folder:
            write_table(folder, _lossy(table, domain), len(table))
    return open_table(work.path(piece))


def _lossy(table: CropTable, domain: Domain) -> Iterator[LabelledCrops]:
    for number, name in enumerate(table.presentations):
        random = np.random.default_rng([_STREAM, number])
        loss = draw_loss(domain.missing, Species(table.species[number]), random)
        rows = np.flatnonzero(table.owner == number).tolist()
        crops = apply_loss([crop_of(table.batch([row])) for row in rows], loss, random)
        yield LabelledCrops(name, table.subjects[number], table.species[number], table.domains[number], crops)
