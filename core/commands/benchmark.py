"""The options of ``benchmark``, which has many forms (`core.benchmark.forms`)."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from core.arguments import count, names
from core.results import result_file

_PROTOCOLS = (
    "P1..P5, ablation, joint, early, whole, streams, streams-dev, streams-harm, streams-whole, gate; "
    "of a collection: its own"
)


def declare_benchmark(parser: argparse.ArgumentParser) -> None:
    """``benchmark``."""
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
