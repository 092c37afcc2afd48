"""Replays whose session does not say what they replay (it did not, once): found again by the frames that they share.

A replay stores its source's frames anew. What the camera wrote on a frame (its number, its time) lies in clear beside
both, also where the pixels are sealed, each copy otherwise; so frames are paired by that, and their pixels decide.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

import numpy as np

from core.codes import SessionPurpose, SourceKind
from core.errors import KnownError
from core.frames import Modality
from storage.catalogue import Catalogue
from storage.database import DatabaseFile, Mode
from storage.forms import canonical
from storage.frames import FORM
from storage.repositories.sessions import REPLAY_OF

NOTE = "note_source"
"""Action of the audit entry."""
_LOOKED_AT = 3
"""So many frames that two sessions share are compared pixel by pixel."""

_Written = tuple[str, int, float, str]
"""What stands on a frame: modality, frame number, time of the device (ms), its clock."""


def without_source(catalogue: Catalogue) -> list[str]:
    """Stored replays of whatever it was; what was imported has a source of its own. Oldest first."""
    sql = """
        SELECT id FROM sessions AS s WHERE mode = 'frames' AND source_kind = ? AND purpose <> ?
            AND NOT EXISTS (SELECT 1 FROM json_each(s.settings) AS j WHERE j.key = ? OR j.value LIKE 'session:%')
            AND NOT EXISTS (SELECT 1 FROM json_each(s.device) AS j WHERE j.value LIKE 'session:%')
        ORDER BY created_utc_s, id
    """
    rows = catalogue.file.rows(sql, (str(SourceKind.PLAYBACK), str(SessionPurpose.IMPORT), REPLAY_OF))
    return [row["id"] for row in rows if catalogue.frames_path(row["id"]).is_file()]


def note_sources(catalogue: Catalogue, sources: Iterable[str]) -> dict[str, str]:
    """Note for each replay without a source that it replays one of the sessions ``sources``, where it does.

    Returns the source by replay. Where frames cannot be looked at (damaged, or the site is locked) nothing is noted.

    Raises:
        HostError: the catalogue cannot be written.
    """
    sources, found = list(sources), {}
    for replay in without_source(catalogue):
        source = next((one for one in sources if one != replay and _holds_frames_of(catalogue, replay, one)), None)
        if source is not None:
            found[replay] = source
            _note(catalogue, replay, source)
    return found


def _note(catalogue: Catalogue, replay: str, source: str) -> None:
    with catalogue.transaction():
        settings = json.loads(catalogue.file.value("SELECT settings FROM sessions WHERE id = ?", (replay,)))
        form = canonical({**settings, REPLAY_OF: source})
        catalogue.file.change("UPDATE sessions SET settings = ? WHERE id = ?", (form, replay))
        actor = catalogue.actor.id
        catalogue.audit.append(NOTE, "session", replay, actor=actor, details={REPLAY_OF: source})


def _holds_frames_of(catalogue: Catalogue, replay: str, source: str) -> bool:
    there, here = _written(catalogue, source), _written(catalogue, replay)
    shared = sorted(there.keys() & here.keys())
    looked_at = shared[:: max(1, len(shared) // _LOOKED_AT)][:_LOOKED_AT]
    try:
        return bool(looked_at) and all(
            np.array_equal(_pixels(catalogue, source, there[one], one), _pixels(catalogue, replay, here[one], one))
            for one in looked_at
        )
    except KnownError:
        return False


def _written(catalogue: Catalogue, session: str) -> dict[_Written, int]:
    """What stands on each frame of a session, with the number of its frame set; empty where it cannot be read."""
    path = catalogue.frames_path(session)
    if not path.is_file():
        return {}
    try:
        file = DatabaseFile(path, FORM, Mode.WRITE)
    except KnownError:
        return {}
    try:
        rows = file.rows("SELECT number, modality, frame_number, device_time_ms, time_domain FROM frames")
    except KnownError:
        return {}
    finally:
        file.close()
    return {(r["modality"], r["frame_number"], r["device_time_ms"], r["time_domain"]): r["number"] for r in rows}


def _pixels(catalogue: Catalogue, session: str, number: int, written: _Written) -> np.ndarray:
    with catalogue.material.session(session) as store:
        return store.frame_set(number).frames[Modality(written[0])].pixels
