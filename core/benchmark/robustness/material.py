"""Presentations that no training has seen, one frame set each, for the attacks and for planted conflicts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from core.benchmark.work import Canceled, Report, stop_if
from core.codes import Species
from core.frames import ALL_MODALITIES, FaceCrop, Modality
from core.model.inputs import CropBatch
from core.scenes.crops import presentation
from core.scenes.domain import Domain
from core.scenes.spec import scene_species

SEED = 731_000
"""Far from the seeds of training and of the study."""


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """One crop. ``species`` is empty for bona fide."""

    domain: str
    species: str
    crop: FaceCrop


def still_domain(domain: Domain) -> Domain:
    """The domain with one frame set a presentation, never nearer than the depth sensor can measure."""
    return domain.model_copy(update={"frames": 1, "blind_share": 0.0})


def crop_of(domain: Domain, species: Species, seed: int, index: int) -> FaceCrop:
    """The crop of one presentation; the same ``seed`` and ``index`` mean the same circumstances for every species."""
    return presentation(still_domain(domain), species, seed, index).crops[0]


def draw_cases(
    domains: Sequence[Domain], bona_fide: int, attacks: int, report: Report, canceled: Canceled, seed: int = SEED
) -> tuple[list[Case], list[Case]]:
    """``bona_fide`` and ``attacks`` presentations with every modality, domains and species in turn.

    Raises:
        CanceledError: ``canceled``.
    """
    found: tuple[list[Case], list[Case]] = ([], [])
    for kind, count in enumerate((bona_fide, attacks)):
        index = 0
        while len(found[kind]) < count:
            stop_if(canceled)
            domain = domains[index % len(domains)]
            kinds = [name for name in domain.species if name != "bona_fide"] if kind else ["bona_fide"]
            species = scene_species(kinds[index // len(domains) % len(kinds)])
            crop = crop_of(domain, species, seed + kind, index)
            if crop.mask == ALL_MODALITIES:
                found[kind].append(Case(domain.name, str(species), crop))
            index += 1
            report("presentations to attack", (sum(map(len, found))) / (bona_fide + attacks))
    return found


def exchanged(crop: FaceCrop, donor: FaceCrop, modality: Modality) -> FaceCrop:
    """``crop`` with one modality of ``donor``: a conflict that is planted and known."""
    if modality is Modality.RGB:
        return replace(crop, rgb=donor.rgb)
    if modality is Modality.IR:
        return replace(crop, ir=donor.ir)
    return replace(crop, depth=donor.depth, metric_depth=donor.metric_depth, face_mm=donor.face_mm)


def crops_of(batch: CropBatch) -> list[FaceCrop]:
    """The rows of a batch as face crops: what `core.model.inputs.stack` undoes."""
    found = []
    for row, present in enumerate(batch.presence.tolist()):
        rgb, depth, infrared = present
        found.append(
            FaceCrop(
                rgb=batch.rgb[row] if rgb else None,
                depth=batch.depth[row] if depth else None,
                ir=batch.ir[row] if infrared else None,
                metric_depth=bool(batch.metric[row]),
                face_mm=float(batch.face_mm[row]) or None,
            )
        )
    return found
