"""CASIA-SURF CeFA: RGB, depth, infrared of a RealSense, 1,607 people of three ethnicities (method.md section 7.3).

``CeFA-Race/<AF|CA|EA>/<subject>/<race>_<id>_<device>_<session>_<pai>/{profile,depth,ir}/0001.jpg`` and
``CeFA-Mask/{3D-Mask,Silicone-Mask}/<id>/<kind>_<id>_<dress>_<glasses>_<device>_<session>_<light>/...``.
In the names **PAI 1 is bona fide**; the MMDG lists say **1 = bona fide**; the publisher's own tables say 0.

Official protocols (WACV 2021; the counts of the publisher's readme are reached): people 0-199 train, 200-299 dev,
300-499 test; every mask is in every test. ``1_x`` other ethnicities, ``2_x`` other attacks, ``3_x`` the modality that
training did not have, ``4_x`` both ethnicities and attacks. Head crops with black borders, which are cut off; depth is
8 bits and its direction is not documented: it is measured.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

from core.codes import Framing, Species
from core.data.collections.clips import FRAMES_PER_CLIP, Clip, Direction, Files, Plan, Sensor
from core.data.collections.lists import find_list
from core.data.collections.literature import DEV_NOTE, ORACLE_NOTE, leave_one_out
from core.data.collections.pictures_lists import Named, clips_of_list
from core.data.collections.protocol import Reporting
from core.data.collections.species import CEFA_MASK, CEFA_PAI
from core.data.manifest import LeftOut
from core.errors import InputError
from core.frames import ALL_MODALITIES, Modality, ModalityMask
from core.sampling import spread

_SENSOR = Sensor(Framing.CROP, Direction.MEASURED, borders=True)
_RACES = {1: "AF", 2: "CA", 3: "EA"}
_FOLDERS = {Modality.RGB: "profile", Modality.DEPTH: "depth", Modality.IR: "ir"}
_PICTURE = re.compile(r"\d+\.(jpg|png)", re.IGNORECASE)
_DEEPEST = 6
"""Folders between the root that a user may give and a clip."""
_MMDG = {"train": "train", "dev": "(val|dev|valid)", "eval": "test"}
_ALL, _CLOTH, _SCREEN = frozenset({1, 2, 4}), frozenset({1, 2}), frozenset({1, 4})


@dataclass(frozen=True, slots=True)
class CefaName:
    """A clip's name; ``mask`` is 0 for the ethnicity part, where ``race`` and ``pai`` are set."""

    subject: str
    person: int
    race: int = 0
    pai: int = 0
    mask: int = 0

    @property
    def species(self) -> str:
        """Species of ours."""
        return CEFA_MASK[self.mask] if self.mask else CEFA_PAI[self.pai]

    @property
    def split(self) -> str:
        """Split of the official protocols; masks are for testing."""
        if self.mask or self.person >= 300:
            return "eval"
        return "train" if self.person < 200 else "dev"


@dataclass(frozen=True, slots=True)
class _Rule:
    """Races and PAIs of an official protocol, of train and dev, and of the test."""

    races: tuple[int, ...]
    test_races: tuple[int, ...]
    pai: frozenset[int]
    test_pai: frozenset[int]
    modalities: ModalityMask = ALL_MODALITIES
    test_modalities: ModalityMask = ALL_MODALITIES

    def holds(self, name: CefaName) -> bool:
        if name.mask:
            return True
        test = name.split == "eval"
        return name.race in (self.test_races if test else self.races) and name.pai in (
            self.test_pai if test else self.pai
        )


def _rules() -> dict[str, _Rule]:
    every = (1, 2, 3)
    others = {race: tuple(r for r in every if r != race) for race in every}
    rules = {f"1_{race}": _Rule((race,), others[race], _ALL, _ALL) for race in every}
    rules["2_1"] = _Rule(every, every, _CLOTH, _SCREEN)
    rules["2_2"] = _Rule(every, every, _SCREEN, _CLOTH)
    for number, left in enumerate((Modality.IR, Modality.DEPTH, Modality.RGB), 1):
        trained = ModalityMask.of(m for m in Modality if m is not left)
        rules[f"3_{number}"] = _Rule(every, every, _ALL, _ALL, trained, ModalityMask.of([left]))
    rules.update({f"4_{race}": _Rule((race,), others[race], _SCREEN, _CLOTH) for race in every})
    return rules


RULES = _rules()


