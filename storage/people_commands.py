"""Log-in on the command line, and the commands about people: accounts, proposals, overrides, second-line results.

Secrets come from a person at the terminal, or line by line from standard input: first the pass-phrase of ``--user``,
then whatever the command asks for. Never from the command line itself.
"""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Callable, Mapping
from typing import Any

from core.access import Role
from core.codes import Outcome, SecondLineResult
from core.errors import ExitCode, KnownError, UsageError
from core.terminal import plain, read_secret, say, show_rows
from storage.approved import left_to_do
from storage.catalogue import Catalogue
from storage.commands_keys import given_out
from storage.forms import canonical
from storage.repositories.proposals import RULE

TOKEN_VARIABLE = "SALLYPORT_LOG_IN"
"""Environment variable in which the window hands its log-in to the commands that it starts."""

Runner = Callable[[Mapping[str, Any], str], str | None]
"""Makes an approved change: ``runner(arguments, reason)``; returns the recovery code where it made a new site key."""


def log_in(catalogue: Catalogue, options: Namespace) -> None:
    """Let the account of ``--user``, or of the window that started this command, act through ``catalogue``.

    Without either, a station with accounts is used by nobody: every guarded operation is denied.

    Raises:
        WrongSecretError, WaitError: see `storage.repositories.log_ins`.
        UsageError: this station has no accounts.
    """
    name, token = getattr(options, "user", None), os.environ.pop(TOKEN_VARIABLE, "")
    if name is None:
        if token:
            catalogue.log_ins.log_in_with(token)
        return
    if not catalogue.accounts.exist():
        raise UsageError("This station has no accounts.", "Leave --user out, or begin with `main.py accounts add`.")
    catalogue.log_ins.log_in(name, _ask(f"Pass-phrase of {name}: ", getattr(options, "user_fd", None)))


def _ask(prompt: str, descriptor: int | None = None) -> str:
    """From a person, else the next line of standard input."""
    typed = sys.stdin is not None and sys.stdin.isatty()
    return read_secret(prompt, descriptor if descriptor is not None or typed else 0)


def _ask_new(prompt: str) -> str:
    """The same for a secret that is new: a person types it twice."""
    secret = _ask(prompt)
    if sys.stdin is not None and sys.stdin.isatty() and _ask("Once more: ") != secret:
        raise UsageError("The two differ; nothing was changed.", "Try again.")
    return secret


def list_accounts(catalogue: Catalogue, options: Namespace) -> int:
    """`main.py accounts list`."""
    if not catalogue.accounts.exist():
        say("No accounts: everybody at this station may do everything.", "Begin with `main.py accounts add`.")
        show_rows((), (), "", as_json=options.json)
        return ExitCode.DONE
    columns = ("name", "roles", "last_log_in_utc_s", "wait_s")
    show_rows(catalogue.accounts.all(), columns, "", as_json=options.json)
    return ExitCode.DONE


def add_account(catalogue: Catalogue, options: Namespace) -> int:
    """`main.py accounts add`: prints the recovery code with the first account."""
    secret = _ask_new(f"New pass-phrase of {options.name}: ")
    code = catalogue.accounts.add(options.name, _roles(options.roles), secret)
    print(f"{options.name}: {', '.join(options.roles)}")
    if code:
        _tell_code(code)
    return ExitCode.DONE


def change_roles(catalogue: Catalogue, options: Namespace) -> int:
    """`main.py accounts roles`."""
    catalogue.accounts.set_roles(options.name, _roles(options.roles))
    print(f"{options.name}: {', '.join(options.roles)}")
    return ExitCode.DONE


def change_passphrase(catalogue: Catalogue, options: Namespace) -> int:
    """`main.py accounts passphrase`."""
    catalogue.accounts.set_passphrase(options.name, _ask_new(f"New pass-phrase of {options.name}: "))
    return ExitCode.DONE


