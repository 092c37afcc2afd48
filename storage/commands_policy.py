"""What `policy` says on a terminal; `main.py` opens the catalogue for it."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Callable, Mapping
from typing import Any

from core.access import Permission
from core.errors import ExitCode, UsageError
from core.policy import PolicyInForce, SitePolicy
from core.terminal import say
from storage.catalogue import Catalogue
from storage.repositories.policies import SET_POLICY


def show_policy(catalogue: Catalogue, options: Namespace) -> int:
    """`main.py policy show`."""
    catalogue.require(Permission.POLICY)
    found = catalogue.policies.in_force()
    if options.json:
        print(json.dumps(_told(found), indent=2))
        return ExitCode.DONE
    own = found.policy.differing(SitePolicy())
    factory = SitePolicy().model_dump(mode="json")
    for name, value in found.policy.model_dump(mode="json").items():
        print(f"{name:<20} {_words(value)}" + (f"  (factory: {_words(factory[name])})" if name in own else ""))
    if found.refused:
        say("The stored policy is not what somebody set: there are no verdicts.", "Set it again: `main.py policy set`.")
    elif found.actor:
        say(f"set by {found.actor}: {found.reason}")
    return ExitCode.DONE


def set_policy(catalogue: Catalogue, options: Namespace) -> int:
    """`main.py policy set`: ``FIELD=VALUE ...``, on top of the factory policy with ``--factory``."""
    changes: dict[str, Any] = SitePolicy().model_dump() if options.factory else {}
    for text in options.values:
        name, equals, value = text.partition("=")
        if not equals:
            raise UsageError(f"{text!r} is no change.", "Write FIELD=VALUE, as in abstain_margin=0.8.")
        changes[name.strip()] = value.strip()
    if not changes:
        raise UsageError("Which field?", "Give FIELD=VALUE, or --factory for the factory policy.")
    found = catalogue.policies.change(changes, options.reason)
    print(json.dumps(_told(found), indent=2) if options.json else f"site policy {found.policy.sha256()}")
    return ExitCode.DONE


def policy_actions(catalogue: Catalogue) -> dict[str, Callable[[Mapping[str, Any], str], None]]:
    """What is done at once when a second person approves it."""

    def change(arguments: Mapping[str, Any], reason: str) -> None:
        catalogue.policies.change(arguments["changes"], reason, of=arguments["of"])

    return {SET_POLICY: change}


POLICY_COMMANDS: Mapping[str, Callable[[Catalogue, Namespace], int]] = {
    "policy show": show_policy,
    "policy set": set_policy,
}


def _told(found: PolicyInForce) -> dict[str, Any]:
    return {
        "schema": 1,
        "sha256": found.policy.sha256(),
        "refused": found.refused,
        "factory": found.is_factory,
        "set_by": found.actor,
        "set_utc_s": found.utc_s,
        "reason": found.reason,
        "policy": found.policy.model_dump(mode="json"),
    }


def _words(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
