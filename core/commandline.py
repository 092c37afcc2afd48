"""The whole command line: which groups of commands there are (`core/commands`), in the order of the help."""

from __future__ import annotations

import argparse

from core.commands import adapt, captures, door, models, people, protection, qualify, station
from core.commands.parser import Commands, data_option, source_options

_EPILOG = """\
exit codes: 0 done (a rejected candidate is done), 1 a bug, 2 usage, 3 input (something was left out or unreadable; the
report is still written), 4 environment (disk, camera, lock, missing library), 130 canceled"""


def build_parser() -> argparse.ArgumentParser:
    """The whole command line; without a sub-command the window opens. Whoever runs it looks its ``handler`` up."""
    parser = argparse.ArgumentParser(
        prog="main.py",
        description="Sallyport: multi-modal face presentation-attack detection on site.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    data_option(parser)
    source_options(parser, default="")
    parser.set_defaults(handler="window")
    commands = Commands(parser)
    station.declare_run(commands)
    door.declare(commands)
    station.declare_cameras(commands)
    captures.declare(commands)
    models.declare(commands)
    adapt.declare(commands)
    qualify.declare(commands)
    protection.declare(commands)
    people.declare(commands)
    return parser
