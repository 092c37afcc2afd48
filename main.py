"""Sallyport: the composition root. Parses the command line, builds objects, hands them to each other; holds no logic.

Everything heavy (torch, the camera SDK, Qt) is imported inside the command that needs it, so that the window shows
quickly and no process loads what it must not (docs/architecture.md).

A new command goes beside what it commands: a function in a `storage/commands_*.py`, named in the table of
`storage/commands.py`. Only what brings devices, window and storage together has its handler here, in `OWN`.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
from argparse import Namespace
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.access import Permission
from core.checks import Check, Finding
from core.commandline import build_parser
from core.errors import ExitCode, HostError, InputError, KnownError, UsageError
from core.handing_over import hand_over
from core.logs import leave_interrupts_to_the_parent, start_logging
from core.processes import without_collection
from core.terminal import SPEAKER, Interrupt, percentage, plain, progress, reader_left, say, show_rows

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from core.access import Actor
    from core.frames import FrameSet
    from core.station import Station
    from core.station.daily_command import DailyCommand
    from devices.worker import CaptureSpec
    from gui.services import Services
    from storage.catalogue import Catalogue
    from storage.paths import DataFolder
    from storage.sealing import DataKey
    from storage.vault import SiteAccess


MEASURED_SETS = 30
"""Frame sets of one measurement of a wall: a second of a camera at 30 Hz."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code (formats.md)."""
    multiprocessing.freeze_support()
    code: int = ExitCode.CANCELED  # of a command that stops half-way because nobody reads it
    try:
        options = build_parser().parse_args(arguments)
        code = _handler(options.handler)(options)
        if sys.stdout is not None:
            sys.stdout.flush()
        return code
    except BrokenPipeError:
        if not reader_left():
            raise
        return code
    except KnownError as error:
        if error.exit_code is ExitCode.DONE:  # an answer, not a failure: the change is proposed
            print(error.what)
            say(error.remedy)
        else:
            say(f"{SPEAKER}{error.what}", error.remedy)
            hand_over(error)
        return error.exit_code
    except KeyboardInterrupt:
        say("sallyport: canceled")
        return ExitCode.CANCELED


def _handler(name: str) -> Callable[[Namespace], int]:
    if name in OWN:
        return OWN[name]
    with without_collection():
        from storage.commands import COMMANDS

    return COMMANDS[name]


# --- what the processes of a station run ----------------------------------------------------------------------------


def capture_process(pipe: Connection, root: Path, spec: CaptureSpec) -> None:
    """Entry point of a capture process: camera and recorder, no model, no window."""
    from devices.worker import run_capture
    from storage.paths import DataFolder
    from storage.recorder import SessionRecorder
    from storage.sealing import DataKey

    _prepare_child(root, "capture")
    folder = DataFolder(root)
    run_capture(
        pipe,
        spec,
        lambda order, _: SessionRecorder(
            Path(order.path), order.session, key=DataKey(order.key_id, order.key), folder=folder
        ),
        lambda session: _stored_frames(folder, session, DataKey(spec.replay_key_id, spec.replay_key)),
    )


def inference_process(pipe: Connection, root: Path, ring: str, automatic: bool) -> None:
    """Entry point of the inference process: face, model and decision, no camera, no window."""
    from core.inference.worker import run_inference
    from core.model.bundle import load_scorer
    from core.policy import SitePolicy
    from devices.ring import RingReader

    _prepare_child(root, "inference")
    run_inference(pipe, RingReader(ring), load_scorer, SitePolicy(), automatic, challenging=True)


def _prepare_child(root: Path, name: str) -> None:
    if multiprocessing.parent_process() is not None and multiprocessing.current_process().name != "MainProcess":
        leave_interrupts_to_the_parent()
        start_logging(root / "logs", name)


def _stored_frames(folder: DataFolder, session: str, key: DataKey) -> Iterable[FrameSet]:
    from storage.frames import FrameStore
    from storage.sealing import PLAIN, Opener

    opener = Opener(lambda _: key, plain=False) if key.id else PLAIN
    with FrameStore.open(_frames_file(folder, session), opener) as store:
        yield from store


