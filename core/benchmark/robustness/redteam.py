"""The red team: a search over what an attacker can choose, within what each species can physically be.

A recipe is a presentation of `core.scenes`: species, people, instrument (drawn from ``seed`` and ``index`` within the
materials, inks, curvatures and sizes of its species), how well it is made (``craft``), and the circumstances of the
booth. So a find is never a picture that no camera could take, and training can take it back (`recipes`). Random
restarts, then a (1 + lambda) evolution of the best with a step that adapts (Rechenberg's fifth).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from core.assessment import log_odds
from core.benchmark.robustness.decisions import MAX_NOVELTY
from core.benchmark.work import Canceled, Report, stop_if
from core.codes import Species
from core.errors import InputError
from core.frames import ALL_MODALITIES, FaceCrop
from core.model.scorer import NetworkScorer
from core.scenes.crops import ScenePresentation, presentation
from core.scenes.domain import Domain
from core.verdict import pooled_logit

SCHEMA = 1
SEARCHED: tuple[str, ...] = (
    "craft", "distance_mm", "yaw_deg", "pitch_deg", "roll_deg", "lamp_strength", "lamp_azimuth_deg",
    "lamp_elevation_deg", "lamp_kelvin", "ambient", "exposure", "ambient_ir", "melanin", "face_px",
)  # fmt: skip
"""Ranges of a domain that an attacker can choose a value of; the sensor's own noise stays as it is drawn."""
_FRAMES = 2
_FIRST_STEP, _LEAST_STEP = 0.25, 0.03
_NEW_INSTRUMENT = 0.3
"""Share of the children that take another instrument, wearer and victim."""
_PEOPLE = 100_000


@dataclass(frozen=True, slots=True)
class Recipe:
    """One presentation to render, and what the model made of it when it was found (logits above its threshold)."""

    domain: Domain
    species: Species
    seed: int
    index: int
    margin: float = 0.0
    model: str = ""

    def render(self) -> ScenePresentation:
        """The presentation."""
        return presentation(self.domain, self.species, self.seed, self.index)

    def bona_fide(self) -> Recipe:
        """A person under the very same circumstances."""
        return replace(self, species=Species.BONA_FIDE)


@dataclass(frozen=True, slots=True, eq=False)
class Find:
    """The best recipe of one search. ``person_passes``: whether a person is accepted where the instrument is tried."""

    recipe: Recipe
    crop: FaceCrop
    person_passes: bool
    evaluations: int

    @property
    def passes(self) -> bool:
        """Whether the model takes the instrument for a person."""
        return self.recipe.margin >= 0.0


Judge = Callable[[Sequence[FaceCrop]], float]
"""Pooled logits above the threshold, below 0 also where it is too unfamiliar; minus infinity without an answer."""


def judge_of(scorer: NetworkScorer) -> Judge:
    """The model's decision on one presentation with every modality."""
    threshold = scorer.threshold(ALL_MODALITIES)

    def judge(crops: Sequence[FaceCrop]) -> float:
        whole = [crop for crop in crops if crop.mask == ALL_MODALITIES]
        if threshold is None or not 0.0 < threshold < 1.0 or not whole:
            return float("-inf")
        evidence = scorer.score(whole)
        novelty = sum(one.novelty for one in evidence) / len(evidence)
        margin = pooled_logit(evidence) - log_odds(threshold)
        return margin if novelty <= MAX_NOVELTY else min(margin, MAX_NOVELTY - novelty)

    return judge


