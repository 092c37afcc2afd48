"""The window opened on a data folder, and what it is given there (tests give it other things)."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from core.access import Actor
from core.errors import HostError, UsageError
from core.logs import start_logging
from gui.services import LiveStation, Services
from storage.catalogue import Catalogue, open_catalogue
from storage.opening import folder_of, site_access
from storage.paths import DataFolder

if TYPE_CHECKING:
    from storage.station_ground import BuildStation


def check_screen(options: Namespace) -> None:
    """Raises `KnownError` where the window cannot be opened, or not as it was asked for."""
    if sys.platform == "linux" and not any(map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"))):
        raise HostError("There is no screen to open the window on.", "Use `main.py run --headless`, or set DISPLAY.")
    if getattr(options, "user", None) is not None:
        raise UsageError("The window has its own log-in.", "Leave --user out.")


def open_window(services: Services) -> int:
    """Show the window until a person closes it; returns the exit code."""
    from gui.app import run

    start_logging(services.logs, "window")
    return run(services)


def services_of(
    options: Namespace, build_station: BuildStation, program: Callable[[Sequence[str], DataFolder], list[str]]
) -> Services:
    """The services of the data folder that ``options`` name. Their commands inherit the unlocked site key."""
    folder, access = folder_of(options), site_access(options, prompt=False)
    folder.create()

    def open_station(source: str, actor: Actor | None) -> LiveStation:
        from devices.ring import RingReader
        from gui.source_check import require_source

        require_source(source)

        def log_in(catalogue: Catalogue) -> None:
            catalogue.actor = actor

        station, ring = build_station(options, source, log_in, automatic=True, access=access, realtime=True)
        return LiveStation(station, RingReader(ring))

    def command(arguments: Sequence[str]) -> list[str]:
        unlocked = [] if (key := access.descriptor()) is None else ["--site-key-fd", str(key)]
        return [*program(arguments, folder), *unlocked]

    return Services(
        data_dir=folder.root,
        source=options.source,
        open_catalogue=lambda: open_catalogue(folder, access=access),
        open_station=open_station,
        command=command,
    )
