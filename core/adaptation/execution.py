"""Preparing and training: features of site and replay are cached, then the late part is adapted."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch

from core.adaptation.checkpoint import read_checkpoint, write_checkpoint
from core.adaptation.early import Encoded, early_maps, encode_together, table_of
from core.adaptation.judging import champion_levels
from core.adaptation.material import CropFace, site_samples, unlabelled_crops
from core.adaptation.memory import ReplayMemory
from core.adaptation.plan import Plan, PlannedPresentation
from core.adaptation.progress import Interrupted, Progress
from core.adaptation.pseudo import Unlabelled, source_limits
from core.adaptation.replay import Simulate
from core.adaptation.trainer import AdaptationTrainer
from core.codes import Species
from core.data.hybrids import Family
from core.errors import InputError, sentence
from core.model.bundle import load_network
from core.model.features import Features, joined
from core.model.manifest import Manifest
from core.model.network import PadNetwork
from core.model.share import ALONE, Share
from core.ports import PresentationStore


@dataclass(frozen=True, slots=True)
class Pass:
    """What one run of a plan works with.

    ``memory``: folder of the replay memory. ``kept``: where given, what was encoded of the site is kept there, for
    further passes over the same presentations. ``without_face`` counts presentations in which none was found, by use.
    ``root``: bundle of the model that the lineage began with; ``None`` = nobody asks how far the candidate went.
    ``share``: with whom the training is divided (torchrun).
    """

    plan: Plan
    champion: Path
    out_dir: Path
    progress: Progress
    store: PresentationStore
    crop_face: CropFace
    simulate: Simulate
    memory: Path | None = None
    kept: dict[tuple[str, Family, int], list[Encoded]] | None = None
    without_face: dict[str, int] = field(default_factory=dict)
    root: Path | None = None
    share: Share = ALONE

    def site(
        self,
        champion: PadNetwork,
        use: str,
        planned: Sequence[PlannedPresentation],
        family: Family,
        first: float,
        last: float,
        copies: int = 0,
    ) -> Iterator[Encoded]:
        """Samples of the site with their hybrids, while the progress runs from ``first`` to ``last``."""
        for presentation in self.progress.watched(planned, len(planned), first, last):
            found = self._encoded(champion, presentation, family, copies)
            if not found:
                self.without_face[use] = self.without_face.get(use, 0) + 1
            yield from found

    def _encoded(
        self, champion: PadNetwork, presentation: PlannedPresentation, family: Family, copies: int
    ) -> list[Encoded]:
        """A presentation and its hybrids; nothing where no face is found."""
        key = (presentation.id, family, copies)
        if self.kept is not None and key in self.kept:
            return self.kept[key]
        samples = site_samples(
            [presentation], self.store, self.crop_face, self.plan.training.frames, family, self.plan.seed
        )
        there = [sample for sample in samples if sample is not None]
        found = encode_together(champion, there, copies, self.plan.seed)
        if self.kept is not None:
            self.kept[key] = found
        return found

    def unlabelled(self, champion: PadNetwork, first: float, last: float) -> Features | None:
        """Rows of the captures whose labels the pass guesses, while the progress runs from ``first`` to ``last``."""
        planned = [presentation.id for presentation in self.plan.pseudo_labelled]
        found = unlabelled_crops(planned, self.store, self.crop_face, self.plan.training.frames)
        parts = []
        for presentation, crops in self.progress.watched(found, len(planned), first, last):
            if crops:
                parts.append(early_maps(champion, presentation, crops, 0, self.plan.seed))
            else:
                self.without_face["unlabelled"] = self.without_face.get("unlabelled", 0) + 1
        return joined(parts) if parts else None

    def source(
        self, champion: PadNetwork, n: int, seed: int, first: float, last: float, copies: int = 0
    ) -> Iterator[Encoded]:
        """``n`` simulated samples, while the progress runs from ``first`` to ``last``."""
        memory = ReplayMemory(self.memory, self.plan.champion, champion, self.simulate, self.plan.replay.domains)
        return self.progress.watched(memory.samples(n, seed, copies), n, first, last)


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """The champion as it is, the trainer with its caches, and what calibrates the candidate afterwards."""

    champion: PadNetwork
    manifest: Manifest
    trainer: AdaptationTrainer
    calibration: list[Encoded]


def prepare(work: Pass) -> Prepared:
    """Cache the features of what trains, and cut the crops of what calibrates.

    Raises:
        InputError: the champion or a stored frame cannot be used, or the adapting subjects give only one class.
        Interrupted: a person asked to pause or to cancel.
    """
    torch.set_num_threads(1)  # the same sums in the same order, however busy the machine is
    plan, settings = work.plan, work.plan.training
    champion, manifest = load_network(work.champion)
    planned = plan.of(plan.split.train)
    samples = list(work.site(champion, "train", planned, Family.TRAINING, 0.0, 0.3, settings.copies))
    _require_both_classes(samples, planned)
    site = table_of(samples)
    replay = table_of(work.source(champion, settings.replay, plan.replay.train_seed, 0.4, 0.75, settings.copies))
    early = work.unlabelled(champion, 0.3, 0.4)
    calibration = list(work.source(champion, settings.calibration, plan.replay.calibrate_seed, 0.75, 0.95))
    calibrating = plan.of(plan.split.calibrate) or planned
    calibration += work.site(champion, "calibrate", calibrating, Family.TRAINING, 0.95, 1.0)
    student, teacher = load_network(work.champion)[0], load_network(work.champion)[0]
    levels = champion_levels(manifest)
    unlabelled = None if early is None else Unlabelled(early, source_limits(champion, replay, levels))
    trainer = AdaptationTrainer(student, teacher, site, replay, settings, plan.seed, unlabelled, share=work.share)
    return Prepared(champion, manifest, trainer, calibration)


def train(work: Pass, trainer: AdaptationTrainer) -> None:
    """Step until done; goes on from the plan's checkpoint where there is one.

    Where several processes share the training, the first one says before every step whether there is another.

    Raises:
        HostError: the loss is not finite, or the checkpoint cannot be written.
        Interrupted: a person asked to pause or to cancel; a checkpoint is written.
    """
    steps, digest = work.plan.training.steps, work.plan.sha256()
    stored = read_checkpoint(work.out_dir, digest)
    if stored is not None:
        trainer.restore(*stored)
        work.progress.resumed_at(trainer.steps_done / steps)
    work.share.wait()
    while not trainer.finished:
        try:
            remaining_s = work.progress.at(trainer.steps_done / steps)
        except Interrupted:
            work.share.agree(False)
            write_checkpoint(work.out_dir, digest, *trainer.state())
            raise
        work.share.agree(True)
        started = time.monotonic()
        signals = trainer.step()
        took_ms = 1000.0 * (time.monotonic() - started)
        work.progress.event(trainer.steps_done, {**signals, "remaining_s": remaining_s, "step_ms": took_ms})
        if trainer.steps_done % work.plan.training.checkpoint_steps == 0 or trainer.finished:
            write_checkpoint(work.out_dir, digest, *trainer.state())


def _require_both_classes(samples: Sequence[Encoded], planned: Sequence[PlannedPresentation]) -> None:
    found = {sample.bona_fide for sample in samples}
    if len(found) == 2:
        return
    remedy = "Add labelled sessions with faces; bona fide with depth or infrared bring hybrid attacks along."
    if not found:
        raise InputError("No face was found in any presentation of the adapting subjects.", remedy)
    there = {one.species == Species.BONA_FIDE for one in planned}
    faceless, unlabelled = sentence("no face was found in the other"), sentence("nothing of the other is labelled")
    why = faceless if len(there) == 2 else unlabelled
    raise InputError(sentence("The adapting subjects give only one class: {why}.", why=why), remedy)
