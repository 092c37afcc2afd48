"""Whether a station may act on its audit log: not while a break stands that no administrator has acknowledged.

A break that a station found at its start, or a person by verifying, is an entry of the log itself; so is its
acknowledgement. The newer of the two decides. While it is the break, the station goes on, without verdicts that count:
its log could not show who opened the door (`core.station.following`).
"""

from __future__ import annotations

import json

from core.codes import AuditFault
from storage.audit_acknowledged import ACKNOWLEDGE
from storage.audit_key import read_chain_key
from storage.audit_report import AuditReport
from storage.audit_rows import rows_of
from storage.catalogue import Catalogue

BREAK = "break_found"
"""Action of the entry that tells of a break."""


class AuditTrust:
    """What the log says of itself. One for a process: a break that was seen once is not forgotten with its entry."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._seen = 0

    def broken(self) -> bool:
        """Whether a break stands that nobody has acknowledged. Quick: two looks into an index."""
        file, key = self._catalogue.file, read_chain_key(self._catalogue.folder.audit_key)
        chain = key.id if key else ""
        sql = "SELECT max(id) FROM audit WHERE action = ? AND object_kind = 'audit' AND chain = ?"
        self._seen = max(self._seen, int(file.value(sql, (BREAK, chain)) or 0))
        if not self._seen:
            return False
        return key is None or not any(key.wrote(row) for row in rows_of(file, ACKNOWLEDGE, "audit", self._seen))

    def told(self) -> frozenset[AuditFault]:
        """The faults that were found since the last acknowledgement; some are put right by the next start."""
        file, key = self._catalogue.file, read_chain_key(self._catalogue.folder.audit_key)
        if key is None:
            return frozenset()
        known = max((row["id"] for row in rows_of(file, ACKNOWLEDGE, "audit") if key.wrote(row)), default=0)
        found = [row for row in rows_of(file, BREAK, "audit", known) if key.wrote(row)]
        return frozenset(AuditFault(fault) for row in found for fault in json.loads(row["details"])["faults"])


def note_break(catalogue: Catalogue, report: AuditReport, actor: str) -> None:
    """Log what is broken and not acknowledged, each fault once."""
    faults = {finding.fault for finding in report.open}
    if faults <= AuditTrust(catalogue).told():
        return
    details = {"faults": sorted(map(str, faults))}
    catalogue.audit.append(BREAK, "audit", str(report.open[0].entry or ""), actor=actor, details=details)
