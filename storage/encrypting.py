"""Sessions that were stored before encryption are encrypted where they lie, a few frame sets at a time.

The window begins with it at once, in a process of low priority: no site goes on with plain pixels because nobody knew
of a command. It may be killed at any moment: a frame set is plain or sealed, never between, and the next run goes on
with the key that the sealed ones name. Only when all of a session is sealed and its log is emptied does the catalogue
name its key, and from then on a plain payload in it is refused.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from core.errors import CanceledError, KnownError
from storage.catalogue import Catalogue
from storage.frames import FrameStore
from storage.identifiers import random_id
from storage.sealing import DataKey

log = logging.getLogger(__name__)

BATCH_SETS = 8


@dataclass(frozen=True, slots=True)
class EncryptReport:
    """What was done. ``left``: sessions that could not be encrypted, with the reason."""

    sessions: tuple[str, ...]
    left: tuple[tuple[str, str], ...]


def plain_sessions(catalogue: Catalogue) -> list[str]:
    """Closed sessions whose frames are stored without encryption, oldest first."""
    sql = "SELECT id FROM sessions WHERE mode = 'frames' AND key IS NULL AND state <> 'open' ORDER BY created_utc_s, id"
    found = [str(row["id"]) for row in catalogue.file.rows(sql)]
    return [session for session in found if catalogue.frames_path(session).is_file()]


def encrypt_plain(
    catalogue: Catalogue,
    progress: Callable[[int, int], None] = lambda done, total: None,
    cancel: Callable[[], bool] = lambda: False,
) -> EncryptReport:
    """Encrypt them all; ``progress`` is told frame sets done and in all.

    Raises:
        LockedError: the site is locked.
        CanceledError: ``cancel`` said so; what is sealed stays sealed, and the next run goes on.
    """
    catalogue.vault.site_key()
    with catalogue.acting.going_on():  # it takes nothing from anybody: no role is asked
        return _encrypt_all(catalogue, progress, cancel)


def _encrypt_all(
    catalogue: Catalogue, progress: Callable[[int, int], None], cancel: Callable[[], bool]
) -> EncryptReport:
    sessions = plain_sessions(catalogue)
    total = sum(catalogue.sessions.get(session).recorded for session in sessions)
    done, finished, left = 0, [], []

    def step(count: int) -> None:
        nonlocal done
        done += count
        progress(min(done, total), total)
        if cancel():
            raise CanceledError("The encryption was canceled.", "`main.py keys encrypt` goes on with it.")

    for session in sessions:
        try:
            _encrypt(catalogue, session, step)
        except CanceledError:
            raise
        except KnownError as error:
            log.warning("session %s was not encrypted: %s", session, error)
            left.append((session, str(error)))
        else:
            finished.append(session)
    return EncryptReport(tuple(finished), tuple(left))


def _encrypt(catalogue: Catalogue, session: str, step: Callable[[int], None]) -> None:
    subject = catalogue.sessions.get(session).subject
    with FrameStore.open(catalogue.frames_path(session), catalogue.vault.opener(session)) as store:
        store.require_session(session)
        with store.alone():  # who encrypts it too, by hand or from another window, goes on with this key
            begun = store.sealed_by()
            if begun:
                key = catalogue.vault.key(begun)
            else:
                key = catalogue.vault.store_key(DataKey.generate(random_id("key")), subject)
            sealed = store.seal_plain(key, BATCH_SETS)
        while sealed:
            step(len(sealed))
            sealed = store.seal_plain(key, BATCH_SETS, after=sealed[-1])
        store.empty_log()
    with catalogue.transaction():
        if catalogue.file.change("UPDATE sessions SET key = ? WHERE id = ? AND key IS NULL", (key.id, session)):
            details = {"key": key.id}
            catalogue.audit.append("encrypt", "session", session, actor=catalogue.actor.id, details=details)
