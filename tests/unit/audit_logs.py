"""A log of the audit chain for tests, and what a verification of it says."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

from core.clock import FakeClock
from core.codes import AuditFault
from storage.anchors import Checkpoint
from storage.audit_report import AuditReport
from storage.audit_verify import verify
from storage.catalogue import open_catalogue

ENTRIES = 8
COLUMNS: dict[str, Any] = {
    "utc_s": 1.5, "actor": "mallory", "action": "erase", "object_kind": "model", "object": "other", "reason": "none",
    "details": '{"outcome":"bona_fide"}', "key": None, "chain": "", "previous_hash": b"\x01" * 32,
    "entry_hash": b"\x02" * 32,
}  # fmt: skip
"""A column of the log, and what somebody writes there."""


def fill(data: Path, entries: int = ENTRIES, checkpoint: bool = True) -> None:
    """A log in which a station stopped in order."""
    with open_catalogue(data, FakeClock()) as catalogue, catalogue.transaction():
        for number in range(1, entries + 1):
            details = {"score": 0.25, "nonce": secrets.token_hex(4)}
            catalogue.audit.append("second_line", "verdict", str(number), actor="station", details=details)
    with open_catalogue(data, FakeClock()) as catalogue:
        if checkpoint:
            catalogue.audit.checkpoint()


def verified(data: Path, *given_ones: Checkpoint) -> AuditReport:
    with open_catalogue(data) as catalogue:
        return verify(catalogue, given_ones)


def faults(report: AuditReport) -> set[AuditFault]:
    return {finding.fault for finding in report.findings}
