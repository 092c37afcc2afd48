"""Recordings of the SDK, ``.db3`` and legacy ``.bag``: every frame exactly once, in the file's own time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyrealsense2 as rs

from core.codes import SourceKind
from devices.bag import check_bag
from devices.recorded import require_recording, unreadable


class PlaybackOrigin:
    """A `devices.sdk.Origin` over a file.

    Args:
        path: the recording.
        realtime: deliver at the recorded pace (a window); otherwise as fast as it is read, skipping nothing.
    """

    source_kind = SourceKind.PLAYBACK
    finite = True

    def __init__(self, path: Path, *, realtime: bool = False) -> None:
        self._path = path
        self._realtime = realtime
        self._context: Any = None
        self._playback: Any = None
        self._running = False

    def acquire(self) -> Any:
        """Open the file. Raises `InputError` when it is missing, truncated or not a recording."""
        require_recording(self._path)
        self._context = rs.context()
        try:
            if self._path.suffix.lower() == ".bag":
                check_bag(self._path)
            self._playback = self._context.load_device(str(self._path)).as_playback()
            self._playback.set_real_time(self._realtime)
        except (RuntimeError, ValueError, OSError) as error:
            raise unreadable(self._path, _first_line(error)) from error
        return self._playback

    def reset(self) -> None:
        """See `Origin.reset`."""

    def started(self) -> None:
        """See `Origin.started`."""
        self._running = True

    def throttle(self, pause: bool) -> None:
        """See `Origin.throttle`."""
        if pause:
            self._playback.pause()
        else:
            self._playback.resume()

    def exhausted(self) -> bool:
        """The end of a file is the playback status, not a time-out."""
        return self._running and bool(self._playback.current_status() == rs.playback_status.stopped)

    def stopping(self) -> None:
        """See `Origin.stopping`."""
        self._running = False

    def release(self) -> None:
        """See `Origin.release`."""
        self._playback = None
        self._context = None


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:120]
