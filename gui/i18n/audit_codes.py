"""Words of the audit log: what was done, to what, and what can be wrong with the log itself."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from core.codes import AuditFault
from gui.i18n.translator import tr
from storage.audit_report import OF_VERDICTS, WORDS

TABLES: Mapping[type[StrEnum], tuple[Mapping[StrEnum, str], ...]] = {AuditFault: (WORDS,)}

ACTIONS: Mapping[str, str] = {
    "acknowledge": "break acknowledged", "break_found": "break found", "add": "added",
    "anchor_place": "place of checkpoints changed", "back_up": "backed up", "begin": "begun",
    "begin_erasure": "erasure begun", "call_technician": "technician called",
    "change_passphrase": "passphrase changed", "change_roles": "roles changed", "clock_jump": "clock jumped",
    "confirm_date": "date confirmed", "close": "closed", "commit": "verdict given", "cut_off": "cut off",
    "denied": "refused", "discard": "discarded", "draw_second_labels": "second labels drawn",
    "encrypt": "encrypted", "export": "exported", "import": "imported", "install": "installed", "log_in": "logged in",
    "lock_out": "locked after attacks",
    "log_in_failed": "log-in failed", "log_out": "logged out", "open": "opened", "override": "overridden",
    "plan": "planned", "promote": "promoted", "propose": "proposed", "qualify": "qualified",
    "relabel": "label changed", "remove": "removed", "restore": "restored", "rollback": "rolled back",
    "send_model": "sent to another lane", "receive_model": "received from another lane",
    "make_door_key": "door key made", "remove_door_key": "door key removed", "note_source": "source of a replay found",
    "run_retention": "retention run", "trust_lane": "lane trusted", "forget_lane": "lane no longer trusted",
    "second_label": "labelled blind", "second_line": "second-line result",
    "shadow_begun": "shadow run begun", "shadow_ended": "shadow run ended",
    "start": "started", "state": "state changed", "stop": "stopped",
    "support": "report made", "unlock": "unlocked", "verify": "verified", "withdraw": "withdrawn",
}  # fmt: skip
"""What was done, for a table; an action that is not here is shown by its name in the log."""

OBJECTS: Mapping[str, str] = {
    "account": "account", "artefact": "artefact", "audit": "audit log", "catalogue": "catalogue", "clock": "clock",
    "consent": "consent", "door": "door", "job": "job", "labels": "labels", "lane": "lane", "model": "model",
    "permission": "permission", "presentation": "presentation", "report": "report",
    "session": "session", "site_key": "site key", "station": "station", "subject": "subject", "verdict": "verdict",
}  # fmt: skip
"""To what."""


def fault(code: AuditFault, entry: int, by: int = 0) -> str:
    """What is wrong with an entry (0 = with the log), as a sentence; ``by``: the entry that acknowledges it."""
    what = tr(WORDS[code])
    known = "" if not by else " " + tr("Acknowledged in entry {n}.", n=by)
    if code in OF_VERDICTS:
        return tr("Verdict {n} {what}.", n=entry, what=what) + known
    return (tr("Entry {n} {what}.", n=entry, what=what) if entry else tr("The log {what}.", what=what)) + known


def action(name: str) -> str:
    """What was done."""
    return tr(ACTIONS[name]) if name in ACTIONS else name


def kind(name: str) -> str:
    """To what it was done."""
    return tr(OBJECTS[name]) if name in OBJECTS else name


def began(cause: str, count: int) -> str:
    """Why the chain began later than the log; empty where it did not."""
    if cause == "migrated":
        return tr("{n} older entries are from a version without a chain: nothing protected them then.", n=count)
    if cause == "restored":
        return tr("{n} older entries are from a backup: only the folder they were made in can verify them.", n=count)
    return tr("{n} older entries were chained by a key that is gone.", n=count) if cause else ""
