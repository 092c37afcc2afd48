"""What is captured and labelled: scenes, sessions, labels, replays; and ``scenes`` itself."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from core.arguments import count, names, seed, share
from core.commands.parser import Commands
from core.errors import ExitCode
from core.labelling.draw import SHARE
from core.results import result_file
from core.terminal import Interrupt, progress


def declare(commands: Commands) -> None:
    """``scenes``, ``import``, ``export``, ``sessions``, ``label``, ``labels`` and ``replay``."""
    scenes = commands.add("scenes", "write simulated presentations: images and a manifest")
    scenes.add_argument("--out", metavar="DIR", type=Path, required=True)
    scenes.add_argument("--species", metavar="A,B", type=names, required=True, help="bona_fide and PAI species")
    scenes.add_argument("--sensor", metavar="S", default="d435")
    scenes.add_argument("--n", metavar="N", type=count, required=True, help="presentations in all, the species in turn")
    scenes.add_argument("--seed", metavar="K", type=seed, default=0)
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
    _declare_second_labels(commands.group("labels", "second labels, given by somebody else who does not see the first"))
    replay = commands.add("replay", "recompute a session's verdicts from its stored frames")
    replay.add_argument("--session", metavar="ID", required=True)
    replay.add_argument("--explain", action="store_true", help="what each modality contributed, and how stable that is")
    replay.add_argument("--verdict", metavar="N", type=count, help="only this one (its number in the JSON)")
    replay.add_argument("--json", action="store_true")


def _declare_second_labels(commands: Commands) -> None:
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


def write_scenes(options: Namespace) -> int:
    """Render presentations into a folder."""
    from core.scenes.export import write_scenes as write

    with Interrupt() as canceled:
        write(
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
