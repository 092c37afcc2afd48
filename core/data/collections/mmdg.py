"""The MMDG benchmark: leave one collection out, limited sources, missing modalities (method.md sections 2.4 and 7).

One folder with WMCA (W), CASIA-SURF (S), CeFA (C) and PADISI-Face (P) in it, each in a folder of its own whose name
begins with one of the names in `FOLDERS`, with its MMDG lists. ``CPS-W`` trains on the train lists of C, P and S, has
their validation lists as **source dev**, and tests on W's test list; ``CPS-W:rgb+ir`` is the same without depth.
Subjects and clips carry the collection's name, so that nothing of one is taken for another's.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol as Interface

from core.data.collections.cefa import CefaReader
from core.data.collections.clips import Clip, Plan
from core.data.collections.literature import ORACLE_NOTE, leave_one_out, limited_sources
from core.data.collections.padisi import PadisiReader
from core.data.collections.protocol import Published, Reporting
from core.data.collections.surf import SurfReader
from core.data.collections.wmca import WmcaReader
from core.data.manifest import LeftOut
from core.errors import InputError
from core.frames import ALL_MODALITIES, ModalityMask

FOLDERS = {
    "W": r"wmca.*",
    "S": r"(casia[-_])?surf(?![-_]?cefa).*",
    "C": r"(casia[-_]?(surf[-_]?)?)?cefa.*",
    "P": r"(padisi|usc).*",
}
LEAVE_ONE_OUT = ("CPS-W", "CPW-S", "CSW-P", "PSW-C")
LIMITED = ("CW-PS", "PS-CW")
MISSING = ("rgb+ir", "rgb+depth", "rgb")
"""Masks of the benchmark's second protocol: depth, infrared, and both missing at the test."""


class _Source(Interface):
    def mmdg_clips(self, split: str) -> tuple[list[Clip], list[LeftOut]]: ...


class MmdgReader:
    """See `core.data.collections.clips.Reader`."""

    name = "mmdg"
    protocols: tuple[str, ...] = (
        *LEAVE_ONE_OUT,
        *LIMITED,
        *(f"{protocol}:{mask}" for protocol in LEAVE_ONE_OUT for mask in MISSING),
    )

    def __init__(self, root: Path) -> None:
        self._root = root

    def plan(self, protocol: str, splits: Sequence[str]) -> Plan:
        """See `Reader.plan`."""
        base, _, mask = protocol.partition(":")
        sources, targets = base.split("-")
        clips: list[Clip] = []
        left_out: list[LeftOut] = []
        for split in splits:
            for letter in targets if split == "eval" else sources:
                found, without = self._source(letter).mmdg_clips(split)
                clips += [replace(clip, id=f"{letter}/{clip.id}") for clip in found]
                left_out += [LeftOut(entry.row, f"{letter}: {entry.reason}") for entry in without]
        published = _published(base, targets) if not mask else ()
        reporting = Reporting("oracle_eer", (0.01, 0.001), published, ORACLE_NOTE)
        masks = ModalityMask.parse(mask) if mask else ALL_MODALITIES
        return Plan(tuple(clips), reporting, tuple(left_out), (), masks, masks)

    def _source(self, letter: str) -> _Source:
        root = self._folder(letter)
        readers: dict[str, type[WmcaReader | SurfReader | CefaReader | PadisiReader]] = {
            "W": WmcaReader,
            "S": SurfReader,
            "C": CefaReader,
            "P": PadisiReader,
        }
        return readers[letter](root)

    def _folder(self, letter: str) -> Path:
        wanted = re.compile(FOLDERS[letter], re.IGNORECASE)
        folders = sorted(path for path in self._root.iterdir() if path.is_dir() and wanted.fullmatch(path.name))
        if len(folders) != 1:
            names = ", ".join(path.name for path in folders) or "none"
            raise InputError(
                f"{letter} should be one folder in {self._root}; found {names}.",
                "Put each collection, with its lists, into a folder wmca, casia-surf, cefa, padisi.",
            )
        return folders[0]


def _published(protocol: str, targets: str) -> tuple[Published, ...]:
    return limited_sources(protocol) if protocol in LIMITED else leave_one_out(targets)
