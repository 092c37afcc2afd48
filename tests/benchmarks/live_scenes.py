"""`python -m tests.benchmarks.live_scenes`: who is accepted before the live simulated camera, for the model card.

Seeds 0 to 9 of both scenes, five frame sets a presentation, the whole way of the checkpoint: face detection,
registration, crop, score. These are seeds that a person can type; nobody in them is in training or dev.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from core.assessment import assess
from core.codes import Outcome, Species
from core.face.sampler import FaceSampler
from core.model.baseline import SheetScorer
from core.model.bundle import FACTORY_BUNDLE, load_scorer
from core.policy import SitePolicy
from core.ports import Scorer
from core.scenes.live import LiveScene, SceneSpec
from core.training.simulation import frame_set_of

SPECIES = ("", "print_flat", "print_bent", "print_worn", "replay_phone", "replay_tablet", "mask_rigid")
PLACES = ("booth", "corridor")
SEEDS, FRAMES, LAST_S = range(10), 5, 60.0


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.live_scenes")
    parser.add_argument("--model", type=Path, default=FACTORY_BUNDLE)
    parser.add_argument("--sensor", default="d435")
    options = parser.parse_args()
    scorers: list[Scorer] = [load_scorer(options.model), SheetScorer()]
    print("| presented | answered | accepted by the model | of them referred | accepted by `builtin:sheet` |")
    print("|---|---|---|---|---|", flush=True)
    for species in SPECIES:
        accepted, referred, answered = [0, 0], 0, 0
        for place in PLACES:
            for seed in SEEDS:
                scene = LiveScene(SceneSpec(place, seed, options.sensor, Species(species)))
                times = np.sort(np.random.default_rng([seed, 5]).uniform(0.0, LAST_S, FRAMES))
                sampler = FaceSampler()
                crops = [sampler.sample(frame_set_of(scene, n, float(t))).crop for n, t in enumerate(times, start=1)]
                seen = [crop for crop in crops if crop is not None]
                if not seen:
                    continue
                answered += 1
                for number, scorer in enumerate(scorers):
                    found = assess(scorer.score(seen), SitePolicy().model_copy(update={"min_frame_sets": 1}), scorer)
                    threshold = scorer.threshold(seen[0].mask)
                    if found is None or threshold is None or found.score < threshold:
                        continue
                    accepted[number] += 1
                    referred += number == 0 and found.outcome is Outcome.REFER
        print(f"| {species or 'bona fide'} | {answered} | {accepted[0]} | {referred} | {accepted[1]} |", flush=True)


if __name__ == "__main__":
    main()
