"""One SQLite file: the only place where a connection is made (reliability.md sections 0 and 3.1 have the facts).

Every thread gets its own connection through sqlite-utils. A start-up check refuses a SQLite that has the WAL-reset
bug, the identity of the file is checked before anything is read, and every writing unit is ``BEGIN IMMEDIATE``.
"""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

from sqlite_utils import Database

from core.errors import HostError, InputError, sentence
from storage.driver import Connection, DatabaseError, driver
from storage.problems import BUSY_MS, DiskFullError, is_busy, told

Row = dict[str, Any]
T = TypeVar("T")

_FIXED_IN = (3, 51, 3)
_BACKPORTS = {(3, 50): 7, (3, 44): 6}
_WITHDRAWN = {(3, 52, 0)}
_AGAIN_S = 0.01
JOURNAL_LIMIT_BYTES = 64 * 1024 * 1024


class Mode(StrEnum):
    """How a file is opened, in the words of SQLite's URI. Only CREATE may make a file."""

    CREATE = "rwc"
    WRITE = "rw"
    READ = "ro"


@dataclass(frozen=True, slots=True)
class FileForm:
    """What distinguishes one kind of database file.

    ``application_id`` marks the file, ``page_size`` counts in bytes and holds for new files, ``checkpoint_pages`` is
    how many pages the write-ahead log gathers before they are moved into the file.
    """

    name: str
    application_id: int
    page_size: int = 8192
    checkpoint_pages: int = 1000


class DatabaseFile:
    """A database file with one connection per thread.

    ``make_room`` is asked by `insist` when the disk is full; it says whether it could free some space.

    Raises:
        HostError: SQLite is too old, or the file cannot be opened or written.
        InputError: the file is damaged, or it is not of this ``form``.
    """

    def __init__(
        self, path: Path, form: FileForm, mode: Mode = Mode.WRITE, make_room: Callable[[], bool] = lambda: False
    ) -> None:
        self.path = path
        self.form = form
        self.mode = mode
        self._make_room = make_room
        self._local = threading.local()
        self._connections: weakref.WeakSet[Database] = weakref.WeakSet()
        self._closed = False
        if mode is not Mode.CREATE and not path.is_file():
            raise InputError(sentence("There is no {kind} at {path}.", kind=form.name, path=path), "Check the path.")
        self._connection()

    # --- statements ---------------------------------------------------------------------------------------------

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        """Run one statement; returns the row id of an INSERT. Outside of `transaction` it commits by itself."""
        with told(self.path):
            connection = self._connection()
            if not connection.conn.in_transaction:
                self._require_same_files()
            return int(connection.execute(sql, parameters).lastrowid or 0)

    def change(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        """Run one UPDATE or DELETE; returns how many rows it met."""
        with told(self.path):
            connection = self._connection()
            if not connection.conn.in_transaction:
                self._require_same_files()
            return int(connection.execute(sql, parameters).rowcount)

    def insert(self, table: str, values: Row) -> int:
        """Insert one row; returns its row id."""
        columns = ", ".join(values)
        marks = ", ".join("?" * len(values))
        return self.execute(f"INSERT INTO {table} ({columns}) VALUES ({marks})", list(values.values()))

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """All rows of a query."""
        with told(self.path):
            cursor = self._connection().execute(sql, parameters)
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, values, strict=True)) for values in cursor]

    def row(self, sql: str, parameters: Sequence[Any] = ()) -> Row | None:
        """The first row of a query, if any."""
        rows = self.rows(sql, parameters)
        return rows[0] if rows else None

    def value(self, sql: str, parameters: Sequence[Any] = ()) -> Any:
        """The first value of the first row; ``None`` without a row."""
        with told(self.path):
            found = self._connection().execute(sql, parameters).fetchone()
        return None if found is None else found[0]

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """A writing unit: all or nothing. Inside another one it is a part of it (a savepoint).

        ``BEGIN IMMEDIATE``: a deferred transaction that reads first fails at once when another process writes,
        whatever the time-out (reliability.md section 0).
        """
        connection = self._connection()
        with told(self.path):
            if connection.conn.in_transaction:
                with connection.atomic():
                    yield
                return
            connection.execute("BEGIN IMMEDIATE")
            self._local.afterwards = {}
            try:
                yield
                self._require_same_files()
                connection.execute("COMMIT")
            except BaseException:
                connection.rollback()
                raise
        for work in self._local.afterwards.values():
            work()

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Several reads of one state, whoever writes meanwhile; nothing may be written within."""
        connection = self._connection()
        with told(self.path):
            if connection.conn.in_transaction:
                yield
                return
            connection.execute("BEGIN")
            try:
                yield
            except BaseException:
                connection.rollback()
                raise
            connection.execute("COMMIT")

    def after_commit(self, key: object, work: Callable[[], None]) -> None:
        """Within a transaction: do ``work`` once it is committed, and never if it is not. One work for each ``key``."""
        self._local.afterwards[key] = work

    def insist(self, unit: Callable[[], T]) -> T:
        """Run a writing unit that must not fail while there is a reserve of space: once more, after that is freed.

        Raises:
            DiskFullError: there was no reserve, or it did not do.
        """
        try:
            return unit()
        except DiskFullError:
            if not self._make_room():
                raise
            return unit()

    # --- life ---------------------------------------------------------------------------------------------------

    def changes(self) -> int:
        """A number that differs from the last one in this thread when anybody has written, here or elsewhere.

        ``data_version`` tells of the commits of other connections, of any process; our own are counted beside it.
        """
        return int(self.value("PRAGMA data_version")) + self._connection().conn.total_changes

    def quick_check(self) -> str:
        """``ok``, or the first damage that SQLite finds in the structure of the file (not inside of blobs)."""
        return str(self.value("PRAGMA quick_check(1)"))

    def checkpoint(self) -> bool:
        """Move the write-ahead log into the file and empty it; ``False`` when a reader was in the way."""
        return not self.value("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Close the connections of all threads; the object cannot be used afterwards."""
        self._closed = True
        for connection in list(self._connections):
            connection.close()

    def _connection(self) -> Database:
        connection: Database | None = getattr(self._local, "connection", None)
        if connection is None:
            if self._closed:
                raise ValueError(f"{self.path.name} is closed")
            with told(self.path):
                connection = self._connect()
            self._local.connection = connection
            self._connections.add(connection)
        return connection

    def _require_same_files(self) -> None:
        """With a write-ahead log, SQLite writes on into files that were removed or replaced, and says that all is well.

        Raises:
            InputError: what is written now would be lost.
        """
        if self.mode is not Mode.READ and self._local.files != _identities(self.path):
            raise InputError(
                sentence(
                    "{path} was removed or replaced while it was open: nothing more can be stored in it.",
                    path=self.path,
                ),
                "Put the file back, with its -wal file if there is one, and start again.",
            )

    def _connect(self) -> Database:
        uri = f"{self.path.resolve().as_uri()}?mode={self.mode.value}"
        # Each thread makes and uses its own connection; only `close` reaches over to the others.
        made = driver.connect(uri, uri=True, timeout=BUSY_MS / 1000.0, isolation_level=None, check_same_thread=False)
        connection = Database(made, execute_plugins=False)
        try:
            check_driver(connection)
            self._configure(connection)
            connection.execute("PRAGMA user_version").fetchone()  # a first read: now the log is there too
            self._local.files = _identities(self.path)
        except BaseException:
            connection.close()
            raise
        return connection

    def _configure(self, connection: Database) -> None:
        def pragma(text: str) -> Any:
            found = connection.execute(f"PRAGMA {text}").fetchone()
            return None if found is None else found[0]

        pragma("trusted_schema=OFF")
        pragma("cell_size_check=ON")
        pragma("mmap_size=0")
        empty = pragma("schema_version") == 0
        identity = pragma("application_id")
        if empty and self.mode is Mode.CREATE:
            pragma(f"page_size={self.form.page_size}")
            pragma(f"application_id={self.form.application_id}")
        elif identity != self.form.application_id:
            raise InputError(
                sentence("{path} is not a {kind} of Sallyport.", path=self.path, kind=self.form.name),
                "Choose another file.",
            )
        if self.mode is not Mode.READ:
            _log_ahead(connection)
        pragma("synchronous=FULL")
        pragma("foreign_keys=ON")
        pragma("secure_delete=ON")
        pragma(f"journal_size_limit={JOURNAL_LIMIT_BYTES}")
        pragma(f"wal_autocheckpoint={self.form.checkpoint_pages}")


