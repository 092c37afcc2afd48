"""A label given blind, and what several people's labels of one presentation amount to.

Each person has one voice: the newest label that they gave. Only the class counts (bona fide or attack): from pictures
nobody tells every species of instrument from another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from core.codes import Species


class Standing(StrEnum):
    """What the labels of one presentation amount to."""

    ONCE = "once"
    """Nobody looked a second time."""
    AGREED = "agreed"
    """More people hold the label that stands than hold the other one."""
    CONTESTED = "contested"
    """As many hold the other one, or more: nobody knows what it shows."""


@dataclass(frozen=True, slots=True)
class BlindLabel:
    """A label of somebody who saw the pictures alone. Species: empty = bona fide, ``unknown`` = some attack.

    ``by`` is whoever gave it, ``first`` the label that stood then and ``first_by`` whoever had given that one.
    """

    species: str
    by: str
    first: str
    first_by: str

    @property
    def differs(self) -> bool:
        """Whether it names the other class than the label that stood then."""
        return bona_fide(self.species) is not bona_fide(self.first)


@dataclass(frozen=True, slots=True)
class Labels:
    """All labels of one presentation: the one that stands, whoever gave it, and the blind ones in their order."""

    species: str
    by: str
    blind: Sequence[BlindLabel] = ()

    @property
    def voices(self) -> dict[str, str]:
        """The species that each person named last."""
        found: dict[str, str] = {}
        for label in self.blind:
            found[label.first_by] = label.first
            found[label.by] = label.species
        return {**found, self.by: self.species}

    @property
    def standing(self) -> Standing:
        """See `Standing`. Whoever relabels a presentation as in the blind label of their own has one voice, not two."""
        if not self.blind:
            return Standing.ONCE
        lead = sum(1 if bona_fide(said) else -1 for said in self.voices.values())
        agreed = lead > 0 if bona_fide(self.species) else lead < 0
        return Standing.AGREED if agreed else Standing.CONTESTED

    @property
    def overruled_by(self) -> BlindLabel | None:
        """The blind label that is to stand instead: more people hold its class than the one that stands.

        The first of that class that names a species, else the first of that class.
        """
        lead = sum(1 if bona_fide(said) else -1 for said in self.voices.values())
        if lead == 0 or (lead > 0) is bona_fide(self.species):
            return None
        same = [label for label in self.blind if bona_fide(label.species) is (lead > 0)]
        named = [label for label in same if label.species != Species.UNKNOWN]
        return next(iter(named or same), None)


def bona_fide(species: str) -> bool:
    """Whether a label says bona fide."""
    return species == Species.BONA_FIDE
