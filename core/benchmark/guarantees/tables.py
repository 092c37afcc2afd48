"""Presentations of a domain for the guarantees: small planes, physics evidence, circumstances and metadata.

Half of a split is bona fide, the rest goes over the domain's species in turn; a species that the file names twice comes
twice as often. Circumstances and metadata are kept beside the planes because the leak checks look at nothing else.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
import torch
from numpy.typing import NDArray

from core.benchmark.guarantees.metadata import content_of, metadata_of
from core.benchmark.tables import Order, split_seed
from core.benchmark.work import Canceled, Work, stop_if
from core.codes import Species
from core.model.baseline import SheetScorer
from core.model.inputs import CHANNELS, ModelInputs, normalise, stack
from core.processes import workers
from core.scenes.crops import by_person, presentation
from core.scenes.domain import Domain
from core.scenes.frozen.identity import renderer_digest
from core.scenes.missing import apply_loss, draw_loss

Done = Callable[[float], None]
PLANES = sum(CHANNELS.values())
_LAYOUT = 4
_LOSS_STREAM = 77
"""The stream of random numbers that takes modalities away: nothing else of the presentation hangs on it."""


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Crops of one split of one domain; ``owner int64 (N,)`` is the presentation of each crop.

    ``planes float16 (N, C, P, P)``: the normalised inputs of all modalities. ``evidence float32 (N, E)``,
    ``presence bool (N, 3)``, ``sheet float32 (N,)``: logit of `builtin:sheet`. Per presentation: ``subjects``,
    ``species`` (empty = bona fide), ``nuisance float32 (P, K)`` under ``nuisance_names``, ``metadata float32 (P, M)``,
    ``content`` (what is seen there), ``causes`` of what the domain's profile takes away. ``lossy_planes`` and
    ``lossy_presence``: what is left then.
    """

    planes: NDArray[np.float16]
    evidence: NDArray[np.float32]
    presence: NDArray[np.bool_]
    sheet: NDArray[np.float32]
    owner: NDArray[np.int64]
    subjects: NDArray[np.str_]
    species: NDArray[np.str_]
    nuisance: NDArray[np.float32]
    nuisance_names: tuple[str, ...]
    metadata: NDArray[np.float32]
    content: NDArray[np.float32]
    causes: NDArray[np.str_]
    lossy_planes: NDArray[np.float16]
    lossy_presence: NDArray[np.bool_]

    def lossy(self) -> Rows:
        """The same presentations as they come with the domain's missing and spoiled modalities."""
        return replace(self, planes=self.lossy_planes, presence=self.lossy_presence)

    @property
    def bona_fide(self) -> NDArray[np.bool_]:
        """``bool (P,)``."""
        found: NDArray[np.bool_] = self.species == str(Species.BONA_FIDE)
        return found

    def pooled(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Mean over each presentation's crops of ``values (N, ...)``."""
        count = np.bincount(self.owner, minlength=len(self.species))
        total = np.zeros((len(self.species), *values.shape[1:]))
        np.add.at(total, self.owner, values)
        return total / count.reshape(-1, *[1] * (values.ndim - 1))


@dataclass(frozen=True, slots=True)
class _Made:
    """One rendered presentation, small enough to travel between processes."""

    subject: str
    species: str
    nuisance: dict[str, float]
    metadata: list[float]
    content: list[float]
    planes: NDArray[np.float16]
    evidence: NDArray[np.float32]
    presence: NDArray[np.bool_]
    sheet: NDArray[np.float32]
    cause: str
    lossy_planes: NDArray[np.float16]
    lossy_presence: NDArray[np.bool_]


def orders(domain: Domain, split: str, count: int, frames: int) -> list[Order]:
    """What a split renders."""
    site = domain.model_copy(update={"frames": frames})
    attacks = [Species(name) for name in domain.species if name != "bona_fide"]
    seed = split_seed(domain, split)
    return [Order(site, attacks[i // 2 % len(attacks)] if i % 2 else Species.BONA_FIDE, seed, i) for i in range(count)]


def make_rows(
    work: Work,
    domain: Domain,
    split: str,
    count: int,
    frames: int,
    pixels: int,
    processes: int,
    done: Done,
    canceled: Canceled,
) -> Rows:
    """The rows of a split, rendered unless they lie in the work folder.

    Raises:
        CanceledError: the person asked to stop.
    """
    identity = [domain.model_dump_json(), split, count, frames, pixels, renderer_digest(), _LAYOUT]
    digest = hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:16]
    piece = f"rows/{domain.name}-{split}-{digest}.npz"
    if not work.has(piece):
        todo = orders(domain, split, count, frames)
        order = by_person(domain, split_seed(domain, split), range(count))
        made = dict(zip(order, _rendered([todo[i] for i in order], pixels, processes, done, canceled), strict=True))
        with work.making(piece) as path, path.open("wb") as file:
            np.savez(file, allow_pickle=False, **_arrays([made[i] for i in range(count)]))
    found = work.load_arrays(piece)
    names = tuple(str(name) for name in found.pop("nuisance_names"))
    return Rows(nuisance_names=names, **found)


def render(order: Order, pixels: int) -> _Made:
    """Render one presentation and keep what the checks need of it."""
    torch.set_num_threads(1)
    made = presentation(order.domain, order.species, order.seed, order.index)
    random = np.random.default_rng((order.seed, order.index, _LOSS_STREAM))
    loss = draw_loss(order.domain.missing, order.species, random)
    lossy = stack(apply_loss(made.crops, loss, random))
    inputs = normalise(stack(made.crops))
    sheet = np.array([SheetScorer().score([crop])[0].logit for crop in made.crops], dtype=np.float32)
    return _Made(
        made.subject,
        str(order.species),
        dict(made.nuisance),
        np.mean([metadata_of(crop) for crop in made.crops], axis=0).tolist(),
        np.mean([content_of(crop) for crop in made.crops], axis=0).tolist(),
        _small(inputs, pixels),
        inputs.evidence.numpy(),
        inputs.presence.numpy(),
        sheet,
        str(loss.cause),
        _small(normalise(lossy), pixels) if loss.cause else _small(inputs, pixels),
        lossy.presence,
    )


def _small(inputs: ModelInputs, pixels: int) -> NDArray[np.float16]:
    """All planes of the crops, shrunk by area."""
    planes = torch.nn.functional.interpolate(torch.cat(inputs.images, dim=1), size=(pixels, pixels), mode="area")
    return planes.numpy().astype(np.float16)


def _arrays(made: Sequence[_Made]) -> dict[str, NDArray[np.generic]]:
    names = sorted(made[0].nuisance)
    return {
        "planes": np.concatenate([one.planes for one in made]),
        "evidence": np.concatenate([one.evidence for one in made]),
        "presence": np.concatenate([one.presence for one in made]),
        "sheet": np.concatenate([one.sheet for one in made]),
        "owner": np.repeat(np.arange(len(made)), [len(one.planes) for one in made]),
        "subjects": np.array([one.subject for one in made], dtype=np.str_),
        "species": np.array([one.species for one in made], dtype=np.str_),
        "nuisance": np.array([[one.nuisance[name] for name in names] for one in made], dtype=np.float32),
        "nuisance_names": np.array(names, dtype=np.str_),
        "metadata": np.array([one.metadata for one in made], dtype=np.float32),
        "content": np.array([one.content for one in made], dtype=np.float32),
        "causes": np.array([one.cause for one in made], dtype=np.str_),
        "lossy_planes": np.concatenate([one.lossy_planes for one in made]),
        "lossy_presence": np.concatenate([one.lossy_presence for one in made]),
    }


def _rendered(todo: Sequence[Order], pixels: int, processes: int, done: Done, canceled: Canceled) -> Iterator[_Made]:
    if processes <= 1:
        for number, order in enumerate(todo, start=1):
            stop_if(canceled)
            yield render(order, pixels)
            done(number / len(todo))
        return
    waiting: list[Future[_Made]] = []
    order_of = iter(todo)
    with workers(processes) as pool:
        waiting += [pool.submit(render, one, pixels) for one in islice(order_of, 4 * processes)]
        for number in range(1, len(todo) + 1):
            stop_if(canceled)
            found = waiting.pop(0).result()
            waiting += [pool.submit(render, one, pixels) for one in islice(order_of, 1)]
            yield found
            done(number / len(todo))
