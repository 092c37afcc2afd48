"""What the `keys` commands say on a terminal, and ask there; `main.py` opens the catalogue for them."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Callable, Mapping
from typing import Any

from core.access import Permission
from core.codes import SiteKeyMethod
from core.errors import ExitCode, UsageError
from core.processes import yield_to_the_station
from core.terminal import Interrupt, plain, read_secret, say, steps
from storage.catalogue import Catalogue
from storage.encrypting import encrypt_plain
from storage.key_care import PROTECT, ROTATE, KeyStatus, key_status, method_of, protect, recover, rotate
from storage.key_transfer import export_keys, import_keys
from storage.repositories.proposals import Proposal

PROTECTS: Mapping[SiteKeyMethod | None, str] = {
    None: "no frames were stored yet",
    SiteKeyMethod.FILE: (
        "a file in the data folder, for this user alone: it protects databases and backups that leave the machine, not "
        "the whole folder, and not from whoever works as this user"
    ),
    SiteKeyMethod.KEYRING: (
        "the keystore of the operating system: it protects the data folder when this user is not logged in, not from "
        "programs of this user"
    ),
    SiteKeyMethod.PASSPHRASE: (
        "nowhere: a passphrase opens it; it protects the data folder whenever the program does not run"
    ),
}
"""What each way of keeping the site key does, and what it does not."""


def _status(catalogue: Catalogue, options: Namespace) -> int:
    found = key_status(catalogue)
    if options.json:
        print(json.dumps(plain(found), indent=2))
        return ExitCode.DONE
    print(f"site key     {found.method or 'none'}: {PROTECTS[found.method]}")
    print(f"state        {'locked: ' + found.problem if found.locked else 'open'}")
    print(f"recovery     {'a code was given out' if found.recovery else 'no code was given out'}")
    print(f"sessions     {found.encrypted} encrypted, {found.plain} not encrypted, {found.missing} without their key")
    for line in advice(found):
        say(line)
    return ExitCode.DONE


def advice(status: KeyStatus) -> list[str]:
    """What should be done about it, most important first."""
    found = []
    if status.method is SiteKeyMethod.FILE:
        found.append("Protect the site key: `main.py keys protect --with keyring` or `--with passphrase`.")
    if status.plain:
        found.append("Encrypt what was stored before: `main.py keys encrypt`.")
    if status.missing:
        found.append("Bring in the keys of what came with a backup: `main.py keys import --from FILE`.")
    if status.method not in (None, SiteKeyMethod.FILE) and not status.recovery:
        found.append("Get a recovery code: `main.py keys rotate`.")
    return found


def _protect(catalogue: Catalogue, options: Namespace) -> int:
    method = SiteKeyMethod(options.method)
    passphrase = _new_passphrase(options, method) if _ready(catalogue, PROTECT, {"method": str(method)}) else ""
    return given_out(protect(catalogue, method, passphrase, options.reason))


def _recover(catalogue: Catalogue, options: Namespace) -> int:
    code = read_secret("Recovery code: ", options.code_fd)
    method = SiteKeyMethod(options.method)
    return given_out(recover(catalogue, code, method, _new_passphrase(options, method)))


def _rotate(catalogue: Catalogue, options: Namespace) -> int:
    passphrase = ""
    if _ready(catalogue, ROTATE, {}):
        catalogue.vault.site_key()
        passphrase = _new_passphrase(options, method_of(catalogue))
    return given_out(rotate(catalogue, passphrase, options.reason))


def _ready(catalogue: Catalogue, action: str, arguments: Mapping[str, str]) -> bool:
    """Whether the change goes on now: nobody types a passphrase for a mere proposal."""
    catalogue.require(Permission.KEYS)
    return catalogue.proposals.ready(Permission.KEYS, action, arguments)


def _new_passphrase(options: Namespace, method: SiteKeyMethod) -> str:
    if method is not SiteKeyMethod.PASSPHRASE:
        return ""
    first = read_secret("New passphrase: ", options.new_passphrase_fd)
    if options.new_passphrase_fd is None and read_secret("Again: ") != first:
        raise UsageError("The two passphrases differ; nothing was changed.", "Type it again.")
    return first


def given_out(code: str) -> int:
    """Hand over a recovery code of the site key."""
    say("The recovery code opens the site when passphrase or keystore are lost. It is shown once and kept nowhere:")
    say("print it, and lock it away. Codes that were given out before are void.")
    print(code)
    return ExitCode.DONE


def key_actions(catalogue: Catalogue, proposal: Proposal) -> dict[str, Callable[[Mapping[str, Any], str], str]]:
    """What is done at once when a second person approves it, giving out a recovery code.

    Nothing where a passphrase is wanted: one of the two types it, and the other one never learns it.
    """

    def keep_otherwise(arguments: Mapping[str, Any], reason: str) -> str:
        return protect(catalogue, SiteKeyMethod(arguments["method"]), reason=reason)

    def make_anew(_arguments: Mapping[str, Any], reason: str) -> str:
        return rotate(catalogue, reason=reason)

    method = proposal.arguments.get("method", method_of(catalogue))
    return {} if method == SiteKeyMethod.PASSPHRASE else {PROTECT: keep_otherwise, ROTATE: make_anew}


def _encrypt(catalogue: Catalogue, options: Namespace) -> int:
    yield_to_the_station()
    with Interrupt() as canceled:
        report = encrypt_plain(catalogue, steps("encrypting"), canceled)
    print(f"{len(report.sessions)} sessions encrypted")
    for session, why in report.left:
        say(f"{session} was left as it is: {why}")
    return ExitCode.INPUT if report.left else ExitCode.DONE


def _export(catalogue: Catalogue, options: Namespace) -> int:
    code = export_keys(catalogue, options.out)
    say("File and code together open every backup of this site. Keep them apart from each other, and from the backups.")
    say("After an erasure, destroy this export and make a new one: it still opens what was erased, in old backups.")
    print(code)
    return ExitCode.DONE


def _import(catalogue: Catalogue, options: Namespace) -> int:
    done = import_keys(catalogue, options.file, read_secret("Code of the export: ", options.code_fd))
    print(f"{done.taken} keys taken, {done.known} were here, {done.refused} refused (erased or unknown here)")
    return ExitCode.DONE


KEY_COMMANDS: Mapping[str, Callable[[Catalogue, Namespace], int]] = {
    "keys status": _status,
    "keys protect": _protect,
    "keys recover": _recover,
    "keys rotate": _rotate,
    "keys encrypt": _encrypt,
    "keys export": _export,
    "keys import": _import,
}
"""Handlers by the name that the command line gives."""
