"""What a published protocol is to us: rows of a manifest by split, and what the papers report on it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from core.data.manifest import LeftOut, Manifest, ManifestRow, write_manifest
from core.frames import ALL_MODALITIES, ModalityMask

SPLITS = ("train", "dev", "eval")
"""Names of the splits, as in the manifest format; ``eval`` is what papers call the test set."""


@dataclass(frozen=True, slots=True)
class Published:
    """One line of a paper's table, in per cent; read `core.data.collections.literature` before comparing."""

    method: str
    hter: float
    auc: float


@dataclass(frozen=True, slots=True)
class Reporting:
    """How the literature reports on a protocol (method.md section 2.5).

    ``operating_point`` is ``dev_eer`` (threshold where the dev split's errors are equal), ``dev_bpcer_1`` (1 % BPCER on
    the dev split, the WMCA papers), ``oracle_eer`` (equal errors on the test set itself, the MMDG benchmark) or
    ``half`` (the score 0.5, the Flexible-Modal cross test).
    ``false_positive_rates`` are those at which a true-positive rate is given, bona fide being positive.
    """

    operating_point: str
    false_positive_rates: tuple[float, ...] = (0.01, 0.001)
    published: tuple[Published, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Protocol:
    """The rows of one protocol of one collection.

    ``left_out`` counts everything that its lists name and that could not be used (``row`` is the line of the list);
    ``warnings`` are facts about the whole that a reader of the figures must know. ``modalities`` restricts the test
    rows and ``dev_modalities`` the others, where the protocol says so.
    """

    collection: str
    name: str
    train: tuple[ManifestRow, ...]
    dev: tuple[ManifestRow, ...]
    test: tuple[ManifestRow, ...]
    reporting: Reporting
    left_out: tuple[LeftOut, ...] = ()
    warnings: tuple[str, ...] = ()
    modalities: ModalityMask = ALL_MODALITIES
    dev_modalities: ModalityMask = ALL_MODALITIES
    source: Path = field(default=Path())

    @property
    def rows(self) -> tuple[ManifestRow, ...]:
        """Every row, train first."""
        return self.train + self.dev + self.test

    def split(self, name: str) -> tuple[ManifestRow, ...]:
        """The rows of ``train``, ``dev`` or ``eval``."""
        return {"train": self.train, "dev": self.dev, "eval": self.test}[name]

    def manifest(self, split: str) -> Manifest:
        """One split as a manifest in memory, for `core.evaluation.evaluate`."""
        return Manifest(self.source, self.split(split), ())

    def write(self, path: Path) -> None:
        """Write all rows as a manifest file."""
        write_manifest(path, self.rows)
