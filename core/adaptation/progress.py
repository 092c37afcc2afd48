"""How far a job is, what its steps showed, and what a person asks of it meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Protocol, TypeVar

from core.codes import JobState

_Item = TypeVar("_Item")

_SHARES = {JobState.PREPARING: (0.0, 0.3), JobState.TRAINING: (0.3, 0.8), JobState.EVALUATING: (0.8, 1.0)}
_UPDATE_S = 0.5


class JobListener(Protocol):
    """The part of `core.ports.JobStore` that a running job speaks to."""

    def update(self, job: str, *, state: JobState | None = None, progress: float | None = None) -> None:
        """Change what is given."""
        ...

    def take_request(self, job: str) -> str:
        """The pending request, which is cleared; empty when there is none."""
        ...

    def append_event(self, job: str, step: int, values: Mapping[str, float]) -> None:
        """One point of the live curves."""
        ...


class Unheard:
    """A listener of a pass that no catalogue follows; ``canceled`` is who may stop it."""

    def __init__(self, canceled: Callable[[], bool] = lambda: False) -> None:
        self._canceled = canceled

    def update(self, job: str, *, state: JobState | None = None, progress: float | None = None) -> None:
        """Nobody watches."""

    def take_request(self, job: str) -> str:
        """``cancel`` once ``canceled`` says so."""
        return "cancel" if self._canceled() else ""

    def append_event(self, job: str, step: int, values: Mapping[str, float]) -> None:
        """Nobody watches."""


class Interrupted(Exception):  # noqa: N818 - not an error: a person asked for it
    """A person asked to ``pause`` or to ``cancel``."""

    def __init__(self, request: str) -> None:
        super().__init__(request)
        self.request = request


class Progress:
    """Writes progress and events of one job, and obeys requests."""

    def __init__(self, job: str, jobs: JobListener) -> None:
        self._job, self._jobs = job, jobs
        self._state = JobState.PREPARING
        self._entered = self._updated = time.monotonic()
        self._base = 0.0

    def enter(self, state: JobState) -> None:
        """The job is in another state now."""
        self._state, self._entered, self._base = state, time.monotonic(), 0.0
        self._jobs.update(self._job, state=state, progress=_SHARES[state][0])

    def at(self, share: float) -> float:
        """``share`` (0..1) of the present state is done; returns the seconds that this state will still take.

        Raises:
            Interrupted: a person asked to pause or to cancel.
        """
        request = self._jobs.take_request(self._job)
        if request in ("pause", "cancel"):
            raise Interrupted(request)
        now = time.monotonic()
        if now - self._updated >= _UPDATE_S:
            low, high = _SHARES[self._state]
            self._jobs.update(self._job, progress=low + (high - low) * min(1.0, share))
            self._updated = now
        done = share - self._base
        return (now - self._entered) * (1.0 - share) / done if done > 0 else 0.0

    def resumed_at(self, share: float) -> None:
        """This state goes on from ``share``: the remaining time counts from there."""
        self._base = share

    def watched(self, items: Iterable[_Item], count: int, first: float, last: float) -> Iterator[_Item]:
        """Hand ``count`` items through while the share runs from ``first`` to ``last``."""
        for number, item in enumerate(items):
            self.at(first + (last - first) * number / max(1, count))
            yield item

    def event(self, step: int, values: Mapping[str, float]) -> None:
        """One point of the live curves."""
        self._jobs.append_event(self._job, step, values)
