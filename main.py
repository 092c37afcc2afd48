"""Sallyport: the composition root. Parses the command line, builds objects, hands them to each other; holds no logic.

Everything heavy (torch, the camera SDK, Qt) is imported inside the command that needs it, so that the window shows
quickly and no process loads what it must not (docs/architecture.md).
"""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
from argparse import Namespace
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.access import Permission
from core.checks import Check, Finding
from core.commandline import build_parser
from core.errors import ExitCode, HostError, InputError, KnownError, UsageError
from core.logs import leave_interrupts_to_the_parent, start_logging
from core.terminal import Interrupt, percentage, plain, progress, say, show_rows, told_left_out

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from core.access import Actor
    from core.frames import FrameSet
    from core.ports import Scorer
    from core.station import Station
    from devices.worker import CaptureSpec
    from gui.services import Services
    from storage.catalogue import Catalogue
    from storage.paths import DataFolder
    from storage.registry import ModelRegistry
    from storage.sealing import DataKey
    from storage.vault import SiteAccess


MEASURED_SETS = 30
"""Frame sets of one measurement of a wall: a second of a camera at 30 Hz."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code (formats.md)."""
    multiprocessing.freeze_support()
    options = build_parser().parse_args(arguments)
    try:
        return HANDLERS[options.handler](options)
    except KnownError as error:
        if error.exit_code is ExitCode.DONE:  # an answer, not a failure: the change is proposed
            print(error.what)
            say(error.remedy)
        else:
            say(f"sallyport: {error.what}", error.remedy)
        return error.exit_code
    except KeyboardInterrupt:
        say("sallyport: canceled")
        return ExitCode.CANCELED


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

    path = folder.frames(session)
    if not path.is_file():
        raise InputError(f"The session {session!r} holds no frames.", "List sessions with `main.py sessions`.")
    opener = Opener(lambda _: key, plain=False) if key.id else PLAIN
    with FrameStore.open(path, opener) as store:
        yield from store


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
    from storage.station_ledger import CatalogueLedger
    from storage.station_life import begin_station, end_station

    spec = SourceSpec.parse(source)
    folder, threaded, clock = _folder(options), options.single_process, SystemClock()
    folder.create()
    with ExitStack() as held:
        held.enter_context(StationLock(folder.lock))
        catalogue = held.enter_context(open_catalogue(folder, access=access))
        registry = _registry(catalogue)
        _salvage(catalogue)
        log_in(catalogue)
        if spec.scheme == "session":
            catalogue.require(Permission.REVIEW)
        if spec.scheme == "session" and (key := catalogue.vault.session_key(spec.argument)) is not None:
            capture |= {"replay_key_id": key.id, "replay_key": key.secret}
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

    folder, access = _folder(options), _access(options, prompt=False)
    folder.create()

    def open_station(source: str, actor: Actor | None) -> LiveStation:
        from devices.ring import RingReader

        def log_in(catalogue: Catalogue) -> None:
            catalogue.actor = actor

        station, ring = build_station(options, source, log_in, automatic=True, access=access, realtime=True)
        return LiveStation(station, RingReader(ring))

    def command(arguments: Sequence[str]) -> list[str]:
        unlocked = [] if (key := access.descriptor()) is None else ["--site-key-fd", str(key)]
        return [sys.executable, str(Path(__file__).resolve()), *arguments, "--data", str(folder.root), *unlocked]

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
    from core.codes import SessionPurpose
    from core.door.output import DoorPlaces
    from core.station import SessionOrder
    from core.station.headless import run_headless

    order = SessionOrder(SessionPurpose.CHECKPOINT, options.record, subject=options.subject or "")
    start_logging(_folder(options).root / "logs", "run")
    places = DoorPlaces(options.door, options.door_hook)
    station, _ = build_station(
        options,
        options.source,
        lambda catalogue: _log_in(catalogue, options),
        automatic=False,
        access=_access(options),
        max_skew_ms=options.max_skew_ms,
        seconds=options.seconds,
        realtime=True,
        wait_for_device=False,
    )
    with Interrupt() as canceled:
        run_headless(station, order, options.json, canceled, places)
    return ExitCode.CANCELED if canceled() else ExitCode.DONE


def _door_watch(options: Namespace) -> int:
    from core.codes import DoorReason
    from core.door.watch import watch_socket, watch_stdin

    def tell(reason: DoorReason) -> None:
        print(json.dumps({"open": reason is DoorReason.NONE, "reason": str(reason)}), flush=True)

    with Interrupt() as canceled:
        if options.stdin:
            watch_stdin(tell, canceled)
        else:
            watch_socket(options.socket, tell, canceled)
    return ExitCode.DONE


