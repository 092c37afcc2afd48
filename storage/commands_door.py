"""The key that signs the lines of the door, made and taken away (docs/door.md)."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Mapping
from typing import Any

from core.access import Permission
from core.door.signing import new_door_key
from core.errors import ExitCode
from core.terminal import say
from storage.atomic import fsync_folder, write_secret
from storage.catalogue import Catalogue

MAKE, REMOVE = "make_door_key", "remove_door_key"
"""Actions of the audit entries, and of the proposals."""


def make_door_key(catalogue: Catalogue, reason: str) -> None:
    """Sign the lines of the door from the station's next start on; controllers need a copy of the new key.

    Raises:
        DeniedError: whoever acts may not.
        ProposedError: a second person has to approve.
        HostError: the file cannot be written.
    """
    catalogue.proposals.authorize(Permission.KEYS, MAKE, {}, reason)
    write_secret(catalogue.folder.door_key, new_door_key())
    catalogue.audit.append(MAKE, "door", "", actor=catalogue.actor.id, reason=reason)


def remove_door_key(catalogue: Catalogue, reason: str) -> None:
    """Sign them no more: a controller that has a key stays closed. Raises as `make_door_key`."""
    catalogue.proposals.authorize(Permission.KEYS, REMOVE, {}, reason)
    catalogue.folder.door_key.unlink(missing_ok=True)
    fsync_folder(catalogue.folder.root)
    catalogue.audit.append(REMOVE, "door", "", actor=catalogue.actor.id, reason=reason)


def door_key(catalogue: Catalogue, options: Namespace) -> int:
    """`main.py door key`."""
    if options.remove:
        remove_door_key(catalogue, options.reason)
        say("Lines are not signed after the station's next start; controllers that have a key stay closed.")
        return ExitCode.DONE
    make_door_key(catalogue, options.reason)
    print(catalogue.folder.door_key)
    say(
        "Give each controller a copy that nobody else can read, and start the station again: its lines are signed then."
    )
    return ExitCode.DONE


def door_actions(catalogue: Catalogue) -> dict[str, Callable[[Mapping[str, Any], str], None]]:
    """What is done at once when a second person approves it."""

    def make(_arguments: Mapping[str, Any], reason: str) -> None:
        make_door_key(catalogue, reason)

    def remove(_arguments: Mapping[str, Any], reason: str) -> None:
        remove_door_key(catalogue, reason)

    return {MAKE: make, REMOVE: remove}


DOOR_COMMANDS: Mapping[str, Callable[[Catalogue, Namespace], int]] = {"door key": door_key}