def _log_ahead(connection: Database) -> None:
    """Use a write-ahead log. SQLite waits for no other writer with the change to it: who makes a file together must."""
    deadline_s = time.monotonic() + BUSY_MS / 1000.0
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL").fetchone()
            return
        except DatabaseError as error:
            if not is_busy(error) or time.monotonic() > deadline_s:
                raise
            time.sleep(_AGAIN_S)


def _identities(path: Path) -> list[tuple[int, int] | None]:
    """Device and inode of the database and of its write-ahead log; ``None`` for what is not there."""
    found: list[tuple[int, int] | None] = []
    for part in (path, path.with_name(f"{path.name}-wal")):
        try:
            status = part.stat()
        except OSError:
            found.append(None)
        else:
            found.append((status.st_dev, status.st_ino))
    return found


def check_driver(connection: Database) -> str:
    """The SQLite version behind ``connection``.

    Raises:
        HostError: it can lose committed pages in WAL mode (versions 3.7.0 to 3.51.2; fixed in 3.51.3 and backported
            to 3.50.7 and 3.44.6; reliability.md section 0, finding 1).
    """
    kind = type(connection.conn)
    if not issubclass(kind, Connection):
        raise HostError(
            sentence(
                "Two SQLite drivers are mixed: {module} and {other}.", module=kind.__module__, other=driver.__name__
            ),
            "Install the program again with `make run`.",
        )
    text = str(connection.execute("SELECT sqlite_version()").fetchone()[0])
    if not is_safe_version(tuple(int(part) for part in text.split("."))):
        raise HostError(
            sentence(
                "SQLite {version} ({module}) can lose data with several connections.",
                version=text,
                module=kind.__module__,
            ),
            "Install a fixed one: `pip install pysqlite3`.",
        )
    return text


def check_version_of_library() -> str:
    """The SQLite version of this process; raises as `check_driver`."""
    connection = Database(driver.connect(":memory:"), execute_plugins=False)
    try:
        return check_driver(connection)
    finally:
        connection.close()


def is_safe_version(version: tuple[int, ...]) -> bool:
    """Whether this SQLite version is free of the WAL-reset bug."""
    if version in _WITHDRAWN:
        return False
    backport = _BACKPORTS.get((version[0], version[1]))
    return version >= _FIXED_IN or (backport is not None and version[2] >= backport)
