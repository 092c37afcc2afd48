"""An administrator acknowledges that the audit log is broken; until then a station's verdicts count for nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

from core.access import Permission
from core.codes import AuditFault
from core.errors import CanceledError, InputError
from storage.audit_acknowledged import ACKNOWLEDGE, before, details_of
from storage.audit_report import AuditFinding, AuditReport
from storage.audit_rows import Earlier, rows_after
from storage.audit_trust import AuditTrust
from storage.audit_verify import read_chain
from storage.catalogue import Catalogue
from storage.forms import canonical
from storage.schema import AUDIT_GUARDS

_STEPS = 5000


def acknowledge(
    catalogue: Catalogue,
    reason: str,
    progress: Callable[[int, int], None] = lambda done, total: None,
    cancel: Callable[[], bool] = lambda: False,
) -> AuditReport:
    """Let the station act again on a log that is broken: an administrator knows of the break, and says why.

    The whole log is read. The breaks stay findings of every verification; the triggers are put back and a checkpoint is
    made, so that what comes from now on is protected again. Returns what was acknowledged.

    Raises:
        DeniedError: whoever acts may not.
        InputError: no reason, nothing to acknowledge, or a log that cannot be read at all.
        ProposedError: a second person has to approve.
        CanceledError: ``cancel`` said so.
    """
    catalogue.require(Permission.AUDIT)
    if not reason.strip():
        raise InputError("A broken audit log is acknowledged only with a reason.", "Say in a few words why.")
    report, disagreeing = read_chain(catalogue, (), 0, progress, cancel, most=None)
    if AuditFinding(AuditFault.UNREADABLE, 0) in report.findings:
        raise InputError("The audit log cannot be read.", "Restore a backup with `main.py restore`.")
    if not report.open and not AuditTrust(catalogue).broken():
        raise InputError("Nothing is broken that was not acknowledged.", "See it with `main.py audit verify`.")
    details = details_of(report.open, disagreeing, AuditTrust(catalogue).told())
    digest = hashlib.sha256(canonical(details).encode()).hexdigest()
    catalogue.proposals.authorize(Permission.AUDIT, ACKNOWLEDGE, {"breaks": digest}, reason)
    stood = Earlier()
    place = _digest(catalogue, stood, 0, cancel)
    with catalogue.transaction():
        _digest(catalogue, stood, place, lambda: False)  # what was logged meanwhile
        if AuditFinding(AuditFault.GUARDS, 0) in report.open:
            _put_guards_back(catalogue)
        first = str(report.open[0].entry or "") if report.open else ""
        actor = catalogue.actor.id
        catalogue.audit.append(
            ACKNOWLEDGE, "audit", first, actor=actor, reason=reason, details={**details, **before(stood)}
        )
    catalogue.audit.checkpoint()
    return report


def audit_actions(catalogue: Catalogue) -> dict[str, Callable[[Mapping[str, Any], str], None]]:
    """What is done at once when a second person approves it."""

    def run(_arguments: Mapping[str, Any], reason: str) -> None:
        acknowledge(catalogue, reason)  # other breaks than those that were proposed are proposed anew

    return {ACKNOWLEDGE: run}


def _digest(catalogue: Catalogue, earlier: Earlier, place: int, cancel: Callable[[], bool]) -> int:
    """Take all rows beyond ``place``; returns the last one's number."""
    for row in rows_after(catalogue.file, place):
        earlier.add(row)
        place = row["id"]
        if earlier.count % _STEPS == 0 and cancel():
            raise CanceledError("The acknowledgement was stopped; nothing was changed.")
    return place


def _put_guards_back(catalogue: Catalogue) -> None:
    for name, text in AUDIT_GUARDS.items():
        catalogue.file.execute(f"DROP TRIGGER IF EXISTS {name}")
        catalogue.file.execute(text)
