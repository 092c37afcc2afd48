"""Words for roles, changes that need a second person, and second-line results."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from core.access import Role
from core.codes import SecondLineResult
from gui.i18n.translator import tr

_ROLE: Mapping[StrEnum, str] = {
    Role.OPERATOR: "operator",
    Role.COLLECTOR: "collector",
    Role.TECHNICIAN: "technician",
    Role.ADMINISTRATOR: "administrator",
}
_ROLE_ABOUT: Mapping[StrEnum, str] = {
    Role.OPERATOR: "Runs the checkpoint, overrides with a reason.",
    Role.COLLECTOR: "Subjects, consents, takes and labels; imports and exports.",
    Role.TECHNICIAN: "Camera, qualification, adaptation; proposes and approves models and thresholds.",
    Role.ADMINISTRATOR: "Accounts, keys, retention, erasure, audit; approves models and thresholds.",
}
_SECOND_LINE: Mapping[StrEnum, str] = {
    SecondLineResult.CONFIRMED: "Confirmed",
    SecondLineResult.FALSE_ALARM: "False alarm",
    SecondLineResult.UNKNOWN: "Unknown",
}
TABLES: Mapping[type[StrEnum], tuple[Mapping[StrEnum, str], ...]] = {
    Role: (_ROLE, _ROLE_ABOUT),
    SecondLineResult: (_SECOND_LINE,),
}


def person_role(code: Role) -> str:
    """What a person is trusted with, in a word."""
    return tr(_ROLE[code])


def role_about(code: Role) -> str:
    """The same in a sentence."""
    return tr(_ROLE_ABOUT[code])


def second_line(code: SecondLineResult) -> str:
    """What the second line found."""
    return tr(_SECOND_LINE[code])


def change(action: str) -> str:
    """What a proposal would change; an action without words of its own is shown as it is."""
    known = {
        "promote": tr("Promote a model"),
        "two_person_rule": tr("Switch the two-person rule off"),
        "set_policy": tr("Change the site policy"),
        "trust_lane": tr("Trust another lane's models"),
        "set_retention": tr("Change a retention term"),
        "release_hold": tr("Release a legal hold"),
        "confirm_date": tr("Confirm the date of the machine's clock"),
        "protect_keys": tr("Protect the site key otherwise"),
        "acknowledge": tr("Acknowledge a broken audit log"),
        "rotate_keys": tr("Make a new site key"),
        "make_door_key": tr("Make a key that signs the door's lines"),
        "remove_door_key": tr("Sign the door's lines no more"),
    }
    return known.get(action, action.replace("_", " "))
