"""Shards of training data: an index from outside, and a tar file whose digest is right."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path

from tests.fuzz.target import SEPARATOR, Loader, Target, parts

_DIGEST = b"SHA256"


def shards(folder: Path) -> Loader:
    """Opens the set and reads everything in it."""
    from core.training.shards import SPLITS, open_shards

    def load(data: bytes) -> None:
        index, tar = parts(data, 2)
        (folder / "set.json").write_bytes(index.replace(_DIGEST, hashlib.sha256(tar).hexdigest().encode()))
        (folder / "set-train-000000.tar").write_bytes(tar)
        sets = open_shards([str(folder)])
        for split in SPLITS:
            for one in sets.presentations(split):
                assert all(crop.mask for crop in one.crops)
        sets.require_classes(["train"])

    return load


def _seeds() -> list[bytes]:
    from core.training.shards import write_shards
    from core.training.table import LabelledCrops
    from tests.unit.faces import head, sheet

    both = [LabelledCrops(name, "s", name, "bench", (make(),)) for name, make in (("", head), ("print_bent", sheet))]
    with tempfile.TemporaryDirectory() as name:
        write_shards(name, "set", "captures", (("train", one) for one in both))
        index, tar = ((Path(name) / file).read_bytes() for file in ("set.json", "set-train-000000.tar"))
    return [index.replace(hashlib.sha256(tar).hexdigest().encode(), _DIGEST) + SEPARATOR + tar]


TARGETS = (Target("shards", _seeds, shards),)
