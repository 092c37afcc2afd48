"""What the instruments of a site are made with: the inks of its prints and the pigment of its paints at 850 nm.

Who attacks one site uses one printer and one kind of paint. Dye inks vanish in infrared, laser toner and carbon stay,
and paints lie anywhere between (scenes.md, "Infrared"): a cue that is plain at one site is the other way round at the
next, which is what makes a domain of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Ink(StrEnum):
    """What a print is made with, as infrared sees it."""

    DYE = "dye"
    """Vanishes: the paper is blank."""
    CARBON = "carbon"
    """Laser toner, pigment: as dark as in colour."""
    BLACK_PLATE = "black_plate"
    """Only what is darker than the skin by itself is in carbon."""


@dataclass(frozen=True, slots=True)
class Palette:
    """``inks`` in equal shares, nothing = as craft has it; ``pigment (low, high)``: how much of a paint's darkness in
    colour is left in infrared, ``None`` = as craft has it.
    """

    inks: tuple[Ink, ...] = ()
    pigment: tuple[float, float] | None = None


ANY_PALETTE = Palette()
