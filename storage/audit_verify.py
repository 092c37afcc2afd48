"""Reads the chain of the audit log and says whether it is whole; where it is not, which entry is the first bad one.

Found are: a changed byte, a removed or added row, a re-ordering, and, thanks to the checkpoints outside of the
database, a cut tail and an old catalogue that was put back. What a chain cannot find without a checkpoint kept
elsewhere is said in docs/reliability.md.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from core.access import Permission
from core.codes import AuditFault
from core.errors import CanceledError, InputError
from storage.anchors import Checkpoint
from storage.audit_key import GENESIS, ChainKey, read_chain_key
from storage.audit_rows import Earlier, rows_after
from storage.catalogue import Catalogue
from storage.database import Row
from storage.driver import DatabaseError
from storage.repositories.audit import BEGIN, Began

MOST = 20
"""So many findings are told; more do not tell more."""
TAIL = 1000
_GUARDS = {"audit_is_never_changed", "audit_is_never_shortened"}
_STEPS = 5000

WORDS: Mapping[StrEnum, str] = {
    AuditFault.CHANGED: "was changed, or written by somebody without the key",
    AuditFault.MISSING: "was removed",
    AuditFault.ORDER: "does not follow the entry before it: entries were re-ordered, removed or put in",
    AuditFault.FOREIGN: "was not written by this data folder's key",
    AuditFault.EARLIER: "begins a chain on other entries than those that stand before it now",
    AuditFault.CUT: "is missing at the end: the tail was cut, or an old catalogue was put back",
    AuditFault.REPLACED: "is another than a checkpoint knows: an old catalogue was put back and written on",
    AuditFault.ANCHOR: "has a checkpoint that this data folder's key did not sign",
    AuditFault.ANCHORS_GONE: "has no checkpoint, although a station ran here: a cut tail could not be found",
    AuditFault.KEY_LOST: "begins a new chain because the key was gone: what stands before cannot be verified",
    AuditFault.KEY_GONE: "cannot be verified: the key of the chain (audit.key) is gone",
    AuditFault.GUARDS: "lost its triggers, which refuse changes: another program had the file open",
    AuditFault.UNREADABLE: "cannot be read: the table is gone or has another form",
}
"""What happened to an entry; the window translates it (`gui.i18n.audit_codes`)."""


@dataclass(frozen=True, slots=True)
class AuditFinding:
    """One thing that is wrong. ``entry`` is the number of the bad entry; 0 = the log as a whole."""

    fault: AuditFault
    entry: int

    def __str__(self) -> str:
        return f"{f'entry {self.entry}' if self.entry else 'the log'} {WORDS[self.fault]}"


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What was read: ``entries`` in all, of which ``protected`` by this folder's key and ``earlier`` older than it.

    ``began`` says why the chain began later than the log; ``checkpoints`` agreed or disagreed with the log.
    """

    entries: int
    protected: int
    earlier: int
    began: str
    checkpoints: int
    head: str
    findings: tuple[AuditFinding, ...]

    @property
    def intact(self) -> bool:
        """Whether nothing is wrong."""
        return not self.findings

    @property
    def first_bad(self) -> int | None:
        """Number of the first bad entry; ``None`` where no entry is bad."""
        return min((finding.entry for finding in self.findings if finding.entry), default=None)

    def to_plain(self) -> dict[str, Any]:
        """The JSON of ``audit verify``."""
        named = ("entries", "protected", "earlier", "began", "checkpoints", "head")
        findings = [{"fault": str(f.fault), "entry": f.entry, "what": str(f)} for f in self.findings]
        figures = {name: getattr(self, name) for name in named}
        return {"schema": 1, "intact": self.intact, "first_bad": self.first_bad, **figures, "findings": findings}


