"""`main.py shift check|status`: the start-of-shift check, for a station that runs without its window."""

from __future__ import annotations

import json
import sys
import time
from argparse import Namespace
from collections.abc import Callable, Mapping
from select import select

from core.access import Permission
from core.errors import ExitCode
from core.logs import start_logging
from core.station import Station
from core.station.shift import SHOWN, ShiftAnswers, present_all, sources_of
from core.terminal import Interrupt, plain, say, show_rows
from storage import qualification
from storage.catalogue import Catalogue, open_catalogue
from storage.opening import folder_of, site_access
from storage.people_commands import log_in
from storage.station_ground import BuildStation

_ASKS = ("One of your team looks at the camera.", "Hold the kit print before the camera.")


def check(options: Namespace, check_source: Callable[[str], None], build_station: BuildStation) -> int:
    """Make the check; ``check_source`` refuses what cannot be a source before anything is stored."""
    sources = sources_of(options.source, options.kit_print)
    for source in sources:
        check_source(source)
    folder, access = folder_of(options), site_access(options)
    start_logging(folder.root / "logs", "shift")
    with open_catalogue(folder, access=access) as catalogue:
        log_in(catalogue, options)
        catalogue.require(Permission.OPERATE)
        actor = catalogue.actor

    def act(catalogue: Catalogue) -> None:
        catalogue.actor = actor

    def station(source: str) -> Station:
        camera = {"realtime": True, "wait_for_device": False}
        return build_station(options, source, act, automatic=False, access=access, **camera)[0]

    with Interrupt() as canceled:
        answers = present_all(station, sources, ask, canceled)
    with open_catalogue(folder, access=access) as catalogue:
        act(catalogue)
        return store(catalogue, options, answers)


def ask(number: int) -> Callable[[], bool]:
    """Say what is to be shown; whoever sits at a terminal presses Return when it is there."""
    say(f"{number + 1}. {_ASKS[number]}")
    if sys.stdin is None or not sys.stdin.isatty():
        return lambda: True
    say("Press Return when ready.")

    def pressed() -> bool:
        if not select([sys.stdin], [], [], 0.0)[0]:
            return False
        sys.stdin.readline()
        return True

    return pressed


def store(catalogue: Catalogue, options: Namespace, answers: ShiftAnswers) -> int:
    """Store the check and say how it ended; a failed one is exit code 3."""
    person, sheet = answers.rows
    passed = qualification.check_shift(catalogue, answers.identity, answers.source_kind, answers.model, person, sheet)
    if options.json:
        shown = [
            {"shown": label.species or "bona_fide", "outcome": str(verdict.outcome), "mask": str(verdict.mask)}
            for label, verdict in zip(SHOWN, answers.verdicts, strict=True)
        ]
        print(json.dumps({"schema": 1, "passed": passed, "model": answers.model, "answers": shown}, indent=2))
    else:
        for label, verdict in zip(SHOWN, answers.verdicts, strict=True):
            print(f"{label.species or 'bona_fide'}: {verdict.outcome}")
        print("passed" if passed else "failed")
    if not passed:
        say("The check has failed: no verdict counts.", "Call the technician.")
    return ExitCode.DONE if passed else ExitCode.INPUT


def status(catalogue: Catalogue, options: Namespace) -> int:
    """The newest checks."""
    found = [
        {**plain(check), "utc": time.strftime("%Y-%m-%d %H:%M", time.gmtime(check.utc_s))}
        for check in catalogue.shift_checks.newest()
    ]
    show_rows(found, ("utc", "camera", "passed", "actor"), "No check was made yet.", as_json=options.json)
    return ExitCode.DONE


SHIFT_COMMANDS: Mapping[str, Callable[[Catalogue, Namespace], int]] = {"shift status": status}
