"""Sallyport: the composition root. Parses the command line, builds objects, hands them to each other; holds no logic.

Everything heavy (torch, the camera SDK, Qt) is imported inside the command that needs it (docs/architecture.md).

A new command has its options in the module of its group in `core/commands`, and what it does in the package that it
works with. Only where packages have to meet that do not know each other, lines here hand the one what the other can do.
"""

from __future__ import annotations

import multiprocessing
import sys
from argparse import Namespace
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.commandline import build_parser
from core.commands.captures import write_scenes
from core.commands.door import watch
from core.errors import ExitCode, KnownError
from core.handing_over import hand_over
from core.logs import begin_child
from core.processes import Child, without_collection
from core.terminal import SPEAKER, reader_left, say
from devices.commands import devices

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from core.station import Station
    from devices.worker import CaptureSpec
    from gui.services import Services
    from storage.paths import DataFolder
    from storage.station_ground import LogIn
    from storage.vault import SiteAccess


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


def capture_process(pipe: Connection, root: Path, spec: CaptureSpec) -> None:
    """Entry point of a capture process: camera and recorder, no model, no window."""
    from devices.worker import run_capture
    from storage.paths import DataFolder
    from storage.recorder import SessionRecorder
    from storage.sealing import DataKey
    from storage.stored_frames import stored_frames

    begin_child(root / "logs", "capture")
    folder = DataFolder(root)
    run_capture(
        pipe,
        spec,
        lambda order, _: SessionRecorder(
            Path(order.path), order.session, key=DataKey(order.key_id, order.key), folder=folder
        ),
        lambda session: stored_frames(folder, session, DataKey(spec.replay_key_id, spec.replay_key)),
    )


def inference_process(pipe: Connection, root: Path, ring: str, automatic: bool) -> None:
    """Entry point of the inference process: face, model and decision, no camera, no window."""
    from core.inference.worker import run_inference
    from core.model.bundle import load_scorer
    from core.policy import SitePolicy
    from devices.ring import RingReader

    begin_child(root / "logs", "inference")
    run_inference(pipe, RingReader(ring), load_scorer, SitePolicy(), automatic, challenging=True)


def build_station(
    options: Namespace,
    source: str,
    log_in: LogIn,
    *,
    automatic: bool,
    access: SiteAccess | None = None,
    **capture: Any,
) -> tuple[Station, str]:
    """The station for ``source``, its processes not started, and the name of its ring.

    ``log_in`` says who gives the orders. The station holds the data folder's lock until its shutdown. Raises
    `KnownError`: bad source, folder in use, no model. A `storage.station_ground.BuildStation`.
    """
    from core.clock import SystemClock
    from core.station import Station
    from core.station.inference import InferenceLink
    from devices.ring import FrameRing
    from devices.sources import SourceSpec
    from devices.supervisor import CaptureSupervisor
    from devices.worker import CaptureSpec
    from storage.opening import folder_of
    from storage.station_ground import ground

    spec = SourceSpec.parse(source)
    folder, threaded, clock = folder_of(options), options.single_process, SystemClock()
    replays = spec.argument if spec.scheme == "session" else ""
    with ExitStack() as held:
        stands_on = held.enter_context(ground(folder, log_in, access, spec.source_kind, replays))
        if (key := stands_on.replay_key) is not None:
            capture |= {"replay_key_id": key.id, "replay_key": key.secret}
        ring = FrameRing.create()
        held.callback(ring.close)
        supervisor = CaptureSupervisor(
            CaptureSpec(source=str(spec), ring=ring.name, **capture),
            lambda renewed: Child("capture", capture_process, folder.root, renewed, threaded=threaded),
            clock,
        )
        child = Child("inference", inference_process, folder.root, ring.name, automatic, threaded=threaded)
        link, told, release = InferenceLink(child, clock), stands_on.told, held.pop_all().close
        station = Station(supervisor, link, stands_on.ledger, spec.source_kind, clock, release, told)
    return station, ring.name


def _this_program(arguments: Sequence[str], folder: DataFolder) -> list[str]:
    """A sub-command on the same data folder, to be run as a process of its own."""
    return [sys.executable, str(Path(__file__).resolve()), *arguments, "--data", str(folder.root)]


def window_services(options: Namespace) -> Services:
    """What the window is given (also by `make bench` and `make screenshots`, which drive the real one)."""
    from gui.opening import services_of

    return services_of(options, build_station, _this_program)


def _window(options: Namespace) -> int:
    from gui.opening import check_screen, open_window

    check_screen(options)
    if options.source:
        _check_source(options.source)
    return open_window(window_services(options))


def _check_source(text: str) -> None:
    from devices.sources import checked_source

    checked_source(text)


def _run(options: Namespace) -> int:
    from storage.commands_run import run

    return run(options, _check_source, build_station, _this_program)


def _record(options: Namespace) -> int:
    from core.access import Permission
    from devices.commands import record
    from storage.opening import require

    require(options, Permission.CAMERA)
    return record(options)


def _doctor(options: Namespace) -> int:
    from devices.doctor import run_checks
    from storage.commands_support import doctor

    return doctor(options, run_checks())


def _support(options: Namespace) -> int:
    from devices.doctor import run_checks
    from storage.commands_support import support

    return support(options, run_checks())


def _commission(options: Namespace) -> int:
    from devices.base import NotLiveError
    from devices.identify import identify
    from storage.commands_commission import commission

    return commission(options, identify, NotLiveError)


def _qualify_measure(options: Namespace) -> int:
    from devices.sampling import sample
    from storage.commands_qualification import measure

    return measure(options, sample)


def _shift_check(options: Namespace) -> int:
    from storage.commands_shift_check import check

    return check(options, _check_source, build_station)


def _adapt_report(options: Namespace) -> int:
    from gui.documents.command import report

    return report(options)


OWN: Mapping[str, Callable[[Namespace], int]] = {
    "window": _window,
    "run": _run,
    "door watch": watch,
    "record": _record,
    "devices": devices,
    "doctor": _doctor,
    "support": _support,
    "commission": _commission,
    "scenes": write_scenes,
    "qualify measure": _qualify_measure,
    "shift check": _shift_check,
    "adapt report": _adapt_report,
}
"""Commands that are not of storage alone, by the names of `core/commands`."""


if __name__ == "__main__":
    sys.exit(main())
