"""Which breaks of the audit log an administrator has acknowledged: told as such, findings for ever.

An acknowledgement is an entry of the log. It counts only with the HMAC of this data folder's key, names each break, and
holds a digest of everything before it, so that what is broken already cannot be broken further without being found.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from core.codes import AuditFault
from storage.audit_key import ChainKey
from storage.audit_report import AuditFinding
from storage.audit_rows import Earlier, rows_of
from storage.database import DatabaseFile

ACKNOWLEDGE = "acknowledge"
"""Action of the entry, and of the proposal."""
MENDED = frozenset({AuditFault.GUARDS, AuditFault.ANCHORS_GONE})
"""What an acknowledgement puts right: found again, it is a new break."""


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """All acknowledgements. Values are the numbers of their entries; ``digests`` tell what stood before each."""

    breaks: Mapping[AuditFault, tuple[tuple[int, int, int], ...]] = field(default_factory=dict)
    """By fault: first and last bad entry of a run, and who acknowledged it."""
    checkpoints: Mapping[str, int] = field(default_factory=dict)
    mended: tuple[tuple[AuditFault, int], ...] = ()
    digests: Mapping[int, str] = field(default_factory=dict)

    def of(self, fault: AuditFault, entry: int) -> int:
        """The acknowledgement of this break; 0 = there is none. What concerns the log as a whole has none."""
        runs = self.breaks.get(fault, ()) if entry else ()
        return next((by for first, last, by in runs if first <= entry <= last), 0)


NOTHING = Acknowledged()


def details_of(
    findings: Iterable[AuditFinding], checkpoints: Iterable[str], told: Iterable[AuditFault]
) -> dict[str, Any]:
    """What an acknowledgement of these says: entries in runs, so that a log that was exchanged stays one short line.

    ``told``: faults that were found before, and may be put right by now.
    """
    entries: dict[str, set[int]] = {}
    mended = {str(fault) for fault in MENDED.intersection(told)}
    for finding in findings:
        if finding.entry:
            entries.setdefault(str(finding.fault), set()).add(finding.entry)
        else:
            mended.add(str(finding.fault))
        if finding.fault is AuditFault.CUT:  # with the next entry, the cut tail becomes a gap
            entries.setdefault(str(AuditFault.MISSING), set()).add(finding.entry)
    breaks = {fault: _runs(sorted(found)) for fault, found in sorted(entries.items())}
    return {"breaks": breaks, "mended": sorted(mended), "checkpoints": sorted(checkpoints)}


def before(earlier: Earlier) -> dict[str, Any]:
    """The part of an acknowledgement that holds what stood before it."""
    return {"entries": earlier.count, "sha256": earlier.hex()}


def read_acknowledged(file: DatabaseFile, key: ChainKey | None) -> Acknowledged:
    """All acknowledgements that this folder's key wrote; anything else that looks like one says nothing."""
    breaks: dict[AuditFault, list[tuple[int, int, int]]] = {}
    checkpoints: dict[str, int] = {}
    mended: list[tuple[AuditFault, int]] = []
    digests: dict[int, str] = {}
    for row in rows_of(file, ACKNOWLEDGE, "audit"):
        if key is None or not key.wrote(row):
            continue
        number, details = row["id"], json.loads(row["details"])
        for fault, runs in details["breaks"].items():
            breaks.setdefault(AuditFault(fault), []).extend((first, last, number) for first, last in runs)
        checkpoints |= dict.fromkeys(details["checkpoints"], number)
        mended += [(AuditFault(fault), number) for fault in details["mended"]]
        digests[number] = details["sha256"]
    return Acknowledged({fault: tuple(runs) for fault, runs in breaks.items()}, checkpoints, tuple(mended), digests)


def _runs(entries: list[int]) -> list[list[int]]:
    runs: list[list[int]] = []
    for entry in entries:
        if runs and entry == runs[-1][1] + 1:
            runs[-1][1] = entry
        else:
            runs.append([entry, entry])
    return runs
