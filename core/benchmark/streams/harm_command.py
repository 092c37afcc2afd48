"""The command ``benchmark --scenes --protocol streams-harm``: whom the product's pass harms, over hundreds of streams.

What ``streams`` counts over all draws, without the methods that only its tables need.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from core.benchmark.command_line import command_line
from core.benchmark.hardware import described
from core.benchmark.scenes import identity
from core.benchmark.streams.cells import CELLS, named
from core.benchmark.streams.command import HARM_DRAWS, QUICK_CELLS, QUICK_TARGET
from core.benchmark.streams.page import harm_tables
from core.benchmark.streams.result import Results
from core.benchmark.streams.size import SizedOrder
from core.benchmark.streams.study import HARM_METHODS, StreamsPlan, run_plan, work_of
from core.benchmark.work import Canceled, Report
from core.results import write_json, writing

PROTOCOL = "streams-harm"
SCHEMA = 1
QUICK_DRAWS = 2


@dataclass(frozen=True, slots=True)
class HarmOrder(SizedOrder):
    """See `SizedOrder`; of ``targets`` none = all, of ``seeds`` the first.

    ``draws``: of labels, order and missingness in each cell, on the networks of every seed.
    """

    targets: tuple[str, ...] = ()
    seeds: tuple[int, ...] = ()
    draws: int | None = None

    def plan(self) -> StreamsPlan:
        """What is run.

        Raises:
            UsageError: an unknown target.
        """
        draws = self.draws or (QUICK_DRAWS if self.quick else HARM_DRAWS + 1)
        return StreamsPlan(
            self.sized,
            named((QUICK_TARGET,) if self.quick and not self.targets else self.targets),
            self.seeds or (0,),
            HARM_METHODS,
            draws - 1,
            harm_seeds=self.seeds,
            further=False,
            most_cells=QUICK_CELLS if self.quick else len(CELLS),
        )


def run(order: HarmOrder, report: Report, canceled: Canceled) -> dict[str, Any]:
    """Run or finish the streams, write ``OUT`` and its page, and return the result.

    Raises:
        UsageError: an unknown target.
        HostError: the result or the work folder cannot be written.
        CanceledError: the person asked to stop; finished pieces are kept.
    """
    plan = order.plan()
    work = work_of(order.work, plan.size)
    run_plan(plan, work, order.processes, report, canceled)
    result = {
        "schema": SCHEMA,
        "kind": PROTOCOL,
        "command": command_line(
            PROTOCOL, order.out, quick=order.quick, targets=order.targets, seeds=order.seeds, draws=order.draws
        ),
        "scenes": identity(None),
        "size": plan.size.model_dump(mode="json"),
        "seeds": list(plan.seeds),
        "targets": list(plan.targets),
        "draws": plan.harm + 1,
        "harm": Results(plan, work).harm(),
        "hardware": described(),
    }
    write_json(result, order.out, 1)
    with writing(order.out):
        order.out.with_suffix(".md").write_text(page(result), encoding="utf-8")
    return result


def page(result: dict[str, Any]) -> str:
    """The result for people."""
    scenes, seeds = result["scenes"], result["seeds"]
    lines = [
        f"# Harm on {scenes['name']}, {result['size']['name']}",
        "",
        f"Scenes `{scenes['digest'][:16]}`; targets {', '.join(result['targets'])}; {result['draws']} draws of each",
        f"cell, {'seed' if len(seeds) == 1 else 'seeds'} {', '.join(map(str, seeds))}, "
        f"{result['size']['labels']} labels;",
        f"on {result['hardware']['processor']}. Command:",
        f"`{result['command']}`.",
        "Macro HTER in %, mean over the seven masks, on people who are never adapted on.",
        "",
        *harm_tables(result["harm"]),
    ]
    return "\n".join(lines).rstrip() + "\n"
