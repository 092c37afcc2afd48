"""Lock-outs as they are stored: a restart forgets none, and no clock that somebody sets ends one.

The station's inference process locks at once (`core.lockout`); this is the same count over the stored verdicts, made in
the transaction that stores the last of them. A lock-out and its end are entries of the audit log; an end counts only
with the HMAC of the folder's key.
"""

from __future__ import annotations

import json

from core.codes import Outcome, SourceKind
from storage.audit_key import read_chain_key
from storage.audit_rows import rows_of
from storage.database import DatabaseFile, Row
from storage.paths import DataFolder
from storage.repositories.audit import AuditLog
from storage.repositories.policies import Policies

LOCK_OUT = "lock_out"
UNLOCK = "unlock"
_NEWEST = 5000
"""Attacks further back than so many verdicts belong to no count."""


class LockOuts:
    """The lock-outs of this station, apart for each kind of source."""

    def __init__(self, file: DatabaseFile, folder: DataFolder, audit: AuditLog, policies: Policies) -> None:
        self._file = file
        self._key_path = folder.audit_key
        self._audit = audit
        self._policies = policies

    def locked(self, kind: SourceKind) -> bool:
        """Whether sources of this kind are locked out, whatever was started anew since."""
        lock = self._lock(kind)
        return lock is not None and self._end(lock["id"], lock["chain"]) is None

    def count(self, kind: SourceKind, passed_s: float) -> None:
        """An attack was stored at this trusted time, in the same transaction: lock where it was one too many."""
        policy = self._policies.in_force().policy
        wanted = policy.lock_out_attacks
        if wanted == 0 or self.locked(kind):
            return
        sql = """
            SELECT outcome, passed_s FROM verdicts
            WHERE source_kind = ? AND shadow = 0 AND outcome IN (?, ?)
                AND id > max(?, (SELECT max(id) FROM verdicts) - ?)
            ORDER BY id DESC LIMIT ?
        """
        counted = (str(Outcome.ATTACK), str(Outcome.BONA_FIDE), self._end(0) or 0, _NEWEST, wanted)
        found = self._file.rows(sql, (str(kind), *counted))
        attacks = [row for row in found if row["outcome"] == Outcome.ATTACK and row["passed_s"] is not None]
        if len(attacks) < wanted or 1000.0 * (passed_s - attacks[-1]["passed_s"]) > policy.lock_out_window_ms:
            return
        self._audit.append(LOCK_OUT, "station", str(kind), actor="station", details={"attacks": wanted})

    def unlock(self, session: str, actor: str, reason: str) -> None:
        """A supervisor ends every lock-out; the count begins anew."""
        newest = self._file.value("SELECT coalesce(max(id), 0) FROM verdicts")
        self._audit.append(UNLOCK, "session", session, actor=actor, reason=reason, details={"verdict": newest})

    def _lock(self, kind: SourceKind) -> Row | None:
        sql = "SELECT id, chain FROM audit WHERE object_kind = 'station' AND object = ? AND action = ? ORDER BY id DESC"
        return self._file.row(f"{sql} LIMIT 1", (str(kind), LOCK_OUT))

    def _end(self, after: int, chain: str = "") -> int | None:
        """The newest verdict when a supervisor last ended a lock-out, beyond the entry ``after``; ``None`` = never.

        Of a lock-out out of a backup (``chain`` is another folder's) neither beginning nor end can be verified.
        """
        key = read_chain_key(self._key_path)
        mine = key.id if key is not None else ""
        rows = rows_of(self._file, UNLOCK, "session", after)
        ends = [row for row in rows if (key is not None and key.wrote(row)) or (row["chain"] == chain != mine)]
        return int(json.loads(ends[-1]["details"]).get("verdict", 0)) if ends else None
