"""What `doctor` looks at in a data folder, each with a remedy. It changes no more than opening the catalogue does."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime

from core.checks import Check, Finding
from core.clock import Clock
from core.codes import ClockStanding
from core.door.signing import read_door_key
from core.errors import KnownError
from storage.audit_key import read_chain_key
from storage.audit_trust import AuditTrust
from storage.audit_verify import verify_tail
from storage.catalogue import Catalogue, open_catalogue
from storage.clock_trust import read_clock
from storage.database import check_version_of_library
from storage.disk import Ballast, DiskGuard, Watermarks
from storage.key_care import key_status
from storage.paths import DataFolder, network_drive
from storage.registry import ModelRegistry
from storage.retention import DAY_S, expiries, terms, terms_of_people
from storage.retention_report import doubt_of

RESTORE = "Restore a backup with `main.py restore`, and keep the damaged folder for recovery."
_SANE_SINCE_UTC_S = datetime(2025, 1, 1, tzinfo=UTC).timestamp()
_TOLERATED_S = 5.0
OVERDUE_S = 2 * DAY_S
"""A station that runs erases what is due within a day; what is still here after two needs somebody."""


def check_folder(folder: DataFolder, clock: Clock | None = None, marks: Watermarks | None = None) -> list[Check]:
    """All checks of a data folder; of one that is not there yet, those that make sense."""
    checks = [check_library()]
    if not folder.catalogue.exists():
        detail = "there is none yet; the first start makes it"
        return [*checks, Check("data folder", Finding.GOOD, detail)]
    checks += [check_permissions(folder), check_disk(folder, marks), check_ballast(folder)]
    try:
        catalogue = open_catalogue(folder, clock)
    except KnownError as error:
        return [*checks, Check("catalogue", Finding.BAD, error.what, error.remedy)]
    of_catalogue: tuple[Callable[[Catalogue], Check], ...] = (
        check_structure, check_audit, check_second_place, check_clock, check_keys, check_retention, check_people,
        check_policy, check_door, check_champion,
    )  # fmt: skip
    with catalogue:
        return checks + [_tried(check, catalogue) for check in of_catalogue]


def _tried(check: Callable[[Catalogue], Check], catalogue: Catalogue) -> Check:
    """A check that itself meets a known problem tells that one."""
    try:
        return check(catalogue)
    except KnownError as error:
        name = check.__name__.removeprefix("check_").replace("_", " ")
        return Check(name, Finding.BAD, error.what, error.remedy)


def check_library() -> Check:
    """SQLite is free of the bug that loses pages."""
    try:
        return Check("SQLite", Finding.GOOD, check_version_of_library())
    except KnownError as error:
        return Check("SQLite", Finding.BAD, error.what, error.remedy)


def check_permissions(folder: DataFolder) -> Check:
    """Only this user reads the data folder and its keys, and may write there; it lies on a local disk."""
    name = "data folder"
    kind = network_drive(folder.root)
    if kind:
        return Check(name, Finding.BAD, f"it lies on a network drive ({kind})", "Move it to a local disk (--data).")
    for path in (folder.root, folder.catalogue, folder.sessions):
        if path.exists() and not os.access(path, os.R_OK | os.W_OK):
            remedy = "Give this user permission: `chown`, `chmod u+rw`."
            return Check(name, Finding.BAD, f"{path.name} cannot be written", remedy)
    keys = sorted(folder.root.glob("*.key"))
    open_ones = [path.name for path in keys if os.name == "posix" and path.stat().st_mode & 0o077]
    if open_ones:
        remedy = "Take that away: `chmod 600` on each, then `main.py keys rotate`, for they may have been copied."
        return Check(name, Finding.BAD, f"others may read the keys {', '.join(open_ones)}", remedy)
    if os.name == "posix" and folder.root.stat().st_mode & 0o077:
        remedy = "Take that away: `chmod 700` on the data folder."
        return Check(name, Finding.WARNING, "other users of this machine may look into it", remedy)
    return Check(name, Finding.GOOD, "for this user alone, on a local disk")


def check_disk(folder: DataFolder, marks: Watermarks | None = None) -> Check:
    """There is room to record."""
    guard = DiskGuard(folder.root, marks)
    remedy = "Free some space, or choose a data folder on another disk (--data)."
    if guard.problem():
        return Check("disk space", Finding.BAD, "too little is free: nothing is recorded", remedy)
    if guard.warning():
        return Check("disk space", Finding.WARNING, "little is free: recording will stop", remedy)
    return Check("disk space", Finding.GOOD, f"{guard.free_mib} MiB free")


def check_ballast(folder: DataFolder) -> Check:
    """The reserve is there with which a full disk can be left."""
    if Ballast(folder.ballast).standing:
        return Check("ballast", Finding.GOOD, "reserved")
    remedy = "Free some space and start the station: it reserves it again."
    return Check("ballast", Finding.WARNING, "the reserve for a full disk was used or never made", remedy)


def check_structure(catalogue: Catalogue) -> Check:
    """SQLite finds no damage, and no row points to nothing."""
    damage = catalogue.file.quick_check()
    if damage != "ok":
        return Check("catalogue", Finding.BAD, f"damaged: {damage}", RESTORE)
    if catalogue.file.rows("PRAGMA foreign_key_check"):
        return Check("catalogue", Finding.BAD, "rows point to rows that are gone", RESTORE)
    return Check("catalogue", Finding.GOOD, "whole")


def check_audit(catalogue: Catalogue) -> Check:
    """The newest entries of the audit log are chained, and agree with the checkpoints."""
    report = verify_tail(catalogue)
    found = "; ".join(map(str, report.open or report.findings))
    if report.open or AuditTrust(catalogue).broken():
        detail = f"{found or 'an earlier break is not acknowledged'}: verdicts count for nothing"
        remedy = "Keep a copy of the data folder; look with `main.py audit verify`, then `main.py audit acknowledge`."
        return Check("audit log", Finding.BAD, detail, remedy)
    if not report.intact:
        remedy = "Nothing can mend it; `main.py audit verify` tells what is known."
        return Check("audit log", Finding.WARNING, found, remedy)
    return Check("audit log", Finding.GOOD, f"the newest {report.entries} entries are intact")


def check_second_place(catalogue: Catalogue) -> Check:
    """Checkpoints go to a place that is not this folder."""
    name, anchors = "audit checkpoints", catalogue.audit.anchors
    key = read_chain_key(catalogue.folder.audit_key)
    if problem := anchors.problem(key.id if key else ""):
        return Check(name, Finding.WARNING, f"the second place is not at hand: {problem}", "Plug it in, or unlock it.")
    if not anchors.place:
        remedy = "Choose another disk or the keystore: `main.py audit anchor --place DIR|keyring`."
        detail = "they lie in the data folder alone: who puts back an old copy of it is not found"
        return Check(name, Finding.WARNING, detail, remedy)
    return Check(name, Finding.GOOD, "kept at a second place too")


def check_clock(catalogue: Catalogue) -> Check:
    """The machine's clock is not before the newest entry, nor before this program."""
    now = catalogue.clock.utc_s()
    newest = catalogue.file.value("SELECT max(utc_s) FROM audit")
    remedy = "Set the clock, and let the machine keep it by NTP."
    if now < _SANE_SINCE_UTC_S:
        return Check("clock", Finding.BAD, "it stands before this program was made", remedy)
    if newest is not None and now < newest - _TOLERATED_S:
        return Check("clock", Finding.BAD, f"it stands {newest - now:.0f} s before the newest entry", remedy)
    return Check("clock", Finding.GOOD, "not before the newest entry")