def parse_name(name: str) -> CefaName | None:
    """Read ``1_000_1_1_1`` (five fields) or ``1_002_1_1_2_1_3`` (seven, a mask); ``None`` for anything else."""
    fields = name.split("_")
    if not all(field.isascii() and field.isdigit() for field in fields):
        return None
    numbers = [int(field) for field in fields]
    if len(numbers) == 5 and numbers[0] in _RACES and numbers[4] in CEFA_PAI and numbers[1] < 500:
        return CefaName(f"cefa-{_RACES[numbers[0]]}-{numbers[1]:03d}", numbers[1], numbers[0], numbers[4])
    if len(numbers) == 7 and numbers[0] in CEFA_MASK:
        kind = "3d" if numbers[0] == 1 else "silicone"
        return CefaName(f"cefa-{kind}-{numbers[1]:03d}", numbers[1], mask=numbers[0])
    return None


def describe(picture: PurePosixPath) -> Named | None:
    """The clip of ``.../<clip>/profile/0001.jpg``."""
    folder = picture.parent.parent
    name = parse_name(folder.name)
    return None if name is None else Named(f"{folder.parent.name}/{folder.name}", name.subject, name.species)


class CefaReader:
    """See `core.data.collections.clips.Reader`."""

    name = "cefa"
    protocols: tuple[str, ...] = (*RULES, *(f"4@{race}" for race in _RACES), "mmdg")

    def __init__(self, root: Path) -> None:
        self._root = root

    def plan(self, protocol: str, splits: Sequence[str]) -> Plan:
        """See `Reader.plan`; ``4@1`` is the challenge's name of ``4_1``."""
        if protocol == "mmdg":
            parts = [self.mmdg_clips(split) for split in splits]
            reporting = Reporting("oracle_eer", (0.01, 0.001), leave_one_out("C"), ORACLE_NOTE)
            clips = tuple(clip for found, _ in parts for clip in found)
            return Plan(clips, reporting, tuple(entry for _, left_out in parts for entry in left_out))
        return self._official(RULES[protocol.replace("@", "_")], splits)

    def mmdg_clips(self, split: str) -> tuple[list[Clip], list[LeftOut]]:
        """Clips of one split of the MMDG benchmark (of masks it takes the first frame alone: many are missing)."""
        path = find_list(self._root, rf"(c|cefa|casia[-_]cefa)[-_]{_MMDG[split]}\.txt", f"CeFA {split}")
        return clips_of_list(path, self._root, split, self.name, _SENSOR, describe, Species.UNKNOWN)

    def _official(self, rule: _Rule, splits: Sequence[str]) -> Plan:
        clips, left_out = [], []
        for folder, name in self._folders:
            if name.split not in splits or not rule.holds(name):
                continue
            files, problem = _frames(folder)
            clip_id = f"{folder.parent.name}/{folder.name}"
            if problem:
                left_out.append(LeftOut(0, f"{clip_id}: {problem}"))
            if files:
                clips.append(Clip(clip_id, name.subject, name.species, name.split, _SENSOR, self.name, files))
        if not clips:
            raise InputError(f"No clip of this protocol lies below {self._root}.", "Give the folder of CeFA-Race.")
        warnings = () if any(name.mask for _, name in self._folders) else ("CeFA-Mask is missing: no masks are tested",)
        reporting = Reporting("dev_eer", (0.01, 0.001, 0.0001), (), DEV_NOTE)
        return Plan(tuple(clips), reporting, tuple(left_out), warnings, rule.test_modalities, rule.modalities)

    @cached_property
    def _folders(self) -> list[tuple[Path, CefaName]]:
        """Every clip of the collection, in order. Nothing below a clip is walked: there lie millions of frames."""
        found: list[tuple[Path, CefaName]] = []
        waiting = [(self._root, 0)]
        while waiting:
            folder, depth = waiting.pop()
            name = parse_name(folder.name)
            if name is not None and (folder / _FOLDERS[Modality.RGB]).is_dir():
                found.append((folder, name))
            elif depth < _DEEPEST:
                waiting += [(path, depth + 1) for path in folder.iterdir() if path.is_dir()]
        return sorted(found, key=lambda clip: clip[0])


def _frames(folder: Path) -> tuple[tuple[Files, ...], str]:
    """Evenly spread frames that all three modalities have, and what is wrong with the others."""
    numbers = {
        modality: {path.name for path in (folder / sub).glob("*") if _PICTURE.fullmatch(path.name)}
        for modality, sub in _FOLDERS.items()
    }
    shared = sorted(set.intersection(*numbers.values()))
    alone = len(set.union(*numbers.values())) - len(shared)
    problem = f"{alone} frame numbers are not in all of profile, depth and ir" if alone else ""
    chosen = [shared[i] for i in spread(len(shared), FRAMES_PER_CLIP)]
    files = tuple({m: folder / sub / name for m, sub in _FOLDERS.items()} for name in chosen)
    return files, problem if shared or alone else "it has no frames"
