"""A manifest as a store of presentations: every picture is looked at once, what cannot be used is left out by name."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

from core.benchmark.work import Canceled, Report, stop_if
from core.codes import SourceKind
from core.data.manifest import LeftOut, Manifest, ManifestRow, load_frame_set
from core.errors import InputError
from core.frames import FrameSet
from core.ports import StoredPresentation

SESSION = "manifest"


class ManifestStore:
    """A manifest as a `core.ports.PresentationStore` with one session; without subjects, each presentation is one.

    ``left_out``: rows whose pictures cannot be used, with those that the manifest has left out itself. ``digest``: of
    the rows that are used and of what lies in their files, not of where these lie.
    """

    def __init__(self, manifest: Manifest, report: Report, canceled: Canceled) -> None:
        """Look at every picture.

        Raises:
            InputError: there is no usable presentation.
            CanceledError: a person asked to stop.
        """
        left_out, seen = list(manifest.left_out), hashlib.sha256()
        self._rows: dict[str, tuple[ManifestRow, ...]] = {}
        presentations = manifest.presentations()
        for number, rows in enumerate(presentations):
            stop_if(canceled)
            report("reading", number / len(presentations))
            if used := tuple(row for row in rows if _is_usable(row, left_out)):
                self._rows[rows[0].presentation] = used
                for row in used:
                    seen.update(_content(row))
        if not self._rows:
            raise InputError(f"{manifest.path.name} has no usable presentation.", "Check its paths.")
        self.left_out: tuple[LeftOut, ...] = tuple(left_out)
        self.digest = seen.hexdigest()

    def presentations(self, sessions: Sequence[str]) -> list[StoredPresentation]:
        """See `PresentationStore.presentations`."""
        del sessions
        return [
            StoredPresentation(name, SESSION, rows[0].subject or name, rows[0].species, "", SourceKind.PLAYBACK)
            for name, rows in self._rows.items()
        ]

    def frame_sets(self, presentation: str) -> Iterator[FrameSet]:
        """See `PresentationStore.frame_sets`. A picture that has become unusable since is an `InputError`."""
        return map(load_frame_set, self._rows[presentation])


def _is_usable(row: ManifestRow, left_out: list[LeftOut]) -> bool:
    try:
        load_frame_set(row)
    except InputError as error:
        left_out.append(LeftOut(row.line, f"{row.presentation}: {error.what}", row.split))
        return False
    return True


def _content(row: ManifestRow) -> bytes:
    """What a figure can depend on: labels, scale, framing, and the bytes of the files."""
    told = (row.presentation, row.subject, row.species, row.depth_unit_m, str(row.framing), row.number)
    seen = hashlib.sha256(repr(told).encode())
    for modality, path in sorted(row.images.items()):
        seen.update(str(modality).encode() + hashlib.sha256(path.read_bytes()).digest())
    return seen.digest()
