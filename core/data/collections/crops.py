"""Face crops of a protocol's rows: what training on a collection's train split starts from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from core.data.manifest import LeftOut, ManifestRow, load_frame_set
from core.errors import InputError
from core.face.sampler import FaceSampler
from core.frames import FaceCrop


@dataclass(frozen=True, slots=True)
class Crops:
    """The face crops of one presentation, as training takes them (`core.training.table.LabelledCrops`)."""

    id: str
    subject: str
    species: str
    crops: tuple[FaceCrop, ...]


def crops_of(
    rows: Sequence[ManifestRow], left_out: list[LeftOut], sampler: FaceSampler | None = None
) -> Iterator[Crops]:
    """The face crops of the presentations of ``rows`` (the train split of a protocol, say), in order.

    What cannot be read, and frames without a face, are counted in ``left_out``.
    """
    sampler = sampler or FaceSampler()
    groups: dict[str, list[ManifestRow]] = {}
    for row in rows:
        groups.setdefault(row.presentation, []).append(row)
    for name, members in groups.items():
        crops: list[FaceCrop] = []
        sampler.reset()
        for row in members:
            try:
                sample = sampler.sample(load_frame_set(row))
            except InputError as error:
                left_out.append(LeftOut(row.line, f"{name}: {error.what}"))
                continue
            if sample.crop is None:
                left_out.append(LeftOut(row.line, f"{name}: no face crop ({sample.reason})"))
            else:
                crops.append(sample.crop)
        if crops:
            yield Crops(name, members[0].subject, members[0].species, tuple(crops))
