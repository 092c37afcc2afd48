"""A tiny simulated site, champion and job store for the tests of adaptation: seconds, not minutes."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch

from core.adaptation.material import Sample
from core.adaptation.paired import Stratum
from core.adaptation.plan import Plan, make_plan
from core.adaptation.settings import TrainingSettings
from core.codes import Framing, JobState, SourceKind, UnlabelledUse
from core.errors import InputError
from core.frames import CROP_PX, FaceCrop, Frame, FrameSet, Modality, ModalityMask, StreamProfile
from core.model.bundle import save_bundle
from core.model.encoders import learn_statistics
from core.model.inputs import to_tensors
from core.model.manifest import FACTORY_BUNDLE, Manifest, read_manifest
from core.model.network import ARCHITECTURE, NetworkConfig, PadNetwork
from core.ports import JobRecord, StoredPresentation
from tests.unit.faces import garbage

TINY = NetworkConfig(widths=(8, 8, 16, 16), bottleneck=8, hidden=8)
QUICK = TrainingSettings(
    steps=12, batch=8, frames=1, replay=24, calibration=24, holdout=24, copies=0, checkpoint_steps=4
)
_Y, _X = np.mgrid[-1.0 : 1.0 : CROP_PX * 1j, -1.0 : 1.0 : CROP_PX * 1j]


def face(species: str, seed: int, tint: int = 0) -> FaceCrop:
    """A head with a nose (bona fide), or a flat sheet with the picture of one."""
    random = np.random.default_rng(seed)
    inside = (_X / 0.75) ** 2 + (_Y / 0.9) ** 2 < 1
    dome = 60.0 * np.sqrt(np.clip(1.0 - (_X / 0.75) ** 2 - (_Y / 0.9) ** 2, 0.0, 1.0))
    dome += 25.0 * np.exp(-((_X / 0.12) ** 2) - ((_Y - 0.1) / 0.2) ** 2)
    relief = dome if species == "" else 8.0 * _X * random.normal()
    depth = np.where(inside, 700.0 - relief, 1500.0) + random.normal(0, 1.0, _X.shape)
    shade = 0.2 + 0.004 * dome if species == "" else np.full_like(_X, 0.5)
    ir = np.clip(np.where(inside, shade, 0.03) + random.normal(0, 0.005, _X.shape), 0, 1)
    rgb = np.clip(np.where(inside, 150 - tint, 60)[..., None] + random.normal(0, 6, (CROP_PX, CROP_PX, 3)), 0, 255)
    return FaceCrop(rgb.astype(np.uint8), depth.astype(np.float32), ir.astype(np.float32), True, 220.0)


def simulate(domains: Sequence[str], numbers: range, seed: int) -> Iterator[Sample]:
    """A stand-in for the rendered source: same heads, other people."""
    for index in numbers:
        species = "" if index % 3 == 0 else "print_flat"
        name = f"sim-{seed}-{index}"
        yield Sample(name, name, species, Stratum.SOURCE, (face(species, zlib.crc32(name.encode())),))


def crop_face(frame_set: FrameSet) -> FaceCrop | None:
    """The stored frames are crops already."""
    frames = frame_set.frames
    return FaceCrop(
        frames[Modality.RGB].pixels,
        frames[Modality.DEPTH].pixels.astype(np.float32),
        frames[Modality.IR].pixels.astype(np.float32) / 65535.0,
        True,
        220.0,
    )


@dataclass
class SiteStore:
    """Implements `core.ports.PresentationStore` over generated faces; of presentations that are ``strange``, noise."""

    subjects: int = 6
    species: tuple[str, ...] = ("", "", "print_flat")
    flipped: bool = False
    labels: dict[str, str | None] = field(default_factory=dict)
    strange: tuple[str, ...] = ()

    def presentations(self, sessions: Sequence[str]) -> list[StoredPresentation]:
        found = []
        for session in sessions:
            subject = int(session.removeprefix("s-"))
            if subject >= self.subjects:
                continue
            for take, species in enumerate(self.species):
                name = f"{session}/{take}"
                said = ("print_flat" if species == "" else "") if self.flipped else species
                label = self.labels.get(name, said)
                found.append(StoredPresentation(name, session, f"p{subject}", label, "", SourceKind.SIMULATED))
        return found

    def frame_sets(self, presentation: str, most: int | None = None) -> Iterator[FrameSet]:
        del most  # there is one
        take = int(presentation.rpartition("/")[2])
        strange = presentation in self.strange
        crop = garbage() if strange else face(self.species[take], zlib.crc32(presentation.encode()), tint=40)
        assert crop.depth is not None
        assert crop.ir is not None
        pixels = {
            Modality.RGB: crop.rgb,
            Modality.DEPTH: crop.depth.astype(np.uint16),
            Modality.IR: (crop.ir * 65535.0).astype(np.uint16),
        }
        frames = {m: Frame(m, np.asarray(p), 1, 0.0) for m, p in pixels.items()}
        profiles = {m: StreamProfile(m, CROP_PX, CROP_PX, 30.0) for m in Modality}
        yield FrameSet(1, 0.0, frames, ModalityMask(7), profiles, framing=Framing.CROP)

    @property
    def sessions(self) -> list[str]:
        return [f"s-{subject}" for subject in range(self.subjects)]


@dataclass
class MemoryJobs:
    """Implements `core.ports.JobStore` in memory."""

    records: dict[str, JobRecord] = field(default_factory=dict)
    points: dict[str, dict[int, dict[str, float]]] = field(default_factory=dict)
    pause_at: int = -1

    def create(self, plan: str, plan_sha256: str) -> str:
        job = f"job-{len(self.records)}"
        self.records[job] = JobRecord(job, JobState.QUEUED, plan, plan_sha256)
        return job

    def get(self, job: str) -> JobRecord:
        if job not in self.records:
            raise InputError(f"There is no job {job}.")
        return self.records[job]

    def all(self) -> list[JobRecord]:
        return list(self.records.values())

    def update(self, job: str, **given: object) -> None:
        self.records[job] = replace(self.records[job], **{n: v for n, v in given.items() if v is not None})  # type: ignore[arg-type]

    def request(self, job: str, command: str) -> None:
        self.update(job, command=command)

    def take_request(self, job: str) -> str:
        command = self.get(job).command
        self.update(job, command="")
        return command

    def append_event(self, job: str, step: int, values: Mapping[str, float]) -> None:
        self.points.setdefault(job, {})[step] = dict(values)
        if step == self.pause_at:
            self.pause_at = -1
            self.request(job, "pause")

    def events(self, job: str, after_step: int = -1) -> list[tuple[int, dict[str, float]]]:
        return [(s, v) for s, v in sorted(self.points.get(job, {}).items()) if s > after_step]


def tiny_network(seed: int = 1, config: NetworkConfig = TINY) -> PadNetwork:
    """Random weights whose norms have seen a few simulated faces: without statistics every feature would vanish."""
    torch.manual_seed(seed)
    network = PadNetwork(config).channels_last()
    inputs = to_tensors([crop for sample in simulate([], range(12), 99) for crop in sample.crops])
    learn_statistics(network, True)
    network.train()
    with torch.no_grad():
        for _ in range(30):
            network(inputs)
    learn_statistics(network, False)
    return network.eval()


def write_champion(folder: Path, seed: int = 1, withheld: Sequence[str] = ("ir",), threshold: float = 0.5) -> Manifest:
    """An untrained tiny champion with a threshold for every mask but rgb alone, and the factory's limits.

    ``withheld``: masks under which it never accepts.
    """
    masks = ("depth", "rgb+depth", "ir", "rgb+ir", "depth+ir", "rgb+depth+ir")
    manifest = Manifest(
        name="tiny", sha256="0" * 64, architecture=ARCHITECTURE, thresholds=dict.fromkeys(masks, threshold),
        threshold_source="untrained", withheld=list(withheld),
        novelty=read_manifest(FACTORY_BUNDLE).novelty,
    )  # fmt: skip
    return save_bundle(folder, tiny_network(seed), manifest)


def plan_for(
    store: SiteStore, champion: Manifest, training: TrainingSettings = QUICK, seed: int = 3,
    unlabelled: UnlabelledUse = UnlabelledUse.NONE, traffic: Sequence[StoredPresentation] = (), judged: str = "",
) -> Plan:  # fmt: skip
    return make_plan(
        store,
        store.sessions,
        champion.sha256,
        champion.name,
        seed,
        training,
        unlabelled=unlabelled,
        traffic=traffic,
        judged=judged,
    )
