"""Gate controllers: the options of ``door``, and ``door watch``."""

from __future__ import annotations

import json
from argparse import Namespace
from pathlib import Path

from core.codes import DoorReason
from core.commands.parser import Commands
from core.errors import ExitCode
from core.terminal import Interrupt


def declare(commands: Commands) -> None:
    """``door``."""
    door = commands.group("door", "gate controllers: follow a station, and the key of its lines")
    watch = door.add("watch", "follow a station as a gate controller must; one JSON line for every change")
    place = watch.add_mutually_exclusive_group(required=True)
    place.add_argument("socket", metavar="SOCKET", type=Path, nargs="?", help="where the station has its --door")
    place.add_argument("--stdin", action="store_true", help="read the lines from stdin (as a --door-hook)")
    watch.add_argument(
        "--key", metavar="FILE", type=Path, help="a copy of the station's key: open on signed lines only"
    )
    key = door.add("key", "make the key that signs the lines, for the station and its controllers")
    key.add_argument("--remove", action="store_true", help="take it away: lines are signed no more")
    key.add_argument("--reason", metavar="TEXT", required=True, help="for the audit log")


def watch(options: Namespace) -> int:
    """Follow a station, and print a line for every change."""
    from core.door.signing import read_door_key
    from core.door.watch import watch_socket, watch_stdin

    def tell(reason: DoorReason) -> None:
        print(json.dumps({"open": reason is DoorReason.NONE, "reason": str(reason)}), flush=True)

    key = None if options.key is None else read_door_key(options.key)
    with Interrupt() as canceled:
        if options.stdin:
            watch_stdin(tell, canceled, key=key)
        else:
            watch_socket(options.socket, tell, canceled, key=key)
    return ExitCode.DONE
