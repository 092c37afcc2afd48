"""What the `audit` commands say on a terminal; `main.py` opens the catalogue for them."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from core.access import Permission
from core.errors import ExitCode
from core.results import write_json
from core.terminal import Interrupt, say, steps
from storage.anchors import Checkpoint, read_checkpoints
from storage.audit_acknowledge import acknowledge
from storage.audit_export import export_audit
from storage.audit_report import AuditReport
from storage.audit_verify import verify
from storage.catalogue import Catalogue

BEGAN: Mapping[str, str] = {
    "migrated": "the {n} entries before them are from a version without a chain: nothing protected them then",
    "restored": "the {n} entries before them are from a backup: only the folder that they were made in can verify them",
    "key_lost": "the {n} entries before them were chained by a key that is gone: nobody can verify them",
}
"""What it means that the chain began later than the log."""


def _verify(catalogue: Catalogue, options: Namespace) -> int:
    given = read_checkpoints(options.anchor) if options.anchor is not None else []
    with Interrupt() as canceled:
        report = verify(catalogue, given, steps("verifying"), canceled)
    if options.json is not None:
        write_json(report.to_plain(), options.json)
    _tell(report)
    key_id = catalogue.audit.key_id
    if problem := catalogue.audit.anchors.problem(key_id):
        say(f"The second place of checkpoints is not at hand: {problem}.", "What it knows was not compared.")
    return ExitCode.DONE if report.intact else ExitCode.INPUT


def _tell(report: AuditReport) -> None:
    print(f"{report.protected} entries, {report.checkpoints} checkpoints compared")
    if report.began in BEGAN:
        print(BEGAN[report.began].format(n=report.earlier))
    for finding in report.findings:
        print(f"BAD  {finding}")
    if report.intact:
        print("The audit log is intact.")
        return
    first = "" if report.first_bad is None else f" The first bad entry is {report.first_bad}."
    print(f"The audit log is NOT intact.{first}")
    if report.open:
        print("  Keep a copy of the data folder as it is, and find out who could write to it.")
        print("  No verdict counts until somebody acknowledges it: `main.py audit acknowledge --reason TEXT`.")


def _export(catalogue: Catalogue, options: Namespace) -> int:
    print(f"{export_audit(catalogue, options.out)} entries in {options.out}")
    return ExitCode.DONE


def _anchor(catalogue: Catalogue, options: Namespace) -> int:
    """Write a checkpoint now; with --place, keep checkpoints there too from now on."""
    catalogue.require(Permission.AUDIT)
    if options.place is not None:
        with catalogue.transaction():
            catalogue.audit.anchors.choose(options.place)
            catalogue.audit.append("anchor_place", "audit", "", actor=catalogue.actor.id)
    made = catalogue.audit.checkpoint()
    if made is None:
        say("There is nothing in the audit log yet.")
        return ExitCode.DONE
    print(made.to_json())
    say(_words(made), "Keep the line above where nobody of this machine can change it: `audit verify --anchor FILE`.")
    return ExitCode.DONE


def _acknowledge(catalogue: Catalogue, options: Namespace) -> int:
    with Interrupt() as canceled:
        report = acknowledge(catalogue, options.reason, steps("verifying"), canceled)
    for finding in report.open:
        print(f"acknowledged: {finding}")
    say("Verdicts count again.", "Keep the copy of the data folder; the break stays a finding of `audit verify`.")
    return ExitCode.DONE


def _words(made: Checkpoint) -> str:
    at = datetime.fromtimestamp(made.utc_s, UTC).strftime("%Y-%m-%d %H:%M:%S")
    return f"entry {made.entry} at {at} UTC is {made.head}"


AUDIT_COMMANDS: Mapping[str, Callable[[Catalogue, Namespace], int]] = {
    "audit verify": _verify,
    "audit acknowledge": _acknowledge,
    "audit export": _export,
    "audit anchor": _anchor,
}
