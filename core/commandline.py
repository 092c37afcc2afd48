"""The command line of formats.md: which commands and options there are. `main.py` gives each its handler."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.access import Role
from core.arguments import count, day, margin, modalities, names, part, positive, share
from core.codes import RecordMode, SecondLineResult, SiteKeyMethod, UnlabelledUse
from core.labelling.draw import SHARE
from core.results import result_file

SOURCES = "simulated[:SCENE[,seed=N,sensor=S,species=P]] | scripted:FILE | file:PATH | realsense[:SERIAL] | session:ID"

_EPILOG = """\
exit codes: 0 done (a rejected candidate is done), 1 a bug, 2 usage, 3 input (something was left out or unreadable; the
report is still written), 4 environment (disk, camera, lock, missing library), 130 canceled"""


def _data_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--data",
        metavar="DIR",
        type=Path,
        default=argparse.SUPPRESS,
        help="data folder (else SALLYPORT_DATA, else the platform's user data folder)",
    )
    parser.add_argument(
        "--passphrase-fd",
        metavar="N",
        type=int,
        default=argparse.SUPPRESS,
        help="read the site's passphrase from this file descriptor (0 = standard input) instead of asking for it",
    )
    # For the window's own commands only: an unlocked site key in anonymous memory, never on a disk or in an argument.
    parser.add_argument("--site-key-fd", type=int, default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    parser.add_argument(
        "--user",
        metavar="NAME",
        default=argparse.SUPPRESS,
        help="log in as this account; its pass-phrase is asked for, or read from standard input (the first line)",
    )
    parser.add_argument(
        "--user-fd",
        metavar="N",
        type=int,
        default=argparse.SUPPRESS,
        help="read the pass-phrase of --user from this file descriptor",
    )


class _Commands:
    """Adds sub-commands that all know ``--data`` and carry their own name into the parsed arguments."""

    def __init__(self, parent: argparse.ArgumentParser, prefix: str = "") -> None:
        self._adder: Any = parent.add_subparsers(dest=f"{prefix}command", metavar="COMMAND", required=bool(prefix))
        self._prefix = prefix

    def add(self, name: str, text: str) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = self._adder.add_parser(name, help=text, description=text)
        _data_option(parser)
        parser.set_defaults(handler=f"{self._prefix}{name}")
        return parser


def build_parser() -> argparse.ArgumentParser:
    """The whole command line; without a sub-command the window opens."""
    parser = argparse.ArgumentParser(
        prog="main.py",
        description="Sallyport: multi-modal face presentation-attack detection on site.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _data_option(parser)
    _source_options(parser, default="simulated")
    parser.set_defaults(handler="window")
    commands = _Commands(parser)
    _capture_commands(commands)
    _collection_commands(commands)
    _model_commands(commands)
    _adapt_commands(commands.add("adapt", "plan, run and watch an adaptation pass"))
    _qualify_commands(commands.add("qualify", "what a camera has shown, and whether its verdicts count"))
    _shift_commands(commands.add("shift", "the start-of-shift check: one of the team gets in, the kit print does not"))
    backup = commands.add("backup", "copy the data folder, consistently, while it may be in use")
    backup.add_argument("--out", metavar="DIR", type=Path, required=True)
    restore = commands.add("restore", "put a backup into a new, empty data folder")
    restore.add_argument("--from", dest="backup", metavar="DIR", type=Path, required=True)
    _protection_commands(commands)
    _people_commands(commands)
    return parser


def _people_commands(commands: _Commands) -> None:
    accounts = _Commands(commands.add("accounts", "who may use this station, and as what"), prefix="accounts ")
    accounts.add("list", "list the accounts").add_argument("--json", action="store_true")
    add = accounts.add("add", "add an account; the first is an administrator's and gives the recovery code")
    change = accounts.add("roles", "trust an account with other roles")
    for command in (add, change):
        command.add_argument("name", metavar="NAME")
        command.add_argument("--roles", metavar="A,B", type=names, required=True, help=f"of {', '.join(Role)}")
    for name, text in (("passphrase", "set a new pass-phrase"), ("remove", "take an account away, for good")):
        accounts.add(name, text).add_argument("name", metavar="NAME")
    recovery = accounts.add("recovery", "a new recovery code; or use the code to set an administrator's pass-phrase")
    recovery.add_argument(
        "--for", dest="account", metavar="NAME", help="ask for the code and a new pass-phrase of this account"
    )
    accounts.add("pin", "set the PIN that leaves the full screen (an empty one takes it away)")
    proposals = _Commands(commands.add("proposals", "changes that need a second person"), prefix="proposals ")
    proposals.add("list", "list the proposals").add_argument("--json", action="store_true")
    proposals.add("approve", "approve another one's proposal").add_argument("proposal", metavar="N", type=count)
    decline = proposals.add("decline", "decline a proposal, or take one's own back")
    decline.add_argument("proposal", metavar="N", type=count)
    rule = proposals.add("rule", "switch the two-person rule (off: for a lab of one person)")
    rule.add_argument("state", choices=("on", "off"))
    for command in (decline, rule):
        command.add_argument("--reason", metavar="TEXT", required=True)
    override = commands.add("override", "decide otherwise than a verdict, with a reason")
    override.add_argument("verdict", metavar="N", type=count)
    override.add_argument("--outcome", choices=("bona_fide", "attack", "refer"), required=True)
    override.add_argument("--reason", metavar="TEXT", required=True)
    second = commands.add("second-line", "what the second line found after ATTACK or REFER; alone: what waits")
    second.add_argument("verdict", metavar="N", type=count, nargs="?")
    second.add_argument("result", metavar="RESULT", choices=list(SecondLineResult), nargs="?")
    second.add_argument("--json", action="store_true")


def _protection_commands(commands: _Commands) -> None:
    erase = commands.add("erase", "erase all that is stored of a subject, and prove it; goes on after a kill")
    erase.add_argument("--subject", metavar="ID", required=True)
    erase.add_argument("--reason", metavar="TEXT", default="on request", help="for the certificate and the audit log")
    erase.add_argument("--yes", action="store_true", help="do not ask a person at the terminal to confirm")
    erase.add_argument("--json", action="store_true", help="the certificate as JSON")
    retention = commands.add("retention", "erase what is kept beyond its term; terms and legal holds")
    retention.add_argument("--dry-run", action="store_true", help="only tell what is due, and what is next")
    retention.add_argument(
        "--due", action="store_true", help="what a station does by itself once a day: nobody logs in, nothing else goes"
    )
    retention.add_argument("--set", metavar="PURPOSE=DAYS", help="keep frames of that purpose so long (or =never)")
    retention.add_argument("--hold", metavar="SUBJECT", help="a legal hold: nothing of the subject is erased")
    retention.add_argument("--release", metavar="SUBJECT", help="end the legal holds on a subject")
    retention.add_argument(
        "--confirm-date", metavar="DATE", type=day, help="it is this day (YYYY-MM-DD): a clock in doubt is right"
    )
    retention.add_argument("--reason", metavar="TEXT", default="", help="needed for a change")
    retention.add_argument("--json", action="store_true")
    policy = _Commands(commands.add("policy", "the site policy: how evidence becomes an answer"), prefix="policy ")
    policy.add("show", "the policy in force, beside the factory's").add_argument("--json", action="store_true")
    change = policy.add("set", "change the policy; with the two-person rule on, propose the change")
    change.add_argument("values", metavar="FIELD=VALUE", nargs="*", help="as in abstain_margin=0.8 thresholds.ir=0.9")
    change.add_argument("--factory", action="store_true", help="begin from the factory policy")
    change.add_argument("--reason", metavar="TEXT", required=True, help="for the audit log")
    change.add_argument("--json", action="store_true")
    keys = _Commands(commands.add("keys", "the keys that protect stored frames"), prefix="keys ")
    keys.add("status", "where the site key is, and what is encrypted").add_argument("--json", action="store_true")
    for name, text in (
        ("protect", "keep the site key elsewhere; prints a recovery code"),
        ("recover", "open the site by its recovery code, and keep the key anew"),
        ("rotate", "replace the site key; prints a new recovery code"),
    ):
        command = keys.add(name, text)
        if name != "rotate":
            methods = [str(method) for method in SiteKeyMethod]
            command.add_argument("--with", dest="method", choices=methods, required=True)
        command.add_argument("--new-passphrase-fd", metavar="N", type=int, help="the new passphrase, for passphrase")
        command.add_argument("--reason", metavar="TEXT", default="")
        if name == "recover":
            command.add_argument("--code-fd", metavar="N", type=int, help="the recovery code")
    keys.add("encrypt", "encrypt the sessions that were stored before encryption; goes on after a kill")
    export = keys.add("export", "all data keys into a file that opens with a code: for backups, which hold none")
    export.add_argument("--out", metavar="FILE", type=result_file, required=True)
    load = keys.add("import", "take the keys of an export into this data folder")
    load.add_argument("--from", dest="file", metavar="FILE", type=Path, required=True)
    load.add_argument("--code-fd", metavar="N", type=int, help="the code of the export")

    _audit_commands(_Commands(commands.add("audit", "the log of who did what"), prefix="audit "))


def _audit_commands(audit: _Commands) -> None:
    check = audit.add("verify", "read the whole chain and its checkpoints; names the first bad entry, exit 3 if any")
    check.add_argument("--anchor", metavar="FILE", type=Path, help="checkpoints that were kept elsewhere")
    check.add_argument("--json", metavar="OUT", type=result_file)
    out = audit.add("export", "the whole log as JSON lines that prove themselves")
    out.add_argument("--out", metavar="FILE", type=result_file, required=True)
    anchor = audit.add("anchor", "write a signed checkpoint now, and print it: to be kept elsewhere")
    known = audit.add("acknowledge", "a break is known: verdicts count again; it stays a finding for ever")
    known.add_argument("--reason", metavar="TEXT", required=True, help="for the audit log")
    anchor.add_argument("--place", metavar="DIR|keyring|none", help="keep checkpoints there too from now on")


def _source_options(parser: argparse.ArgumentParser, default: str | None) -> None:
    parser.add_argument("--source", metavar="SRC", default=default, required=default is None, help=SOURCES)
    parser.add_argument(
        "--single-process", action="store_true", help="capture and inference as threads (debugging and tests)"
    )


def _capture_commands(commands: _Commands) -> None:
    run = commands.add("run", "capture, decide and store without a window")
    run.add_argument("--headless", action="store_true", required=True, help="no window (the only way of this command)")
    _source_options(run, default=None)
    run.add_argument("--seconds", metavar="N", type=positive, required=True, help="camera time")
    run.add_argument("--record", choices=list(RecordMode), type=RecordMode, default=RecordMode.DECISIONS)
    run.add_argument("--subject", metavar="ID", help="pseudonym; frames of a real person need one with a consent")
    run.add_argument("--max-skew-ms", metavar="X", type=positive, help="pair frames up to this apart")
    run.add_argument("--door", metavar="SOCKET", default="", help="tell verdicts to gate controllers (docs/door.md)")
    run.add_argument("--door-hook", metavar="CMD", default="", help="tell them to this command, on its stdin")
    run.add_argument("--json", metavar="OUT", type=result_file, required=True)
    _door_command(
        _Commands(commands.add("door", "gate controllers: follow a station, and the key of its lines"), prefix="door ")
    )
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


def _door_command(commands: _Commands) -> None:
    watch = commands.add("watch", "follow a station as a gate controller must; one JSON line for every change")
    place = watch.add_mutually_exclusive_group(required=True)
    place.add_argument("socket", metavar="SOCKET", type=Path, nargs="?", help="where the station has its --door")
    place.add_argument("--stdin", action="store_true", help="read the lines from stdin (as a --door-hook)")
    watch.add_argument(
        "--key", metavar="FILE", type=Path, help="a copy of the station's key: open on signed lines only"
    )
    key = commands.add("key", "make the key that signs the lines, for the station and its controllers")
    key.add_argument("--remove", action="store_true", help="take it away: lines are signed no more")
    key.add_argument("--reason", metavar="TEXT", required=True, help="for the audit log")


def _collection_commands(commands: _Commands) -> None:
    scenes = commands.add("scenes", "write simulated presentations: images and a manifest")
    scenes.add_argument("--out", metavar="DIR", type=Path, required=True)
    scenes.add_argument("--species", metavar="A,B", type=names, required=True, help="bona_fide and PAI species")
    scenes.add_argument("--sensor", metavar="S", default="d435")
    scenes.add_argument("--n", metavar="N", type=count, required=True, help="presentations in all, the species in turn")
    scenes.add_argument("--seed", metavar="K", type=int, default=0)
    scenes.add_argument("--domain", metavar="FILE", type=Path)
    load = commands.add("import", "store a manifest's images as sessions, one per subject")
    load.add_argument("--manifest", metavar="F", type=Path, required=True)
    load.add_argument("--basis", metavar="no_person|consent:ID|published", required=True)
    load.add_argument("--name", metavar="N", required=True)
    export = commands.add("export", "write a session as images, manifest and JSON, signed by this lane")
    export.add_argument("--session", metavar="ID", required=True)
    export.add_argument("--out", metavar="DIR", type=Path, required=True)
    commands.add("sessions", "list the sessions").add_argument("--json", action="store_true")
    label = commands.add("label", "set the species of a presentation, with a reason")
    label.add_argument("presentation", metavar="PRESENTATION")
    label.add_argument("--species", metavar="S", required=True, help="bona_fide, attack, or a PAI species")
    label.add_argument("--reason", metavar="TEXT", required=True)
    _second_label_commands(commands.add("labels", "second labels, given by somebody else who does not see the first"))
    replay = commands.add("replay", "recompute a session's verdicts from its stored frames")
    replay.add_argument("--session", metavar="ID", required=True)
    replay.add_argument("--explain", action="store_true", help="what each modality contributed, and how stable that is")
    replay.add_argument("--verdict", metavar="N", type=count, help="only this one (its number in the JSON)")
    replay.add_argument("--json", action="store_true")


def _second_label_commands(parser: argparse.ArgumentParser) -> None:
    commands = _Commands(parser, prefix="labels ")
    draw = commands.add("draw", "draw what is to be labelled twice: a share of each person's labels of each class")
    much = draw.add_mutually_exclusive_group()
    much.add_argument("--share", metavar="X", type=share, default=SHARE, help=f"default {SHARE}")
    much.add_argument("--all", action="store_true", help="every labelled presentation")
    following = commands.add("next", "the pictures of the next presentation to label, without anything beside them")
    following.add_argument("--out", metavar="DIR", type=Path, required=True, help="where the pictures go")
    give = commands.add("give", "label the presentation of a number")
    give.add_argument("number", metavar="N", type=count, help="what `labels next` printed")
    give.add_argument("label", metavar="LABEL", help="bona_fide, attack, or a PAI species")
    status = commands.add("status", "agreement of first and second labels, by person; what is contested")
    status.add_argument("--json", metavar="OUT", type=result_file)


def _model_commands(commands: _Commands) -> None:
    evaluate = commands.add("evaluate", "score a manifest and report ISO/IEC 30107-3 figures")
    evaluate.add_argument("--manifest", metavar="F", type=Path, required=True)
    evaluate.add_argument("--model", metavar="M", default="champion", help="name, alias, path or builtin:sheet")
    evaluate.add_argument("--modalities", metavar="rgb,depth,ir", type=modalities)
    evaluate.add_argument("--split", metavar="S")
    evaluate.add_argument("--hybrids", action="store_true", help="judge hybrids of every bona fide capture beside it")
    evaluate.add_argument("--json", metavar="OUT", type=result_file, required=True)
    train = commands.add("train", "train a source model on simulated scenes")
    train.add_argument("--factory", action="store_true", help="the recorded configuration of the factory model")
    train.add_argument("--out", metavar="DIR", type=Path, help="where the bundle goes (default: the factory's place)")
    train.add_argument("--seed", metavar="N", type=int)
    train.add_argument("--presentations", metavar="N", type=count)
    train.add_argument("--epochs", metavar="N", type=count)
    train.add_argument("--device", metavar="D", default="auto", help="auto, cpu, cuda or cuda:N (auto: a GPU if any)")
    train.add_argument(
        "--shards",
        metavar="URL",
        action="append",
        help="train on the shards that lie there; may be given more than once",
    )
    _shard_commands(commands.add("shards", "training data as tar files on any storage, written by many machines"))
    _benchmark_command(commands.add("benchmark", "compare methods on frozen scenes, or a model on a collection"))
    commands.add("models", "list the models").add_argument("--json", action="store_true")
    promote = commands.add("promote", "make a model the champion")
    promote.add_argument("model", metavar="MODEL")
    promote.add_argument("--reason", metavar="TEXT", required=True)
    _lane_commands(commands.add("lanes", "models to and from other lanes, as signed files"))
    beside = commands.add("shadow", "a model beside the champion, whose answers open nothing")
    shadow = _Commands(beside, prefix="shadow ")
    start = shadow.add("start", "let a model run in shadow; a running station takes it up")
    start.add_argument("model", metavar="MODEL")
    shadow.add("stop", "end the shadow run; what was answered is kept")
    told = shadow.add("status", "what it would have answered, beside the champion's answers")
    told.add_argument("model", metavar="MODEL", nargs="?", help="default: the one in shadow now")
    told.add_argument("--json", action="store_true")
    commands.add("rollback", "return to the previous champion").add_argument("--reason", metavar="TEXT", required=True)


def _lane_commands(parser: argparse.ArgumentParser) -> None:
    commands = _Commands(parser, prefix="lanes ")
    commands.add("list", "the lanes whose models are taken here").add_argument("--json", action="store_true")
    commands.add("key", "the key that others trust this lane by")
    trust = commands.add("trust", "take models from a lane; with the two-person rule on, propose it")
    trust.add_argument("key", metavar="KEY", help="what `lanes key` prints on that lane")
    trust.add_argument("--name", metavar="NAME", required=True)
    forget = commands.add("forget", "take nothing more from a lane")
    forget.add_argument("name", metavar="NAME")
    for command in (trust, forget):
        command.add_argument("--reason", metavar="TEXT", required=True)
    send = commands.add("send", "a model as one file, signed by this lane")
    send.add_argument("model", metavar="MODEL")
    send.add_argument("--out", metavar="FILE", type=result_file, required=True)
    receive = commands.add("receive", "take a model from the file of a trusted lane; it is stored, not deployed")
    receive.add_argument("file", metavar="FILE", type=Path)


def _shard_commands(parser: argparse.ArgumentParser) -> None:
    commands = _Commands(parser, prefix="shards ")
    scenes = commands.add("scenes", "render a part of the training scenes")
    scenes.add_argument("--part", metavar="N/M", type=part, default=(1, 1), help="this machine's part (default: 1/1)")
    scenes.add_argument("--presentations", metavar="N", type=count, help="of every site, of all parts together")
    scenes.add_argument("--seed", metavar="N", type=int)
    captures = commands.add("captures", "the face crops of a manifest (real faces lie there in plain)")
    captures.add_argument("--manifest", metavar="F", type=Path, required=True)
    captures.add_argument("--domain", metavar="NAME", required=True, help="the camera and place that they are from")
    for writing in (scenes, captures):
        writing.add_argument("--out", metavar="URL", required=True, help="a folder, or a URL that fsspec knows")
        writing.add_argument("--name", metavar="NAME", help="of the set (default: what it is made of)")
    listed = commands.add("list", "what lies there, by split, domain and species")
    listed.add_argument("url", metavar="URL")
    listed.add_argument("--json", action="store_true")


_PROTOCOLS = (
    "P1..P5, ablation, joint, early, whole, streams, streams-dev, streams-whole, gate; of a collection: its own"
)


def _benchmark_command(parser: argparse.ArgumentParser) -> None:
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--scenes", action="store_true", help="the frozen scenes: a protocol or the guarantees")
    what.add_argument("--collection", metavar="NAME", help="a collection in --root, by its published --protocol")
    what.add_argument("--robustness", action="store_true", help="attacks on a model's pixels, conflicts, red team")
    what.add_argument("--adapt", action="store_true", help="passes on --manifest: --labelled N --draws K, or --splits")
    parser.add_argument("--labelled", metavar="N", type=count, help="with --adapt: labelled presentations of each draw")
    parser.add_argument("--draws", metavar="K", type=count, help="with --adapt (10), streams (20): draws of labels")
    parser.add_argument("--splits", metavar="N", type=count, nargs="?", const=1000, help="every split in halves, or N")
    parser.add_argument("--surrogate", metavar="M", help="with --robustness: attacks are transferred from this model")
    parser.add_argument("--protocol", metavar="P", help=_PROTOCOLS)
    parser.add_argument("--guarantees", action="store_true", help="check what scenes-v3 promises; exit 3 if it fails")
    parser.add_argument("--realism", action="store_true", help="distances to real captures: --manifest REAL --out DIR")
    parser.add_argument("--manifest", metavar="REAL", type=Path, help="real captures; bona fide rows are used")
    parser.add_argument("--out", metavar="DIR", type=Path, help="figures and pictures of people: not in a repository")
    parser.add_argument("--domain", metavar="FILE", type=Path, help="a domain that is in no training, to be judged")
    parser.add_argument("--quick", action="store_true", help="minutes on two cores; ranks nobody")
    parser.add_argument("--methods", metavar="A,B", type=names, help="these methods only (ours is always there)")
    parser.add_argument("--targets", metavar="A,B", type=names, help="these targets only")
    parser.add_argument("--seeds", metavar="0,1", type=names, help="these seeds (default: one quick, three full)")
    parser.add_argument("--processes", metavar="N", type=count, default=os.cpu_count() or 1)
    parser.add_argument("--root", metavar="DIR", type=Path, help="the collection's folder")
    parser.add_argument("--model", metavar="M", default="champion", help="name, alias, path or builtin:sheet")
    parser.add_argument("--work", metavar="DIR", type=Path, help="pieces that are kept (default: in the data folder)")
    parser.add_argument("--json", metavar="OUT", type=result_file, help="the result; tables and figures go beside it")


def _qualify_commands(parser: argparse.ArgumentParser) -> None:
    commands = _Commands(parser, prefix="qualify ")
    commands.add("status", "every qualification, and what it still needs").add_argument("--json", action="store_true")
    measure = commands.add("measure", "measure a flat wall before the camera; from near, then from far")
    measure.add_argument("--source", metavar="SRC", required=True, help=SOURCES)
    measure.add_argument("--modalities", metavar="rgb,depth,ir", type=modalities, help="default: all it delivers")
    measure.add_argument("--distance-mm", metavar="X", type=positive, help="where there is no metric depth")
    measure.add_argument("--json", action="store_true")
    revoke = commands.add("revoke", "end a qualification, with a reason: shadow verdicts only from now on")
    revoke.add_argument("qualification", metavar="N", type=count)
    revoke.add_argument("--reason", metavar="TEXT", required=True)
    revoke.add_argument("--json", action="store_true")


def _shift_commands(parser: argparse.ArgumentParser) -> None:
    commands = _Commands(parser, prefix="shift ")
    commands.add("status", "the newest checks").add_argument("--json", action="store_true")
    check = commands.add("check", "make the check; exit code 3 when it has failed")
    _source_options(check, default=None)
    check.add_argument("--kit-print", metavar="SRC", help="what shows the print, where it is another source")
    check.add_argument("--json", action="store_true")


def _margin_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--bpcer-margin",
        metavar="SHARE",
        type=margin,
        help="by less than this share more bona fide may be refused (0.02; at most 0.1); attacks keep their margins",
    )


def _adapt_commands(parser: argparse.ArgumentParser) -> None:
    commands = _Commands(parser, prefix="adapt ")
    shift = commands.add("shift", "whether the evidence of each modality moved since the champion began here")
    shift.add_argument("--json", action="store_true")
    plan = commands.add("plan", "freeze a plan; prints the job's id")
    plan.add_argument("--sessions", metavar="ID,..", type=names, required=True)
    plan.add_argument("--seed", metavar="N", type=int, default=0)
    _margin_option(plan)
    plan.add_argument(
        "--unlabelled",
        nargs="?",
        choices=[str(use) for use in UnlabelledUse],
        const=str(UnlabelledUse.COLLECTED),
        default=str(UnlabelledUse.NONE),
        help="also learn from presentations without a label, of people who neither judge nor calibrate; "
        "`all`: from checkpoint traffic and unknown people too",
    )
    excise = commands.add("excise", "plan the champion anew without a session that it has learned; prints the job's id")
    excise.add_argument("--session", metavar="ID", required=True)
    excise.add_argument("--seed", metavar="N", type=int, default=0)
    _margin_option(excise)
    judge = commands.add("judge", "plan to judge a model from another lane by this site's gate; prints the job's id")
    judge.add_argument("model", metavar="MODEL")
    judge.add_argument("--sessions", metavar="ID,..", type=names, required=True)
    judge.add_argument("--seed", metavar="N", type=int, default=0)
    _margin_option(judge)
    power = commands.add(
        "power", "how often the gate would pass a better model on these sessions, and with how many more"
    )
    power.add_argument("--sessions", metavar="ID,..", type=names, required=True)
    _margin_option(power)
    power.add_argument("--seed", metavar="N", type=int, default=0)
    power.add_argument("--cut", metavar="X", type=share, default=0.3, help="share of its errors a model is better by")
    power.add_argument("--bpcer", metavar="X", type=share, default=0.15, help="what the champion is taken to do today")
    power.add_argument("--apcer", metavar="X", type=share, default=0.10)
    power.add_argument("--draws", metavar="N", type=count, default=200)
    power.add_argument(
        "--json", metavar="OUT", type=result_file, nargs="?", const=Path("-"), help="without OUT: on stdout"
    )
    report = commands.add("report", "a job's report as one HTML file or as PDF; it shows no face and names no person")
    report.add_argument("job", metavar="JOB")
    report.add_argument("--out", metavar="FILE", type=result_file, required=True, help="ends in .html or .pdf")
    report.add_argument("--language", choices=("en", "de"), default="en")
    texts: Mapping[str, str] = {
        "run": "train, evaluate and judge; survives the window",
        "status": "where a job stands",
        "pause": "pause at the next step",
        "cancel": "stop at the next step; the champion stays",
        "resume": "go on after a pause, a kill or a crash",
    }
    for name, text in texts.items():
        command = commands.add(name, text)
        command.add_argument("job", metavar="JOB")
        command.add_argument("--json", metavar="OUT", type=result_file)
