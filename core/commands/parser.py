"""What the groups of commands are declared with."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

SOURCES = "simulated[:SCENE[,seed=N,sensor=S,species=P]] | scripted:FILE | file:PATH | realsense[:SERIAL] | session:ID"


class Commands:
    """Adds sub-commands that all know ``--data`` and carry their own name into the parsed arguments."""

    def __init__(self, parent: argparse.ArgumentParser, prefix: str = "") -> None:
        self._adder: Any = parent.add_subparsers(dest=f"{prefix}command", metavar="COMMAND", required=bool(prefix))
        self._prefix = prefix

    def add(self, name: str, text: str) -> argparse.ArgumentParser:
        """A command; its parser takes the options."""
        parser: argparse.ArgumentParser = self._adder.add_parser(name, help=text, description=text)
        data_option(parser)
        parser.set_defaults(handler=f"{self._prefix}{name}")
        return parser

    def group(self, name: str, text: str) -> Commands:
        """A command that has commands of its own: ``name`` comes before theirs."""
        return Commands(self.add(name, text), f"{self._prefix}{name} ")


def data_option(parser: argparse.ArgumentParser) -> None:
    """Which data folder, and who acts there."""
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


def source_options(parser: argparse.ArgumentParser, default: str | None) -> None:
    """What is filmed; without ``default`` it has to be said. An empty one: whoever runs the command knows what else."""
    parser.add_argument("--source", metavar="SRC", default=default, required=default is None, help=SOURCES)
    parser.add_argument(
        "--single-process", action="store_true", help="capture and inference as threads (debugging and tests)"
    )
