"""A collection in a folder of the user's: its protocols as rows of manifests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from core.data.collections.clips import Clip, Direction, Plan, Reader
from core.data.collections.extract import prepare
from core.data.collections.protocol import SPLITS, Protocol
from core.data.collections.sanity import count_warnings, people_warnings
from core.data.images import read_image
from core.data.likeness import AGREEMENT, LOOKED_AT, MIN_VOTES, picture_warnings, relief_sign
from core.data.manifest import LeftOut, ManifestRow
from core.errors import CanceledError, InputError, UsageError
from core.frames import Modality

Report = Callable[[str, float], None]
"""Is told what is being done and the share of it that is finished."""
Canceled = Callable[[], bool]


class Collection:
    """One collection; pictures are read where they lie, or extracted into ``cache``."""

    def __init__(self, reader: Reader, root: Path, cache: Path | None = None) -> None:
        self._reader = reader
        self._root = root
        self._cache = cache

    @property
    def name(self) -> str:
        """Name of the collection."""
        return self._reader.name

    @property
    def protocols(self) -> tuple[str, ...]:
        """Names that `protocol` takes."""
        return self._reader.protocols

    def protocol(
        self,
        name: str,
        splits: Sequence[str] = SPLITS,
        report: Report | None = None,
        canceled: Canceled | None = None,
    ) -> Protocol:
        """The rows of one protocol, extracted where need be (only those of ``splits``; a cut run goes on later).

        Raises:
            UsageError: there is no such protocol, or pictures must be extracted and there is no cache.
            InputError: a list is missing or wrong, or a presentation is in two splits.
            CanceledError: ``canceled`` said so; what was extracted is kept.
        """
        if name not in self.protocols:
            raise UsageError(f"{self.name} has no protocol {name!r}.", f"Choose one of {', '.join(self.protocols)}.")
        plan = self._reader.plan(name, splits)
        _check_apart(self.name, plan.clips)
        directions, warnings = self._directions(plan, canceled)
        rows: dict[str, list[ManifestRow]] = {split: [] for split in SPLITS}
        left_out: list[LeftOut] = list(plan.left_out)
        for done, clip in enumerate(plan.clips):
            _stop_if(canceled, done, len(plan.clips))
            prepared = prepare(clip, directions[clip.collection], self._cache)
            rows[clip.split] += prepared.rows
            left_out += prepared.left_out
            if report is not None:
                report("reading the collection", (done + 1) / len(plan.clips))
        warnings += count_warnings("mmdg" if self.name == "mmdg" else name, plan.clips, splits)
        warnings += people_warnings({split: rows[split] for split in splits})
        # Only of what trains or tunes: the test split decides nothing, not even about itself.
        warnings += picture_warnings(self.name, rows["train"] + rows["dev"])
        return Protocol(
            collection=self.name,
            name=name,
            train=tuple(rows["train"]),
            dev=tuple(rows["dev"]),
            test=tuple(rows["eval"]),
            reporting=plan.reporting,
            left_out=tuple(left_out),
            warnings=(*plan.warnings, *warnings),
            modalities=plan.modalities,
            dev_modalities=plan.dev_modalities,
            source=self._root,
        )

    def _directions(self, plan: Plan, canceled: Canceled | None) -> tuple[dict[str, Direction], list[str]]:
        """Which way the depth of each collection goes, measured on bona fide clips outside the test split."""
        directions: dict[str, Direction] = {}
        warnings: list[str] = []
        for collection in dict.fromkeys(clip.collection for clip in plan.clips):
            clips = [clip for clip in plan.clips if clip.collection == collection]
            declared = clips[0].sensor.direction
            if declared is not Direction.MEASURED:
                directions[collection] = declared
                continue
            votes = _votes(clips, canceled)
            positive = sum(vote > 0 for vote in votes)
            directions[collection] = _settle(collection, positive, len(votes), warnings)
        return directions, warnings


def _settle(collection: str, positive: int, votes: int, warnings: list[str]) -> Direction:
    """What the bona fide clips say of the direction of depth, and a warning where they turn it or say nothing."""
    said = f"{positive} of {votes} bona fide clips have their middle nearer if larger counts are farther"
    if votes < MIN_VOTES or max(positive, votes - positive) < AGREEMENT * votes:
        warnings.append(f"{collection}: the direction of depth could not be measured ({said}); taken as it is")
        return Direction.FARTHER_LARGER
    if 2 * positive > votes:
        return Direction.FARTHER_LARGER
    warnings.append(f"{collection}: depth was turned so that larger is farther ({said})")
    return Direction.NEARER_LARGER


def _votes(clips: Sequence[Clip], canceled: Canceled | None) -> list[float]:
    """Relief of the first frame of some bona fide clips of train and dev; never of the test split."""
    bona_fide = [clip for split in ("train", "dev") for clip in clips if clip.split == split and not clip.species]
    step = max(1, len(bona_fide) // LOOKED_AT)
    votes = []
    for done, clip in enumerate(bona_fide[::step]):
        path = clip.files[0].get(Modality.DEPTH) if clip.files else None
        if path is None or not path.is_file():
            continue
        _stop_if(canceled, done, len(bona_fide))
        try:
            depth = read_image(path, Modality.DEPTH)
        except InputError:  # it is left out by its name when its rows are made
            continue
        sign = relief_sign(depth.astype("uint8") if depth.max() <= 255 else depth)
        if sign is not None and sign != 0.0:
            votes.append(sign)
    return votes


def _check_apart(collection: str, clips: Sequence[Clip]) -> None:
    """A presentation stands once; a subject who is in two splits is the collection's affair, a presentation is not."""
    seen: dict[str, Clip] = {}
    for clip in clips:
        first = seen.setdefault(clip.id, clip)
        if first is not clip:
            raise InputError(
                f"{collection}: {clip.id} stands in {first.split} ({first.listed_in} line {first.line}) and again in "
                f"{clip.split} ({clip.listed_in} line {clip.line}).",
                "The lists do not belong together.",
            )


def _stop_if(canceled: Canceled | None, done: int, all_clips: int) -> None:
    if canceled is not None and canceled():
        raise CanceledError(f"Stopped after {done} of {all_clips} clips.", "Start it again to go on.")


def with_split(plan: Plan, splits: Sequence[str]) -> Plan:
    """``plan`` without the clips of other splits."""
    return replace(plan, clips=tuple(clip for clip in plan.clips if clip.split in splits))
