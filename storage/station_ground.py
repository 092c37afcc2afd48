"""What a station stands on in the data folder: its lock, the catalogue, the ledger; and how commands ask for one."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from core.access import Permission
from core.codes import SourceKind
from core.errors import KnownError
from core.messages import Problem
from core.station import Station
from core.terminal import say
from storage.catalogue import Catalogue, open_catalogue
from storage.erasure.job import resume_all
from storage.lock import StationLock
from storage.opening import models_of
from storage.paths import DataFolder
from storage.salvage import salvage
from storage.sealing import DataKey
from storage.station_ledger import CatalogueLedger
from storage.station_life import begin_station, end_station
from storage.stored_frames import frames_file
from storage.vault import SiteAccess

LogIn = Callable[[Catalogue], object]
"""Says who gives the orders."""


class BuildStation(Protocol):
    """`main.build_station`, as commands are handed it: storage knows no camera."""

    def __call__(
        self,
        options: Namespace,
        source: str,
        log_in: LogIn,
        *,
        automatic: bool,
        access: SiteAccess | None = None,
        **capture: Any,
    ) -> tuple[Station, str]:
        """The station for ``source``, its processes not started, and the name of its ring."""
        ...


@dataclass(frozen=True, slots=True)
class Ground:
    """The station's ledger; what is to be told first; the key of the frames that it replays, where they have one."""

    ledger: CatalogueLedger
    told: list[Problem]
    replay_key: DataKey | None


@contextmanager
def ground(
    folder: DataFolder, log_in: LogIn, access: SiteAccess | None, source_kind: SourceKind, replays: str
) -> Iterator[Ground]:
    """Hold the folder for one station; what the last one left unfinished is finished first.

    ``replays``: id of the stored session that is the camera; empty for all others.

    Raises:
        KnownError: the folder is in use or damaged, the log-in failed, or there is nothing to replay.
    """
    folder.create()
    with StationLock(folder.lock), open_catalogue(folder, access=access) as catalogue:
        registry = models_of(catalogue)
        _finish(catalogue)
        log_in(catalogue)
        key = _replayable(catalogue, replays) if replays else None
        told = begin_station(catalogue, source_kind)
        try:
            yield Ground(CatalogueLedger(catalogue, registry, replays), told, key)
        finally:
            end_station(catalogue)


def _replayable(catalogue: Catalogue, session: str) -> DataKey | None:
    """The key of its frames; all that can be wrong with it is found before a session begins that would stay empty."""
    catalogue.require(Permission.REVIEW)
    catalogue.sessions.get(session)
    key = catalogue.vault.session_key(session)
    frames_file(catalogue.folder, session)
    return key


def _finish(catalogue: Catalogue) -> None:
    """What was cut off: sessions first, then erasures. An erasure that cannot be finished is told and kept."""
    for finding in salvage(catalogue):
        say(f"The session {finding.session} was cut off and has been salvaged: {finding.recorded} frame sets.")
    try:
        for certificate in resume_all(catalogue):
            say(f"The erasure of {certificate['target']} was cut off and has been finished.")
    except KnownError as error:
        say(f"An erasure is not finished: {error.what}", error.remedy)