def _record(options: Namespace) -> int:
    from devices.recording import record

    with _opened(options) as (catalogue, _):
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

    return [*run_checks(), *check_folder(_folder(options)), check_model(lambda: _champion(options))]


def _champion(options: Namespace) -> Path:
    """The deployed model, for which nobody has to log in; before the first start it is the factory's."""
    from core.model.manifest import FACTORY_BUNDLE
    from storage.catalogue import open_catalogue
    from storage.registry import ModelRegistry

    folder = _folder(options)
    if not folder.catalogue.is_file():
        return FACTORY_BUNDLE
    with open_catalogue(folder) as catalogue:
        return Path(ModelRegistry(catalogue).resolve("champion").path)


def _support(options: Namespace) -> int:
    from storage.support import privileged_report, safe_report, write_report

    checks, logs = _all_checks(options), _folder(options).root / "logs"
    with _opened(options) as (catalogue, _):
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

    with _opened(options) as (catalogue, _):
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


def _evaluate(options: Namespace) -> int:
    from core.data.manifest import read_manifest
    from core.evaluation.evaluate import evaluate
    from core.evaluation.report import table_beside, write_report
    from core.face.sampler import FaceSampler
    from core.processes import compute_with_one_thread

    compute_with_one_thread()
    table_beside(options.json)
    with _opened(options) as (_, registry), Interrupt() as canceled:
        evaluation = evaluate(
            read_manifest(options.manifest),
            _scorer(options.model, registry),
            FaceSampler(),
            options.modalities,
            options.split,
            progress=progress("evaluating"),
            cancel=canceled,
        )
    write_report(evaluation, options.json)
    return told_left_out(evaluation.left_out, "line")


def _models(options: Namespace) -> int:
    with _opened(options) as (catalogue, registry):
        flags = catalogue.models.trained_on_erased()
        found = [{**plain(record), "trained_on_erased": flags.get(record.sha256, [])} for record in registry.all()]
    columns = ("sha256", "name", "roles", "origin", "parent", "trained_on_erased")
    show_rows(found, columns, "No model is stored.", as_json=options.json)
    return ExitCode.DONE


def _promote(options: Namespace) -> int:
    with _opened(options) as (_, registry):
        record = registry.promote(options.model, options.reason, _self_test)
    print(f"champion is now {record.name} {record.sha256}")
    return ExitCode.DONE


def _rollback(options: Namespace) -> int:
    with _opened(options) as (_, registry):
        record = registry.rollback(options.reason, _self_test)
    print(f"champion is now {record.name} {record.sha256}")
    return ExitCode.DONE


def _self_test(bundle: Path) -> None:
    from core.inference.selftest import self_test
    from core.model.bundle import load_scorer

    self_test(load_scorer(bundle))


def _adapt_run(options: Namespace) -> int:
    """Also `adapt resume`: a job goes on from its checkpoint where it has one."""
    from core.adaptation.worker import Workplace, run_job
    from core.codes import JobState, ModelRole
    from core.face.sampler import FaceSampler
    from core.processes import yield_to_the_station
    from storage.commands_jobs import tell_job

    yield_to_the_station()
    start_logging(_folder(options).root / "logs", "adapt")
    sampler = FaceSampler()
    with _opened(options) as (catalogue, registry):
        workplace = Workplace(
            jobs=catalogue.jobs,
            presentations=catalogue.material,
            champion=Path(registry.resolve(ModelRole.CHAMPION).path),
            out_dir=catalogue.folder.jobs / options.job,
            crop_face=lambda frame_set: sampler.sample(frame_set).crop,
            register=lambda bundle: registry.add(bundle, job=options.job).sha256,
            memory=catalogue.folder.replay,
        )
        try:
            with catalogue.granted(Permission.ADAPT):
                run_job(options.job, workplace)
        except KeyboardInterrupt:
            catalogue.jobs.update(options.job, state=JobState.INTERRUPTED)
            raise
        return tell_job(catalogue, options)


