"""The audit chain: whole as it is written, and whatever is done to the file is found, with the first bad entry."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import shutil
from pathlib import Path

import pytest

from core.clock import FakeClock
from core.codes import AuditFault
from core.errors import HostError, InputError
from storage.anchors import Checkpoint, read_checkpoints
from storage.audit_key import ChainKey
from storage.audit_verify import TAIL, verify, verify_tail
from storage.backup import back_up, restore
from storage.catalogue import open_catalogue
from storage.repositories.audit import CHECKPOINT_ENTRIES, CHECKPOINT_S
from tests import audit_attack as attack
from tests.unit.audit_logs import COLUMNS, ENTRIES, faults, fill, verified


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder that nobody touches."""
    data = tmp_path_factory.mktemp("whole") / "data"
    fill(data)
    return data


@pytest.fixture
def data(tmp_path: Path, whole: Path) -> Path:
    shutil.copytree(whole, tmp_path / "data")
    return tmp_path / "data"


@pytest.fixture
def file(data: Path) -> Path:
    return data / "catalogue.db"


# --- as it should be ------------------------------------------------------------------------------------------------


def test_a_log_that_nobody_touched_is_intact(data: Path) -> None:
    report = verified(data)
    assert report.intact, report.findings
    assert (report.entries, report.protected, report.earlier, report.checkpoints) == (ENTRIES, ENTRIES, 0, 1)
    again = verified(data)
    assert again.intact
    assert again.entries == ENTRIES + 1, "a verification is an entry of its own"


def test_an_empty_log_is_intact(tmp_path: Path) -> None:
    assert verified(tmp_path / "data").intact


def test_the_key_is_for_this_user_alone_and_stays(data: Path) -> None:
    key = data / "audit.key"
    before = key.read_bytes()
    assert os.name != "posix" or key.stat().st_mode & 0o777 == 0o600
    fill(data)
    assert key.read_bytes() == before


def test_what_is_rolled_back_leaves_no_gap_and_no_checkpoint(data: Path) -> None:
    with open_catalogue(data) as catalogue:
        with contextlib.suppress(RuntimeError), catalogue.transaction():
            catalogue.audit.append("second_line", "verdict", "x", actor="station")
            raise RuntimeError
        with catalogue.transaction():
            catalogue.audit.append("second_line", "verdict", "y", actor="station")
            catalogue.audit.append("second_line", "verdict", "z", actor="station")
        assert verify(catalogue).intact


def write_many(data: str, count: int) -> None:
    with open_catalogue(Path(data)) as catalogue:
        for number in range(count):
            with catalogue.transaction():
                catalogue.audit.append("second_line", "verdict", str(number), actor=str(os.getpid()))
                catalogue.audit.append("close", "session", str(number), actor=str(os.getpid()))


