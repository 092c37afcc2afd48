"""Hybrid attacks beside bona fide captures: what a BPCER alone cannot say (evaluation.md section 3).

Where a site has nothing but bona fide captures, a model that accepts everybody looks perfect. So every bona fide
presentation is judged once more with its relief or its infrared exchanged (`core.data.hybrids`), by the same model at
the same thresholds. A hybrid is a real capture with one thing exchanged, not an instrument: what stops hybrids may fail
before a mask that somebody made.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence

from core.assessment import assess
from core.data.hybrids import Family, Hybrid, hybrids_of
from core.errors import InputError
from core.evaluation.evaluate import Evaluation
from core.frames import FaceCrop
from core.metrics.block import Block, block_of
from core.metrics.trial import Trial
from core.policy import SitePolicy
from core.ports import Scorer


class BesideHybrids:
    """Makes and judges the hybrids of each capture right after it was judged, of its crops: ``also`` of `evaluate`.

    A hybrid is of a modality that the capture has; where none can be made (too little of the face was measured) there
    is none. The policy is that of `evaluate`: a single frame set is enough.
    """

    def __init__(self, scorer: Scorer) -> None:
        self._scorer = scorer
        self._policy = SitePolicy().model_copy(update={"min_frame_sets": 1})
        self._trials: dict[Family, list[Trial]] = {family: [] for family in Family}

    def __call__(self, trial: Trial, crops: Sequence[FaceCrop]) -> None:
        """Judge the hybrids of one presentation, if it is bona fide and was answered."""
        if not (trial.bona_fide and trial.answered):
            return
        name = trial.presentation
        for family, found in self._trials.items():
            made = hybrids_of(crops, family, zlib.crc32(name.encode()), name)
            found += [one for hybrid in made if (one := self._judged(hybrid, trial)) is not None]

    def blocks(self, evaluation: Evaluation) -> Mapping[Family, Block]:
        """Figures of the bona fide trials of ``evaluation`` together with their hybrids, for each family.

        Raises:
            InputError: there was no bona fide presentation to make hybrids of.
        """
        people = [trial for trial in evaluation.trials if trial.bona_fide]
        if not people:
            raise InputError("There is no bona fide presentation to make hybrids of.", "Leave --hybrids out.")
        threshold, source = self._scorer.threshold, self._scorer.threshold_source
        return {family: block_of([*people, *found], threshold, source) for family, found in self._trials.items()}

    def _judged(self, hybrid: Hybrid, of: Trial) -> Trial | None:
        found = assess(self._scorer.score(list(hybrid.crops)), self._policy, self._scorer)
        if found is None:
            return None
        name = f"{of.presentation}/{hybrid.species}"
        return Trial(name, of.subject, hybrid.species, found.mask, found.score, found.outcome, found.reason)