def _train(options: Namespace) -> int:
    from core.training.config import TrainConfig, factory_config
    from core.training.train import train, trust_factory

    work_dir = _folder(options).root / "training"
    if options.factory:
        config = factory_config(work_dir, options.out)
    elif options.out is None:
        raise UsageError("Where should the model go?", "Give --out DIR, or --factory for the factory's own place.")
    else:
        config = TrainConfig(work_dir=work_dir, out=options.out)
    given = {"seed": options.seed, "epochs": options.epochs}
    config = config.model_copy(update={name: value for name, value in given.items() if value is not None})
    if options.presentations is not None:
        config = config.sized(options.presentations)
    show: dict[str, Callable[[float], None]] = {}
    with Interrupt() as canceled:
        manifest = train(config, lambda step: show.setdefault(step.phase, percentage(step.phase))(step.share), canceled)
    if options.factory and options.out is None:
        trust_factory(config.out)
    print(f"{manifest.name} {manifest.sha256} in {config.out}")
    return ExitCode.DONE


def _benchmark(options: Namespace) -> int:
    from core.benchmark import forms
    from core.processes import compute_with_one_thread

    compute_with_one_thread()
    work = options.work or _folder(options).root / "benchmark"
    shown: dict[str, Callable[[float], None]] = {}

    def report(what: str, share: float) -> None:
        shown.setdefault(what, percentage(what))(share)

    with Interrupt() as canceled:
        if options.scenes:
            return forms.scenes(options, work, report, canceled)
        with _opened(options) as (_, registry):

            def load(reference: str) -> Scorer:
                return _scorer(reference, registry)

            if options.robustness:
                return forms.robustness(options, load, report, canceled)
            if options.adapt:
                named = Path(options.model)
                champion = named if named.is_dir() else Path(registry.resolve(options.model).path)
                return forms.adapted(options, champion, work, report, canceled)
            return forms.collection(options, load, work, report, canceled)


def _restore(options: Namespace) -> int:
    from storage.backup import restore

    report = restore(options.backup, _folder(options), lambda catalogue: _log_in(catalogue, options))
    print(report)
    if report.without_key:
        say(
            f"Backups hold no keys: the frames of {report.without_key} sessions cannot be read here.",
            "Bring in an export of the keys: `main.py keys import --from FILE`.",
        )
    return ExitCode.DONE


def _stored(options: Namespace) -> int:
    """Commands that need the catalogue and nothing else: each of storage's modules has its own by name."""
    from storage.commands_audit import AUDIT_COMMANDS
    from storage.commands_erasure import erase_subject
    from storage.commands_jobs import JOB_COMMANDS
    from storage.commands_keys import KEY_COMMANDS
    from storage.commands_policy import POLICY_COMMANDS
    from storage.commands_qualification import QUALIFICATION_COMMANDS
    from storage.commands_retention import retention
    from storage.commands_sessions import SESSION_COMMANDS

    commands: dict[str, Callable[[Catalogue, Namespace], int]] = {
        **SESSION_COMMANDS,
        **JOB_COMMANDS,
        **QUALIFICATION_COMMANDS,
        **KEY_COMMANDS,
        **AUDIT_COMMANDS,
        **POLICY_COMMANDS,
        "erase": erase_subject,
        "retention": retention,
    }
    with _opened(options) as (catalogue, _):
        return commands[options.handler](catalogue, options)


def _replay(options: Namespace) -> int:
    from core.processes import compute_with_one_thread
    from storage.commands_replay import explain, replay

    compute_with_one_thread()
    with _opened(options) as (catalogue, registry):
        return (explain if options.explain else replay)(catalogue, options, lambda name: _scorer(name, registry))


def _adapt_plan(options: Namespace) -> int:
    from core.adaptation.plan import make_plan

    with _opened(options) as (catalogue, registry):
        champion = registry.champion()
        plan = make_plan(catalogue.material, options.sessions, champion.sha256, champion.name, options.seed)
        print(catalogue.jobs.create(plan.to_json(), plan.sha256()))
    return ExitCode.DONE


def _qualify_measure(options: Namespace) -> int:
    from devices.sampling import sample
    from storage.commands_qualification import measured

    with _opened(options) as (catalogue, registry), Interrupt() as canceled:
        taken = sample(options.source, MEASURED_SETS, canceled)
        return measured(catalogue, options, taken, registry.champion().sha256)


