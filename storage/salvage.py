"""What a station does first: finish what a station that was killed left open (architecture.md section 5).

Everything that was committed is there; SQLite brings the write-ahead logs in by itself. What is missing is the end:
counts, states and the frame sets of the presentation that was running.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import dataclass

from core.codes import RecordMode, SessionState
from core.errors import InputError, KnownError, sentence
from storage.atomic import fsync_folder
from storage.catalogue import Catalogue
from storage.disk import Ballast
from storage.frames import FrameStore
from storage.partial import remove_abandoned, target_of
from storage.repositories.presentations import PresentationState
from storage.repositories.sessions import Session, SessionCounts

log = logging.getLogger(__name__)

ACTOR = "salvage"


@dataclass(frozen=True, slots=True)
class Finding:
    """One session that was cut off. ``problem`` is set when its frames cannot be read."""

    session: str
    recorded: int
    presentations: int
    problem: str = ""


def salvage(catalogue: Catalogue) -> list[Finding]:
    """Close what was left open, restore the ballast, remove half imports; call it while holding the station lock.

    Raises:
        InputError: the catalogue itself is damaged.
    """
    open_ones = catalogue.sessions.open_ones()
    if open_ones:
        damage = catalogue.file.quick_check()
        if damage != "ok":
            raise InputError(
                sentence("The catalogue {path} is damaged: {damage}.", path=catalogue.file.path, damage=damage),
                "Restore a backup with `main.py restore`.",
            )
    settle_imports(catalogue)
    remove_abandoned(catalogue.folder.models)
    Ballast(catalogue.folder.ballast).ensure()
    return [_salvage(catalogue, session) for session in open_ones]


def settle_imports(catalogue: Catalogue) -> None:
    """Imports whose process is gone: a session that was entered gets its file, what was not entered is removed."""
    for partial in catalogue.folder.abandoned():
        target = target_of(partial)
        entered = catalogue.file.value("SELECT 1 FROM sessions WHERE id = ?", (target.stem,)) is not None
        if entered and target.suffix == ".db" and not target.exists():
            log.warning("the import of session %s was cut off at its last step, which is made now", target.stem)
            with suppress(FileNotFoundError):  # another process makes it at this moment
                partial.replace(target)
        else:
            log.warning("removing the half import %s", partial.name)
            partial.unlink(missing_ok=True)
        fsync_folder(target.parent)


def _salvage(catalogue: Catalogue, session: Session) -> Finding:
    counts, last_set, problem = SessionCounts(), 0, ""
    try:
        counts, last_set = _stored(catalogue, session)
    except KnownError as error:
        problem = str(error)
    state = SessionState.CUT_OFF if problem else SessionState.SALVAGED
    with catalogue.transaction():
        ended = _end_presentations(catalogue, session.id, last_set, counts.camera_s)
        catalogue.sessions.close(session.id, state, counts, problem or "The station was cut off.", ACTOR)
    log.warning("session %s was cut off: %d frame sets, %s", session.id, counts.recorded, problem or "all readable")
    return Finding(session.id, counts.recorded, ended, problem)


def _stored(catalogue: Catalogue, session: Session) -> tuple[SessionCounts, int]:
    """Counts of what the frames database holds, and the number of its newest frame set."""
    path = catalogue.frames_path(session.id)
    if session.mode is RecordMode.DECISIONS:
        return SessionCounts(), 0
    if not path.exists() or FrameStore.is_blank(path):
        if any(row.verdict.trace.frame_sets for row in catalogue.verdicts.of_session(session.id)):
            raise InputError(
                sentence("The frames that the verdicts rest on are not in {path}.", path=path),
                "Put the file back with its -wal file, or restore this session from a backup.",
            )
        FrameStore.delete(path)
        return SessionCounts(), 0
    with FrameStore.open(path) as store:
        damage = store.quick_check()
        if damage != "ok":
            raise InputError(
                sentence("{path} is damaged: {damage}.", path=path, damage=damage),
                "Restore this session from a backup.",
            )
        timeline = store.timeline()
        store.checkpoint()
    if not timeline:
        return SessionCounts(), 0
    camera_s = (timeline[-1].time_ms - timeline[0].time_ms) / 1000.0
    return SessionCounts(recorded=len(timeline), camera_s=camera_s), timeline[-1].number


def _end_presentations(catalogue: Catalogue, session: str, last_set: int, camera_s: float) -> int:
    """Mark the presentations that were running; their frame sets follow those of the one before."""
    ended = 0
    first_set = 1
    for presentation in catalogue.presentations.of_session(session):
        if presentation.state is PresentationState.OPEN:
            catalogue.presentations.cut_off(presentation.id, first_set, last_set, camera_s)
            catalogue.audit.append(
                "cut_off",
                "presentation",
                presentation.id,
                actor=ACTOR,
                details={"first_set": first_set, "last_set": last_set},
            )
            ended += 1
        else:
            first_set = max(first_set, presentation.last_set + 1)
    return ended
