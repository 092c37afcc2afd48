"""`main.py shards`: training data as tar files anywhere, written by many machines, and what lies there."""

from __future__ import annotations

from argparse import Namespace
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from core.data.manifest import read_manifest
from core.errors import CanceledError, ExitCode
from core.terminal import Interrupt, percentage, show_rows, told_left_out
from storage.opening import folder_of

if TYPE_CHECKING:
    from core.training.shards.form import Index, Split
    from core.training.table import LabelledCrops


def scenes(options: Namespace) -> int:
    """Render this machine's part of the training scenes."""
    from core.training.config import TrainConfig
    from core.training.shards import SPLITS, write_shards
    from core.training.sources import rendered, scene_recipes

    config = TrainConfig(work_dir=folder_of(options).root / "training", out=folder_of(options).root / "training")
    if options.seed is not None:
        config = config.changed({"seed": options.seed})
    if options.presentations is not None:
        config = config.sized(options.presentations)
    part, parts = options.part
    name = options.name or f"scenes-{config.seed}-{part:03d}-of-{parts:03d}"

    def made(canceled: Interrupt) -> Iterator[tuple[Split, LabelledCrops]]:
        for split in SPLITS:
            todo = scene_recipes(config, split, part, parts)
            for one in rendered(todo, config.processes, _shown(f"scenes ({split})", canceled)):
                yield split, one

    with Interrupt() as canceled:
        index = write_shards(options.out, name, "scenes", made(canceled))
    return _told(index, name, options.out)


def captures(options: Namespace) -> int:
    """The face crops of a manifest; real faces among them lie there in plain."""
    from core.training.captured import crops_of, split_of
    from core.training.shards import SPLITS, write_shards

    manifest = read_manifest(options.manifest)
    left_out = list(manifest.left_out)

    def made(canceled: Interrupt) -> Iterator[tuple[Split, LabelledCrops]]:
        for split in SPLITS:
            rows = [row for row in manifest.rows if split_of(row) == split]
            for one in crops_of(rows, options.domain, left_out, done=_shown(f"captures ({split})", canceled)):
                yield split, one

    name = options.name or options.domain
    with Interrupt() as canceled:
        index = write_shards(options.out, name, "captures", made(canceled))
    _told(index, name, options.out)
    return told_left_out(left_out, "line")


def listed(options: Namespace) -> int:
    """What lies at a location, by split, domain and species."""
    from core.training.shards import open_shards

    found: dict[tuple[str, str, str, str], int] = defaultdict(int)
    for _, index in open_shards([options.url]).sets:
        for count in index.counts:
            found[count.split, index.of, count.domain, count.species or "bona_fide"] += count.presentations
    columns = ("split", "of", "domain", "species", "presentations")
    rows = [dict(zip(columns, (*key, number), strict=True)) for key, number in found.items()]
    show_rows(rows, columns, "There is nothing.", as_json=options.json)
    return ExitCode.DONE


def _shown(what: str, canceled: Interrupt) -> Callable[[float], None]:
    show = percentage(what)

    def done(share: float) -> None:
        if canceled():
            raise CanceledError("Writing was stopped.", "A set without its index is not read; start again.")
        show(share)

    return done


def _told(index: Index, name: str, url: str) -> int:
    presentations = sum(shard.presentations for shard in index.shards)
    print(f"{name}: {presentations} presentations in {len(index.shards)} shards at {url}")
    return ExitCode.DONE


SHARD_COMMANDS: dict[str, Callable[[Namespace], int]] = {
    "shards scenes": scenes,
    "shards captures": captures,
    "shards list": listed,
}
