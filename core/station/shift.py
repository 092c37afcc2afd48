"""The start-of-shift check without a window: what is shown is presented, and each answer awaited."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from core.camera_identity import CameraIdentity
from core.clock import Clock, SystemClock
from core.codes import ConnectionState, Outcome, SessionPurpose, SourceKind, Species
from core.errors import CanceledError, HostError, sentence
from core.messages import Problem, StreamEnded, VerdictCommitted
from core.station.headless import READY_MS
from core.station.ports import PresentationLabel, SessionOrder
from core.station.shown import simulated_scene
from core.station.station import Station
from core.verdict import Verdict

SHOWN = (
    PresentationLabel(str(Species.BONA_FIDE), condition="shift_check", test=True),
    PresentationLabel(str(Species.PRINT_FLAT), condition="shift_check", test=True),
)
"""What is shown, in this order: one of the team, then the print of the kit."""
ATTEMPTS = 3
"""Nobody was seen: the same is asked again, so often."""

_SIMULATED = "simulated"
_SEED = 3

OpenStation = Callable[[str], Station]
Go = Callable[[int], Callable[[], bool]]
"""Asks a person to show the ``n``-th thing; what it returns says whether he is ready."""


@dataclass(frozen=True, slots=True)
class ShiftAnswers:
    """The stored answers of a check, in the order of `SHOWN`, and what gave them."""

    identity: CameraIdentity
    source_kind: SourceKind
    model: str
    rows: tuple[int, ...]
    verdicts: tuple[Verdict, ...]


def sources_of(source: str, kit_print: str | None) -> tuple[str, str]:
    """What shows the person and what shows the print: a simulated camera is shown another scene for each."""
    if kit_print is not None:
        return source, kit_print
    if source.partition(":")[0] != _SIMULATED:
        return source, source
    person, sheet = (simulated_scene(source, "booth", _SEED, label.species or "") for label in SHOWN)
    return person, sheet


def present_all(
    open_station: OpenStation, sources: Sequence[str], go: Go, canceled: Callable[[], bool], clock: Clock | None = None
) -> ShiftAnswers:
    """Present what `SHOWN` says, each on its one of ``sources``; a station goes on where the next is the same.

    Raises:
        CanceledError: a person stopped it.
        HostError: no camera, no model, or nobody was seen `ATTEMPTS` times.
        KnownError: what opening the station says.
    """
    clock = clock or SystemClock()
    found: list[VerdictCommitted] = []
    station, running = None, ""
    try:
        for number, (label, source) in enumerate(zip(SHOWN, sources, strict=True)):
            if station is None or source != running:
                if station is not None:
                    station.shutdown()
                station, running = open_station(source), source
                station.start()
                station.open_session(SessionOrder(SessionPurpose.CHECKPOINT))
            watch = _Watch(station, canceled, clock)
            watch.until_ready()
            watch.until(go(number))
            found.append(watch.answer(label))
        assert station is not None
        assert station.health is not None
        assert station.model is not None
        identity = CameraIdentity.of(station.health.device, station.health.profiles)
        rows = tuple(one.row_id for one in found)
        verdicts = tuple(one.verdict for one in found)
        return ShiftAnswers(identity, station.source_kind, station.model.sha256, rows, verdicts)
    finally:
        if station is not None:
            station.shutdown()


class _Watch:
    """Polls one station, so that nothing queues while a person takes his time."""

    def __init__(self, station: Station, canceled: Callable[[], bool], clock: Clock) -> None:
        self._station = station
        self._canceled = canceled
        self._clock = clock
        self._answers: dict[str, VerdictCommitted] = {}

    def until_ready(self) -> None:
        """Wait for the first frame and the model."""
        started_ms = self._clock.now_ms()

        def ready() -> bool:
            if self._clock.now_ms() - started_ms > READY_MS:
                raise HostError("Camera and model were not ready within a minute.", "Look at `main.py doctor`.")
            station = self._station
            return station.health is not None and station.health.sets > 0 and station.model is not None

        self.until(ready)

    def answer(self, label: PresentationLabel) -> VerdictCommitted:
        """Present until somebody or something was seen."""
        for _ in range(ATTEMPTS):
            running = self._station.begin_presentation(label)
            self.until(lambda running=running: running in self._answers)  # type: ignore[misc]
            answer = self._answers[running]
            if answer.verdict.outcome is not Outcome.NON_RESPONSE:
                return answer
        what = sentence("Nothing was decided {n} times: {reason}.", n=ATTEMPTS, reason=answer.verdict.reason)
        raise HostError(what, "Look who or what stands before the camera, then repeat the check.")

    def until(self, condition: Callable[[], bool]) -> None:
        """Poll until ``condition`` holds."""
        while not condition():
            if self._canceled():
                raise CanceledError("The check was canceled.", "Nothing is checked: repeat it.")
            for event in self._station.poll():
                if isinstance(event, VerdictCommitted):
                    self._answers[event.verdict.presentation] = event
                elif isinstance(event, Problem) and event.fatal:
                    raise event.error()
                elif isinstance(event, StreamEnded) and not self._station.presentation and not self._answers:
                    raise HostError("The recording has ended before anything was presented.", "Choose a longer one.")
            health = self._station.health
            if health is not None and health.state is ConnectionState.FAILED:
                raise HostError(health.problem or "The camera was given up.", "Check it with `main.py doctor`.")
