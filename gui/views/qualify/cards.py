"""Which presentation is shown next, worked out from what is missing; no Qt."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from core.codes import QualificationLack, Species
from core.qualification.rules import Judgement, Requirements

USUAL_SPECIES = (Species.PRINT_FLAT, Species.REPLAY_TABLET, Species.MASK_RIGID, Species.PRINT_WORN, Species.MASK_PAPER)
"""Asked for in this order, until enough species are there."""


@dataclass(frozen=True, slots=True)
class Card:
    """The next presentation: a person, or an artefact of a species. Both are counted from 1."""

    species: str = ""
    person: int = 0
    artefact: int = 0


def next_card(judgement: Judgement, required: Requirements) -> Card:
    """Bona fide presentations first, the people in turn; then one species after the other, its artefacts in turn."""
    lacks = {lack.what for lack in judgement.missing}
    if lacks & {QualificationLack.BONA_FIDE, QualificationLack.PEOPLE, QualificationLack.BPCER_BOUND}:
        return Card(person=judgement.bpcer.trials % max(required.people, 1) + 1)
    open_species = next((lack.species for lack in judgement.missing if lack.species), None)
    species = open_species or _new_species(judgement.apcer)
    trials = judgement.apcer[species].trials if species in judgement.apcer else 0
    return Card(species, artefact=trials % max(required.artefacts, 1) + 1)


def _new_species(shown: Collection[str]) -> str:
    return next((str(species) for species in USUAL_SPECIES if species not in shown), str(Species.UNKNOWN))
