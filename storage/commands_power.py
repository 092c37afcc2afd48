"""`main.py adapt power`: how often the gate would pass a better candidate on these sessions, and what more would do."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path

from core.adaptation.plan import make_plan
from core.adaptation.power import Design, More, Power, people_for, sizes
from core.adaptation.power import power as power_of
from core.adaptation.power_report import WANTED, PowerReport, Tried
from core.adaptation.settings import GateSettings
from core.errors import ExitCode
from core.results import write_json
from core.terminal import steps
from storage.catalogue import Catalogue
from storage.lineage import people_learned
from storage.registry import ModelRegistry

_STDOUT = Path("-")
"""The report as JSON on stdout, for a program that listens; its lines go to stderr then."""


def power(catalogue: Catalogue, options: Namespace) -> int:
    """Ask the gate about drawn sites, larger and larger ones; each size is a line as soon as it is known."""
    champion = ModelRegistry(catalogue).champion()
    made = make_plan(
        catalogue.material, options.sessions, champion.sha256, champion.name, options.seed, gate=gate_of(options),
        learned=people_learned(catalogue, champion.sha256),
    )  # fmt: skip
    now = Design.of(made, options.cut, options.bpcer, options.apcer)
    out = sys.stderr if options.json == _STDOUT else sys.stdout
    # A person reads the lines themselves; a program hears how far it is.
    step = (lambda _done, _total: None) if sys.stderr.isatty() else steps("sizes")

    def told(design: Design, found: Power) -> None:
        attacks, rate = sum(design.attacks.values()), found.passed
        print(
            f"{2 * design.people:>6} people, {2 * design.people * design.takes} bona fide, {2 * attacks} attacks: "
            f"{rate.value:.0%} would pass ({rate.low:.0%} to {rate.high:.0%} of {rate.trials} draws)",
            file=out,
        )

    print(f"Half of the people judge. A model with {options.cut:.0%} fewer errors:", file=out)
    report = _asked(now, made.gate, options, told, step)
    said = "Not even thousands of people would do." if report.more is None else f"At least {WANTED:.0%}: the last line."
    print(said, file=out)
    if options.json == _STDOUT:
        print(json.dumps(report.as_json()))
    elif options.json is not None:
        write_json(report.as_json(), options.json)
    return ExitCode.DONE


def gate_of(options: Namespace) -> GateSettings:
    """The gate of a plan: the rules as they are, with what ``--bpcer-margin`` says of them."""
    margin: float | None = options.bpcer_margin
    return GateSettings() if margin is None else GateSettings(bpcer_margin=margin)


def _asked(
    now: Design, gate: GateSettings, options: Namespace,
    told: Callable[[Design, Power], None], step: Callable[[int, int], None],
) -> PowerReport:  # fmt: skip
    """The present size, even one of which the gate concludes nothing, then the larger ones until one does."""
    few = now.people < gate.min_subjects
    most = len(sizes(now, gate)) + few
    tried: list[Tried] = []

    def tell(design: Design, found: Power) -> None:
        tried.append(Tried(design=design, passed=found.passed, answers=dict(found.answers)))
        told(design, found)
        step(len(tried), most)

    step(0, most)
    if few:
        tell(now, power_of(now, gate, options.draws, options.seed))
    enough = people_for(now, gate, WANTED, options.draws, options.seed, tell)
    more = None if enough is None else More.of(now, enough)
    return PowerReport(cut=options.cut, bpcer=options.bpcer, apcer=options.apcer, tried=tried, more=more)
