"""Simulated presentations beside the site's: the memory that is replayed, the ones that calibrate, and the hold-out.

They are rendered from the factory's own domains with seeds, hence people, of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from core.adaptation.material import Sample
from core.adaptation.paired import Stratum

Simulate = Callable[[Sequence[str], range, int], Iterator[Sample]]
"""``(domains, numbers, seed)`` -> the simulated samples with these numbers, of both classes."""

ATTACKS = 2.0 / 3.0
"""Share of the simulated presentations."""
_FRAMES = 2
_PEOPLE = 1000
"""So many that hardly two presentations of one seed share a person."""


def simulated(domains: Sequence[str], numbers: range, seed: int) -> Iterator[Sample]:
    """Presentations over the named embedded domains (all where none is named), a third of them bona fide."""
    from core.scenes.artefacts import SIMULATED_SPECIES
    from core.scenes.crops import presentation
    from core.scenes.domain import DOMAINS
    from core.scenes.spec import scene_species

    chosen = [DOMAINS[name].model_copy(update={"frames": _FRAMES, "people": _PEOPLE}) for name in domains or DOMAINS]
    attacks = [scene_species(name) for name in SIMULATED_SPECIES]
    for index in numbers:
        domain = chosen[index % len(chosen)]
        turn = index // len(chosen)
        species = scene_species("bona_fide") if turn % 3 == 0 else attacks[(turn - turn // 3 - 1) % len(attacks)]
        made = presentation(domain, species, seed, index)
        yield Sample(made.id, made.subject, made.species, Stratum.SOURCE, made.crops)
