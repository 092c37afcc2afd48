"""A source in the role of a site: where settings of the methods are weighed, so that no target is looked at.

Two domains train, a third is adapted to and judged, on people of its training split; the fourth, the target for which
something is weighed, has no part in it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.benchmark.people import People
from core.benchmark.scenes import frozen_domains
from core.benchmark.streams.cells import SEVERITY, StreamCell
from core.benchmark.streams.folds import Fold, Opened, cached_people, open_source
from core.benchmark.streams.material import Cached
from core.benchmark.streams.size import StreamSize
from core.benchmark.work import Canceled, Work
from core.scenes.domain import Domain

ADAPTED, JUDGED = 160, 480
"""Presentations of the site's people, of as many people as it takes; nobody is in both."""
WEIGHED_ON = (StreamCell("", "balanced", "0 % missing"), StreamCell("", "balanced", "30 % missing"))
"""At each site."""
_SEED = 5


@dataclass(frozen=True, slots=True)
class SiteFold(Fold):
    """The fold of a source left out; ``target`` is that source."""

    @property
    def name(self) -> str:
        """Beginning of its pieces' names."""
        return f"from-{'-'.join(domain.name for domain in self.sources)}-to-{self.target.name}-s{self.seed}"

    @property
    def start(self) -> str:
        """The network of its sources, which both domains that had no part in it share."""
        return f"start/from-{'-'.join(domain.name for domain in self.sources)}-s{self.seed}.safetensors"

    @property
    def sets(self) -> tuple[tuple[Domain, str], ...]:
        """Every domain and split that it reads."""
        return (*((domain, split) for domain in self.sources for split in ("train", "dev")), (self.target, "train"))


def site_for(size: StreamSize, work: Work, target: str, seed: int) -> SiteFold:
    """The fold on which what is set for ``target`` is weighed."""
    domains, site = frozen_domains(), alike(target)
    sources = tuple(domain for name, domain in domains.items() if name not in (target, site))
    return SiteFold(work.root, size, sources, domains[site], seed)


def alike(target: str) -> str:
    """The source that a target's settings are weighed on: the other one of its severity."""
    return next(name for name, severity in SEVERITY.items() if name != target and severity == SEVERITY[target])


def open_site(fold: SiteFold, work: Work, canceled: Canceled) -> Opened:
    """The fold ready for streams.

    Raises:
        CanceledError: a person asked to stop; finished pieces are kept.
    """
    source, champion = open_source(fold, work, canceled)
    everybody = cached_people(fold, work, source.network, "train")
    adapted, judged = drawn_apart(everybody.people, (ADAPTED, JUDGED))
    return Opened(source, _of(everybody, adapted), _of(everybody, judged), champion)


def drawn_apart(people: People, counts: Iterable[int]) -> list[list[str]]:
    """Subjects, drawn without replacement: for each count as many as it takes to have so many presentations."""
    order = np.random.default_rng(_SEED).permutation(np.unique(people.subjects)).tolist()
    found = []
    for count in counts:
        chosen: list[str] = []
        have = 0
        while order and have < count:
            chosen.append(order.pop())
            have += int((people.subjects == chosen[-1]).sum())
        found.append(chosen)
    return found


def _of(cached: Cached, subjects: list[str]) -> Cached:
    mine: NDArray[np.int64] = np.flatnonzero(np.isin(cached.people.subjects, subjects))
    return cached.of(mine)
