"""The frames database of one session: native frame sets, their calibration, and a digest of everything.

A frame set is a transaction, alone or with its neighbours; it is there completely or not at all. SQLite's own check
does not look inside of blobs (reliability.md section 0, finding 5), so every set carries a digest over its frames: it
tells damage without a key. Payloads are sealed, each as the frame that it is (`storage.sealing`): that tells forgery.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from core.codes import Framing
from core.errors import HostError, InputError, KnownError, sentence
from core.frames import MODALITIES, Frame, FrameSet, Modality, ModalityMask, StreamProfile
from storage.codecs import PayloadError, decode, encode
from storage.database import DatabaseFile, FileForm, Mode, Row
from storage.forms import canonical, numbers_from_json, numbers_to_json, profiles_from_json, profiles_to_json
from storage.migrations import Migration, check_version, migrate
from storage.sealing import PLAIN, DataKey, Opener, SealBrokenError

FORM = FileForm("frames database", application_id=0x53504652, page_size=16384, checkpoint_pages=4096)

_TABLES = (
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT",
    "CREATE TABLE profiles (id INTEGER PRIMARY KEY, form TEXT NOT NULL UNIQUE) STRICT",
    """
    CREATE TABLE sets (
        number INTEGER PRIMARY KEY,
        time_ms REAL NOT NULL,
        mask INTEGER NOT NULL,
        skew_ms REAL NOT NULL,
        framing TEXT NOT NULL,
        profiles INTEGER NOT NULL REFERENCES profiles (id),
        digest BLOB NOT NULL
    ) STRICT
    """,
    """
    CREATE TABLE frames (
        id INTEGER PRIMARY KEY,
        number INTEGER NOT NULL REFERENCES sets (number),
        modality TEXT NOT NULL,
        frame_number INTEGER NOT NULL,
        device_time_ms REAL NOT NULL,
        time_domain TEXT NOT NULL,
        metadata TEXT NOT NULL,
        dtype TEXT NOT NULL,
        shape TEXT NOT NULL,
        codec TEXT NOT NULL,
        key TEXT NOT NULL DEFAULT '',
        digest BLOB NOT NULL,
        payload BLOB NOT NULL,
        UNIQUE (number, modality)
    ) STRICT
    """,
)
SCHEMA = (Migration("frame sets", _TABLES),)
_DIGEST_BYTES = 16
_LOG_PATIENCE_S = 30.0
_IDENTITY = ("modality", "frame_number", "device_time_ms", "time_domain", "metadata", "dtype", "shape", "codec", "key")
_REMEDY = "The other frame sets of the session can still be read; restore a backup to get this one back."


@dataclass(frozen=True, slots=True)
class SetEntry:
    """One line of a session's timeline, without pixels."""

    number: int
    time_ms: float
    mask: ModalityMask
    skew_ms: float


