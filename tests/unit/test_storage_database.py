from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.errors import HostError, InputError
from storage import migrations
from storage.database import DatabaseFile, FileForm, Mode, is_safe_version
from storage.driver import DatabaseError, driver
from storage.migrations import Migration, migrate

FORM = FileForm("test database", application_id=7, page_size=16384)
FIRST = Migration("things", ("CREATE TABLE things (name TEXT NOT NULL UNIQUE) STRICT",))
SECOND = Migration("sizes", ("ALTER TABLE things ADD COLUMN size INTEGER NOT NULL DEFAULT 0",))


@pytest.fixture
def file(tmp_path: Path) -> Iterator[DatabaseFile]:
    made = DatabaseFile(tmp_path / "a b ü.db", FORM, Mode.CREATE)
    migrate(made, [FIRST])
    yield made
    made.close()


@pytest.mark.parametrize(
    ("version", "safe"),
    [
        ((3, 40, 1), False),
        ((3, 51, 2), False),
        ((3, 51, 3), True),
        ((3, 52, 0), False),
        ((3, 53, 4), True),
        ((3, 50, 6), False),
        ((3, 50, 7), True),
        ((3, 44, 6), True),
        ((3, 44, 5), False),
    ],
)
def test_versions_with_the_wal_reset_bug_are_refused(version: tuple[int, ...], safe: bool) -> None:
    assert is_safe_version(version) is safe


def test_an_unsafe_sqlite_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.database.is_safe_version", lambda version: False)
    with pytest.raises(HostError, match="pysqlite3"):
        DatabaseFile(tmp_path / "x.db", FORM, Mode.CREATE)


def test_connections_are_set_up_as_reliability_says(file: DatabaseFile) -> None:
    expected = {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "busy_timeout": 5000,
        "secure_delete": 1,
        "trusted_schema": 0,
        "cell_size_check": 1,
        "mmap_size": 0,
        "page_size": 16384,
        "application_id": 7,
        "user_version": 1,
    }
    assert {name: file.value(f"PRAGMA {name}") for name in expected} == expected
    assert driver.__name__ == "pysqlite3"


def test_a_failed_transaction_leaves_nothing(file: DatabaseFile) -> None:
    def fail() -> None:
        with file.transaction():
            file.insert("things", {"name": "a"})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert file.value("SELECT count(*) FROM things") == 0


def test_an_inner_transaction_may_fail_alone(file: DatabaseFile) -> None:
    def fail() -> None:
        with file.transaction():
            file.insert("things", {"name": "inner"})
            file.insert("things", {"name": "outer"})

    with file.transaction():
        file.insert("things", {"name": "outer"})
        with pytest.raises(DatabaseError):
            fail()
    assert file.rows("SELECT name FROM things") == [{"name": "outer"}]


def test_writers_of_many_threads_wait_for_each_other(file: DatabaseFile) -> None:
    def write(thread: int) -> None:
        for i in range(20):
            with file.transaction():
                size = file.value("SELECT count(*) FROM things")
                file.insert("things", {"name": f"{thread}-{i}-{size}"})

    threads = [threading.Thread(target=write, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert file.value("SELECT count(*) FROM things") == 80


def test_changes_by_anybody_are_seen(file: DatabaseFile) -> None:
    seen = [file.changes()]
    file.insert("things", {"name": "mine"})
    seen.append(file.changes())
    other = DatabaseFile(file.path, FORM)
    other.insert("things", {"name": "theirs"})
    other.close()
    seen.append(file.changes())
    assert len(set(seen)) == 3
    assert file.changes() == seen[-1]


def test_migrations_run_once_and_back_up_what_was_there(file: DatabaseFile, tmp_path: Path) -> None:
    file.insert("things", {"name": "a"})
    backup = migrate(file, [FIRST, SECOND], tmp_path / "backups")
    assert backup is not None
    assert file.row("SELECT * FROM things") == {"name": "a", "size": 0}
    assert migrate(file, [FIRST, SECOND], tmp_path / "backups") is None
    before = DatabaseFile(backup, FORM, Mode.READ)
    assert before.row("SELECT * FROM things") == {"name": "a"}
    before.close()


def test_a_migration_that_fails_changes_nothing(file: DatabaseFile) -> None:
    broken = Migration("broken", ("ALTER TABLE things ADD COLUMN size INTEGER", "CREATE NONSENSE"))
    with pytest.raises(DatabaseError):
        migrate(file, [FIRST, broken])
    assert file.value("PRAGMA user_version") == 1
    assert file.rows("SELECT name FROM pragma_table_info('things')") == [{"name": "name"}]


def test_a_database_from_a_newer_version_is_refused(file: DatabaseFile) -> None:
    migrate(file, [FIRST, SECOND])
    with pytest.raises(InputError, match="from a newer version") as raised:
        migrate(file, [FIRST])
    assert "restore" in raised.value.remedy


def test_an_edited_migration_is_noticed(file: DatabaseFile) -> None:
    edited = Migration("things", ("CREATE TABLE things (name TEXT) STRICT",))
    with pytest.raises(InputError, match="does not know"):
        migrations.check_version(file, [edited])


def test_white_space_is_no_edit() -> None:
    text = FIRST.statements[0]
    assert Migration("things", (f"\n{text}   \n\n",)).sha256 == FIRST.sha256


def test_only_create_makes_a_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="There is no test database"):
        DatabaseFile(tmp_path / "none.db", FORM)
    assert not (tmp_path / "none.db").exists()


def test_a_foreign_database_is_refused(file: DatabaseFile) -> None:
    with pytest.raises(InputError, match="is not a frames"):
        DatabaseFile(file.path, FileForm("frames", application_id=8))


@pytest.mark.parametrize("content", [b"not a database at all" * 100, b"SQLite format 3\x00" + b"\xff" * 5000])
def test_a_file_that_is_no_database_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.db"
    path.write_bytes(content)
    with pytest.raises(InputError):
        DatabaseFile(path, FORM, Mode.CREATE)
    assert path.read_bytes() == content


def test_a_damaged_page_is_told(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    made = DatabaseFile(path, FORM, Mode.CREATE)
    migrate(made, [FIRST])
    with made.transaction():
        for i in range(2000):
            made.insert("things", {"name": f"{i:04}" * 10})
    made.checkpoint()
    made.close()
    content = bytearray(path.read_bytes())
    content[2 * 16384 : 6 * 16384] = os.urandom(4 * 16384)
    path.write_bytes(content)
    damaged = DatabaseFile(path, FORM)
    try:
        with pytest.raises(InputError, match="damaged"):
            damaged.rows("SELECT * FROM things ORDER BY name")
        assert damaged.quick_check() != "ok"
    finally:
        damaged.close()


def test_a_folder_that_is_missing_or_a_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(HostError, match="cannot be opened"):
        DatabaseFile(tmp_path / "none" / "x.db", FORM, Mode.CREATE)


def test_processes_that_make_a_file_together_wait_for_each_other(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    other = driver.connect(str(path), isolation_level=None, check_same_thread=False)
    other.execute("PRAGMA application_id=7")
    other.execute("CREATE TABLE things (name TEXT)")
    other.execute("BEGIN IMMEDIATE")  # SQLite waits for it with everything but the change to a write-ahead log
    ends = threading.Timer(0.2, other.execute, ("COMMIT",))
    ends.start()
    try:
        made = DatabaseFile(path, FORM, Mode.CREATE)
        assert made.value("PRAGMA journal_mode") == "wal"
        made.close()
    finally:
        ends.join()
        other.close()
