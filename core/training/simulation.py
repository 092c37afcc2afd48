"""Training presentations, made by several processes: rendered sites, and the live simulated camera.

A site's presentation comes as crops from `core.scenes.crops`. The live camera's comes the whole way of the checkpoint:
full frame sets, face detection, registration, crop. Some of its crops are cut around a box that was moved and scaled,
because other people's crops are framed otherwise (scenes.md, "Other people's data look different").
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from itertools import islice

import numpy as np

from core.codes import Species
from core.errors import UsageError
from core.face.sampler import FaceSampler
from core.frames import ALL_MODALITIES, MODALITIES, FaceCrop, Frame, FrameSet
from core.processes import workers
from core.scenes.artefacts import SIMULATED_SPECIES
from core.scenes.crops import presentation
from core.scenes.live import LiveScene, SceneSpec
from core.scenes.spec import LIVE_SENSORS, SCENES
from core.training.sites import SITES
from core.training.table import LabelledCrops

LIVE_PREFIX = "live:"
"""A domain is the name of a site, or ``live:SCENE/SENSOR``: that scene before the simulated camera."""
FIRST_SEED = 500_000_000
"""Seeds of training, dev and test begin here: the seeds that a person types show people whom no model has seen."""
_SPLIT_SEEDS = 10_000_000
_MAX_TIME_S = 60.0
_REFRAMED = 0.5
_PEOPLE = 100_000


@dataclass(frozen=True, slots=True)
class Recipe:
    """One presentation to simulate. ``reframe``: cut some crops of the live camera around a moved box."""

    domain: str
    species: Species
    seed: int
    index: int
    frames: int
    reframe: bool


def recipes(domains: Sequence[str], count: int, frames: int, seed: int, split: int, reframe: bool) -> list[Recipe]:
    """``count`` presentations of every domain: half bona fide, the rest over all species in turn.

    ``split`` (0, 1, ...) keeps the people apart.

    Raises:
        UsageError: there is no such domain.
    """
    made = []
    for number, domain in enumerate(domains):
        _check(domain)
        base = FIRST_SEED + split * _SPLIT_SEEDS + 100_000 * (seed % 90) + 5_000 * number
        for i in range(count):
            attack = SIMULATED_SPECIES[(i // 2 + number) % len(SIMULATED_SPECIES)]
            made.append(Recipe(domain, attack if i % 2 else Species.BONA_FIDE, base, i, frames, reframe))
    return made


def simulate(todo: Sequence[Recipe], processes: int, done: Callable[[int], None]) -> Iterator[LabelledCrops]:
    """Simulate recipes in order, ``processes`` at a time; those in which no face was found are left out.

    ``done`` is told how many recipes are finished, and may raise to stop.

    Raises:
        HostError: see `core.processes.workers`.
    """
    waiting: list[Future[LabelledCrops | None]] = []
    order = iter(todo)
    with workers(processes) as pool:
        waiting += [pool.submit(simulate_one, recipe) for recipe in islice(order, 4 * processes)]
        for finished in range(1, len(todo) + 1):
            made = waiting.pop(0).result()
            waiting += [pool.submit(simulate_one, recipe) for recipe in islice(order, 1)]
            if made is not None:
                yield made
            done(finished)


def simulate_one(recipe: Recipe) -> LabelledCrops | None:
    """One presentation, or ``None`` where nothing of it can be scored."""
    if recipe.domain.startswith(LIVE_PREFIX):
        subject, crops = _live(recipe)
    else:
        site = SITES[recipe.domain].model_copy(update={"frames": recipe.frames, "people": _PEOPLE})
        made = presentation(site, recipe.species, recipe.seed, recipe.index)
        subject, crops = made.subject, made.crops
    usable = tuple(crop for crop in crops if crop.mask)
    if not usable:
        return None
    name = f"{recipe.domain}-{recipe.seed}-{recipe.index:06d}"
    return LabelledCrops(name, subject, str(recipe.species), recipe.domain, usable)


def frame_set_of(scene: LiveScene, number: int, t_s: float) -> FrameSet:
    """The scene at camera time ``t_s`` as a complete frame set."""
    images = scene.render(t_s)
    frames = {m: Frame(m, images[m], number, 1000.0 * t_s) for m in MODALITIES}
    return FrameSet(number, 1000.0 * t_s, frames, ALL_MODALITIES, scene.profiles)


def _live(recipe: Recipe) -> tuple[str, tuple[FaceCrop, ...]]:
    """Subject and crops of one presentation before the simulated camera, at random moments."""
    place, sensor = recipe.domain.removeprefix(LIVE_PREFIX).split("/")
    person = recipe.seed + recipe.index // 2
    scene = LiveScene(SceneSpec(place, person, sensor, recipe.species))
    sampler = FaceSampler()
    random = np.random.default_rng([recipe.seed, recipe.index])
    crops: list[FaceCrop] = []
    for number, t_s in enumerate(np.sort(random.uniform(0.0, _MAX_TIME_S, recipe.frames)), start=1):
        frame_set = frame_set_of(scene, number, float(t_s))
        sample = sampler.sample(frame_set)
        crop = sample.crop
        if crop is not None and recipe.reframe and sample.box is not None and random.random() < _REFRAMED:
            crop = sampler.crop_at(frame_set, _moved(sample.box, random))
        if crop is not None:
            crops.append(crop)
    return f"live-{person}", tuple(crops)


def _moved(box: tuple[int, int, int, int], random: np.random.Generator) -> tuple[int, int, int, int]:
    """The box narrower or wider (0.85 to 1.5) and moved by some of its width."""
    x, y, width, height = box
    scale = float(np.exp(random.uniform(np.log(0.85), np.log(1.5))))
    dx, dy = random.normal(0.0, 0.07, 2) * width
    return (
        round(x + width / 2 * (1.0 - scale) + dx),
        round(y + height / 2 * (1.0 - scale) + dy),
        round(width * scale),
        round(height * scale),
    )


def _check(domain: str) -> None:
    place, _, sensor = domain.removeprefix(LIVE_PREFIX).partition("/")
    live = domain.startswith(LIVE_PREFIX)
    if domain not in SITES if not live else (place not in SCENES or sensor not in LIVE_SENSORS):
        names = ", ".join(SITES)
        raise UsageError(f"There is no training domain {domain!r}.", f"Use {names} or {LIVE_PREFIX}SCENE/SENSOR.")
