"""Reads the chain of the audit log and says whether it is whole; where it is not, which entry is the first bad one.

Found are: a changed byte, a removed or added row, a re-ordering, and, thanks to the checkpoints outside of the
database, a cut tail and an old catalogue that was put back; and verdicts whose rows are not as their entries say. What
a chain cannot find without a checkpoint kept elsewhere is said in docs/reliability.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from core.access import Permission
from core.codes import AuditFault
from core.errors import CanceledError, InputError
from storage.anchors import Checkpoint
from storage.audit_acknowledged import read_acknowledged
from storage.audit_key import ChainKey, read_chain_key
from storage.audit_report import MOST, AuditFinding, AuditReport
from storage.audit_rows import rows_after
from storage.audit_trust import note_break
from storage.audit_verdicts import compare, first_of
from storage.audit_walk import ChainWalk
from storage.catalogue import Catalogue
from storage.driver import DatabaseError
from storage.schema import AUDIT_GUARDS

TAIL = 1000
_STEPS = 5000


def verify(
    catalogue: Catalogue,
    given: Iterable[Checkpoint] = (),
    progress: Callable[[int, int], None] = lambda done, total: None,
    cancel: Callable[[], bool] = lambda: False,
) -> AuditReport:
    """Read the whole log against its key and all checkpoints, also those that were kept elsewhere (``given``).

    What was found is an entry of the log itself; a break that nobody has acknowledged takes a station's verdicts their
    weight (`storage.audit_trust`).

    Raises:
        DeniedError: whoever acts may not read the log.
        CanceledError: ``cancel`` said so.
        HostError: the key's file cannot be read.
    """
    catalogue.require(Permission.AUDIT)
    report, _ = read_chain(catalogue, tuple(given), 0, progress, cancel)
    details = {"intact": report.intact, "entries": report.entries, "faults": [str(f.fault) for f in report.findings]}
    if AuditFinding(AuditFault.UNREADABLE, 0) not in report.findings:  # nothing can be written there either
        actor = catalogue.actor.id
        with catalogue.transaction():
            catalogue.audit.append("verify", "audit", str(report.first_bad or ""), actor=actor, details=details)
            note_break(catalogue, report, actor)
    return report


def verify_tail(catalogue: Catalogue) -> AuditReport:
    """The same for the newest thousand entries: quick enough for the start of a station."""
    try:
        newest = int(catalogue.file.value("SELECT max(rowid) FROM audit") or 0)
    except DatabaseError:
        newest = 0
    report, _ = read_chain(catalogue, (), max(0, newest - TAIL))
    return report


def read_chain(
    catalogue: Catalogue,
    given: tuple[Checkpoint, ...],
    after: int,
    progress: Callable[[int, int], None] = lambda done, total: None,
    cancel: Callable[[], bool] = lambda: False,
    most: int | None = MOST,
) -> tuple[AuditReport, tuple[str, ...]]:
    """Read the entries beyond ``after`` and log nothing.

    Returns what is wrong, of what nobody has acknowledged at most ``most`` findings, and the names of the checkpoints
    that the log contradicts. Raises as `verify` does, but asks nobody's permission.
    """
    file = catalogue.file
    key = read_chain_key(catalogue.folder.audit_key)
    known = _known(catalogue, key, after)
    walk = ChainWalk(key, known, given, whole=after == 0, most=most)
    try:
        walk = ChainWalk(key, known, given, after == 0, read_acknowledged(file, key), most)
        total = int(file.value("SELECT count(*) FROM audit WHERE rowid > ?", (after,)))
        for row in rows_after(file, after - 1):  # the row before the first one is what that one follows
            walk.step(row)
            if walk.entries % _STEPS == 0:
                progress(min(walk.entries, total), total)
                if cancel():
                    raise CanceledError("The verification was stopped.")
        triggers = file.rows("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit'")
        ever = file.value("SELECT max(seq) FROM sqlite_sequence WHERE name = 'audit'")
        verdicts = list(compare(file, after, first_of(file, after), cancel))
        ran = file.value("SELECT 1 FROM audit WHERE action = 'start' AND object_kind = 'station' LIMIT 1") is not None
    except (DatabaseError, InputError):
        walk.find(AuditFault.UNREADABLE, 0)
        return walk.report(), ()
    guards = {row["name"] for row in triggers if "RAISE(ABORT" in str(row["sql"])}
    walk.finish(int(ever or 0), guarded=guards >= AUDIT_GUARDS.keys(), ran=ran)
    for fault, number in verdicts:
        walk.find(fault, number)
    progress(total, total)
    return walk.report(), walk.disagreeing


def _known(catalogue: Catalogue, key: ChainKey | None, after: int) -> tuple[Checkpoint, ...]:
    """The checkpoints that can say something of the entries beyond ``after``: there are ever more, and each signature
    takes its time. Of those before it the newest good one stays: it says that there were some.
    """
    anchors = catalogue.audit.anchors
    found: list[Checkpoint] = []
    for read in (anchors.here, lambda: anchors.elsewhere(key.id if key else "")):
        try:
            found += read()
        except InputError:  # nothing in it can be read: as good as gone
            continue
    earlier = sorted((one for one in found if one.entry <= after), key=lambda one: one.entry, reverse=True)
    newest = next((one for one in earlier if one.genuine), None)
    return (*(() if newest is None else (newest,)), *(one for one in found if one.entry > after))
