"""Backup and restore of a data folder while it may be in use (reliability.md section 3.1).

Every database is copied by ``VACUUM INTO``, a consistent state even while others write; then it is flushed, hashed and
opened again as a test. The backup appears whole, by rename; what a killed one left is removed by the next to its place.
No key is in it (section 2.3), so that it never brings back who was erased: frames of a restored folder open again with
an export of the keys (`storage.key_transfer`). Check-points of adaptation are not in it: a job that was running is
planned again.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel

from core.access import Permission
from core.errors import HostError, InputError, sentence
from storage import catalogue as catalogues
from storage import frames
from storage.atomic import fsync_file, fsync_folder, sha256_of, write_atomically
from storage.catalogue import Catalogue, open_catalogue
from storage.database import DatabaseFile, FileForm, Mode
from storage.key_care import key_status
from storage.migrations import check_version
from storage.partial import partial_of, remove_abandoned, require_empty
from storage.paths import DataFolder
from storage.repositories.audit import Began
from storage.schema import CATALOGUE

INDEX = "backup.json"
SCHEMA = 1
_PLACES = ("sessions", "models", "artefacts")
"""Folders of a backup, beside the catalogue; no key and no lock ever comes out of one."""


@dataclass(frozen=True, slots=True)
class BackupReport:
    """What was copied. ``without_key``: sessions whose frames need an export of the keys before they can be read."""

    path: Path
    sessions: int
    models: int
    nbytes: int
    without_key: int = 0

    def __str__(self) -> str:
        return f"{self.path}: {self.sessions} sessions, {self.models} models, {self.nbytes / 1e6:.1f} MB"


class _Entry(BaseModel):
    """What the index says of one file."""

    sha256: str


class _Index(BaseModel):
    """The part of the index that a restore needs."""

    files: dict[str, _Entry]


def back_up(
    catalogue: Catalogue, out_dir: Path, progress: Callable[[int, int], None] = lambda done, total: None
) -> BackupReport:
    """Copy the data folder to ``out_dir``, which must not exist or be empty.

    Raises:
        DeniedError: whoever acts may not back up.
        InputError: ``out_dir`` is not empty, or a database is damaged.
        HostError: it cannot be written.
    """
    catalogue.require(Permission.BACKUP)
    out_dir = out_dir.absolute()
    require_empty(out_dir)
    remove_abandoned(out_dir.parent, out_dir.name)
    partial = partial_of(out_dir)
    folder = catalogue.folder
    sessions = sorted(path for path in folder.sessions.glob("*.db") if not path.name.startswith("."))
    try:
        (partial / "sessions").mkdir(parents=True)
        _copy_database(folder.catalogue, partial / "catalogue.db", catalogues.FORM)
        _take_out_keys(partial / "catalogue.db")
        copied = 0
        for done, path in enumerate(sessions, start=1):
            copied += _copy_session(catalogue, path, partial / "sessions" / path.name)
            progress(done, len(sessions))
        models = _copy_folders(folder, partial)
        nbytes = _write_index(partial)
        # First told, then there: of no copy of the evidence does the audit log know nothing.
        catalogue.audit.append("back_up", "catalogue", str(copied), actor=catalogue.actor.id)
        _put_in_place(partial, out_dir)
    except OSError as error:
        raise HostError(
            sentence("The backup to {out_dir} failed: {strerror}.", out_dir=out_dir, strerror=error.strerror),
            "Choose a folder with room and permission.",
        ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return BackupReport(out_dir, copied, models, nbytes)


def restore(
    backup: Path, data_dir: Path | DataFolder, log_in: Callable[[Catalogue], object] = lambda catalogue: None
) -> BackupReport:
    """Put a backup into a new, empty data folder, after its hashes were checked.

    ``log_in`` lets somebody of the backup's own accounts act; a backup without accounts asks nobody.

    Raises:
        DeniedError: whoever logged in may not handle backups.
        InputError: it is no backup, a file is missing or was changed, or the data folder is in use.
        HostError: the folder cannot be written.
    """
    root = data_dir.root if isinstance(data_dir, DataFolder) else data_dir.absolute()
    files = _read_index(backup)
    require_empty(root)
    remove_abandoned(root.parent, root.name)
    partial = partial_of(root)
    try:
        for name in files:
            target = partial / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(backup / name, target)
            fsync_file(target)
        _check(partial)
        with open_catalogue(partial, began=Began.RESTORED) as catalogue:
            log_in(catalogue)
            catalogue.require(Permission.BACKUP)
            catalogue.audit.append("restore", "catalogue", backup.name, actor=catalogue.actor.id)
        _put_in_place(partial, root)
    except OSError as error:
        raise HostError(
            sentence(
                "{backup} could not be restored to {root}: {strerror}.",
                backup=backup,
                root=root,
                strerror=error.strerror,
            ),
            "Choose a folder with room and permission.",
        ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    with open_catalogue(root) as catalogue:
        return BackupReport(
            root,
            catalogue.sessions.count(),
            len(catalogue.models.all()),
            sum(p.stat().st_size for p in _files(root)),
            key_status(catalogue).missing,
        )


def _copy_session(catalogue: Catalogue, source: Path, target: Path) -> bool:
    """Whether there was something to copy: an erasure may have taken it since the backup began."""
    erased = """
        SELECT 1 FROM erasures, json_each(inventory, '$.sessions') AS gone WHERE json_extract(gone.value, '$.id') = ?
    """
    if not source.exists() and catalogue.file.value(erased, (source.stem,)) is not None:
        return False
    _copy_database(source, target, frames.FORM)
    return True


def _copy_database(source: Path, target: Path, form: FileForm) -> None:
    file = DatabaseFile(source, form, Mode.WRITE)
    try:
        file.execute("VACUUM INTO ?", (str(target),))
    finally:
        file.close()
    fsync_file(target)
    _test(target, form)


def _take_out_keys(path: Path) -> None:
    """Before anything of the copy is hashed or moved; the copy has never lain anywhere but in the hidden folder."""
    file = DatabaseFile(path, catalogues.FORM, Mode.WRITE)
    try:
        file.change("UPDATE keys SET wrapped = NULL")
        file.change("DELETE FROM site_keys")
        file.execute("UPDATE erasures SET canaries = '[]'")
        file.checkpoint()
        file.rows("PRAGMA journal_mode=DELETE")
    finally:
        file.close()
    fsync_file(path)


def _test(path: Path, form: FileForm) -> None:
    """A copy that was never opened is no backup."""
    file = DatabaseFile(path, form, Mode.READ)
    try:
        damage = file.quick_check()
    finally:
        file.close()
    if damage != "ok":
        raise InputError(
            sentence("The copy of {name} is damaged: {damage}.", name=path.name, damage=damage),
            "Check the disk, and make another backup.",
        )


def _check(root: Path) -> None:
    """The restored catalogue is whole and of a version that this program reads; every session file opens."""
    _test(root / "catalogue.db", catalogues.FORM)
    file = DatabaseFile(root / "catalogue.db", catalogues.FORM, Mode.READ)
    try:
        check_version(file, CATALOGUE)
    finally:
        file.close()
    for path in (root / "sessions").glob("*.db"):
        _test(path, frames.FORM)


def _copy_folders(folder: DataFolder, target: Path) -> int:
    """Model bundles and photos of artefacts; returns how many models."""
    models = 0
    for source in (folder.models, folder.artefacts):
        for entry in sorted(source.iterdir()) if source.is_dir() else []:
            if entry.name.startswith("."):
                continue
            models += entry.is_dir()
            place = target / source.name / entry.name
            place.parent.mkdir(parents=True, exist_ok=True)
            if entry.is_dir():
                shutil.copytree(entry, place)
            else:
                shutil.copyfile(entry, place)
    return models


def _write_index(root: Path) -> int:
    """Name, size and digest of every file, written last: a backup without it is not finished."""
    files = {path.relative_to(root).as_posix(): path for path in _files(root)}
    for path in files.values():
        fsync_file(path)
    index = {
        "schema": SCHEMA,
        "created_utc": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "files": {name: {"bytes": path.stat().st_size, "sha256": sha256_of(path)} for name, path in files.items()},
    }
    write_atomically(root / INDEX, (json.dumps(index, indent=1) + "\n").encode())
    return sum(path.stat().st_size for path in files.values())


def _read_index(backup: Path) -> list[str]:
    """The files of a backup, all of them there and unchanged."""
    try:
        files = _Index.model_validate_json((backup / INDEX).read_bytes()).files
    except (OSError, ValueError) as error:
        raise InputError(
            sentence("{path} is no finished backup.", path=backup),
            sentence("It needs a readable {index}.", index=INDEX),
        ) from error
    for name, entry in files.items():
        if not _belongs(name):
            raise InputError(
                sentence("{index} names what is in no backup: {name!r}.", index=INDEX, name=name),
                "Use another backup.",
            )
        try:
            path = (backup / name).resolve()
            inside = path.is_relative_to(backup.resolve())
            same = inside and path.is_file() and sha256_of(path) == entry.sha256
        except (OSError, ValueError) as error:  # a name that no file can have
            raise InputError(
                sentence("{index} names what cannot be read: {name!r}.", index=INDEX, name=name), "Use another backup."
            ) from error
        if not inside:
            raise InputError(
                sentence("{index} names a file outside of the backup: {name}.", index=INDEX, name=name),
                "Use another backup.",
            )
        if not same:
            raise InputError(
                sentence("{name} is missing from the backup or was changed.", name=name), "Use another backup."
            )
    return list(files)


def _belongs(name: str) -> bool:
    """Whether a backup holds files of that name. It is made by whoever has the medium in their hands: a key that it
    brought would bear out everything in it, and a step upwards behind a link would leave the new folder.
    """
    place, *below = name.split("/")
    if not below:
        return place == "catalogue.db"
    return place in _PLACES and all(part and not part.startswith(".") and "\\" not in part for part in below)


def _files(root: Path) -> Iterator[Path]:
    return (path for path in sorted(root.rglob("*")) if path.is_file() and path.name != INDEX)


def _put_in_place(partial: Path, target: Path) -> None:
    if target.exists():
        target.rmdir()
    partial.rename(target)
    fsync_folder(target.parent)