def check_keys(catalogue: Catalogue) -> Check:
    """Stored frames are encrypted, and the site key is at hand and can be recovered."""
    status = key_status(catalogue)
    if status.locked:
        return Check("site key", Finding.BAD, status.problem, "Unlock it, or use `main.py keys recover`.")
    if status.missing:
        detail = f"the keys of {status.missing} sessions are not here"
        return Check("site key", Finding.WARNING, detail, "Bring them in: `main.py keys import --from FILE`.")
    if status.plain:
        detail = f"{status.plain} sessions are stored without encryption"
        return Check("site key", Finding.WARNING, detail, "Encrypt them: `main.py keys encrypt`.")
    if status.method is not None and not status.recovery:
        remedy = "Keep it elsewhere, and print its recovery code: `main.py keys protect --with passphrase`."
        return Check("site key", Finding.WARNING, f"kept by {status.method}, without a recovery code", remedy)
    return Check("site key", Finding.GOOD, f"kept by {status.method}" if status.method else "no frames were stored yet")


def check_retention(catalogue: Catalogue) -> Check:
    """Nothing that is due is still here days later, and the station can act on the terms and on its clock."""
    name, clock, all_of_it = "retention", read_clock(catalogue), expiries(catalogue)
    now = clock.now_utc_s
    if doubt_of(all_of_it, clock):
        side = "ahead of what" if clock.standing is ClockStanding.AHEAD else "before what"
        detail = f"the clock stands {clock.days_apart} days {side} this folder bears out: what waits for its time stays"
        remedy = "Set the clock, or confirm the date: `main.py retention --confirm-date YYYY-MM-DD --reason TEXT`."
        return Check(name, Finding.BAD, detail, remedy)
    overdue = [expiry for expiry in all_of_it if not expiry.held and now - expiry.utc_s > OVERDUE_S]
    if overdue:
        since = datetime.fromtimestamp(overdue[0].utc_s, UTC).date()
        things = "1 thing" if len(overdue) == 1 else f"{len(overdue)} things"
        detail = f"{things} should have been erased more than two days ago, the first on {since}"
        return Check(name, Finding.BAD, detail, "Erase with `main.py retention`: it says what is in the way.")
    given, trusted = terms(catalogue), terms_of_people(catalogue)
    if given != trusted:
        purposes = ", ".join(sorted(given.keys() - trusted.keys()))
        remedy = "Set it again: `main.py retention --set PURPOSE=DAYS --reason TEXT`."
        return Check(name, Finding.WARNING, f"the audit log does not bear out the term of {purposes}", remedy)
    held = sum(bool(expiry.held) for expiry in all_of_it if expiry.due(now))
    kept = f", {held} kept by legal holds" if held else ""
    return Check(name, Finding.GOOD, ("nothing is overdue" if given else "no term is set") + kept)


