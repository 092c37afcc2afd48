"""Captured presentations as training takes them: the face crops of a manifest's rows."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence

from core.data.manifest import LeftOut, ManifestRow, load_frame_set
from core.errors import InputError
from core.face.sampler import FaceSampler
from core.frames import FaceCrop
from core.sampling import spread
from core.training.shards.form import MAX_FRAMES, Split
from core.training.table import LabelledCrops

_SPLITS: dict[str, Split] = {"train": "train", "dev": "dev", "eval": "test"}
_SHARES: tuple[tuple[Split, int], ...] = (("train", 60), ("dev", 80), ("test", 100))
"""Percent of the people that end in each split, summed, where the collector names none."""


def crops_of(
    rows: Sequence[ManifestRow],
    domain: str,
    left_out: list[LeftOut],
    sampler: FaceSampler | None = None,
    done: Callable[[float], None] = lambda share: None,
) -> Iterator[LabelledCrops]:
    """The face crops of the presentations of ``rows`` (the train split of a protocol, say), in order.

    Of a presentation with more than `MAX_FRAMES` frame sets (a video) as many are taken, evenly spread. What cannot be
    read, and frames without a face, are counted in ``left_out``. ``done`` is told the share of the presentations that
    is finished, and may raise to stop.
    """
    sampler = sampler or FaceSampler()
    groups: dict[str, list[ManifestRow]] = {}
    for row in rows:
        groups.setdefault(row.presentation, []).append(row)
    for number, (name, members) in enumerate(groups.items(), start=1):
        sampler.reset()
        chosen = (members[place] for place in spread(len(members), MAX_FRAMES))
        crops = [crop for row in chosen if (crop := _crop(row, sampler, left_out)) is not None]
        if crops:
            yield LabelledCrops(name, members[0].subject, members[0].species, domain, tuple(crops))
        done(number / len(groups))


def _crop(row: ManifestRow, sampler: FaceSampler, left_out: list[LeftOut]) -> FaceCrop | None:
    try:
        sample = sampler.sample(load_frame_set(row))
    except InputError as error:
        left_out.append(LeftOut(row.line, f"{row.presentation}: {error.what}"))
        return None
    if sample.crop is None:
        left_out.append(LeftOut(row.line, f"{row.presentation}: no face crop ({sample.reason})"))
    return sample.crop


def split_of(row: ManifestRow) -> Split:
    """The collector's split, or one drawn by the person (by the presentation, where nobody knows who it was)."""
    if row.split:
        return _SPLITS[row.split]
    drawn = zlib.crc32((row.subject or row.presentation).encode()) % 100
    return next(split for split, until in _SHARES if drawn < until)