class FrameStore:
    """Writer and reader of one session's frame sets. It may be read from another thread or process meanwhile."""

    def __init__(self, file: DatabaseFile, key: DataKey | None = None, opener: Opener = PLAIN) -> None:
        self._file = file
        self._key = key
        self._opener = opener
        self._profile_ids: dict[str, int] = {}  # within one transaction: a rollback takes the rows back
        self._last_profiles: tuple[Mapping[Modality, StreamProfile] | None, str] = (None, "")
        self._profiles: dict[int, dict[Modality, StreamProfile]] = {}
        self.session = str(file.value("SELECT value FROM meta WHERE name = 'session'") or "")

    @classmethod
    def create(cls, path: Path, session: str, key: DataKey | None = None) -> FrameStore:
        """Make the database of ``session``, or go on with it (a capture process that was started again).

        Payloads are sealed by ``key``; it is left out by tests and by what shows nobody.

        Raises:
            HostError: the folder cannot be written.
            InputError: there is another session's database, or one of a newer version.
        """
        file = DatabaseFile(path, FORM, Mode.CREATE)
        try:
            with file.transaction():
                migrate(file, SCHEMA)
                file.execute("INSERT INTO meta VALUES ('session', ?) ON CONFLICT DO NOTHING", (session,))
            store = cls(file, key, PLAIN if key is None else Opener(lambda _: key, plain=False))
            if store.session != session:
                raise InputError(
                    sentence(
                        "{path} holds session {found}, not {session}.", path=path, found=store.session, session=session
                    ),
                    "Choose another file.",
                )
        except BaseException:
            file.close()
            raise
        return store

    @classmethod
    def open(cls, path: Path, opener: Opener = PLAIN) -> FrameStore:
        """Open for reading; sealed payloads need the ``opener`` of their session (`storage.vault.Vault.opener`).

        Raises:
            InputError: there is no such database, it is damaged, or it is of a newer version.
        """
        if not path.is_file():
            raise InputError(
                sentence("Session {stem} has no stored frames.", stem=path.stem), "Only its decisions were kept."
            )
        file = DatabaseFile(path, FORM, Mode.WRITE)
        try:
            if check_version(file, SCHEMA) < len(SCHEMA):
                raise InputError(
                    sentence("{path} holds no frame sets.", path=path),
                    "It was cut off before the first one; remove it.",
                )
            return cls(file, opener=opener)
        except BaseException:
            file.close()
            raise

    @classmethod
    def is_blank(cls, path: Path) -> bool:
        """Whether a recording was cut off before its tables were there.

        Raises:
            InputError: the file is something else, or damaged.
        """
        if not path.stat().st_size:
            return True
        try:
            file = DatabaseFile(path, FORM, Mode.READ)
        except KnownError:
            # Cut off while its first page was written: that is undone now. What is foreign or damaged is refused again.
            file = DatabaseFile(path, FORM, Mode.CREATE)
        try:
            return check_version(file, SCHEMA) == 0
        finally:
            file.close()

    @classmethod
    def delete(cls, path: Path) -> None:
        """Remove a database with its log, if it is there."""
        for part in (path, *path.parent.glob(f"{path.name}-*")):
            part.unlink(missing_ok=True)

    # --- writing ------------------------------------------------------------------------------------------------

    def append(self, frame_sets: Sequence[FrameSet]) -> None:
        """Store ``frame_sets`` in one transaction; when this returns, all of them are on the disk.

        Raises:
            HostError: the disk is full or refuses; nothing of these sets was stored.
            InputError: a frame set of that number is there already.
        """
        encoded = [(frame_set, [self._row(frame_set, m) for m in _stored(frame_set)]) for frame_set in frame_sets]
        self._profile_ids.clear()
        with self._file.transaction():
            for frame_set, rows in encoded:
                if self._file.value("SELECT 1 FROM sets WHERE number = ?", (frame_set.number,)) is not None:
                    raise InputError(
                        sentence("Frame set {number} is stored already.", number=frame_set.number),
                        "Number the frame sets on.",
                    )
                self._append(frame_set, rows)

    def _row(self, frame_set: FrameSet, modality: Modality) -> Row:
        row = _frame_row(frame_set, modality)
        return row if self._key is None else sealed_row(self.session, row, self._key)

    def _append(self, frame_set: FrameSet, rows: Sequence[Row]) -> None:
        profiles = self._form(frame_set.profiles)
        row: Row = {
            "number": frame_set.number,
            "time_ms": frame_set.time_ms,
            "mask": frame_set.mask.bits,
            "skew_ms": frame_set.skew_ms,
            "framing": str(frame_set.framing),
        }
        row["digest"] = _set_digest(row, profiles, [frame["digest"] for frame in rows])
        row["profiles"] = self._profile_id(profiles)
        self._file.insert("sets", row)
        for frame in rows:
            self._file.insert("frames", frame)

    def _form(self, profiles: Mapping[Modality, StreamProfile]) -> str:
        """JSON text of ``profiles``; they rarely change from one set to the next."""
        if profiles != self._last_profiles[0]:
            self._last_profiles = (dict(profiles), canonical(profiles_to_json(profiles)))
        return self._last_profiles[1]

    def _profile_id(self, form: str) -> int:
        if form not in self._profile_ids:
            self._file.execute("INSERT INTO profiles (form) VALUES (?) ON CONFLICT DO NOTHING", (form,))
            self._profile_ids[form] = int(self._file.value("SELECT id FROM profiles WHERE form = ?", (form,)))
        return self._profile_ids[form]

    def remove(self, first: int, last: int) -> None:
        """Delete the frame sets ``first`` to ``last`` for good: their bytes are overwritten, the log is emptied.

        Raises:
            HostError: somebody reads the file all the time.
        """
        with self._file.transaction():
            self._file.change("DELETE FROM frames WHERE number BETWEEN ? AND ?", (first, last))
            self._file.change("DELETE FROM sets WHERE number BETWEEN ? AND ?", (first, last))
        self.empty_log()

    def empty_log(self) -> None:
        """Move the write-ahead log into the file; raises `HostError` where a reader does not let us."""
        deadline = time.monotonic() + _LOG_PATIENCE_S
        while not self._file.checkpoint():
            if time.monotonic() > deadline:
                raise HostError(
                    sentence("{name} is being read.", name=self._file.path.name), "Close what reads it, then again."
                )
            time.sleep(0.1)

    def alone(self) -> AbstractContextManager[None]:
        """Nobody else writes into this file within; all that is written here comes at its end, or nothing."""
        return self._file.transaction()

    def sealed_by(self) -> str:
        """Id of the key of the first sealed payload; empty while all are plain."""
        return str(self._file.value("SELECT key FROM frames WHERE key <> '' ORDER BY id LIMIT 1") or "")

    def seal_plain(self, key: DataKey, sets: int, after: int = 0) -> list[int]:
        """Seal up to ``sets`` plain frame sets beyond number ``after`` where they lie, in one transaction.

        Returns their numbers. What is damaged stays damaged: a wrong digest is carried over.
        """
        sql = "SELECT DISTINCT number FROM frames WHERE number > ? AND key = '' ORDER BY number LIMIT ?"
        with self._file.transaction():
            numbers = [int(row["number"]) for row in self._file.rows(sql, (after, sets))]
            for row in (self._file.row("SELECT * FROM sets WHERE number = ?", (number,)) for number in numbers):
                if row is not None:
                    self._seal_set(row, key)
        return numbers

    def _seal_set(self, row: Row, key: DataKey) -> None:
        frames = self._file.rows("SELECT * FROM frames WHERE number = ? ORDER BY id", (row["number"],))
        form = str(self._file.value("SELECT form FROM profiles WHERE id = ?", (row["profiles"],)))
        whole = _set_digest(row, form, [frame["digest"] for frame in frames]) == row["digest"]
        digests = []
        for frame in frames:
            sealed = frame if frame["key"] else sealed_row(self.session, frame, key)
            if not frame["key"] and frame_digest(frame) != frame["digest"]:
                sealed["digest"] = frame["digest"]
            digests.append(sealed["digest"])
            self._file.change(
                "UPDATE frames SET key = ?, payload = ?, digest = ? WHERE id = ?",
                (sealed["key"], sealed["payload"], sealed["digest"], frame["id"]),
            )
        if whole:
            digest = _set_digest(row, form, digests)
            self._file.change("UPDATE sets SET digest = ? WHERE number = ?", (digest, row["number"]))

    def require_session(self, session: str) -> None:
        """Raise `SealBrokenError` when this is the file of another session."""
        if self.session != session:
            raise SealBrokenError(
                sentence("{path} holds session {session}.", path=self._file.path, session=self.session),
                "Put the session's own file back.",
            )

    # --- reading ------------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        return int(self._file.value("SELECT count(*) FROM sets"))

    @property
    def last_number(self) -> int:
        """Number of the newest frame set; 0 while there is none."""
        return int(self._file.value("SELECT coalesce(max(number), 0) FROM sets"))

    def timeline(self) -> list[SetEntry]:
        """All frame sets in order, without pixels."""
        rows = self._file.rows("SELECT number, time_ms, mask, skew_ms FROM sets ORDER BY number")
        return [SetEntry(r["number"], r["time_ms"], ModalityMask(r["mask"]), r["skew_ms"]) for r in rows]

    def numbers(self, first: int = 0, last: int | None = None) -> list[int]:
        """Those from ``first`` to ``last`` (without it, the newest) that are stored, in order."""
        end = self.last_number if last is None else last
        rows = self._file.rows("SELECT number FROM sets WHERE number BETWEEN ? AND ? ORDER BY number", (first, end))
        return [int(row["number"]) for row in rows]

    def frame_set(self, number: int) -> FrameSet:
        """One frame set, bit-equal to what was stored.

        Raises:
            InputError: there is none of that number, or it is damaged (the message names the modality).
            SealBrokenError: a payload was changed, exchanged, or is not encrypted although the session is.
            LockedError: the site is locked.
        """
        row = self._file.row("SELECT * FROM sets WHERE number = ?", (number,))
        if row is None:
            raise InputError(
                sentence("Session {session} has no frame set {number}.", session=self.session, number=number),
                "Choose one of its timeline.",
            )
        try:
            return self._whole(number, row)
        except (KeyError, TypeError, ValueError) as error:  # a damaged page lost a column or changed its type
            raise self._damaged(number) from error

    def _damaged(self, number: int) -> InputError:
        told = sentence("Frame set {number} of session {session} is damaged.", number=number, session=self.session)
        return InputError(told, _REMEDY)

    def _whole(self, number: int, row: Row) -> FrameSet:
        form = str(self._file.value("SELECT form FROM profiles WHERE id = ?", (row["profiles"],)))
        frames = self._file.rows("SELECT * FROM frames WHERE number = ? ORDER BY id", (number,))
        decoded = {frame["modality"]: self._frame(frame) for frame in frames}
        if _set_digest(row, form, [frame["digest"] for frame in frames]) != row["digest"]:
            raise self._damaged(number)
        if row["profiles"] not in self._profiles:
            self._profiles[row["profiles"]] = profiles_from_json(json.loads(form))
        return FrameSet(
            number=number,
            time_ms=row["time_ms"],
            frames={Modality(name): frame for name, frame in decoded.items()},
            mask=ModalityMask(row["mask"]),
            profiles=self._profiles[row["profiles"]],
            skew_ms=row["skew_ms"],
            framing=Framing(row["framing"]),
        )

    def frame_sets(
        self, first: int = 0, last: int | None = None, on_damage: Callable[[InputError], None] | None = None
    ) -> Iterator[FrameSet]:
        """Frame sets ``first`` to ``last`` in order, read one by one.

        A damaged one is reported to ``on_damage`` and left out; without it, it raises `InputError`.
        """
        for number in self.numbers(first, last):
            try:
                frame_set = self.frame_set(number)
            except InputError as error:
                if on_damage is None:
                    raise
                on_damage(error)
            else:
                yield frame_set

    def __iter__(self) -> Iterator[FrameSet]:
        return self.frame_sets()

    def _frame(self, row: Row) -> Frame:
        where = sentence(
            "{modality} of frame set {number} in session {session}",
            modality=row["modality"],
            number=row["number"],
            session=self.session,
        )
        if frame_digest(row) != row["digest"]:
            raise InputError(sentence("The stored {where} is damaged: its digest differs.", where=where), _REMEDY)
        payload = self._opened(row, where)
        try:
            pixels = decode(row["codec"], payload, row["dtype"], json.loads(row["shape"]))
        except PayloadError as error:
            raise InputError(
                sentence("The stored {where} does not decode: {error}.", where=where, error=error), _REMEDY
            ) from error
        return Frame(
            modality=Modality(row["modality"]),
            pixels=pixels,
            number=row["frame_number"],
            device_time_ms=row["device_time_ms"],
            time_domain=row["time_domain"],
            metadata=numbers_from_json(json.loads(row["metadata"])),
        )

    def _opened(self, row: Row, where: str) -> bytes:
        if row["key"]:
            key = self._opener.find(row["key"])
            try:
                return key.open(row["payload"], payload_identity(self.session, row))
            except SealBrokenError as error:
                raise SealBrokenError(
                    sentence("The stored {where} was changed or exchanged.", where=where), error.remedy
                ) from error
        if not self._opener.plain:
            raise SealBrokenError(
                sentence(
                    "The stored {where} is not encrypted, although its session is: it was put there.", where=where
                ),
                "Restore the session from a backup, and find out who could write to the data folder.",
            )
        return bytes(row["payload"])

    # --- life ---------------------------------------------------------------------------------------------------

    def quick_check(self) -> str:
        """See `storage.database.DatabaseFile.quick_check`."""
        return self._file.quick_check()

    def checkpoint(self) -> None:
        """Move the write-ahead log into the file, so that the session is one file."""
        self._file.checkpoint()

    def close(self) -> None:
        """Close the database."""
        self._file.close()

    def __enter__(self) -> FrameStore:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _stored(frame_set: FrameSet) -> list[Modality]:
    return [modality for modality in MODALITIES if modality in frame_set.frames]


