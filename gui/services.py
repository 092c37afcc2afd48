"""What `main.py` hands to the window: factories and folders. The window builds nothing of this itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from core.access import Actor
from core.codes import SourceKind
from core.door.output import DoorPlaces
from core.messages import CameraHealth, Message, ModelReady, SetOptions
from core.policy import SitePolicy
from core.ports import FrameSource
from core.station.ports import PresentationLabel, SessionOrder
from storage.paths import DataFolder

if TYPE_CHECKING:
    from storage.catalogue import Catalogue


class StationPort(Protocol):
    """The station as the window drives it (`core.station.Station`); used in the bridge's thread only."""

    source_kind: SourceKind

    @property
    def policy(self) -> SitePolicy:
        """The site policy in force."""
        ...

    @property
    def health(self) -> CameraHealth | None:
        """The camera as it was heard last; ``None`` before it is known."""
        ...

    @property
    def model(self) -> ModelReady | None:
        """The model that decides; ``None`` while there is none."""
        ...

    @property
    def session(self) -> str:
        """The session that runs; empty for none."""
        ...

    @property
    def presentation(self) -> str:
        """The presentation that runs; empty for none."""
        ...

    def start(self) -> None:
        """Spawn capture and inference."""

    def shutdown(self, timeout_s: float = 5.0) -> None:
        """Close the session and end both processes."""

    def poll(self, timeout_s: float = 0.05) -> list[Message]:
        """What happened; verdicts are stored already."""
        ...

    def open_session(self, order: SessionOrder) -> str:
        """Begin a session, closing the one before."""
        ...

    def close_session(self) -> None:
        """End the session."""

    def begin_presentation(self, label: PresentationLabel | None = None) -> str:
        """Start a presentation on command."""
        ...

    def end_presentation(self) -> None:
        """End the running presentation."""

    def discard_presentation(self, presentation: str) -> None:
        """A take that is not to be used."""

    def set_options(self, options: SetOptions) -> None:
        """Camera settings."""

    def unlock(self, reason: str) -> None:
        """End the lock-out, with a reason."""

    def act_as(self, actor: Actor | None) -> None:
        """Whoever gives the orders from now on; ``None``: nobody has logged in."""

    def connect_door(self, places: DoorPlaces) -> None:
        """Tell verdicts to gate controllers there."""

    def pause_door(self, paused: bool) -> None:
        """Keep the door closed whatever the verdicts say."""


@dataclass(frozen=True, slots=True)
class LiveStation:
    """A station and the reading end of its camera's ring."""

    station: StationPort
    frames: FrameSource


@dataclass(frozen=True, slots=True)
class Services:
    """Everything that the window needs from outside."""

    data_dir: Path
    source: str
    """What the command line asked for; empty = what was used last, else a simulated camera."""
    open_catalogue: Callable[[], Catalogue]
    """A connection for the calling thread."""
    open_station: Callable[[str, Actor | None], LiveStation]
    """Station for a source (formats.md) and whoever has logged in, its processes not yet started. Called in the thread
    that will poll it."""
    command: Callable[[Sequence[str]], list[str]]
    """Full command line of a sub-command of this program on this data folder, for work in its own process."""
    watch_folder: Path | None = None
    """Where logs and the crash file are; the data folder's ``logs`` when ``None``."""
    settings_path: Path | None = None

    @property
    def logs(self) -> Path:
        """Folder of logs and crash file."""
        return self.watch_folder or self.data_dir / "logs"

    @property
    def door_key(self) -> Path:
        """File of the key that signs the lines of the door, where this station has one."""
        return DataFolder(self.data_dir).door_key

    @property
    def settings_file(self) -> Path:
        """Preferences of the person at this data folder."""
        return self.settings_path or self.data_dir / "settings.json"
