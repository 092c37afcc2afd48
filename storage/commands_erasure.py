"""What `erase` says on a terminal; `main.py` opens the catalogue for it."""

from __future__ import annotations

import json
import sys
from argparse import Namespace

from core.codes import ErasureStep
from core.errors import ExitCode, UsageError
from core.terminal import plain, say, steps
from storage.catalogue import Catalogue
from storage.erasure.certificate import readable
from storage.erasure.inventory import Inventory, Target, TargetKind, take_inventory
from storage.erasure.job import erase


def erase_subject(catalogue: Catalogue, options: Namespace) -> int:
    """`main.py erase --subject ID`: prints the certificate."""
    target = Target(TargetKind.SUBJECT, options.subject)
    if sys.stdin is not None and sys.stdin.isatty() and not options.yes:
        _confirm(options.subject, take_inventory(catalogue, target))
    certificate = erase(catalogue, target, options.reason, tell_step)
    print(json.dumps(plain(certificate), indent=2) if options.json else readable(certificate), end="")
    return ExitCode.DONE


def tell_step(step: ErasureStep, done: int, total: int) -> None:
    """Progress of an erasure on stderr: a line for each step, and where a program listens for all within it."""
    if total or not sys.stderr.isatty():
        steps(str(step))(done, total)
    else:
        say(f"erasing: {step}")


def _confirm(subject: str, inventory: Inventory) -> None:
    frame_sets = sum(session.frame_sets for session in inventory.sessions)
    say(f"This destroys {len(inventory.keys)} keys and {len(inventory.sessions)} sessions ({frame_sets} frame sets).")
    if inventory.others:
        say(f"Among them are {inventory.others} presentations of other people.")
    if inventory.models:
        say(f"{len(inventory.models)} models were trained on them; they are flagged, not changed.")
    if input(f"It cannot be undone. Type {subject} to go on: ").strip() != subject:
        raise UsageError("Nothing was erased.", "The names differ.")
