"""What shows that a camera works: its qualification, and the start-of-shift check."""

from __future__ import annotations

from core.arguments import count, modalities, positive
from core.commands.parser import SOURCES, Commands, source_options


def declare(commands: Commands) -> None:
    """``qualify`` and ``shift``."""
    _declare_qualification(commands.group("qualify", "what a camera has shown, and whether its verdicts count"))
    _declare_shift(commands.group("shift", "the start-of-shift check: one of the team gets in, the kit print does not"))


def _declare_qualification(commands: Commands) -> None:
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


def _declare_shift(commands: Commands) -> None:
    commands.add("status", "the newest checks").add_argument("--json", action="store_true")
    check = commands.add("check", "make the check; exit code 3 when it has failed")
    source_options(check, default=None)
    check.add_argument("--kit-print", metavar="SRC", help="what shows the print, where it is another source")
    check.add_argument("--json", action="store_true")
