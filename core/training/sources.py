"""Where the presentations of a split come from: scenes that are rendered here, or shards that others wrote."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from core.errors import InputError
from core.training.config import TrainConfig
from core.training.shards import SPLITS, ShardSets, open_shards
from core.training.shards.form import Split
from core.training.simulation import Recipe, recipes, simulate
from core.training.table import LabelledCrops
from core.training.trainer import Canceled, Report, progress_of


def with_shards(config: TrainConfig, urls: list[str]) -> TrainConfig:
    """``config``, trained on the shards at ``urls`` instead of on scenes that it renders itself.

    Raises:
        UsageError, InputError, HostError: see `open_shards` and `ShardSets.require_classes`.
    """
    sets = open_shards(urls)
    sets.require_classes(SPLITS)
    return config.model_copy(update={"shards": tuple(urls), "shards_digest": sets.digest})


def presentations(
    config: TrainConfig, split: Split, report: Report, canceled: Canceled
) -> tuple[int, Iterator[LabelledCrops]]:
    """How many crops a split has at most, and its presentations in their order; both without hybrids.

    Raises:
        CanceledError: ``canceled`` said so.
        InputError: a shard is damaged, or the sets are not those that ``config`` was made for.
    """
    if config.shards:
        sets = open_shards(config.shards)
        if sets.digest != config.shards_digest:
            raise InputError("The shards were changed since this run began.", "Start again.")
        return sets.crops(split), _of_shards(sets, split, report, canceled)
    todo = scene_recipes(config, split)
    made = rendered(todo, config.processes, progress_of(f"scenes ({split})", report, canceled))
    return len(todo) * config.plan(split).frames, made


def scene_recipes(config: TrainConfig, split: Split, part: int = 1, parts: int = 1) -> list[Recipe]:
    """What a split is rendered from, or one part of it; each part has as many bona fide as attacks."""
    plan = config.plan(split)
    return [
        recipe
        for domains, count, seed in (
            (config.domains, plan.per_domain, config.seed),
            (config.live_domains, plan.per_live_domain, config.seed + 1),
        )
        for recipe in recipes(domains, count, plan.frames, seed, SPLITS.index(split), plan.reframe)
        if recipe.index // 2 % parts == part - 1
    ]


def rendered(todo: list[Recipe], processes: int, done: Callable[[float], None]) -> Iterator[LabelledCrops]:
    """The presentations of recipes; ``done`` is told the share that is finished, and may raise to stop."""
    return simulate(todo, processes, lambda finished: done(finished / len(todo)))


def _of_shards(sets: ShardSets, split: Split, report: Report, canceled: Canceled) -> Iterator[LabelledCrops]:
    done, crops, total = progress_of(f"shards ({split})", report, canceled), 0, sets.crops(split)
    for one in sets.presentations(split):
        yield one
        crops += len(one.crops)
        done(crops / total)
