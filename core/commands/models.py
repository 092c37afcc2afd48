"""The models of a station: made, judged, deployed, and handed from lane to lane."""

from __future__ import annotations

from pathlib import Path

from core.arguments import count, modalities, part, seed
from core.commands.benchmark import declare_benchmark
from core.commands.parser import Commands
from core.results import result_file


def declare(commands: Commands) -> None:
    """From ``evaluate`` and ``train`` to ``shadow`` and ``rollback``."""
    evaluate = commands.add("evaluate", "score a manifest and report ISO/IEC 30107-3 figures")
    evaluate.add_argument("--manifest", metavar="F", type=Path, required=True)
    evaluate.add_argument("--model", metavar="M", default="champion", help="name, alias, path or builtin:sheet")
    evaluate.add_argument("--modalities", metavar="rgb,depth,ir", type=modalities)
    evaluate.add_argument("--split", metavar="S")
    evaluate.add_argument("--hybrids", action="store_true", help="judge hybrids of every bona fide capture beside it")
    evaluate.add_argument("--json", metavar="OUT", type=result_file, required=True)
    train = commands.add("train", "train a source model on simulated scenes")
    train.add_argument("--factory", action="store_true", help="the recorded configuration of the factory model")
    train.add_argument("--out", metavar="DIR", type=Path, help="where the bundle goes; --factory has its own place")
    train.add_argument("--seed", metavar="N", type=seed)
    train.add_argument("--presentations", metavar="N", type=count)
    train.add_argument("--epochs", metavar="N", type=count)
    train.add_argument("--device", metavar="D", default="auto", help="auto, cpu, cuda or cuda:N (auto: a GPU if any)")
    train.add_argument(
        "--shards",
        metavar="URL",
        action="append",
        help="train on the shards that lie there; may be given more than once",
    )
    _declare_shards(commands.group("shards", "training data as tar files on any storage, written by many machines"))
    declare_benchmark(commands.add("benchmark", "compare methods on frozen scenes, or a model on a collection"))
    commands.add("models", "list the models").add_argument("--json", action="store_true")
    promote = commands.add("promote", "make a model the champion")
    promote.add_argument("model", metavar="MODEL")
    promote.add_argument("--reason", metavar="TEXT", required=True)
    _declare_lanes(commands.group("lanes", "models to and from other lanes, as signed files"))
    shadow = commands.group("shadow", "a model beside the champion, whose answers open nothing")
    start = shadow.add("start", "let a model run in shadow; a running station takes it up")
    start.add_argument("model", metavar="MODEL")
    shadow.add("stop", "end the shadow run; what was answered is kept")
    told = shadow.add("status", "what it would have answered, beside the champion's answers")
    told.add_argument("model", metavar="MODEL", nargs="?", help="default: the one in shadow now")
    told.add_argument("--json", action="store_true")
    commands.add("rollback", "return to the previous champion").add_argument("--reason", metavar="TEXT", required=True)


def _declare_lanes(commands: Commands) -> None:
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


def _declare_shards(commands: Commands) -> None:
    scenes = commands.add("scenes", "render a part of the training scenes")
    scenes.add_argument("--part", metavar="N/M", type=part, default=(1, 1), help="this machine's part (default: 1/1)")
    scenes.add_argument("--presentations", metavar="N", type=count, help="of every site, of all parts together")
    scenes.add_argument("--seed", metavar="N", type=seed)
    captures = commands.add("captures", "the face crops of a manifest (real faces lie there in plain)")
    captures.add_argument("--manifest", metavar="F", type=Path, required=True)
    captures.add_argument("--domain", metavar="NAME", required=True, help="the camera and place that they are from")
    for writing in (scenes, captures):
        writing.add_argument("--out", metavar="URL", required=True, help="a folder, or a URL that fsspec knows")
        writing.add_argument("--name", metavar="NAME", help="of the set (default: what it is made of)")
    listed = commands.add("list", "what lies there, by split, domain and species")
    listed.add_argument("url", metavar="URL")
    listed.add_argument("--json", action="store_true")
