"""The station without a window, the cameras, and the machine that they stand on."""

from __future__ import annotations

from core.arguments import positive
from core.codes import RecordMode
from core.commands.parser import SOURCES, Commands, source_options
from core.results import result_file


def declare_run(commands: Commands) -> None:
    """``run``."""
    run = commands.add("run", "capture, decide and store without a window")
    run.add_argument("--headless", action="store_true", required=True, help="no window (the only way of this command)")
    source_options(run, default=None)
    run.add_argument("--seconds", metavar="N", type=positive, required=True, help="camera time")
    run.add_argument("--record", choices=list(RecordMode), type=RecordMode, default=RecordMode.DECISIONS)
    run.add_argument("--subject", metavar="ID", help="pseudonym; frames of a real person need one with a consent")
    run.add_argument("--max-skew-ms", metavar="X", type=positive, help="pair frames up to this apart")
    run.add_argument("--door", metavar="SOCKET", default="", help="tell verdicts to gate controllers (docs/door.md)")
    run.add_argument("--door-hook", metavar="CMD", default="", help="tell them to this command, on its stdin")
    run.add_argument("--json", metavar="OUT", type=result_file, required=True)


def declare_cameras(commands: Commands) -> None:
    """``record``, ``devices``, ``doctor``, ``commission`` and ``support``."""
    record = commands.add("record", "record the camera's streams into an SDK file")
    record.add_argument("--source", metavar="SRC", required=True, help=SOURCES)
    record.add_argument("--out", metavar="FILE.db3", type=result_file, required=True)
    record.add_argument("--seconds", metavar="N", type=positive, required=True)
    for name, text in (("devices", "list the cameras"), ("doctor", "check this machine; each problem with its remedy")):
        commands.add(name, text).add_argument("--json", action="store_true")
    commission = commands.add("commission", "which live cameras may decide here, and how one differs; accept it")
    commission.add_argument("--serial", metavar="S", default="", help="this camera (default: the only one)")
    commission.add_argument("--accept", action="store_true", help="take the camera as it is now; needs --reason")
    commission.add_argument("--reason", metavar="TEXT", default="")
    commission.add_argument("--json", action="store_true")
    support = commands.add("support", "a report for whoever helps: no face, no subject, no serial; it may be shared")
    support.add_argument("--out", metavar="FILE.zip", type=result_file, required=True)
    support.add_argument("--privileged", action="store_true", help="traces and camera identities, for the technician")
    support.add_argument("--hours", metavar="N", type=positive, default=24.0, help="with --privileged: how far back")
