"""Which modality tells the class of a presentation, and the hybrids in which only one does.

A simulated face beside a simulated attack differs in everything that the renderer does to them. A *hybrid* differs in
one thing: a rendered person keeps sensor, noise, hair, background and crop, and only the relief is laid onto a sheet,
or the infrared onto another material (`core.data.hybrids`, training family). It teaches that geometry and material are
the attack, not the look of a rendering. It says nothing under a mask without the modality that was changed.

Attacks with the right relief are told by depth only through what no sensor is sure to show (a smoother skin, a seam):
they count less where depth is alone, or depth would learn the renderer and refuse people.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from core.codes import Species
from core.data.hybrids import Family, hybrids_of
from core.training.table import LabelledCrops

HYBRIDS = (str(Species.HYBRID_SHEET), str(Species.HYBRID_MASK))
RIGHT_RELIEF = ("mask_rigid", "mask_flexible", "mask_half", "mannequin", "partial")
_OF_RIGHT_RELIEF = 0.1


def telling_of(species: Sequence[str]) -> NDArray[np.float32]:
    """``float32 (P, 3)``: how much rgb, depth and ir tell of each presentation's class."""
    weights = np.ones((len(species), 3), dtype=np.float32)
    names = np.asarray(species)
    weights[np.isin(names, RIGHT_RELIEF), 1] = _OF_RIGHT_RELIEF
    weights[names == HYBRIDS[0]] = (0.0, 1.0, 0.0)
    weights[names == HYBRIDS[1]] = (0.0, 0.0, 1.0)
    return weights


def with_hybrids(presentations: Iterable[LabelledCrops]) -> Iterator[LabelledCrops]:
    """Every presentation, each bona fide one followed by a hybrid of it (sheets and masks in turn)."""
    people = 0
    for presentation in presentations:
        yield presentation
        if presentation.species == Species.BONA_FIDE:
            people += 1
            made = hybrids_of(
                presentation.crops, Family.TRAINING, zlib.crc32(presentation.id.encode()), presentation.id
            )
            for hybrid in made[people % 2 :][:1]:
                name = str(hybrid.species)
                yield replace(presentation, id=f"{presentation.id}/{name}", species=name, crops=hybrid.crops)
