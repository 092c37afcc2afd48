"""Hybrid attacks beside bona fide captures: what a BPCER alone cannot say (evaluation.md section 3).

Where a site has nothing but bona fide captures, a model that accepts everybody looks perfect. So every bona fide
presentation is judged once more with its relief or its infrared exchanged (`core.data.hybrids`), by the same model at
the same thresholds. A hybrid is a real capture with one thing exchanged, not an instrument: what stops hybrids may fail
before a mask that somebody made.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping

from core.assessment import assess
from core.data.hybrids import Family, Hybrid, hybrids_of
from core.data.manifest import Manifest, ManifestRow, load_frame_set
from core.errors import CanceledError, InputError
from core.evaluation.evaluate import Evaluation
from core.face.sampler import FaceSampler
from core.frames import FaceCrop
from core.metrics.block import Block, block_of
from core.metrics.trial import Trial
from core.policy import SitePolicy
from core.ports import Scorer

Progress = Callable[[int, int], None]


def beside_hybrids(
    manifest: Manifest,
    evaluation: Evaluation,
    scorer: Scorer,
    sampler: FaceSampler,
    split: str | None = None,
    progress: Progress = lambda done, of: None,
    cancel: Callable[[], bool] = lambda: False,
) -> Mapping[Family, Block]:
    """Figures of the bona fide trials of ``evaluation`` together with hybrids of them, for each family.

    A hybrid is of a modality that the capture has; where none can be made (too little of the face was measured) there
    is none. The policy is that of `evaluate`: a single frame set is enough.

    Raises:
        CanceledError: ``cancel`` said so.
        InputError: there is no bona fide presentation to make hybrids of.
    """
    policy = SitePolicy().model_copy(update={"min_frame_sets": 1})
    people = [trial for trial in evaluation.trials if trial.bona_fide]
    if not people:
        raise InputError("There is no bona fide presentation to make hybrids of.", "Leave --hybrids out.")
    answered = {trial.presentation for trial in people if trial.answered}
    captures = [rows for rows in manifest.presentations(split) if rows[0].presentation in answered]
    trials: dict[Family, list[Trial]] = {family: [] for family in Family}
    for done, rows in enumerate(captures):
        if cancel():
            raise CanceledError(f"Evaluation canceled after the hybrids of {done} of {len(captures)} presentations.")
        crops = [crop for row in rows if (crop := _crop(row, sampler, evaluation)) is not None]
        name = rows[0].presentation
        for family, found in trials.items():
            made = hybrids_of(crops, family, zlib.crc32(name.encode()), name)
            found += [trial for hybrid in made if (trial := _judged(hybrid, rows[0], scorer, policy)) is not None]
        progress(done + 1, len(captures))
    source = scorer.threshold_source
    return {family: block_of([*people, *found], scorer.threshold, source) for family, found in trials.items()}


def _crop(row: ManifestRow, sampler: FaceSampler, evaluation: Evaluation) -> FaceCrop | None:
    """The crop that was judged; ``None`` where there was none."""
    sampler.reset()
    try:
        return sampler.sample(load_frame_set(row.restricted(evaluation.modalities))).crop
    except InputError:
        return None


def _judged(hybrid: Hybrid, row: ManifestRow, scorer: Scorer, policy: SitePolicy) -> Trial | None:
    found = assess(scorer.score(list(hybrid.crops)), policy, scorer)
    if found is None:
        return None
    name = f"{row.presentation}/{hybrid.species}"
    return Trial(name, row.subject, hybrid.species, found.mask, found.score, found.outcome, found.reason)
