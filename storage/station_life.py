"""What the audit log says of a station itself: its start, its end, that it was cut off, and how the log was found.

Called while the station lock is held. A log that is not whole stops no station: a checkpoint that stands still lets
people around it. But until an administrator has acknowledged the break, no verdict counts (`storage.audit_trust`).
It is told at the start, in the log, by `doctor`, and in the window (docs/reliability.md).
"""

from __future__ import annotations

import logging

from core.codes import SourceKind
from core.errors import sentence
from core.messages import Problem
from storage.audit_trust import AuditTrust, note_break
from storage.audit_verify import verify_tail
from storage.catalogue import Catalogue

log = logging.getLogger(__name__)

ACTOR = "program"
_TOLERATED_S = 5.0


def begin_station(catalogue: Catalogue, source_kind: SourceKind) -> list[Problem]:
    """Log the start, and what is to be said about the last one; returns what people must be told."""
    audit, told = catalogue.audit, []
    last = catalogue.file.row(
        "SELECT action FROM audit WHERE object_kind = 'station' AND action IN ('start', 'stop') "
        "ORDER BY id DESC LIMIT 1"
    )
    newest = catalogue.file.value("SELECT max(utc_s) FROM audit")
    report = verify_tail(catalogue)
    with catalogue.transaction():
        if last is not None and last["action"] == "start":
            audit.append("cut_off", "station", "", actor=ACTOR)
        behind = 0.0 if newest is None else newest - catalogue.clock.utc_s()
        if behind > _TOLERATED_S:
            audit.append("clock_jump", "station", "", actor=ACTOR, details={"seconds": -round(behind, 1)})
            told.append(
                Problem(
                    sentence(
                        "The clock stands {behind:.0f} s before the newest entry of the audit log.", behind=behind
                    ),
                    "Set the clock, and let the machine keep it by NTP.",
                )
            )
        faults = [str(finding.fault) for finding in report.findings]
        details = {"source_kind": str(source_kind), "faults": faults}
        audit.append("start", "station", str(report.first_bad or ""), actor=ACTOR, details=details)
        note_break(catalogue, report, ACTOR)
    if faults:
        log.warning("the audit log is not intact: %s", ", ".join(faults))
    if AuditTrust(catalogue).broken():
        first = f": {report.open[0]}" if report.open else ""
        told.append(
            Problem(
                sentence(
                    "The audit log is not intact{first}. No verdict counts until an administrator acknowledges it.",
                    first=first,
                ),
                "Keep a copy of the data folder as it is; then `main.py audit verify` and `main.py audit acknowledge`.",
            )
        )
    audit.checkpoint()
    return told


def end_station(catalogue: Catalogue) -> None:
    """Log the end and anchor it."""
    catalogue.audit.append("stop", "station", "", actor=ACTOR)
    catalogue.audit.checkpoint()