def _people(options: Namespace) -> int:
    """Accounts, proposals, overrides, second-line results: `storage.people_commands` has them by name."""
    from storage import people_commands as people
    from storage.registry import PROMOTION

    commands: dict[str, Callable[[Catalogue, Namespace], int]] = {
        "accounts list": people.list_accounts,
        "accounts add": people.add_account,
        "accounts roles": people.change_roles,
        "accounts passphrase": people.change_passphrase,
        "accounts remove": people.remove_account,
        "accounts recovery": people.recover,
        "accounts pin": people.set_pin,
        "proposals list": people.list_proposals,
        "proposals decline": people.decline,
        "proposals rule": people.switch_rule,
        "override": people.override,
        "second-line": people.second_line,
    }
    with _opened(options) as (catalogue, registry):
        if options.handler != "proposals approve":
            return commands[options.handler](catalogue, options)

        from storage.commands_policy import policy_actions
        from storage.commands_retention import retention_actions

        def promote(arguments: Mapping[str, Any], reason: str) -> None:
            registry.promote(arguments["model"], reason, _self_test)

        runners = {PROMOTION: promote, **retention_actions(catalogue), **policy_actions(catalogue)}
        return people.approve(catalogue, options, runners)


# --- small things ---------------------------------------------------------------------------------------------------


def _folder(options: Namespace) -> DataFolder:
    from storage.paths import data_folder

    return data_folder(getattr(options, "data", None))


@contextmanager
def _opened(options: Namespace) -> Iterator[tuple[Catalogue, ModelRegistry]]:
    """The catalogue and its models, for a short command."""
    from storage.catalogue import open_catalogue

    with open_catalogue(_folder(options), access=_access(options)) as catalogue:
        _log_in(catalogue, options)
        yield catalogue, _registry(catalogue)


def _log_in(catalogue: Catalogue, options: Namespace) -> None:
    from storage.people_commands import log_in

    log_in(catalogue, options)


def _access(options: Namespace, prompt: bool = True) -> SiteAccess:
    """How this process comes by the site key: the passphrase from a descriptor, else from a person at the terminal."""
    from core.terminal import read_secret
    from storage.vault import SiteAccess

    handed = getattr(options, "site_key_fd", None)
    if handed is not None:
        return SiteAccess.from_descriptor(handed)
    descriptor = getattr(options, "passphrase_fd", None)
    if descriptor is None and not (prompt and sys.stdin is not None and sys.stdin.isatty()):
        return SiteAccess()
    return SiteAccess(lambda: read_secret("Passphrase of this site: ", descriptor))


def _registry(catalogue: Catalogue) -> ModelRegistry:
    """The models of a data folder; the factory model is always among them."""
    from core.model.manifest import FACTORY_BUNDLE
    from core.model.trusted import FACTORY_SHA256
    from storage.registry import ModelRegistry

    registry = ModelRegistry(catalogue)
    registry.install_factory(FACTORY_BUNDLE, FACTORY_SHA256)
    return registry


def _scorer(reference: str, registry: ModelRegistry) -> Scorer:
    """A model by name, alias, digest or path, or the relief baseline ``builtin:sheet``."""
    from core.model.baseline import SHEET_NAME, SheetScorer
    from core.model.bundle import load_scorer

    if reference == SHEET_NAME:
        return SheetScorer()
    if Path(reference).is_dir():
        return load_scorer(reference)
    return load_scorer(registry.resolve(reference).path)


HANDLERS: Mapping[str, Callable[[Namespace], int]] = {
    "window": _window,
    "run": _run,
    "door watch": _door_watch,
    "record": _record,
    "devices": _devices,
    "doctor": _doctor,
    "support": _support,
    "commission": _commission,
    "scenes": _scenes,
    "replay": _replay,
    "evaluate": _evaluate,
    "models": _models,
    "promote": _promote,
    "rollback": _rollback,
    "train": _train,
    "benchmark": _benchmark,
    "adapt plan": _adapt_plan,
    "adapt run": _adapt_run,
    "adapt resume": _adapt_run,
    "qualify measure": _qualify_measure,
    "restore": _restore,
    **dict.fromkeys(
        (
            *(
                "import",
                "export",
                "sessions",
                "label",
                "backup",
                "erase",
                "retention",
                "qualify status",
                "qualify revoke",
            ),
            *(f"keys {name}" for name in ("status", "protect", "recover", "rotate", "encrypt", "export", "import")),
            *(f"policy {name}" for name in ("show", "set")),
            *(f"audit {name}" for name in ("verify", "export", "anchor")),
            *(f"adapt {name}" for name in ("status", "pause", "cancel")),
        ),
        _stored,
    ),
    **dict.fromkeys(
        (
            *(f"accounts {name}" for name in ("list", "add", "roles", "passphrase", "remove", "recovery", "pin")),
            *(f"proposals {name}" for name in ("list", "approve", "decline", "rule")),
            "override",
            "second-line",
        ),
        _people,
    ),
}


if __name__ == "__main__":
    sys.exit(main())
