"""The catalogue: everything about sessions, verdicts, people, models and jobs, but no pixels.

It belongs to the station; short commands and adaptation join with ``BEGIN IMMEDIATE`` (architecture.md section 3).
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType

from core.access import Actor, Permission
from core.clock import Clock, SystemClock
from core.errors import InputError, sentence
from storage.acting import Acting
from storage.database import DatabaseFile, FileForm, Mode
from storage.disk import Ballast
from storage.material import Material
from storage.migrations import migrate
from storage.paths import DataFolder
from storage.repositories.accounts import Accounts
from storage.repositories.artefacts import Artefacts
from storage.repositories.audit import AuditLog, Began
from storage.repositories.cameras import Cameras
from storage.repositories.credentials import Credentials
from storage.repositories.holds import Holds
from storage.repositories.jobs import Jobs
from storage.repositories.lanes import Lanes
from storage.repositories.lock_outs import LockOuts
from storage.repositories.log_ins import LogIns
from storage.repositories.models import Models
from storage.repositories.policies import Policies
from storage.repositories.presentations import Presentations
from storage.repositories.proposals import Proposals
from storage.repositories.qualifications import Qualifications
from storage.repositories.second_labels import BlindLabels
from storage.repositories.second_line import SecondLine
from storage.repositories.sessions import Sessions
from storage.repositories.shadow_answers import ShadowAnswers
from storage.repositories.shift_checks import ShiftChecks
from storage.repositories.subjects import Consents, Subjects
from storage.repositories.verdicts import Verdicts
from storage.schema import CATALOGUE
from storage.vault import SiteAccess, Vault

_REMEDY = (
    "Put the file back (with its -wal file if there is one), restore a backup with `main.py restore`, "
    "or choose a new folder with --data."
)
FORM = FileForm("catalogue", application_id=0x53504341)


class Catalogue:
    """One data folder's catalogue and its repositories.

    ``jobs`` is a `core.ports.JobStore`, ``material`` a `core.ports.PresentationStore`. It may be used from any thread:
    each gets its own connection.
    """

    def __init__(self, folder: DataFolder, file: DatabaseFile, clock: Clock, access: SiteAccess | None = None) -> None:
        self.folder = folder
        self.file = file
        self.clock = clock
        self.audit = AuditLog(file, clock, folder)
        self.acting = Acting(file, self.audit)
        self.credentials = Credentials(file, clock)
        self.accounts = Accounts(file, self.audit, self.acting, self.credentials)
        self.log_ins = LogIns(file, self.audit, self.acting, self.credentials)
        self.proposals = Proposals(file, self.audit, self.acting, self.accounts, self.credentials)
        self.policies = Policies(file, clock, self.audit, self.acting, self.proposals)
        self.lanes = Lanes(file, clock, self.audit, self.acting, self.proposals)
        self.subjects = Subjects(file, clock, self.audit, self.acting)
        self.consents = Consents(file, clock, self.audit, self.acting, self.subjects)
        self.sessions = Sessions(file, clock, self.audit, self.acting, self.subjects, self.consents)
        self.presentations = Presentations(file, clock, self.audit, self.acting, self.subjects, self.consents)
        self.second_labels = BlindLabels(file, clock, self.audit, self.acting, self.presentations)
        self.artefacts = Artefacts(file, clock, self.audit, self.acting)
        self.lock_outs = LockOuts(file, folder, self.audit, self.policies)
        self.verdicts = Verdicts(file, clock, self.audit, self.acting, self.presentations, self.lock_outs)
        self.second_line = SecondLine(file, clock, self.audit, self.acting)
        self.cameras = Cameras(file, clock, self.audit)
        self.models = Models(file, clock, self.audit)
        self.jobs = Jobs(file, clock, self.audit, self.acting)
        self.holds = Holds(file, clock, self.audit)
        self.qualifications = Qualifications(file, clock, self.audit)
        self.shift_checks = ShiftChecks(file, clock, self.audit)
        self.shadow_answers = ShadowAnswers(file)
        self.vault = Vault(folder, file, clock, self.audit, access or SiteAccess())
        self.material = Material(folder, self.presentations, self.vault, self.acting)

    @property
    def actor(self) -> Actor:
        """Whoever acts through this catalogue now (`storage.acting.Acting.actor`)."""
        return self.acting.actor

    @actor.setter
    def actor(self, actor: Actor | None) -> None:
        self.acting.act_as(actor)

    def require(self, *permissions: Permission) -> None:
        """Go on only if whoever acts holds one of ``permissions``; a denial is logged.

        Raises:
            DeniedError: no role grants it.
        """
        self.acting.require(*permissions)

    def granted(self, *permissions: Permission) -> AbstractContextManager[None]:
        """Ask once for an operation that uses smaller ones (`storage.acting.Acting.granted`)."""
        return self.acting.granted(*permissions)

    def transaction(self) -> AbstractContextManager[None]:
        """All or nothing across repositories."""
        return self.file.transaction()

    def frames_path(self, session: str) -> Path:
        """The frames database of a session; it exists only where frames were kept."""
        return self.folder.frames(session)

    def changes(self) -> int:
        """A number that differs from the last one in this thread when anybody has written to the catalogue."""
        return self.file.changes()

    def close(self) -> None:
        """Close the connections of all threads."""
        self.file.close()

    def __enter__(self) -> Catalogue:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_catalogue(
    data_dir: Path | DataFolder,
    clock: Clock | None = None,
    access: SiteAccess | None = None,
    began: Began = Began.KEY_LOST,
) -> Catalogue:
    """Open the catalogue of a data folder; an empty folder gets a new one, an older one is migrated after a backup.

    ``access`` holds the site key of this process; give the same one to every catalogue of a process. ``began`` says why
    the audit log has entries that its key did not write, should it have such.

    Raises:
        HostError: the folder or the SQLite library cannot be used.
        InputError: the catalogue is damaged, is from a newer version, or is missing beside its sessions.
    """
    folder = data_dir if isinstance(data_dir, DataFolder) else DataFolder(data_dir.expanduser().absolute())
    folder.create()
    begun = _is_begun(folder)
    if begun and not (folder.catalogue.exists() and folder.catalogue.stat().st_size):
        raise InputError(
            sentence(
                "{path} is missing or empty, although there are {begun} beside it.", path=folder.catalogue, begun=begun
            ),
            _REMEDY,
        )
    file = DatabaseFile(folder.catalogue, FORM, Mode.CREATE, Ballast(folder.ballast).release)
    try:
        if begun and not file.value("PRAGMA user_version"):
            raise InputError(
                sentence(
                    "{path} holds nothing, although there are {begun} beside it.", path=folder.catalogue, begun=begun
                ),
                _REMEDY,
            )
        migrate(file, CATALOGUE, folder.backups)
    except BaseException:
        file.close()
        raise
    catalogue = Catalogue(folder, file, clock or SystemClock(), access)
    try:
        catalogue.audit.begin(began)
    except BaseException:
        catalogue.close()
        raise
    return catalogue


def _is_begun(folder: DataFolder) -> str:
    """What lies in a data folder only after its catalogue was written; empty for a new one.

    Looked at before the catalogue: processes that start together in a new folder then never mistake each other's
    beginning for a loss.
    """
    if any(folder.sessions.glob("*.db")):
        return sentence("sessions")
    if folder.models.is_dir() and any(folder.models.glob("[!.]*")):
        return sentence("models")
    return ""
