"""What the review reads from the catalogue and the frames database, in the background thread."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from core.codes import ModelRole
from core.errors import InputError
from core.frames import FrameSet
from gui.i18n.errors import told_error
from storage.catalogue import Catalogue
from storage.frames import FrameStore, SetEntry
from storage.importing import imported_from
from storage.repositories.presentations import Presentation
from storage.repositories.sessions import Session
from storage.repositories.verdicts import StoredVerdict
from storage.session_signature import Provenance


@dataclass(frozen=True, slots=True)
class Opened:
    """One session with everything but pixels. ``store`` is ``None`` where only decisions were kept."""

    session: Session
    presentations: tuple[Presentation, ...]
    verdicts: Mapping[str, StoredVerdict]
    timeline: tuple[SetEntry, ...]
    store: FrameStore | None
    problem: str = ""
    champion: str = ""
    """sha256 of the deployed model."""
    models: Mapping[str, str] = field(default_factory=dict)
    """Names of the models that made the verdicts, by sha256, as far as they are still stored here."""
    origin: Provenance | None = None
    """Who signed an imported session, as it was found then."""

    @property
    def shadow(self) -> bool:
        """Whether nothing shows that the camera was qualified: no verdict, or a shadow verdict among them."""
        return not self.verdicts or any(stored.verdict.shadow for stored in self.verdicts.values())


def open_session(catalogue: Catalogue, session_id: str) -> Opened:
    """Read a session; a damaged frames database is told, its decisions are still shown."""
    session = catalogue.sessions.get(session_id)
    presentations = tuple(catalogue.presentations.of_session(session_id))
    verdicts = {stored.verdict.presentation: stored for stored in catalogue.verdicts.of_session(session_id)}
    champion = catalogue.models.alias(ModelRole.CHAMPION)
    used = {stored.verdict.model for stored in verdicts.values() if stored.verdict.model}
    models = {sha256: found.name for sha256 in used if (found := catalogue.models.find(sha256)) is not None}
    timeline: tuple[SetEntry, ...] = ()
    store, problem, path = None, "", catalogue.frames_path(session_id)
    if path.is_file():
        try:
            store = catalogue.material.session(session_id)
            timeline = tuple(store.timeline())
        except InputError as error:
            store, problem = None, told_error(error)
    origin = imported_from(catalogue, session_id)
    return Opened(session, presentations, verdicts, timeline, store, problem, champion, models, origin)


def read_set(opened: Opened, position: int) -> FrameSet:
    """The frame set at a position of the timeline. Raises `InputError` when it is damaged."""
    if opened.store is None:
        raise InputError("This session kept no frames.", "Only its decisions can be reviewed.")
    return opened.store.frame_set(opened.timeline[position].number)
