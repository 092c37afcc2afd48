"""The commands about people by name, and what an approved proposal makes happen."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Mapping
from typing import Any

from storage import people_commands as people
from storage.audit_acknowledge import audit_actions
from storage.catalogue import Catalogue
from storage.commands_door import door_actions
from storage.commands_keys import key_actions
from storage.commands_lanes import lane_actions
from storage.commands_models import self_test
from storage.commands_policy import policy_actions
from storage.commands_retention import retention_actions
from storage.registry import PROMOTION, ModelRegistry


def approve(catalogue: Catalogue, options: Namespace) -> int:
    """`main.py proposals approve`: make the change that somebody else proposed."""

    def promote(arguments: Mapping[str, Any], reason: str) -> None:
        ModelRegistry(catalogue).promote(arguments["model"], reason, self_test)

    keys = key_actions(catalogue, catalogue.proposals.get(options.proposal))
    actions = {**retention_actions(catalogue), **policy_actions(catalogue), **audit_actions(catalogue)}
    runners = {PROMOTION: promote, **actions, **lane_actions(catalogue), **door_actions(catalogue), **keys}
    return people.approve(catalogue, options, runners)


PEOPLE_COMMANDS: Mapping[str, Callable[[Catalogue, Namespace], int]] = {
    "accounts list": people.list_accounts,
    "accounts add": people.add_account,
    "accounts roles": people.change_roles,
    "accounts passphrase": people.change_passphrase,
    "accounts remove": people.remove_account,
    "accounts recovery": people.recover,
    "accounts pin": people.set_pin,
    "proposals list": people.list_proposals,
    "proposals approve": approve,
    "proposals decline": people.decline,
    "proposals rule": people.switch_rule,
    "override": people.override,
    "second-line": people.second_line,
}
