"""Training presentations: face crops of simulated people and instruments (`core.scenes.stage` shoots them)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from core.codes import Species
from core.face.crop import cut
from core.frames import ALL_MODALITIES, FaceCrop
from core.scenes.domain import Domain
from core.scenes.spec import scene_species
from core.scenes.stage import BOX_MM, Stage, person_number

__all__ = ["BOX_MM", "ScenePresentation", "by_person", "generate", "presentation", "presentations"]


@dataclass(frozen=True, slots=True, eq=False)
class ScenePresentation:
    """One simulated presentation. ``species`` is empty for bona fide; ``nuisance``: what must not tell the class."""

    id: str
    subject: str
    species: str
    crops: tuple[FaceCrop, ...]
    nuisance: Mapping[str, float]


def generate(domain: Domain, species: Sequence[str], n: int, seed: int) -> Iterator[ScenePresentation]:
    """Render ``n`` presentations, the species in turn (``bona_fide`` or empty is a person); deterministic by ``seed``.

    Raises:
        UsageError: a species cannot be rendered.
    """
    return presentations(domain, species, seed, range(n))


def presentations(
    domain: Domain, species: Sequence[str], seed: int, indexes: Sequence[int]
) -> Iterator[ScenePresentation]:
    """Render the presentations with those indexes, in that order; number ``i`` shows species ``i`` modulo their count.

    Presentation ``i`` depends on ``domain``, ``species``, ``seed`` and ``i`` only: several processes can each make a
    part. Painted people and their ray-casting scenes are kept, so that indexes in the order of `by_person` cost less.

    Raises:
        UsageError: a species cannot be rendered.
    """
    kinds = [scene_species(name) for name in (species or domain.species)]
    for index in indexes:
        yield presentation(domain, kinds[index % len(kinds)], seed, index)


def by_person(domain: Domain, seed: int, indexes: Sequence[int]) -> list[int]:
    """The indexes ordered by the person who takes part, each person's victims together."""
    return sorted(indexes, key=lambda index: (person_number(domain, seed, index), index % 3, index))


def presentation(domain: Domain, species: Species, seed: int, index: int) -> ScenePresentation:
    """Render one presentation."""
    stage = Stage(domain, species, seed, index)
    crops = []
    for _ in range(domain.frames):
        frame_set, box = stage.shoot()
        crops.append(cut(frame_set, ALL_MODALITIES, box))
    return ScenePresentation(stage.id, stage.subject, str(species), tuple(crops), stage.nuisance.figures())