def search(
    judge: Judge,
    domain: Domain,
    species: Species,
    evaluations: int,
    seed: int,
    model: str = "",
    restarts: float = 0.4,
    canceled: Canceled = lambda: False,
) -> Find:
    """Look for an instrument of ``species`` that passes before the domain's sensor.

    Args:
        judge: what the model says.
        domain: site and sensor; the ranges are what an attacker can choose from.
        species: of the instrument.
        evaluations: presentations to render.
        seed: of the search.
        model: stands in the recipe.
        restarts: share of the evaluations that are drawn anew.
        canceled: looked at before each.

    Raises:
        CanceledError: ``canceled``.
    """
    random = np.random.default_rng(seed)
    point, index, step = np.full(len(SEARCHED), 0.5), 0, _FIRST_STEP
    best = Recipe(domain, species, seed, 0, float("-inf"), model)
    first = max(1, round(restarts * evaluations))
    for number in range(evaluations):
        stop_if(canceled)
        if number < first:
            tried, candidate = random.random(len(SEARCHED)), int(random.integers(_PEOPLE))
        else:
            tried = np.clip(point + step * random.normal(size=len(SEARCHED)), 0.0, 1.0)
            candidate = int(random.integers(_PEOPLE)) if random.random() < _NEW_INSTRUMENT else index
        recipe = Recipe(chosen(domain, tried), species, seed, candidate, model=model)
        margin = judge(recipe.render().crops)
        better = margin > best.margin
        if better:
            best, point, index = replace(recipe, margin=margin), tried, candidate
        if number >= first:  # success makes bolder, failure more careful: stable at one success in five
            step = float(np.clip(step * (1.5 if better else 1.5**-0.25), _LEAST_STEP, _FIRST_STEP))
    crops = best.render().crops
    return Find(best, crops[0], judge(best.bona_fide().render().crops) >= 0.0, evaluations)


def chosen(domain: Domain, point: np.ndarray[Any, np.dtype[np.float64]]) -> Domain:
    """The domain with its `SEARCHED` ranges narrowed to one value each: ``point`` from 0 to 1."""
    fixed: dict[str, Any] = {"frames": _FRAMES, "blind_share": 0.0, "people": _PEOPLE}
    for name, share in zip(SEARCHED, point, strict=True):
        low, high = getattr(domain, name)
        value = float(low + share * (high - low))
        fixed[name] = (value, value)
    return domain.model_copy(update=fixed)


def hunt(
    scorer: NetworkScorer,
    domains: Sequence[Domain],
    evaluations: int,
    report: Report,
    canceled: Canceled,
    seed: int = 0,
) -> list[Find]:
    """One search for every species before every domain's sensor.

    Raises:
        CanceledError: ``canceled``.
    """
    orders = [(domain, Species(name)) for domain in domains for name in domain.species if name not in ("", "bona_fide")]
    judge = judge_of(scorer)
    found = []
    for number, (domain, species) in enumerate(orders):
        found.append(search(judge, domain, species, evaluations, seed + number, scorer.sha256, canceled=canceled))
        report("red team", (number + 1) / len(orders))
    return found


def write_recipes(path: Path, finds: Sequence[Find]) -> None:
    """Write the recipes of ``finds`` for training to take back."""
    content = {"schema": SCHEMA, "recipes": [_to_plain(find.recipe) for find in finds]}
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def recipes(path: Path) -> tuple[Recipe, ...]:
    """Read what `write_recipes` wrote; each can be rendered again, exactly.

    Raises:
        InputError: the file is something else.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["schema"] != SCHEMA:
            raise ValueError(f"schema {content['schema']}")
        return tuple(_from_plain(one) for one in content["recipes"])
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"The recipes {path.name} cannot be read: {error}.", "Make them with `main.py benchmark --robustness`."
        ) from error


def _to_plain(recipe: Recipe) -> dict[str, Any]:
    return {
        "domain": recipe.domain.model_dump(mode="json"),
        "species": str(recipe.species),
        "seed": recipe.seed,
        "index": recipe.index,
        "margin": recipe.margin,
        "model": recipe.model,
    }


def _from_plain(one: Mapping[str, Any]) -> Recipe:
    return Recipe(
        Domain.model_validate(one["domain"]),
        Species(one["species"]),
        int(one["seed"]),
        int(one["index"]),
        float(one["margin"]),
        str(one["model"]),
    )
