"""`main.py lanes`: models sent to other lanes and taken from them, and which lanes are trusted."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Mapping
from typing import Any

from core.errors import ExitCode
from core.terminal import show_rows
from storage.catalogue import Catalogue
from storage.model_transfer import receive_model, send_model
from storage.repositories.lanes import TRUST


def list_lanes(catalogue: Catalogue, options: Namespace) -> int:
    """Every lane whose models are taken here."""
    columns = ("name", "public", "actor", "reason")
    show_rows(catalogue.lanes.all(), columns, "No other lane is trusted.", as_json=options.json)
    return ExitCode.DONE


def key(catalogue: Catalogue, options: Namespace) -> int:
    """The key that others trust this lane by; it is no secret."""
    del options
    print(catalogue.lanes.own_key())
    return ExitCode.DONE


def trust(catalogue: Catalogue, options: Namespace) -> int:
    """Take models from a lane from now on."""
    lane = catalogue.lanes.trust(options.key, options.name, options.reason)
    print(f"{lane.name} is trusted")
    return ExitCode.DONE


def forget(catalogue: Catalogue, options: Namespace) -> int:
    """Take nothing more from a lane."""
    catalogue.lanes.forget(options.name, options.reason)
    print(f"{options.name} is not trusted any more")
    return ExitCode.DONE


def send(catalogue: Catalogue, options: Namespace) -> int:
    """A model as one signed file."""
    record = send_model(catalogue, options.model, options.out)
    print(f"{record.name} {record.sha256} in {options.out}")
    return ExitCode.DONE


def receive(catalogue: Catalogue, options: Namespace) -> int:
    """A model out of the signed file of a trusted lane; it is stored, not deployed."""
    record, lane = receive_model(catalogue, options.file)
    print(f"{record.name} {record.sha256} from {lane or 'this lane itself'}")
    return ExitCode.DONE


def lane_actions(catalogue: Catalogue) -> dict[str, Callable[[Mapping[str, Any], str], None]]:
    """What is done at once when a second person approves it."""

    def trusted(arguments: Mapping[str, Any], reason: str) -> None:
        catalogue.lanes.trust(arguments["public"], arguments["name"], reason)

    return {TRUST: trusted}


LANE_COMMANDS: Mapping[str, Callable[[Catalogue, Namespace], int]] = {
    "lanes list": list_lanes,
    "lanes key": key,
    "lanes trust": trust,
    "lanes forget": forget,
    "lanes send": send,
    "lanes receive": receive,
}
