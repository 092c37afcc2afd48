"""The passes that adapt a model to its site, and their gate."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

from core.arguments import count, margin, names, share
from core.codes import UnlabelledUse
from core.commands.parser import Commands
from core.results import result_file


def declare(commands: Commands) -> None:
    """``adapt``."""
    adapt = commands.group("adapt", "plan, run and watch an adaptation pass")
    shift = adapt.add("shift", "whether the evidence of each modality moved since the champion began here")
    shift.add_argument("--json", action="store_true")
    plan = adapt.add("plan", "freeze a plan; prints the job's id")
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
    excise = adapt.add("excise", "plan the champion anew without a session that it has learned; prints the job's id")
    excise.add_argument("--session", metavar="ID", required=True)
    excise.add_argument("--seed", metavar="N", type=int, default=0)
    _margin_option(excise)
    judge = adapt.add("judge", "plan to judge a model from another lane by this site's gate; prints the job's id")
    judge.add_argument("model", metavar="MODEL")
    judge.add_argument("--sessions", metavar="ID,..", type=names, required=True)
    judge.add_argument("--seed", metavar="N", type=int, default=0)
    _margin_option(judge)
    power = adapt.add("power", "how often the gate would pass a better model on these sessions, and with how many more")
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
    report = adapt.add("report", "a job's report as one HTML file or as PDF; it shows no face and names no person")
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
        command = adapt.add(name, text)
        command.add_argument("job", metavar="JOB")
        command.add_argument("--json", metavar="OUT", type=result_file)


def _margin_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--bpcer-margin",
        metavar="SHARE",
        type=margin,
        help="by less than this share more bona fide may be refused (0.02; at most 0.1); attacks keep their margins",
    )
