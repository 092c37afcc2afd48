"""The session that runs, the presentation in it, and which frame sets belong to them."""

from __future__ import annotations

from core.access import OPENED_BY
from core.codes import SessionPurpose, SessionState, SourceKind
from core.messages import (
    BeginPresentation,
    CameraHealth,
    EndPresentation,
    RecordingClosed,
    StartRecording,
    StopRecording,
)
from core.station.inference import InferenceLink
from core.station.ports import CaptureLink, PresentationLabel, StationLedger


class RunningSession:
    """At most one session, and in it at most one presentation; ``session`` and ``presentation`` are empty for none."""

    def __init__(
        self, source_kind: SourceKind, capture: CaptureLink, inference: InferenceLink, ledger: StationLedger
    ) -> None:
        self.session = ""
        self.presentation = ""
        self.awaited: dict[str, bool] = {}
        """Presentations begun on command that have no answer yet, the running one last: whether each is a test."""
        self.camera_s = 0.0
        self.recording = False
        self.recorded = 0
        self.storage_failed = False
        self._source_kind = source_kind
        self._capture = capture
        self._inference = inference
        self._ledger = ledger
        self._purpose: SessionPurpose | None = None
        self._described = False
        self._failure = ""
        self._first_set = 0
        self._last_set = 0

    @property
    def at_checkpoint(self) -> bool:
        """Whether a session of a checkpoint runs."""
        return bool(self.session) and self._purpose is SessionPurpose.CHECKPOINT

    # --- the session --------------------------------------------------------------------------------------------

    def begin(self, session: str, purpose: SessionPurpose) -> None:
        """A session that the ledger has opened; the one before is closed."""
        self.session = session
        self.recorded = 0
        self.storage_failed = False
        self._purpose = purpose
        self._described = False

    def record(self, recording: StartRecording) -> None:
        """Have its frame sets recorded."""
        self._capture.send(recording)
        self.recording = True

    def describe(self, health: CameraHealth | None) -> None:
        """Store the camera with the session, once, as soon as its streams are known."""
        if self.session and not self._described and health is not None and health.profiles:
            self._ledger.describe_session(self.session, health)
            self._described = True

    def stop_recording(self) -> bool:
        """Ask the recorder to finish; says whether its answer is to be waited for."""
        return self.recording and self._capture.send(StopRecording())

    def recording_closed(self, closed: RecordingClosed) -> None:
        """The recorder has finished, by order or because it had to; of a session that is over it is too late to say."""
        if closed.session != self.session:
            return
        self.recording = False
        self.recorded = closed.recorded
        self.storage_failed = self.storage_failed or bool(closed.problem)

    def fail(self, what: str) -> None:
        """Camera or model is given up, for good; the first reason is stored with this session and each later one."""
        self._failure = self._failure or what

    def close(self, health: CameraHealth | None) -> None:
        """Close the session's row: as cut off if its recorder never answered, or something was given up."""
        state = SessionState.CUT_OFF if self.recording or self._failure else SessionState.CLOSED
        self._ledger.close_session(self.session, state, health, self.recorded, self._failure)
        self.recording = False
        self.session = ""

    # --- the presentation ---------------------------------------------------------------------------------------

    def camera_says(self, health: CameraHealth) -> None:
        """Its time goes on, and the session may be described by it."""
        self.camera_s = max(self.camera_s, health.camera_s)
        self.describe(health)

    def looked_at(self, frame_set: int) -> None:
        """Inference has looked at the frame set of this number."""
        self._last_set = max(self._last_set, frame_set)

    def begin_presentation(self, label: PresentationLabel) -> str:
        """Start one on command; an earlier one that still runs ends first."""
        self._ledger.require(OPENED_BY[self._purpose or SessionPurpose.CHECKPOINT])
        self.end_presentation()
        self.presentation = self._ledger.open_presentation(self.session, label, self.camera_s)
        self.awaited[self.presentation] = label.test
        self._first_set = self._last_set + 1
        self._inference.send(BeginPresentation(self.presentation, self.session, self._source_kind, label.test))
        return self.presentation

    def end_presentation(self) -> None:
        """Ask for its answer, if one runs; it goes on until that is stored."""
        if self.presentation:
            self._store_frame_sets()
            self._inference.send(EndPresentation())

    def answered(self, presentation: str) -> None:
        """A verdict of this presentation is stored: it is over, also if it is the one that runs."""
        self.awaited.pop(presentation, None)
        if self.presentation and presentation == self.presentation:
            self._store_frame_sets()
            self.presentation = ""

    def _store_frame_sets(self) -> None:
        self._ledger.close_presentation(self.presentation, self._first_set, self._last_set, self.camera_s)
