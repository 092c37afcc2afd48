"""A second model beside the champion: it looks at the same crops, is asked about the same frame sets, decides nothing.

What it would have answered goes to the station after the champion's verdict, never before it. Whatever goes wrong in it
ends the shadow run, not the station's work.
"""

from __future__ import annotations

from core.assessment import assess, valid
from core.frames import FaceCrop
from core.messages import ShadowSaid
from core.policy import SitePolicy
from core.ports import Scorer
from core.verdict import Evidence, Verdict

_KEPT = 256
"""Frame sets whose evidence is kept: more than any window of `core.decision.DecisionWindow` holds."""


class ShadowRun:
    """Evidence of one model about the newest crops, until a verdict asks for some of it."""

    def __init__(self, scorer: Scorer) -> None:
        self._scorer = scorer
        self._seen: dict[int, Evidence] = {}

    def look(self, frame_set: int, crop: FaceCrop) -> None:
        """Score a crop that the champion has scored. Raises what the scorer raises."""
        evidence = self._scorer.score([crop])[0]
        if not valid(evidence) or evidence.mask != crop.mask:
            return
        if self._seen and frame_set < next(reversed(self._seen)):
            self._seen.clear()  # the camera was opened again and counts from 1
        self._seen[frame_set] = evidence
        while len(self._seen) > _KEPT:
            del self._seen[next(iter(self._seen))]

    def said(self, verdict: Verdict, policy: SitePolicy) -> ShadowSaid | None:
        """Its answer on the frame sets of a verdict that rests on evidence; ``None`` where it has not seen them all.

        A run that began in the middle of a presentation says nothing of it.
        """
        numbers = verdict.trace.frame_sets
        found = [self._seen[number] for number in numbers if number in self._seen]
        if verdict.score is None or not numbers or len(found) < len(numbers):
            return None
        answer = assess(found, policy, self._scorer)
        return None if answer is None else ShadowSaid(self._scorer.sha256, verdict.t_s, answer.outcome)