def verify(
    catalogue: Catalogue,
    given: Iterable[Checkpoint] = (),
    progress: Callable[[int, int], None] = lambda done, total: None,
    cancel: Callable[[], bool] = lambda: False,
) -> AuditReport:
    """Read the whole log against its key and all checkpoints, also those that were kept elsewhere (``given``).

    What was found is an entry of the log itself.

    Raises:
        DeniedError: whoever acts may not read the log.
        CanceledError: ``cancel`` said so.
        HostError: the key's file cannot be read.
    """
    catalogue.require(Permission.AUDIT)
    report = _verify(catalogue, tuple(given), 0, progress, cancel)
    details = {"intact": report.intact, "entries": report.entries, "faults": [str(f.fault) for f in report.findings]}
    if AuditFinding(AuditFault.UNREADABLE, 0) not in report.findings:  # nothing can be written there either
        catalogue.audit.append(
            "verify", "audit", str(report.first_bad or ""), actor=catalogue.actor.id, details=details
        )
    return report


def verify_tail(catalogue: Catalogue) -> AuditReport:
    """The same for the newest thousand entries: quick enough for the start of a station."""
    try:
        newest = int(catalogue.file.value("SELECT max(rowid) FROM audit") or 0)
    except DatabaseError:
        newest = 0
    return _verify(catalogue, (), max(0, newest - TAIL), lambda done, total: None, lambda: False)


def _verify(
    catalogue: Catalogue,
    given: tuple[Checkpoint, ...],
    after: int,
    progress: Callable[[int, int], None],
    cancel: Callable[[], bool],
) -> AuditReport:
    file = catalogue.file
    key = read_chain_key(catalogue.folder.audit_key)
    walk = ChainWalk(key, _known(catalogue, key), given, whole=after == 0)
    try:
        total = int(file.value("SELECT count(*) FROM audit WHERE rowid > ?", (after,)))
        for row in rows_after(file, after - 1):  # the row before the first one is what that one follows
            walk.step(row)
            if walk.entries % _STEPS == 0:
                progress(min(walk.entries, total), total)
                if cancel():
                    raise CanceledError("The verification was stopped.")
        triggers = file.rows("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit'")
        ever = file.value("SELECT max(seq) FROM sqlite_sequence WHERE name = 'audit'")
        ran = file.value("SELECT 1 FROM audit WHERE action = 'start' AND object_kind = 'station' LIMIT 1") is not None
    except DatabaseError:
        walk.find(AuditFault.UNREADABLE, 0)
        return walk.report()
    guards = {row["name"] for row in triggers if "RAISE(ABORT" in str(row["sql"])}
    walk.finish(int(ever or 0), guarded=guards >= _GUARDS, ran=ran)
    progress(total, total)
    return walk.report()


def _known(catalogue: Catalogue, key: ChainKey | None) -> tuple[Checkpoint, ...]:
    anchors = catalogue.audit.anchors
    found: list[Checkpoint] = []
    for read in (anchors.here, lambda: anchors.elsewhere(key.id if key else "")):
        try:
            found += read()
        except InputError:  # nothing in it can be read: as good as gone
            continue
    return tuple(found)