def _frames_file(folder: DataFolder, session: str) -> Path:
    path = folder.frames(session)
    if not path.is_file():
        raise InputError(f"The session {session!r} holds no frames.", "List sessions with `main.py sessions`.")
    return path


# --- the station ----------------------------------------------------------------------------------------------------


def build_station(
    options: Namespace,
    source: str,
    log_in: Callable[[Catalogue], object],
    *,
    automatic: bool,
    access: SiteAccess | None = None,
    **capture: Any,
) -> tuple[Station, str]:
    """The station for ``source``, its processes not started, and the name of its ring.

    ``log_in`` says who gives the orders. The station holds the data folder's lock until its shutdown.
    Raises `KnownError`: bad source, folder in use, no model.
    """
    from core.clock import SystemClock
    from core.processes import Child
    from core.station import Station
    from core.station.inference import InferenceLink
    from devices.ring import FrameRing
    from devices.sources import SourceSpec
    from devices.supervisor import CaptureSupervisor
    from devices.worker import CaptureSpec
    from storage.catalogue import open_catalogue
    from storage.lock import StationLock
    from storage.opening import folder_of, models_of
    from storage.station_ledger import CatalogueLedger
    from storage.station_life import begin_station, end_station

    spec = SourceSpec.parse(source)
    folder, threaded, clock = folder_of(options), options.single_process, SystemClock()
    folder.create()
    with ExitStack() as held:
        held.enter_context(StationLock(folder.lock))
        catalogue = held.enter_context(open_catalogue(folder, access=access))
        registry = models_of(catalogue)
        _salvage(catalogue)
        log_in(catalogue)
        if spec.scheme == "session":
            catalogue.require(Permission.REVIEW)
            catalogue.sessions.get(spec.argument)
            if (key := catalogue.vault.session_key(spec.argument)) is not None:
                capture |= {"replay_key_id": key.id, "replay_key": key.secret}
            _frames_file(folder, spec.argument)  # before there is a session that would stay empty
        ring = FrameRing.create()
        held.callback(ring.close)
        supervisor = CaptureSupervisor(
            CaptureSpec(source=str(spec), ring=ring.name, **capture),
            lambda renewed: Child("capture", capture_process, folder.root, renewed, threaded=threaded),
            clock,
        )
        child = Child("inference", inference_process, folder.root, ring.name, automatic, threaded=threaded)
        ledger = CatalogueLedger(catalogue, registry, spec.argument if spec.scheme == "session" else "")
        told = begin_station(catalogue, spec.source_kind)
        held.callback(end_station, catalogue)
        release = held.pop_all().close
        return Station(
            supervisor, InferenceLink(child, clock), ledger, spec.source_kind, clock=clock, release=release, told=told
        ), ring.name


def _salvage(catalogue: Catalogue) -> None:
    """Finish what was cut off: sessions first, then erasures. An erasure that cannot be finished is told and kept."""
    from storage.erasure.job import resume_all
    from storage.salvage import salvage

    for finding in salvage(catalogue):
        say(f"The session {finding.session} was cut off and has been salvaged: {finding.recorded} frame sets.")
    try:
        for certificate in resume_all(catalogue):
            say(f"The erasure of {certificate['target']} was cut off and has been finished.")
    except KnownError as error:
        say(f"An erasure is not finished: {error.what}", error.remedy)


# --- commands -------------------------------------------------------------------------------------------------------


def window_services(options: Namespace) -> Services:
    """What the window is given (also by `make bench` and `make screenshots`, which drive the real one)."""
    from gui.services import LiveStation, Services
    from storage.catalogue import open_catalogue
    from storage.opening import folder_of, site_access

    folder, access = folder_of(options), site_access(options, prompt=False)
    folder.create()

    def open_station(source: str, actor: Actor | None) -> LiveStation:
        from devices.ring import RingReader

        def log_in(catalogue: Catalogue) -> None:
            catalogue.actor = actor

        station, ring = build_station(options, source, log_in, automatic=True, access=access, realtime=True)
        return LiveStation(station, RingReader(ring))

    def command(arguments: Sequence[str]) -> list[str]:
        unlocked = [] if (key := access.descriptor()) is None else ["--site-key-fd", str(key)]
        return [*_this_program(arguments, folder), *unlocked]

    return Services(
        data_dir=folder.root,
        default_source=options.source,
        open_catalogue=lambda: open_catalogue(folder, access=access),
        open_station=open_station,
        command=command,
    )


