"""What a verification of the audit log says: findings, figures, and words for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from core.codes import AuditFault

MOST = 20
"""So many findings that nobody has acknowledged are told; more do not tell more."""

WORDS: Mapping[StrEnum, str] = {
    AuditFault.CHANGED: "was changed, or written by somebody without the key",
    AuditFault.MISSING: "was removed",
    AuditFault.ORDER: "does not follow the entry before it: entries were re-ordered, removed or put in",
    AuditFault.FOREIGN: "was not written by this data folder's key",
    AuditFault.EARLIER: "rests on other entries than those that stand before it now",
    AuditFault.CUT: "is missing at the end: the tail was cut, or an old catalogue was put back",
    AuditFault.REPLACED: "is another than a checkpoint knows: an old catalogue was put back and written on",
    AuditFault.ANCHOR: "has a checkpoint that this data folder's key did not sign",
    AuditFault.ANCHORS_GONE: "has no checkpoint, although a station ran here: a cut tail could not be found",
    AuditFault.KEY_LOST: "begins a new chain because the key was gone: what stands before cannot be verified",
    AuditFault.KEY_GONE: "cannot be verified: the key of the chain (audit.key) is gone",
    AuditFault.GUARDS: "lost its triggers, which refuse changes: another program had the file open",
    AuditFault.UNREADABLE: "cannot be read: the table is gone or has another form",
    AuditFault.VERDICT_CHANGED: "is not what was stored: its row was changed by hand",
    AuditFault.VERDICT_REMOVED: "is gone: its row was removed by hand",
    AuditFault.VERDICT_ADDED: "was put in by hand: no entry of the log tells of it",
}
"""What happened to an entry; the window translates it (`gui.i18n.audit_codes`)."""


OF_VERDICTS = frozenset({AuditFault.VERDICT_CHANGED, AuditFault.VERDICT_REMOVED, AuditFault.VERDICT_ADDED})
"""What is wrong with a row of a verdict, not with an entry."""


@dataclass(frozen=True, slots=True)
class AuditFinding:
    """One thing that is wrong. ``entry`` is the number of the bad entry; 0 = the log as a whole.

    For a fault of `OF_VERDICTS` it is the number of the verdict.

    ``acknowledged``: number of the entry in which an administrator acknowledged it; 0 = nobody has. A break stays a
    finding for ever.
    """

    fault: AuditFault
    entry: int
    acknowledged: int = 0

    def __str__(self) -> str:
        known = f" (acknowledged in entry {self.acknowledged})" if self.acknowledged else ""
        kind = "verdict" if self.fault in OF_VERDICTS else "entry"
        return f"{f'{kind} {self.entry}' if self.entry else 'the log'} {WORDS[self.fault]}{known}"


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
        """Whether nothing is wrong, and never was."""
        return not self.findings

    @property
    def open(self) -> tuple[AuditFinding, ...]:
        """What nobody has acknowledged yet: while there is any, no verdict opens anything."""
        return tuple(finding for finding in self.findings if not finding.acknowledged)

    @property
    def first_bad(self) -> int | None:
        """Number of the first bad entry; ``None`` where no entry is bad."""
        of_entries = (f.entry for f in self.findings if f.entry and f.fault not in OF_VERDICTS)
        return min(of_entries, default=None)

    def to_plain(self) -> dict[str, Any]:
        """The JSON of ``audit verify``."""
        named = ("entries", "protected", "earlier", "began", "checkpoints", "head")
        findings = [
            {"fault": str(f.fault), "entry": f.entry, "acknowledged": f.acknowledged or None, "what": str(f)}
            for f in self.findings
        ]
        told = {"intact": self.intact, "open": len(self.open), "first_bad": self.first_bad}
        return {"schema": 1, **told, **{name: getattr(self, name) for name in named}, "findings": findings}
