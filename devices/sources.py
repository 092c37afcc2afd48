"""Source texts of the command line, and the camera that each of them opens (formats.md, Sources)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from core.codes import SourceKind
from core.errors import HostError, UsageError, sentence
from core.frames import FrameSet
from devices.base import Camera
from devices.faults import read_script
from devices.recorded import require_recording

if TYPE_CHECKING:
    from devices.simulated import Scene

FORMS = "simulated[:SCENE[,seed=N,sensor=S,species=P]] | scripted:FILE | file:PATH | realsense[:SERIAL] | session:ID"

_KINDS = {
    "simulated": SourceKind.SIMULATED,
    "scripted": SourceKind.SCRIPTED,
    "file": SourceKind.PLAYBACK,
    "realsense": SourceKind.LIVE,
    "session": SourceKind.PLAYBACK,
}
_NEEDS_ARGUMENT = frozenset({"scripted", "file", "session"})

OpenSession = Callable[[str], Iterable[FrameSet]]
"""Stored frame sets of a session, in order; handed in by `main.py` because storage is not ours to import."""


@dataclass(frozen=True, slots=True)
class SourceSpec:
    """A source that was asked for: ``scheme:argument``."""

    scheme: str
    argument: str = ""

    @classmethod
    def parse(cls, text: str) -> SourceSpec:
        """Read a source text. Raises `UsageError` with the forms that exist."""
        scheme, _, argument = text.strip().partition(":")
        if scheme not in _KINDS:
            raise UsageError(
                sentence("{text!r} is not a source.", text=text), sentence("Write one of: {forms}.", forms=FORMS)
            )
        if scheme in _NEEDS_ARGUMENT and not argument:
            raise UsageError(
                sentence("The source {scheme!r} needs a name after the colon.", scheme=scheme),
                sentence("Write one of: {forms}.", forms=FORMS),
            )
        return cls(scheme, argument)

    @property
    def source_kind(self) -> SourceKind:
        """What its frames are."""
        return _KINDS[self.scheme]

    def __str__(self) -> str:
        return f"{self.scheme}:{self.argument}" if self.argument else self.scheme


def checked_source(text: str) -> SourceSpec:
    """Read a source text and look at whatever it names that is no device: scene, script, recording.

    No camera is touched and no SDK loaded, so that a command can refuse it before it stores anything.

    Raises:
        UsageError: there is no such form, or no such scene.
        InputError: the recording or the script is not there or cannot be one.
    """
    spec = SourceSpec.parse(text)
    if spec.scheme == "simulated":
        _check_scene(spec.argument)
    elif spec.scheme == "scripted":
        _check_scene(read_script(Path(spec.argument)).scene)
    elif spec.scheme == "file":
        require_recording(Path(spec.argument))
    return spec


def _check_scene(text: str) -> None:
    if text.strip():  # the renderer's modules are imported only where there is something to read
        from core.scenes.spec import SceneSpec

        SceneSpec.parse(text)


def open_camera(
    spec: SourceSpec,
    *,
    replay: OpenSession | None = None,
    max_skew_ms: float | None = None,
    realtime: bool = False,
    start_s: float = 0.0,
    first_number: int = 1,
    record_to: Path | None = None,
) -> Camera:
    """The camera of a source; nothing is opened yet. The SDK is imported here, and only for sources that need it.

    Args:
        spec: what was asked for.
        replay: reads stored sessions, for ``session:ID``.
        max_skew_ms: largest skew within a frame set; default as `core.pairing` says.
        realtime: play files and sessions at their recorded pace rather than as fast as they are read.
        start_s: camera time at which a simulation begins.
        first_number: number of the first frame set.
        record_to: also record what the sensors deliver into this ``.db3``.
    """
    if spec.scheme == "session":
        from devices.replay import ReplayCamera

        if replay is None:
            raise UsageError("Stored sessions cannot be opened here.", sentence("Write one of: {forms}.", forms=FORMS))
        return ReplayCamera(replay(spec.argument), realtime=realtime)

    _require_sdk()
    from devices.sdk import Origin, SdkCamera

    origin: Origin
    if spec.scheme == "simulated":
        from devices.simulated import SimulatedOrigin

        origin = SimulatedOrigin(live_scene(spec.argument), start_s=start_s)
    elif spec.scheme == "scripted":
        from devices.scripted import ScriptedOrigin

        script = read_script(Path(spec.argument))
        origin = ScriptedOrigin(live_scene(script.scene), script, start_s=start_s)
    elif spec.scheme == "file":
        from devices.playback import PlaybackOrigin

        origin = PlaybackOrigin(Path(spec.argument), realtime=realtime)
    else:
        from devices.realsense import HardwareOrigin

        origin = HardwareOrigin(spec.argument)
    return SdkCamera(origin, max_skew_ms=max_skew_ms, record_to=record_to, first_number=first_number)


def live_scene(text: str) -> Callable[[], Scene]:
    """Builder of the scene that ``text`` names (``SCENE[,seed=N,sensor=S,species=P]``). Raises `UsageError`."""
    from core.scenes.live import LiveScene, SceneSpec

    spec = SceneSpec.parse(text)
    return lambda: LiveScene(spec)


def _require_sdk() -> None:
    try:
        import pyrealsense2  # noqa: F401
    except ImportError as error:
        raise HostError(
            sentence("The camera SDK cannot be loaded: {error}.", error=error), "`main.py doctor` says what to install."
        ) from error
