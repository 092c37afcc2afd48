"""One walk along the chain of the audit log: what is wrong with it, and which of that is acknowledged."""

from __future__ import annotations

import json

from core.codes import AuditFault
from storage.anchors import Checkpoint
from storage.audit_acknowledged import NOTHING, Acknowledged
from storage.audit_key import GENESIS, ChainKey
from storage.audit_report import MOST, AuditFinding, AuditReport
from storage.audit_rows import Earlier
from storage.database import Row
from storage.repositories.audit import BEGIN, Began


class ChainWalk:
    """Looks at one row after the other, in the order of the file. ``whole`` = from the first row on.

    Checkpoints of other keys, from before this chain began, are compared too, but ``given`` ones must be of this key:
    who keeps one elsewhere wants to know that the key, or the whole folder, was exchanged. What was ``acknowledged`` is
    told as such. ``most``: so many other findings are kept; ``None`` = all.
    """

    def __init__(
        self,
        key: ChainKey | None,
        known: tuple[Checkpoint, ...],
        given: tuple[Checkpoint, ...],
        whole: bool,
        acknowledged: Acknowledged = NOTHING,
        most: int | None = MOST,
    ) -> None:
        self._key, self._whole, self._most = key, whole, most
        self._acknowledged = acknowledged
        self._before = Earlier() if whole and acknowledged.digests else None
        self._findings: dict[AuditFinding, None] = {}
        self._open = 0
        self._disagreeing: dict[str, None] = {}
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

    @property
    def disagreeing(self) -> tuple[str, ...]:
        """Checkpoints that the log contradicts, as `Checkpoint.name` says them."""
        return tuple(self._disagreeing)

    def find(self, fault: AuditFault, entry: int, acknowledged: int | None = None) -> None:
        """Note what is wrong, unless enough is; ``acknowledged`` where fault and entry alone do not say by what."""
        known = self._acknowledged.of(fault, entry) if acknowledged is None else acknowledged
        finding = AuditFinding(fault, entry, known)
        if finding in self._findings or (not known and self._most is not None and self._open >= self._most):
            return
        self._findings[finding] = None
        self._open += not known

    def _disagree(self, fault: AuditFault, entry: int, checkpoints: list[Checkpoint]) -> None:
        """The log contradicts these: acknowledged only where every one of them is."""
        self._disagreeing |= dict.fromkeys(one.name for one in checkpoints)
        known = [self._acknowledged.checkpoints.get(one.name, 0) for one in checkpoints]
        self.find(fault, entry, max(known) if all(known) else 0)

    def step(self, row: Row) -> None:
        """Look at the next row."""
        before, self._previous = self._previous, row
        if before is None and not self._whole:
            return  # only there to be followed
        self.entries += 1
        identity = row["id"] if isinstance(row["id"], int) else 0
        if self._before is not None:
            if self._acknowledged.digests.get(identity, self._before.hex()) != self._before.hex():
                self.find(AuditFault.EARLIER, identity)
            self._before.add(row)
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
        here = self._checkpoints.pop(identity, [])
        self._compared += len(here)
        if wrong := [one for one in here if (row["entry_hash"] or b"").hex() != one.head]:
            self._disagree(AuditFault.REPLACED, identity, wrong)

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
        if beyond:
            contradicted = [one for entry in beyond for one in self._checkpoints[entry]]
            self._compared += len(contradicted)
            self._disagree(AuditFault.CUT, last + 1, contradicted)
        if ever > last:
            self.find(AuditFault.CUT, last + 1)
        for fault, by in self._acknowledged.mended:
            self.find(fault, 0, by)
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
