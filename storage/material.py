"""Stored presentations with their frame sets, for adaptation, replay and export."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from core.access import Permission
from core.errors import InputError, sentence
from core.frames import FrameSet
from core.ports import StoredPresentation
from core.sampling import spread
from storage.acting import Acting
from storage.frames import FrameStore
from storage.paths import DataFolder
from storage.repositories.presentations import Presentations
from storage.sealing import SealBrokenError
from storage.vault import Vault


class Material:
    """Implements `core.ports.PresentationStore`."""

    def __init__(self, folder: DataFolder, presentations: Presentations, vault: Vault, acting: Acting) -> None:
        self._folder = folder
        self._presentations = presentations
        self._vault = vault
        self._acting = acting

    def presentations(self, sessions: Sequence[str]) -> list[StoredPresentation]:
        """See `core.ports.PresentationStore.presentations`: those that ended by themselves."""
        return self._presentations.stored(sessions)

    def traffic(self, count: int = 200) -> list[StoredPresentation]:
        """The newest usable presentations at the checkpoint whose frames were kept, newest first."""
        return self._presentations.traffic(count)

    def frame_sets(self, presentation: str, most: int | None = None) -> Iterator[FrameSet]:
        """See `core.ports.PresentationStore.frame_sets`; only those that are asked for are read.

        Raises:
            InputError: no such presentation, its frames were not kept, or a payload is damaged.
            LockedError: the site is locked.
        """
        row = self._presentations.get(presentation)
        with self.session(row.session) as store:
            numbers = store.numbers(row.first_set, row.last_set)
            places = range(len(numbers)) if most is None else spread(len(numbers), most)
            yield from (store.frame_set(numbers[place]) for place in places)

    def session(self, session: str) -> FrameStore:
        """All frame sets of a session, for reading; the caller closes the store.

        Raises:
            DeniedError: whoever acts may not look at stored frames.
            InputError: its frames were not kept, their file is gone, or it holds another session's.
        """
        self._acting.require(Permission.REVIEW)
        path = self._folder.frames(session)
        if not path.is_file() and self._vault.has_frames(session):
            raise InputError(
                sentence("The frames of session {session} are missing: {path} is gone.", session=session, path=path),
                "Put the file back, or restore a backup with `main.py restore`.",
            )
        store = FrameStore.open(path, self._vault.opener(session))
        try:
            store.require_session(session)
        except SealBrokenError:
            store.close()
            raise
        return store