def _window(options: Namespace) -> int:
    if sys.platform == "linux" and not any(map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"))):
        raise HostError("There is no screen to open the window on.", "Use `main.py run --headless`, or set DISPLAY.")
    if getattr(options, "user", None) is not None:
        raise UsageError("The window has its own log-in.", "Leave --user out.")
    from gui.app import run

    services = window_services(options)
    start_logging(services.logs, "window")
    return run(services)


def _run(options: Namespace) -> int:
    from core.results import write_json
    from core.station.headless import RunReport

    with Interrupt(at_once=True) as canceled:
        try:
            _check_source(options)
            return _run_station(options, canceled)
        except KeyboardInterrupt:
            if canceled.at_once:  # there is no station yet that could have told of itself
                write_json(RunReport(canceled=True).to_json(), options.json)
            raise


def _check_source(options: Namespace) -> None:
    """Refuse a source that cannot be one before anything is stored, be it a line of a log; the report is written."""
    from core.results import write_json
    from core.station.headless import RunReport
    from devices.sources import checked_source

    try:
        checked_source(options.source)
    except InputError as error:
        write_json(RunReport(problems=[str(error)]).to_json(), options.json)
        raise


def _run_station(options: Namespace, canceled: Interrupt) -> int:
    """A station built and run; ``canceled`` is patient from when there is one that has to be ended."""
    from core.codes import SessionPurpose
    from core.door.output import DoorPlaces
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
    run_headless(station, order, options.json, canceled, places, daily=_retention_by_itself(options))
    return ExitCode.CANCELED if canceled() else ExitCode.DONE


def _retention_by_itself(options: Namespace) -> DailyCommand:
    """What is due is erased by a process beside the station, which acts as the station and not as who started it."""
    from core.station.daily_command import DailyCommand
    from storage.catalogue import open_catalogue
    from storage.opening import folder_of
    from storage.retention import terms

    folder = folder_of(options)

    def wanted() -> bool:
        with open_catalogue(folder) as catalogue:
            return bool(terms(catalogue))

    return DailyCommand(_this_program(["retention", "--due"], folder), wanted)


def _this_program(arguments: Sequence[str], folder: DataFolder) -> list[str]:
    """A sub-command on the same data folder, to be run as a process of its own."""
    return [sys.executable, str(Path(__file__).resolve()), *arguments, "--data", str(folder.root)]


def _door_watch(options: Namespace) -> int:
    from core.codes import DoorReason
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


def _record(options: Namespace) -> int:
    from devices.recording import record
    from storage.opening import opened

    with opened(options) as (catalogue, _):
        catalogue.require(Permission.CAMERA)
    with Interrupt() as canceled:
        report = record(options.source, options.out, options.seconds, percentage("recording"), canceled)
    print(json.dumps(plain(report), indent=2))
    return ExitCode.CANCELED if canceled() else ExitCode.DONE


def _devices(options: Namespace) -> int:
    from devices.doctor import list_devices

    found = list_devices()
    show_rows(found, ("name", "serial", "firmware", "usb"), "No camera is connected.", as_json=options.json)
    return ExitCode.DONE


def _doctor(options: Namespace) -> int:
    checks = _all_checks(options)
    if options.json:
        print(json.dumps(plain(checks), indent=2))
    else:
        for check in checks:
            print(f"{check.finding:<8} {check.name}: {check.detail}")
            if check.remedy:
                print(f"         {check.remedy}")
    return ExitCode.ENVIRONMENT if any(check.finding is Finding.BAD for check in checks) else ExitCode.DONE


def _all_checks(options: Namespace) -> list[Check]:
    """Cameras, data folder, model: whatever stands between this machine and a verdict."""
    from core.inference.doctor import check_model
    from devices.doctor import run_checks
    from storage.doctor import check_folder
    from storage.opening import deployed_model, folder_of

    folder = folder_of(options)
    return [*run_checks(), *check_folder(folder), check_model(lambda: deployed_model(folder))]


def _support(options: Namespace) -> int:
    from storage.opening import folder_of, opened
    from storage.support import privileged_report, safe_report, write_report

    checks, logs = _all_checks(options), folder_of(options).root / "logs"
    with opened(options) as (catalogue, _):
        if options.privileged:
            pieces = privileged_report(catalogue, logs, checks, options.hours)
        else:
            pieces = safe_report(catalogue, logs, checks)
        count = write_report(catalogue, pieces, options.out, options.privileged)
    print(f"{count} files in {options.out}")
    for piece in pieces:
        print(f"  {piece.name}")
    if options.privileged:
        say("This report tells of cameras and verdicts, and holds pseudonyms.", "Give it to the technician alone.")
    return ExitCode.DONE


def _commission(options: Namespace) -> int:
    from devices.base import NotLiveError
    from devices.identify import identify
    from storage.commissioning import accept_camera, choose
    from storage.opening import opened

    with opened(options) as (catalogue, _):
        try:
            catalogue.cameras.see(identify(options.serial))
        except NotLiveError:
            raise
        except HostError as error:  # in use by the station, or away: what was seen last is shown
            say(f"sallyport: {error.what}", error.remedy)
        found = [camera for camera in catalogue.cameras.all() if options.serial in ("", camera.serial)]
        if options.accept:
            found = [accept_camera(catalogue, choose(found).seen, options.reason)]
    if options.json:
        print(json.dumps([{**plain(camera), "accepted": camera.accepted} for camera in found], indent=2))
        return ExitCode.DONE
    for camera in found:
        print(f"{camera.serial}  {camera.seen.name}: {'accepted' if camera.accepted else 'not accepted'}")
        for change in camera.changes:
            print(f"    {change.field}: {change.before or '-'} -> {change.after or '-'}")
    if not found:
        print("No live camera was seen here.")
    return ExitCode.DONE


def _scenes(options: Namespace) -> int:
    from core.scenes.export import write_scenes

    with Interrupt() as canceled:
        write_scenes(
            options.out,
            options.species,
            options.sensor,
            options.n,
            options.seed,
            domain=options.domain,
            progress=progress("rendering"),
            cancel=canceled,
        )
    return ExitCode.DONE


def _qualify_measure(options: Namespace) -> int:
    from devices.sampling import sample
    from storage.commands_qualification import measured
    from storage.opening import opened

    with opened(options) as (catalogue, registry), Interrupt() as canceled:
        taken = sample(options.source, MEASURED_SETS, canceled)
        return measured(catalogue, options, taken, registry.champion().sha256)


def _shift_check(options: Namespace) -> int:
    from core.station.shift import present_all, sources_of
    from devices.sources import checked_source
    from storage.catalogue import open_catalogue
    from storage.commands_shift_check import ask, store
    from storage.opening import folder_of, site_access
    from storage.people_commands import log_in

    sources = sources_of(options.source, options.kit_print)
    for source in sources:
        checked_source(source)
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


def _adapt_report(options: Namespace) -> int:
    from gui.documents.command import report

    return report(options)


OWN: Mapping[str, Callable[[Namespace], int]] = {
    "window": _window,
    "run": _run,
    "door watch": _door_watch,
    "record": _record,
    "devices": _devices,
    "doctor": _doctor,
    "support": _support,
    "commission": _commission,
    "scenes": _scenes,
    "qualify measure": _qualify_measure,
    "shift check": _shift_check,
    "adapt report": _adapt_report,
}
"""Commands that bring packages together which do not know each other, by the names of `core/commandline.py`."""


if __name__ == "__main__":
    sys.exit(main())
