"""Where things lie in a data folder, and which folder that is.

::

    catalogue.db        subjects, sessions, verdicts, models, jobs, audit
    sessions/ID.db      frame sets of one session
    models/SHA256/      model bundles
    jobs/JOB/           check-points of adaptation
    artefacts/          photos of artefacts
    replay/             simulated people as a model sees them; may be deleted, is in no backup
    backups/            made before a migration
    certificates/       of erasures
    ID.key              the site key, while nobody has set up protection; in no backup
    audit.key           secret of the audit log's chain; in no backup
    door.key            shared with gate controllers where lines are signed; in no backup
    anchors/            signed checkpoints of the audit log, and where else they go
    ballast             space that is released when the disk is full
    station.lock        held by the running station
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

import platformdirs
import psutil

from core.errors import HostError, sentence
from storage.partial import abandoned_in, partial_of

ENVIRONMENT = "SALLYPORT_DATA"
_NETWORK = {
    "nfs",
    "nfs4",
    "cifs",
    "smb",
    "smb2",
    "smb3",
    "smbfs",
    "afs",
    "9p",
    "fuse.sshfs",
    "ncpfs",
    "webdav",
    "davfs",
}


@dataclass(frozen=True, slots=True)
class DataFolder:
    """A data folder; the properties are its places, whether or not they exist yet."""

    root: Path

    @property
    def catalogue(self) -> Path:
        """The catalogue database."""
        return self.root / "catalogue.db"

    @property
    def sessions(self) -> Path:
        """Folder of the frames databases."""
        return self.root / "sessions"

    @property
    def models(self) -> Path:
        """Folder of the model bundles."""
        return self.root / "models"

    @property
    def jobs(self) -> Path:
        """Folder of adaptation's check-points."""
        return self.root / "jobs"

    @property
    def replay(self) -> Path:
        """Folder of adaptation's replay memory."""
        return self.root / "replay"

    @property
    def artefacts(self) -> Path:
        """Folder of the artefacts' photos."""
        return self.root / "artefacts"

    @property
    def backups(self) -> Path:
        """Folder of the copies that are made before a migration."""
        return self.root / "backups"

    @property
    def ballast(self) -> Path:
        """The file that is released when the disk is full."""
        return self.root / "ballast"

    @property
    def lock(self) -> Path:
        """The lock file of the running station."""
        return self.root / "station.lock"

    @property
    def certificates(self) -> Path:
        """Folder of the certificates of erasure."""
        return self.root / "certificates"

    def site_key(self, identity: str) -> Path:
        """The site key of that id, where it is kept in a file."""
        return self.root / f"{identity}.key"

    @property
    def audit_key(self) -> Path:
        """The secret of the audit log's chain."""
        return self.root / "audit.key"

    @property
    def door_key(self) -> Path:
        """The key that signs the lines of the door; lines are not signed where there is none."""
        return self.root / "door.key"

    @property
    def anchors(self) -> Path:
        """Folder of the audit log's signed checkpoints."""
        return self.root / "anchors"

    def frames(self, session: str) -> Path:
        """The frames database of a session."""
        return self.sessions / f"{session}.db"

    def partial(self, session: str) -> Path:
        """A frames database that this process is filling; it gets its real name when it is whole."""
        return partial_of(self.frames(session))

    def abandoned(self) -> list[Path]:
        """What processes that are gone left half filled."""
        return abandoned_in(self.sessions)

    def create(self) -> None:
        """Make the folder, for this user alone.

        Raises:
            HostError: it cannot be made or written, or it lies on a network drive.
        """
        try:
            self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.sessions.mkdir(exist_ok=True, mode=0o700)
        except OSError as error:
            raise HostError(
                sentence("The data folder {root} cannot be used: {strerror}.", root=self.root, strerror=error.strerror),
                sentence(
                    "Choose a folder that this user may write with --data or {environment}.", environment=ENVIRONMENT
                ),
            ) from error
        kind = network_drive(self.root)
        if kind:
            raise HostError(
                sentence(
                    "The data folder {root} lies on a network drive ({kind}), where SQLite cannot keep it safe.",
                    root=self.root,
                    kind=kind,
                ),
                sentence("Choose a folder on a local disk with --data or {environment}.", environment=ENVIRONMENT),
            )


def data_folder(chosen: Path | None = None) -> DataFolder:
    """The folder given by ``--data``, else by SALLYPORT_DATA, else the platform's place for a user's data."""
    if chosen is None:
        named = os.environ.get(ENVIRONMENT, "")
        chosen = Path(named) if named else Path(platformdirs.user_data_dir("sallyport", appauthor=False))
    return DataFolder(chosen.expanduser().absolute())


def network_drive(path: Path) -> str:
    """Kind of network file system that holds ``path``; empty for a local one, and where it cannot be told."""
    resolved = path.resolve()
    if sys.platform == "win32":
        return "UNC path" if str(resolved).startswith("\\\\") else ""
    mounts = [(Path(part.mountpoint), part.fstype) for part in psutil.disk_partitions(all=True)]
    holding = [(mount, kind) for mount, kind in mounts if resolved.is_relative_to(mount)]
    if not holding:
        return ""
    kind = max(holding, key=lambda found: len(found[0].parts))[1]
    return kind if kind.lower() in _NETWORK else ""