def remove_account(catalogue: Catalogue, options: Namespace) -> int:
    """`main.py accounts remove`."""
    catalogue.accounts.remove(options.name)
    return ExitCode.DONE


def recover(catalogue: Catalogue, options: Namespace) -> int:
    """`main.py accounts recovery`."""
    if options.account is None:
        _tell_code(catalogue.accounts.new_recovery_code())
        return ExitCode.DONE
    code, name = _ask("Recovery code: "), options.account
    _tell_code(catalogue.accounts.recover(name, code, _ask_new(f"New pass-phrase of {name}: ")))
    return ExitCode.DONE


def set_pin(catalogue: Catalogue, options: Namespace) -> int:
    """`main.py accounts pin`."""
    catalogue.accounts.set_kiosk_pin(_ask_new("PIN for leaving the full screen (empty: none): "))
    return ExitCode.DONE


def list_proposals(catalogue: Catalogue, options: Namespace) -> int:
    """`main.py proposals list`."""
    if catalogue.accounts.exist() and not catalogue.proposals.rule_is_on:
        say("The two-person rule is off.")
    rows = [{**plain(one), "left": str(left_to_do(one))} for one in catalogue.proposals.all()]
    if not options.json:
        rows = [{**row, "arguments": canonical(row["arguments"])} for row in rows]
    columns = ("id", "state", "action", "arguments", "reason", "proposed_by", "decided_by", "left")
    show_rows(rows, columns, "Nothing was proposed.", as_json=options.json)
    return ExitCode.DONE


def approve(catalogue: Catalogue, options: Namespace, runners: Mapping[str, Runner]) -> int:
    """`main.py proposals approve`: makes the change too, where ``runners`` know the action; else says what is left."""

    def switch(given: Mapping[str, Any], reason: str) -> None:
        catalogue.proposals.set_rule(given["active"], reason)

    proposal = catalogue.proposals.approve(options.proposal)
    run = {RULE: switch, **runners}.get(proposal.action)
    if run is None:
        print(f"approved, not done yet: {left_to_do(proposal)}")
        return ExitCode.DONE
    try:
        code = run(proposal.arguments, proposal.reason)
    except KnownError:
        if left := left_to_do(catalogue.proposals.get(proposal.id)):
            say(f"approved, not done yet: {left}")
        raise
    print(f"approved and done: {proposal.action}")
    return given_out(code) if code else ExitCode.DONE


def decline(catalogue: Catalogue, options: Namespace) -> int:
    """`main.py proposals decline`."""
    catalogue.proposals.decline(options.proposal, options.reason)
    return ExitCode.DONE


def switch_rule(catalogue: Catalogue, options: Namespace) -> int:
    """`main.py proposals rule`."""
    catalogue.proposals.set_rule(options.state == "on", options.reason)
    print(f"the two-person rule is {options.state}")
    return ExitCode.DONE


def override(catalogue: Catalogue, options: Namespace) -> int:
    """`main.py override`."""
    catalogue.verdicts.override(options.verdict, Outcome(options.outcome), options.reason)
    return ExitCode.DONE


def second_line(catalogue: Catalogue, options: Namespace) -> int:
    """`main.py second-line`."""
    if options.verdict is None:
        columns = ("verdict", "outcome", "reason", "source_kind", "committed_utc_s")
        show_rows(catalogue.second_line.waiting(), columns, "Nobody waits.", as_json=options.json)
        return ExitCode.DONE
    if options.result is None:
        raise UsageError("What did the second line find?", f"Give one of {', '.join(SecondLineResult)}.")
    catalogue.second_line.record(options.verdict, SecondLineResult(options.result))
    return ExitCode.DONE


def _roles(names: list[str]) -> list[Role]:
    try:
        return [Role(name) for name in names]
    except ValueError as error:
        raise UsageError(str(error).capitalize() + ".", f"The roles are {', '.join(Role)}.") from error


def _tell_code(code: str) -> None:
    say("The recovery code opens an administrator's account once. Keep it on paper, sealed:")
    print(code)
