"""`main.py run`: the station without a window.

Everything else is imported once interrupts are heard, so that who ends a run while it starts still gets its report.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from core.errors import ExitCode, InputError
from core.terminal import Interrupt

if TYPE_CHECKING:
    from core.station.daily_command import DailyCommand
    from storage.paths import DataFolder
    from storage.station_ground import BuildStation

    Program = Callable[[Sequence[str], DataFolder], list[str]]
    """A sub-command on the same data folder, to be run as a process of its own."""


def run(options: Namespace, check_source: Callable[[str], None], build_station: BuildStation, program: Program) -> int:
    """Run the station for as long as the options say; ``check_source`` refuses what cannot be a source."""
    with Interrupt(at_once=True) as canceled:
        try:
            _check(options, check_source)
            return _run(options, canceled, build_station, program)
        except KeyboardInterrupt:
            if canceled.at_once:  # there is no station yet that could have told of itself
                from core.results import write_json
                from core.station.headless import RunReport

                write_json(RunReport(canceled=True).to_json(), options.json)
            raise


def _check(options: Namespace, check_source: Callable[[str], None]) -> None:
    """Refuse a source that cannot be one before anything is stored, be it a line of a log; the report is written."""
    try:
        check_source(options.source)
    except InputError as error:
        from core.results import write_json
        from core.station.headless import RunReport

        write_json(RunReport(problems=[str(error)]).to_json(), options.json)
        raise


def _run(options: Namespace, canceled: Interrupt, build_station: BuildStation, program: Program) -> int:
    """A station built and run; ``canceled`` is patient from when there is one that has to be ended."""
    from core.codes import SessionPurpose
    from core.door.output import DoorPlaces
    from core.logs import start_logging
    from core.station import SessionOrder
    from core.station.headless import run_headless
    from storage.opening import folder_of, site_access
    from storage.people_commands import log_in

    order = SessionOrder(SessionPurpose.CHECKPOINT, options.record, subject=options.subject or "")
    folder = folder_of(options)
    start_logging(folder.root / "logs", "run")
    places = DoorPlaces(options.door, options.door_hook, str(folder.door_key) if folder.door_key.exists() else "")
    station, _ = build_station(
        options,
        options.source,
        lambda catalogue: log_in(catalogue, options),
        automatic=False,
        access=site_access(options),
        max_skew_ms=options.max_skew_ms,
        seconds=options.seconds,
        realtime=True,
        wait_for_device=False,
    )
    canceled.at_once = False
    run_headless(station, order, options.json, canceled, places, daily=_retention_by_itself(folder, program))
    return ExitCode.CANCELED if canceled() else ExitCode.DONE


def _retention_by_itself(folder: DataFolder, program: Program) -> DailyCommand:
    """What is due is erased by a process beside the station, which acts as the station and not as who started it."""
    from core.station.daily_command import DailyCommand
    from storage.catalogue import open_catalogue
    from storage.retention import terms

    def wanted() -> bool:
        with open_catalogue(folder) as catalogue:
            return bool(terms(catalogue))

    return DailyCommand(program(["retention", "--due"], folder), wanted)
