"""What every page is given: the services, the station, the verbs, the background reader and a way to speak up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from core.access import Actor
from gui.actions import Actions
from gui.erasing import Erasing
from gui.link import StationLink
from gui.services import Services
from gui.settings import Settings
from gui.tasks import Tasks
from gui.widgets.toast import Level


@dataclass(slots=True)
class PageContext:
    """Shared by all pages of one window."""

    services: Services
    settings: Settings
    actions: Actions
    link: StationLink
    tasks: Tasks
    erasing: Erasing
    notify: Callable[[str, str, Level], None]
    """``notify(what, remedy, level)`` shows a toast."""
    show_error: Callable[[BaseException], None]
    """A known error becomes a toast; anything else goes the way of bugs."""
    go_to: Callable[[str], None]
    """Bring a page to the front."""
    look_at: Callable[[str, str], None]
    """Open a stored session in Review, at one of its presentations."""
    actor: Actor | None
    """Whoever has logged in (`core.access.LOCAL` on an open station); ``None``: nobody."""
    admit: Callable[[Actor, str], None]
    """Somebody logged in; the token is for the commands that the window starts."""
    log_out: Callable[[str], None]
    """Nobody is here any more; the text says why, on the log-in page."""
