"""A manifest as a store of presentations: every picture is looked at once, what cannot be used is left out by name.

While a picture is at hand its face is cut as well, so that no pass has to decode it again: faces are kept, about 100 kB
each and at most ``frames`` of a presentation, and the pictures are let go.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from core.adaptation.material import CropFace
from core.benchmark.work import Canceled, Report, stop_if
from core.codes import SourceKind
from core.data.manifest import LeftOut, Manifest, ManifestRow, load_frame_set
from core.errors import InputError
from core.frames import FaceCrop, FrameSet, ModalityMask
from core.ports import StoredPresentation
from core.sampling import evenly, spread

SESSION = "manifest"


@dataclass(frozen=True, slots=True, eq=False)
class Seen(FrameSet):
    """A frame set whose pictures are gone; ``face``: what was found in them."""

    face: FaceCrop | None = None


def face_seen(frame_set: FrameSet) -> FaceCrop | None:
    """The face of a frame set of a `ManifestStore`: its `core.adaptation.material.CropFace`."""
    assert isinstance(frame_set, Seen)
    return frame_set.face


class ManifestStore:
    """A manifest as a `core.ports.PresentationStore` with one session; without subjects, each presentation is one.

    ``left_out``: rows whose pictures cannot be used, with those that the manifest has left out itself. ``digest``: of
    the rows that are used and of what lies in their files, not of where these lie.
    """

    def __init__(
        self, manifest: Manifest, crop_face: CropFace, frames: int, report: Report, canceled: Canceled
    ) -> None:
        """Look at every picture, and find the faces of as many frame sets of each presentation as a pass uses.

        Raises:
            InputError: there is no usable presentation.
            CanceledError: a person asked to stop.
        """
        self._left_out, self._hash = list(manifest.left_out), hashlib.sha256()
        self._first: dict[str, ManifestRow] = {}
        self._seen: dict[str, tuple[Seen, ...]] = {}
        presentations = manifest.presentations()
        for number, rows in enumerate(presentations):
            stop_if(canceled)
            report("reading", number / len(presentations))
            if seen := tuple(_seen(frame_set, crop_face) for frame_set in evenly(self._usable(rows), frames)):
                self._first[rows[0].presentation], self._seen[rows[0].presentation] = rows[0], seen
        if not self._seen:
            raise InputError(f"{manifest.path.name} has no usable presentation.", "Check its paths.")
        self.left_out: tuple[LeftOut, ...] = tuple(self._left_out)
        self.digest = self._hash.hexdigest()

    def presentations(self, sessions: Sequence[str]) -> list[StoredPresentation]:
        """See `PresentationStore.presentations`."""
        del sessions
        return [
            StoredPresentation(name, SESSION, row.subject or name, row.species, "", SourceKind.PLAYBACK)
            for name, row in self._first.items()
        ]

    def frame_sets(self, presentation: str, most: int | None = None) -> Iterator[FrameSet]:
        """See `PresentationStore.frame_sets`: of those that a pass uses, without their pictures (`face_seen`)."""
        seen = self._seen[presentation]
        return (seen[place] for place in spread(len(seen), len(seen) if most is None else most))

    def _usable(self, rows: Sequence[ManifestRow]) -> Iterator[FrameSet]:
        for row in rows:
            try:
                frame_set = load_frame_set(row)
            except InputError as error:
                self._left_out.append(LeftOut(row.line, f"{row.presentation}: {error.what}", row.split))
                continue
            self._hash.update(_content(row))
            yield frame_set


def _seen(frame_set: FrameSet, crop_face: CropFace) -> Seen:
    face = crop_face(frame_set)
    return Seen(frame_set.number, frame_set.time_ms, {}, ModalityMask(0), {}, framing=frame_set.framing, face=face)


def _content(row: ManifestRow) -> bytes:
    """What a figure can depend on: labels, scale, framing, and the bytes of the files."""
    told = (row.presentation, row.subject, row.species, row.depth_unit_m, str(row.framing), row.number)
    seen = hashlib.sha256(repr(told).encode())
    for modality, path in sorted(row.images.items()):
        seen.update(str(modality).encode() + hashlib.sha256(path.read_bytes()).digest())
    return seen.digest()
