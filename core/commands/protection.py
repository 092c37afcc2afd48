"""What protects the data: backups, erasure, retention, the site policy, keys, the audit log."""

from __future__ import annotations

from pathlib import Path

from core.arguments import day
from core.codes import SiteKeyMethod
from core.commands.parser import Commands
from core.results import result_file


def declare(commands: Commands) -> None:
    """``backup``, ``restore``, ``erase``, ``retention``, ``policy``, ``keys`` and ``audit``."""
    backup = commands.add("backup", "copy the data folder, consistently, while it may be in use")
    backup.add_argument("--out", metavar="DIR", type=Path, required=True)
    restore = commands.add("restore", "put a backup into a new, empty data folder")
    restore.add_argument("--from", dest="backup", metavar="DIR", type=Path, required=True)
    _declare_erasure(commands)
    _declare_policy(commands.group("policy", "the site policy: how evidence becomes an answer"))
    _declare_keys(commands.group("keys", "the keys that protect stored frames"))
    _declare_audit(commands.group("audit", "the log of who did what"))


def _declare_erasure(commands: Commands) -> None:
    erase = commands.add("erase", "erase all that is stored of a subject, and prove it; goes on after a kill")
    erase.add_argument("--subject", metavar="ID", required=True)
    erase.add_argument("--reason", metavar="TEXT", default="on request", help="for the certificate and the audit log")
    erase.add_argument("--yes", action="store_true", help="do not ask a person at the terminal to confirm")
    erase.add_argument("--json", action="store_true", help="the certificate as JSON")
    retention = commands.add("retention", "erase what is kept beyond its term; terms and legal holds")
    retention.add_argument("--dry-run", action="store_true", help="only tell what is due, and what is next")
    retention.add_argument(
        "--due", action="store_true", help="what a station does by itself once a day: nobody logs in, nothing else goes"
    )
    retention.add_argument("--set", metavar="PURPOSE=DAYS", help="keep frames of that purpose so long (or =never)")
    retention.add_argument("--hold", metavar="SUBJECT", help="a legal hold: nothing of the subject is erased")
    retention.add_argument("--release", metavar="SUBJECT", help="end the legal holds on a subject")
    retention.add_argument(
        "--confirm-date", metavar="DATE", type=day, help="it is this day (YYYY-MM-DD): a clock in doubt is right"
    )
    retention.add_argument("--reason", metavar="TEXT", default="", help="needed for a change")
    retention.add_argument("--json", action="store_true")


def _declare_policy(policy: Commands) -> None:
    policy.add("show", "the policy in force, beside the factory's").add_argument("--json", action="store_true")
    change = policy.add("set", "change the policy; with the two-person rule on, propose the change")
    change.add_argument("values", metavar="FIELD=VALUE", nargs="*", help="as in abstain_margin=0.8 thresholds.ir=0.9")
    change.add_argument("--factory", action="store_true", help="begin from the factory policy")
    change.add_argument("--reason", metavar="TEXT", required=True, help="for the audit log")
    change.add_argument("--json", action="store_true")


def _declare_keys(keys: Commands) -> None:
    keys.add("status", "where the site key is, and what is encrypted").add_argument("--json", action="store_true")
    for name, text in (
        ("protect", "keep the site key elsewhere; prints a recovery code"),
        ("recover", "open the site by its recovery code, and keep the key anew"),
        ("rotate", "replace the site key; prints a new recovery code"),
    ):
        command = keys.add(name, text)
        if name != "rotate":
            methods = [str(method) for method in SiteKeyMethod]
            command.add_argument("--with", dest="method", choices=methods, required=True)
        command.add_argument("--new-passphrase-fd", metavar="N", type=int, help="the new passphrase, for passphrase")
        command.add_argument("--reason", metavar="TEXT", default="")
        if name == "recover":
            command.add_argument("--code-fd", metavar="N", type=int, help="the recovery code")
    keys.add("encrypt", "encrypt the sessions that were stored before encryption; goes on after a kill")
    export = keys.add("export", "all data keys into a file that opens with a code: for backups, which hold none")
    export.add_argument("--out", metavar="FILE", type=result_file, required=True)
    load = keys.add("import", "take the keys of an export into this data folder")
    load.add_argument("--from", dest="file", metavar="FILE", type=Path, required=True)
    load.add_argument("--code-fd", metavar="N", type=int, help="the code of the export")


def _declare_audit(audit: Commands) -> None:
    check = audit.add("verify", "read the whole chain and its checkpoints; names the first bad entry, exit 3 if any")
    check.add_argument("--anchor", metavar="FILE", type=Path, help="checkpoints that were kept elsewhere")
    check.add_argument("--json", metavar="OUT", type=result_file)
    out = audit.add("export", "the whole log as JSON lines that prove themselves")
    out.add_argument("--out", metavar="FILE", type=result_file, required=True)
    anchor = audit.add("anchor", "write a signed checkpoint now, and print it: to be kept elsewhere")
    known = audit.add("acknowledge", "a break is known: verdicts count again; it stays a finding for ever")
    known.add_argument("--reason", metavar="TEXT", required=True, help="for the audit log")
    anchor.add_argument("--place", metavar="DIR|keyring|none", help="keep checkpoints there too from now on")
