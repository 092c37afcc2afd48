"""From stored presentations to face crops: a few frames of each, and the hybrids that each real bona fide brings along.

A real bona fide never stands alone: wherever it trains it also enters as hybrid attacks of the training family, and
where it judges, as hybrids of the judging family (evaluation.md section 3).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from core.adaptation.paired import Stratum
from core.adaptation.plan import PlannedPresentation
from core.codes import Species
from core.data.hybrids import Family, hybrids_of
from core.frames import ALL_MODALITIES, FaceCrop, FrameSet, ModalityMask
from core.ports import PresentationStore

CropFace = Callable[[FrameSet], FaceCrop | None]
"""Finds, registers and cuts the face of a frame set (`core.face.sampler`); ``None`` where there is none."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One presentation as the pass sees it.

    ``evidence``: the modalities that tell its class. A hybrid says nothing in a mask without the modality that was
    changed, so it neither trains nor judges there.
    """

    presentation: str
    subject: str
    species: str
    stratum: Stratum
    crops: tuple[FaceCrop, ...]
    evidence: ModalityMask = ALL_MODALITIES

    @property
    def mask(self) -> ModalityMask:
        """The modalities that every crop has."""
        return common_mask(self.crops)

    @property
    def bona_fide(self) -> bool:
        """Whether the presentation is bona fide."""
        return self.species == Species.BONA_FIDE


def common_mask(crops: Iterable[FaceCrop]) -> ModalityMask:
    """The modalities that every crop has."""
    mask = ALL_MODALITIES
    for crop in crops:
        mask = mask & crop.mask
    return mask


def site_samples(
    planned: Iterable[PlannedPresentation],
    store: PresentationStore,
    crop_face: CropFace,
    frames: int,
    family: Family,
    seed: int,
) -> Iterator[Sample | None]:
    """Samples of planned presentations, each bona fide followed by its hybrids.

    Yields ``None`` for a presentation in which no face was found: it was looked at, and is counted by the caller.
    """
    for presentation in planned:
        crops = _crops(presentation.id, store, crop_face, frames)
        if not crops:
            yield None
            continue
        yield Sample(presentation.id, presentation.subject, presentation.species, Stratum.SITE, crops)
        if presentation.species == Species.BONA_FIDE:
            yield from hybrid_samples(presentation, crops, family, seed)


def unlabelled_crops(
    presentations: Iterable[str], store: PresentationStore, crop_face: CropFace, frames: int
) -> Iterator[tuple[str, tuple[FaceCrop, ...]]]:
    """Crops of presentations without a label, with their ids; none where no face was found."""
    for presentation in presentations:
        yield presentation, _crops(presentation, store, crop_face, frames)


def _crops(presentation: str, store: PresentationStore, crop_face: CropFace, frames: int) -> tuple[FaceCrop, ...]:
    """The crops of a presentation that share a modality: of those that have nothing in common, the newest and its like.

    A sensor that was covered first and another one later must not leave a presentation that no mask fits.
    """
    found = [crop_face(frame_set) for frame_set in store.frame_sets(presentation, frames)]
    crops = tuple(crop for crop in found if crop is not None and crop.mask)
    if not crops or common_mask(crops):
        return crops
    return tuple(crop for crop in crops if crop.mask == crops[-1].mask)


def hybrid_samples(
    presentation: PlannedPresentation, crops: Sequence[FaceCrop], family: Family, seed: int
) -> Iterator[Sample]:
    """The hybrid attacks of one bona fide presentation."""
    for hybrid in hybrids_of(crops, family, seed, presentation.id):
        name = f"{presentation.id}/{hybrid.species}"
        yield Sample(name, presentation.subject, hybrid.species, Stratum.HYBRID, hybrid.crops, hybrid.changed)