def check_people(catalogue: Catalogue) -> Check:
    """Somebody must log in, and changes of policy need two."""
    if not catalogue.accounts.exist():
        detail = "open station: no accounts, everybody may do everything"
        return Check("people", Finding.WARNING, detail, "Close it with `main.py accounts add`.")
    if not catalogue.proposals.rule_is_on:
        remedy = "Switch it on with `main.py proposals rule on`, once there are two people."
        return Check("people", Finding.WARNING, "accounts; the two-person rule is off", remedy)
    return Check("people", Finding.GOOD, "accounts; the two-person rule is on")


def check_policy(catalogue: Catalogue) -> Check:
    """The site policy is the one that somebody with the right has set."""
    found = catalogue.policies.in_force()
    if found.refused:
        detail = "it was edited by hand, or its key is lost: every presentation is a non-response"
        remedy = "Look with `main.py policy show`, then set it again: `main.py policy set ... --reason TEXT`."
        return Check("site policy", Finding.BAD, detail, remedy)
    return Check("site policy", Finding.GOOD, f"set by {found.actor}" if found.actor else "the factory's")


def check_door(catalogue: Catalogue) -> Check:
    """Gate controllers can tell the station's lines from another program's."""
    if catalogue.folder.door_key.exists():
        read_door_key(catalogue.folder.door_key)
        return Check("door", Finding.GOOD, "lines to gate controllers are signed")
    told = catalogue.file.value("SELECT EXISTS (SELECT 1 FROM audit WHERE action = 'door_connected')")
    if not told:
        return Check("door", Finding.GOOD, "no gate controller was ever told anything")
    detail = "lines are not signed: whoever acts as the station's user can speak to a controller in its name"
    remedy = "Sign them with `main.py door key --reason TEXT`, and give each controller a copy of the key."
    return Check("door", Finding.WARNING, detail, remedy)


def check_champion(catalogue: Catalogue) -> Check:
    """The deployed model's files are those that were added."""
    registry = ModelRegistry(catalogue)
    record = registry.resolve("champion")
    return Check("model files", Finding.GOOD, f"{record.name} {record.sha256[:12]}")
