"""The two processes of a station side by side, and what each of them said last of itself."""

from __future__ import annotations

from multiprocessing.connection import wait

from core.clock import Clock
from core.messages import CameraHealth, ModelReady
from core.station.ending import end_all
from core.station.inference import InferenceLink
from core.station.ports import CaptureLink


class Children:
    """Capture and inference. ``model`` is ``None`` until one is loaded, and again while its process is down."""

    def __init__(self, capture: CaptureLink, inference: InferenceLink, clock: Clock) -> None:
        self.capture = capture
        self.inference = inference
        self.health: CameraHealth | None = None
        self.model: ModelReady | None = None
        self._clock = clock

    def wait(self, timeout_s: float) -> None:
        """Until one of them says something, at most ``timeout_s``."""
        pipes = [pipe for pipe in (self.capture.pipe, self.inference.pipe) if pipe is not None]
        if pipes:
            wait(pipes, timeout_s)
        else:
            self._clock.sleep_ms(timeout_s * 1000.0)

    def shutdown(self, timeout_s: float) -> None:
        """Ask both to finish; kill each after ``timeout_s``."""
        end_all(lambda: self.capture.shutdown(timeout_s), lambda: self.inference.shutdown(timeout_s))

    def pids(self) -> dict[str, int | None]:
        """Their process ids."""
        return {"capture": self.capture.pid, "inference": self.inference.pid}
