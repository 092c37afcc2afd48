"""Guarantee 4: the modalities know more together than each alone.

In a domain, trained on that very domain: a species qualifies where no single modality separates it from bona fide
beyond `MAX_SINGLE` while the joint network reaches `MIN_JOINT`.
"""

from __future__ import annotations

import numpy as np

from core.benchmark.guarantees import reference
from core.benchmark.guarantees.figures import Bounded
from core.benchmark.guarantees.finding import Finding
from core.benchmark.guarantees.study import Floats, Scored, Study
from core.benchmark.guarantees.tables import Rows
from core.frames import MODALITIES
from core.metrics.ranking import auc

MAX_SINGLE, MIN_JOINT, MIN_SPECIES = 0.85, 0.98, 2


def joint_findings(study: Study, name: str) -> list[Finding]:
    """How many species of the domain ``name`` qualify, and the figures of each."""
    seed = study.plan.seeds[0]
    test = study.rows(study.domains[name], "test")
    alone = Scored.of(study.late_fusion([name], seed), [test])
    together = test.pooled(reference.score(study.joint([name], seed), test))[:, 0]
    species = by_species(test, alone.alone, np.fmax(together, -1e9))
    count = float(sum(map(qualifies, species.values())))
    measured = Bounded(count, count, count)
    return [Finding(4, "joint_species", measured, (float(MIN_SPECIES), None), details={"species": species})]


def qualifies(figures: dict[str, float]) -> bool:
    """Whether no single modality does what all do together."""
    alone = max(figures[str(modality)] for modality in MODALITIES)
    return alone <= MAX_SINGLE and figures["joint"] >= MIN_JOINT


def by_species(rows: Rows, alone: Floats, together: Floats) -> dict[str, dict[str, float]]:
    """AUC of each modality and of the joint network, species by species, against all bona fide."""
    found = {}
    people = rows.bona_fide
    for species in np.unique(rows.species[~people]):
        attacks = rows.species == species
        scores = {str(m): np.nan_to_num(alone[:, i], nan=-1e9) for i, m in enumerate(MODALITIES)}
        scores["joint"] = together
        found[str(species)] = {name: round(auc(s[people], s[attacks]) or 0.0, 3) for name, s in scores.items()}
    return found