def test_processes_that_begin_together_write_one_chain(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    with open_catalogue(tmp_path / "data"):
        pass
    writers = [context.Process(target=write_many, args=(str(tmp_path / "data"), 12)) for _ in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
        assert writer.exitcode == 0
    report = verified(tmp_path / "data")
    assert report.intact, report.findings
    assert report.protected == 3 * 12 * 2
    with open_catalogue(tmp_path / "data") as catalogue:
        assert len({entry.actor for entry in catalogue.audit.entries(limit=1000)}) == 4  # three, and who verified


# --- what an attacker does to the file ------------------------------------------------------------------------------


@pytest.mark.parametrize("column", COLUMNS)
def test_a_changed_column_is_found_where_it_is(file: Path, column: str) -> None:
    value = "no-such-key" if column == "key" else COLUMNS[column]
    with attack.opened(file) as connection:
        connection.execute(f"UPDATE audit SET {column} = ? WHERE id = 4", (value,))
    report = verified(file.parent)
    assert report.first_bad == 4, report.findings
    assert faults(report) & {AuditFault.CHANGED, AuditFault.ORDER, AuditFault.FOREIGN}


@pytest.mark.parametrize("renumber", [False, True])
def test_a_row_that_is_removed_from_the_file_is_named(file: Path, renumber: bool) -> None:
    with attack.opened(file) as connection:
        found = [row for row in attack.rows(connection) if row["id"] != 3]
        attack.write(connection, [{**row, **({"id": n} if renumber else {})} for n, row in enumerate(found, start=1)])
        attack.tidy_numbers(connection)
    assert verified(file.parent).first_bad == 3


def test_an_entry_that_was_put_in_is_found(file: Path) -> None:
    with attack.opened(file) as connection:
        found = attack.rows(connection)
        forged = {**found[3], "actor": "mallory"}
        attack.write(connection, [{**row, "id": n} for n, row in enumerate([*found[:4], forged, *found[4:]], start=1)])
    assert verified(file.parent).first_bad == 5


@pytest.mark.parametrize("chain", ["", "0123456789abcdef"])
def test_an_entry_at_the_end_without_the_key_is_found_and_begins_no_chain(file: Path, chain: str) -> None:
    with attack.opened(file) as connection:
        last = attack.rows(connection)[-1]
        connection.execute(
            "INSERT INTO audit (utc_s, actor, action, object_kind, object, chain, previous_hash, entry_hash) "
            "VALUES (1, 'm', 'promote', 'model', 'x', ?, ?, ?)",
            (chain, last["entry_hash"], None if not chain else b"\x05" * 32),
        )
    report = verified(file.parent)
    assert report.first_bad == ENTRIES + 1
    assert AuditFault.FOREIGN in faults(report)


@pytest.mark.parametrize("tidy", [False, True])
@pytest.mark.parametrize("cut", [1, ENTRIES])
def test_a_cut_tail_is_found(file: Path, cut: int, tidy: bool) -> None:
    with attack.opened(file) as connection:
        connection.execute("DELETE FROM audit WHERE id > ?", (ENTRIES - cut,))
        if tidy:
            attack.tidy_numbers(connection)
            connection.execute("DELETE FROM sqlite_sequence WHERE seq IS NULL")
    report = verified(file.parent)
    assert report.first_bad == ENTRIES - cut + 1
    assert AuditFault.CUT in faults(report)


def test_a_cut_tail_stays_found_when_the_log_goes_on(file: Path) -> None:
    with attack.opened(file) as connection:
        connection.execute("DELETE FROM audit WHERE id > 5")
        attack.tidy_numbers(connection)
    fill(file.parent, entries=6, checkpoint=False)
    report = verified(file.parent)
    assert (report.first_bad, faults(report)) == (ENTRIES, {AuditFault.REPLACED})


@pytest.mark.parametrize("goes_on", [0, 20])
def test_an_old_catalogue_that_was_put_back_is_found(tmp_path: Path, goes_on: int) -> None:
    data = tmp_path / "data"
    fill(data, entries=5)
    shutil.copy(data / "catalogue.db", tmp_path / "old.db")
    fill(data, entries=10)
    shutil.copy(tmp_path / "old.db", data / "catalogue.db")
    if goes_on:
        fill(data, entries=goes_on, checkpoint=False)
    report = verified(data)
    assert report.first_bad == (15 if goes_on else 6)
    assert faults(report) == {AuditFault.REPLACED if goes_on else AuditFault.CUT}
    with open_catalogue(data) as catalogue:
        assert not verify_tail(catalogue).intact


def test_a_whole_folder_that_was_put_back_is_found_by_what_was_kept_elsewhere(tmp_path: Path) -> None:
    data, stick = tmp_path / "data", tmp_path / "stick"
    stick.mkdir()
    with open_catalogue(data) as catalogue:
        catalogue.audit.anchors.choose(str(stick))
    fill(data, entries=5)
    shutil.copytree(data, tmp_path / "old")
    fill(data, entries=5)
    shutil.rmtree(data)
    shutil.copytree(tmp_path / "old", data)
    report = verified(data)
    assert (report.first_bad, faults(report)) == (6, {AuditFault.CUT})
    (data / "anchors" / "second-place.json").unlink()
    assert verified(data).intact, "nothing in the folder can tell"
    kept = read_checkpoints(next(stick.glob("*.jsonl")))
    newest = max(kept, key=lambda one: one.entry)
    assert newest.entry == 10
    assert not verified(data, newest).intact


def test_dropped_triggers_are_told(file: Path) -> None:
    with attack.opened(file):
        pass
    assert verified(file.parent).intact, "they were put back"
    attack.spoil(file, "DROP TRIGGER audit_is_never_changed")
    assert faults(verified(file.parent)) == {AuditFault.GUARDS}


def test_a_key_that_is_gone_is_told_for_good(data: Path) -> None:
    (data / "audit.key").unlink()
    fill(data, entries=3)
    report = verified(data)
    assert (report.first_bad, faults(report)) == (ENTRIES + 1, {AuditFault.KEY_LOST})
    assert report.began == "key_lost"


def test_a_log_that_was_stripped_of_its_hashes_does_not_pass_for_an_old_one(file: Path) -> None:
    with attack.opened(file) as connection:
        connection.execute("UPDATE audit SET chain = '', previous_hash = NULL, entry_hash = NULL, actor = 'mallory'")
    assert AuditFault.KEY_LOST in faults(verified(file.parent))


def test_a_damaged_key_is_told_and_not_replaced(data: Path) -> None:
    (data / "audit.key").write_text("nonsense")
    with pytest.raises(HostError, match="key of the audit log"):
        open_catalogue(data)
    assert (data / "audit.key").read_text() == "nonsense"


def test_checkpoints_that_are_gone_or_forged_are_told(data: Path) -> None:
    path = data / "anchors" / "checkpoints.jsonl"
    with open_catalogue(data) as catalogue:
        catalogue.audit.append("start", "station", "", actor="program")
        catalogue.audit.checkpoint()
    kept = read_checkpoints(path)
    path.unlink()
    assert AuditFault.ANCHORS_GONE in faults(verified(data))
    forged = Checkpoint.signed(ChainKey(b"f" * 32), 3, 3, b"\x07" * 32, 1.0)
    assert faults(verified(data, forged)) >= {AuditFault.ANCHOR}
    stolen = Checkpoint.from_json(kept[0].to_json().replace(f'"entry":{ENTRIES}', '"entry":2'))
    assert AuditFault.ANCHOR in faults(verified(data, stolen))


def test_a_torn_line_of_checkpoints_costs_only_itself(data: Path) -> None:
    path = data / "anchors" / "checkpoints.jsonl"
    with path.open("a") as stream:
        stream.write('{"chain": "torn')
    fill(data, entries=2)
    assert [one.entry for one in read_checkpoints(path)] == [ENTRIES, ENTRIES + 2]
    assert verified(data).intact


def test_a_table_of_another_form_is_told(file: Path) -> None:
    attack.spoil(file, "ALTER TABLE audit RENAME COLUMN actor TO who")
    assert AuditFault.UNREADABLE in faults(verified(file.parent))


# --- checkpoints, older logs, backups -------------------------------------------------------------------------------


def test_checkpoints_come_by_number_and_by_day(tmp_path: Path) -> None:
    clock = FakeClock()
    with open_catalogue(tmp_path / "data", clock) as catalogue:
        with catalogue.transaction():
            for number in range(CHECKPOINT_ENTRIES + 1):
                catalogue.audit.append("second_line", "verdict", str(number), actor="station")
        assert [one.entry for one in catalogue.audit.anchors.here()] == [CHECKPOINT_ENTRIES + 1]
        clock.advance(1000.0 * CHECKPOINT_S)
        catalogue.audit.append("second_line", "verdict", "x", actor="station")
        assert [one.entry for one in catalogue.audit.anchors.here()][1:] == [CHECKPOINT_ENTRIES + 2]
        assert verify_tail(catalogue).intact


def test_a_second_place_that_is_away_stops_nobody(data: Path, tmp_path: Path) -> None:
    stick = tmp_path / "stick"
    stick.mkdir()
    with open_catalogue(data) as catalogue:
        with pytest.raises(InputError, match="no folder"):
            catalogue.audit.anchors.choose(str(tmp_path / "nowhere"))
        catalogue.audit.anchors.choose(str(stick))
        stick.rmdir()
        made = catalogue.audit.checkpoint()
        assert made is not None
        assert "is not there" in catalogue.audit.anchors.problem(made.chain)
        assert catalogue.audit.anchors.here()[-1] == made
        catalogue.audit.anchors.choose("none")
        assert catalogue.audit.anchors.problem(made.chain) == ""


def older_log(data: Path) -> None:
    """A log as the version before the chain wrote it: no hashes, no key, no checkpoints."""
    fill(data, entries=4)
    with attack.opened(data / "catalogue.db") as connection:
        connection.execute("UPDATE audit SET chain = '', previous_hash = NULL, entry_hash = NULL")
    (data / "audit.key").unlink()
    shutil.rmtree(data / "anchors")


def test_an_older_log_is_anchored_and_said_to_have_been_unprotected(tmp_path: Path) -> None:
    data = tmp_path / "data"
    older_log(data)
    report = verified(data)
    assert report.intact, report.findings
    assert (report.began, report.earlier, report.protected) == ("migrated", 4, 1)
    with open_catalogue(data) as catalogue:
        entry = catalogue.audit.of("audit", read_id(data))[0]
        assert (entry.action, entry.details["earlier"], entry.details["protected"]) == ("begin", 4, False)
    with attack.opened(data / "catalogue.db") as connection:
        connection.execute("UPDATE audit SET reason = 'changed later' WHERE id = 2")
    report = verified(data)
    assert (report.first_bad, faults(report)) == (5, {AuditFault.EARLIER})


def read_id(data: Path) -> str:
    return ChainKey(bytes.fromhex((data / "audit.key").read_text().strip())).id


def test_a_restored_backup_begins_a_chain_of_its_own(data: Path, tmp_path: Path) -> None:
    with open_catalogue(data) as catalogue:
        back_up(catalogue, tmp_path / "backup")
    assert not list((tmp_path / "backup").rglob("*.key"))
    restore(tmp_path / "backup", tmp_path / "new")
    report = verified(tmp_path / "new")
    assert report.intact, report.findings
    assert report.began == "restored"
    with open_catalogue(data) as catalogue:
        old = catalogue.audit.checkpoint()
    assert old is not None
    assert faults(verified(tmp_path / "new", old)) == {AuditFault.ANCHOR}, "it is not the folder of that checkpoint"


@pytest.mark.parametrize(("field", "value"), [("utc_s", "NaN"), ("head", '"\\ud800"')])
def test_a_checkpoint_that_nobody_can_have_signed_is_told(data: Path, field: str, value: str) -> None:
    path = data / "anchors" / "checkpoints.jsonl"
    form = json.loads(read_checkpoints(path)[0].to_json())
    told = [f'"{name}":{value if name == field else json.dumps(of)}' for name, of in form.items()]
    with path.open("a") as stream:
        stream.write("{" + ",".join(told) + "}\n")
    assert faults(verified(data)) == {AuditFault.ANCHOR}


def test_the_look_at_the_newest_entries_does_not_grow_with_the_checkpoints(tmp_path: Path) -> None:
    data = tmp_path / "data"
    fill(data, entries=TAIL + 50)
    path = data / "anchors" / "checkpoints.jsonl"
    with open_catalogue(data) as catalogue:
        key = ChainKey(bytes.fromhex(catalogue.folder.audit_key.read_text().strip()))
        heads = catalogue.file.rows("SELECT id, entry_hash FROM audit WHERE id <= 40")
        old = [Checkpoint.signed(key, row["id"], row["id"], row["entry_hash"], 1.0).to_json() for row in heads]
        path.write_text("\n".join(old) + "\n")
        report = verify_tail(catalogue)
        assert report.intact, "there were checkpoints, although none is of the newest entries"
        assert report.checkpoints == 0
        assert verify(catalogue).checkpoints == 40