class ChainWalk:
    """Looks at one row after the other, in the order of the file. ``whole`` = from the first row on.

    Checkpoints of other keys, from before this chain began, are compared too, but ``given`` ones must be of this key:
    who keeps one elsewhere wants to know that the key, or the whole folder, was exchanged.
    """

    def __init__(
        self, key: ChainKey | None, known: tuple[Checkpoint, ...], given: tuple[Checkpoint, ...], whole: bool
    ) -> None:
        self._key, self._whole = key, whole
        self._findings: list[AuditFinding] = []
        self._checkpoints: dict[int, list[Checkpoint]] = {}
        self._previous: Row | None = None
        self._earlier, self._first_earlier = Earlier(), 0
        self._began = ""
        self.entries = self._protected = self._compared = 0
        for checkpoint in (*known, *given):
            ours = key is not None and (checkpoint.chain, checkpoint.public) == (key.id, key.public)
            claims = key is not None and checkpoint.chain == key.id
            if not checkpoint.genuine or (not ours and (claims or checkpoint in given)):
                self.find(AuditFault.ANCHOR, checkpoint.entry)
            else:
                self._checkpoints.setdefault(checkpoint.entry, []).append(checkpoint)

    def find(self, fault: AuditFault, entry: int) -> None:
        """Note what is wrong, unless enough is."""
        finding = AuditFinding(fault, entry)
        if len(self._findings) < MOST and finding not in self._findings:
            self._findings.append(finding)

    def step(self, row: Row) -> None:
        """Look at the next row."""
        before, self._previous = self._previous, row
        if before is None and not self._whole:
            return  # only there to be followed
        self.entries += 1
        identity = row["id"] if isinstance(row["id"], int) else 0
        follows = self._follows(before, row, identity)
        mine = self._key is not None and row["chain"] == self._key.id
        if mine:
            self._look(row, before, identity, follows)
        elif self._protected or (not self._whole and before is not None and self._is_mine(before)):
            self.find(AuditFault.FOREIGN, identity)
        elif self._key is None and row["chain"]:
            self.find(AuditFault.KEY_GONE, 0)
        self._protected += mine
        if not self._protected:
            self._first_earlier = self._first_earlier or identity
            self._earlier.add(row)
        for checkpoint in self._checkpoints.pop(identity, ()):
            self._compared += 1
            if (row["entry_hash"] or b"").hex() != checkpoint.head:
                self.find(AuditFault.REPLACED, identity)

    def _is_mine(self, row: Row) -> bool:
        return self._key is not None and row["chain"] == self._key.id

    def _follows(self, before: Row | None, row: Row, identity: int) -> bool:
        """Whether the row's number and its link are those that come next; old rows without a chain have no link."""
        expected = before["id"] + 1 if before is not None and isinstance(before["id"], int) else 1
        if identity != expected:
            self.find(AuditFault.MISSING if identity > expected else AuditFault.ORDER, min(expected, identity))
            return False
        if not row["chain"] and row["previous_hash"] is None:
            return True
        link = (before["entry_hash"] if before is not None else None) or GENESIS
        if row["previous_hash"] != link:
            self.find(AuditFault.ORDER, identity)
            return False
        return True

    def _look(self, row: Row, before: Row | None, identity: int, follows: bool) -> None:
        assert self._key is not None
        try:
            genuine = row["previous_hash"] is not None and row["entry_hash"] == self._key.entry_hash(row)
        except (ValueError, TypeError):
            genuine = False
        if not genuine and follows:
            self.find(AuditFault.CHANGED, identity)
        begins = before is not None and not self._is_mine(before) if self._whole else False
        if begins and not self._protected:
            self._look_at_beginning(row, identity, genuine)

    def _look_at_beginning(self, row: Row, identity: int, genuine: bool) -> None:
        """A chain that begins later than the log holds a digest of what stood there."""
        if row["action"] != BEGIN:
            self.find(AuditFault.FOREIGN, self._first_earlier)
            return
        try:
            details = json.loads(row["details"])
            self._began = str(details["cause"])
            same = (details["earlier"], details["sha256"]) == (self._earlier.count, self._earlier.hex())
        except (ValueError, TypeError, KeyError):
            same = False
        if not same or not genuine:
            self.find(AuditFault.EARLIER, identity)
        elif self._began == Began.KEY_LOST:
            self.find(AuditFault.KEY_LOST, identity)

    def finish(self, ever: int, guarded: bool, ran: bool) -> None:
        """After the last row. ``ever`` is the highest number that the database gave; ``ran``: a station started."""
        last = self._previous["id"] if self._previous is not None and isinstance(self._previous["id"], int) else 0
        beyond = [entry for entry in self._checkpoints if entry > last]
        if beyond or ever > last:
            self._compared += sum(len(self._checkpoints[entry]) for entry in beyond)
            self.find(AuditFault.CUT, last + 1)
        if ran and not self._compared and not self._checkpoints:
            self.find(AuditFault.ANCHORS_GONE, 0)
        if not guarded:
            self.find(AuditFault.GUARDS, 0)

    def report(self) -> AuditReport:
        """What was found, the first bad entry first."""
        head = (self._previous["entry_hash"] or b"").hex() if self._previous is not None else ""
        findings = sorted(self._findings, key=lambda f: (f.entry == 0, f.entry))
        earlier = self._earlier.count if self._whole else 0
        return AuditReport(self.entries, self._protected, earlier, self._began, self._compared, head, tuple(findings))
