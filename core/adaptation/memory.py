"""The replay memory on disk: simulated presentations as the champion's early maps, rendered once and shared by jobs.

Rendering is most of what a pass would wait for. A piece is a few dozen presentations in one file, named by the digest
of all that it depends on (champion, domains, seeds, and the program's own files that render and encode), and carries
the digest of its content: a piece that is missing, damaged or of another champion is made again. The folder may be
deleted at any time. It holds maps of simulated people only; what a site captured stays in memory.
"""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import fields
from functools import cache
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from core.adaptation.early import Encoded, encode_together
from core.adaptation.paired import Stratum
from core.adaptation.replay import Simulate
from core.model.features import Features
from core.model.network import PadNetwork

log = logging.getLogger(__name__)

PIECE = 40
"""Presentations in one file: what a kill costs, at most."""
_CORE = Path(__file__).resolve().parents[1]
_MAKERS = ("scenes", "face/crop.py", "surface.py", "training/augment.py", "model", "adaptation/replay.py")
_TENSORS = tuple(field.name for field in fields(Features))


class ReplayMemory:
    """Simulated samples of one champion, encoded.

    Args:
        folder: where pieces are kept; ``None`` = nowhere, everything is made anew.
        champion: sha256 of the model that encodes.
        network: that model.
        simulate: renders.
        domains: names of the domains (`core.adaptation.replay`).
    """

    def __init__(
        self, folder: Path | None, champion: str, network: PadNetwork, simulate: Simulate, domains: Sequence[str]
    ) -> None:
        self._folder = None if folder is None else folder / champion[:16]
        self._champion = champion
        self._network = network
        self._simulate = simulate
        self._domains = list(domains)
        if folder is not None and folder.is_dir():
            for other in folder.iterdir():
                if other.name != champion[:16]:
                    shutil.rmtree(other, ignore_errors=True)

    def samples(self, n: int, seed: int, copies: int = 0) -> Iterator[Encoded]:
        """The first ``n`` presentations of ``seed``, each crop with ``copies`` varied ones."""
        for first in range(0, n, PIECE):
            yield from self._piece(range(first, min(n, first + PIECE)), seed, copies)

    def _piece(self, numbers: range, seed: int, copies: int) -> list[Encoded]:
        key = self._key(numbers, seed, copies)
        path = None if self._folder is None else self._folder / f"{key[:24]}.safetensors"
        if path is not None and (found := _read(path, key)) is not None:
            return found
        made = encode_together(self._network, list(self._simulate(self._domains, numbers, seed)), copies, seed)
        if path is not None:
            _write(path, key, made)
        return made

    def _key(self, numbers: range, seed: int, copies: int) -> str:
        """Digest of everything that a piece depends on."""
        parts = [self._champion, makers_digest(), self._domains, numbers.start, len(numbers), seed, copies]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


@cache
def makers_digest() -> str:
    """Digest of the program's files that render, cut, vary and encode, and of what they read."""
    found = hashlib.sha256()
    for name in _MAKERS:
        place = _CORE / name
        files = [place] if place.is_file() else [p for p in place.rglob("*") if p.is_file() and _counts(p)]
        for file in sorted(files):
            found.update(file.relative_to(_CORE).as_posix().encode())
            found.update(hashlib.sha256(file.read_bytes()).digest())
    return found.hexdigest()


def _counts(path: Path) -> bool:
    """No bytecode, and not the committed weights: the champion is named by its own digest."""
    return "__pycache__" not in path.parts and "factory" not in path.parts


def _read(path: Path, key: str) -> list[Encoded] | None:
    """A whole and unspoiled piece; ``None`` where there is none."""
    if not path.is_file():
        return None
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in _TENSORS}
    except (SafetensorError, OSError) as error:
        log.warning("replay memory %s is made again: %s", path.name, error)
        return None
    people = metadata.get("samples", "")
    if metadata.get("key") != key or metadata.get("sha256") != _digest(tensors, people):
        log.warning("replay memory %s is made again: it is not what was written", path.name)
        return None
    found, first = [], 0
    for presentation, subject, species, crops, rows in json.loads(people):
        at = slice(first, first + rows)
        early = Features(*(tensors[name][at] for name in _TENSORS))
        found.append(Encoded(presentation, subject, species, Stratum.SOURCE, early, crops))
        first += rows
    return found


def _write(path: Path, key: str, made: Sequence[Encoded]) -> None:
    """Keep a piece; where the disk does not let us, the next job renders it again."""
    tensors = {name: torch.cat([getattr(one.early, name) for one in made]).contiguous() for name in _TENSORS}
    people = json.dumps([[o.presentation, o.subject, o.species, o.crops, len(o.early.presence)] for o in made])
    content = save(tensors, metadata={"key": key, "samples": people, "sha256": _digest(tensors, people)})
    temporary = path.with_suffix(".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(content)
        temporary.replace(path)
    except OSError as error:
        log.warning("replay memory cannot be kept in %s: %s", path.parent, error)


def _digest(tensors: dict[str, torch.Tensor], people: str) -> str:
    found = hashlib.sha256(people.encode())
    for name in _TENSORS:
        found.update(tensors[name].contiguous().numpy().tobytes())
    return found.hexdigest()