def _frame_row(frame_set: FrameSet, modality: Modality) -> Row:
    frame = frame_set.frames[modality]
    codec, payload = encode(frame.pixels)
    row: Row = {
        "number": frame_set.number,
        "modality": str(modality),
        "frame_number": frame.number,
        "device_time_ms": float(frame.device_time_ms),
        "time_domain": frame.time_domain,
        "metadata": canonical(numbers_to_json(frame.metadata)),
        "dtype": frame.pixels.dtype.name,
        "shape": canonical(list(frame.pixels.shape)),
        "codec": codec,
        "key": "",
        "payload": payload,
    }
    row["digest"] = frame_digest(row)
    return row


def sealed_row(session: str, row: Row, key: DataKey) -> Row:
    """A frame's row with its payload sealed by ``key`` as what the row says that it is."""
    sealed = {**row, "key": key.id}
    sealed["payload"] = key.seal(row["payload"], payload_identity(session, sealed))
    sealed["digest"] = frame_digest(sealed)
    return sealed


def payload_identity(session: str, row: Mapping[str, Any]) -> bytes:
    """What a payload is sealed as: session, frame set, and everything about the frame but its pixels."""
    return canonical(["sallyport frame", 1, session, row["number"], *(row[name] for name in _IDENTITY)]).encode()


def frame_digest(row: Mapping[str, Any]) -> bytes:
    """Over the payload and over what it is of, so that payloads cannot change places."""
    digest = hashlib.blake2b(digest_size=_DIGEST_BYTES)
    digest.update(canonical([row["number"], *(row[name] for name in _IDENTITY)]).encode())
    digest.update(row["payload"])
    return digest.digest()


def _set_digest(row: Mapping[str, Any], profiles: str, frames: Sequence[bytes]) -> bytes:
    identity = [float(row["time_ms"]), row["mask"], float(row["skew_ms"]), row["framing"]]
    digest = hashlib.blake2b(digest_size=_DIGEST_BYTES)
    digest.update(canonical([row["number"], *identity, profiles]).encode())
    for frame in frames:
        digest.update(frame)
    return digest.digest()
