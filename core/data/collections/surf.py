"""CASIA-SURF: RGB, depth, infrared of a RealSense, 1,000 people, prints with cut-out regions (method.md section 7.2).

Lists of pictures, ``color depth ir label`` with **1 = bona fide**, CRLF in the MMDG lists. Three forms of the paths:
``Training/real_part/<subject>/real.rssdk/color/131.jpg`` and ``Val/0000/000000-color.jpg`` of the challenge (nobody is
named there: one picture is one presentation of somebody unknown), and
``CASIA-SURF-CROP/real_part/real_val_part/<subject>/<clip>.rssdk/color/161.jpg`` of the MMDG and Flexible-Modal lists.

Head crops on black; depth is 8 bits and its direction is not documented: it is measured on bona fide clips.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from core.codes import Framing, Species
from core.data.collections.clips import Clip, Direction, Plan, Sensor
from core.data.collections.lists import find_list
from core.data.collections.literature import DEV_NOTE, ORACLE_NOTE, leave_one_out
from core.data.collections.pictures_lists import Named, clips_of_list
from core.data.collections.protocol import Reporting
from core.data.collections.species import SURF_CLIPS
from core.data.manifest import LeftOut

_SENSOR = Sensor(Framing.CROP, Direction.MEASURED)
_NAMELESS = re.compile(r"(\d+)[-_](?:color|profile)")
_CHALLENGE = {
    "train": r"train_list\.txt",
    "dev": r"val_private_list\.txt",
    "eval": r"test_private_list\.txt",
}
_MMDG = {"train": "train", "dev": "(val|dev|valid)", "eval": "test"}


def describe(picture: PurePosixPath) -> Named | None:
    """The clip of one of the three forms; species ``None`` for the challenge's nameless pictures."""
    folder = picture.parent.parent
    if folder.suffix == ".rssdk":
        species = SURF_CLIPS.get(folder.stem)
        if species is None or (species == "") != ("real_part" in picture.parts):
            return None
        parts = [part for part in picture.parts if part.endswith("_part")]
        return Named("/".join((*parts[-1:], folder.parent.name, folder.name)), f"surf-{folder.parent.name}", species)
    found = _NAMELESS.fullmatch(picture.stem)
    if found is None:
        return None
    return Named("/".join((*picture.parts[-3:-1], found.group(1))), "", None)


class SurfReader:
    """See `core.data.collections.clips.Reader`."""

    name = "casia-surf"
    protocols: tuple[str, ...] = ("challenge", "mmdg")

    def __init__(self, root: Path) -> None:
        self._root = root

    def plan(self, protocol: str, splits: Sequence[str]) -> Plan:
        """See `Reader.plan`."""
        if protocol == "mmdg":
            parts = [self.mmdg_clips(split) for split in splits]
            reporting = Reporting("oracle_eer", (0.01, 0.001), leave_one_out("S"), ORACLE_NOTE)
        else:
            parts = [self._clips(split, _CHALLENGE[split]) for split in splits]
            reporting = Reporting("dev_eer", (0.01, 0.001, 0.0001), (), DEV_NOTE)
        clips = tuple(clip for found, _ in parts for clip in found)
        return Plan(clips, reporting, tuple(entry for _, left_out in parts for entry in left_out))

    def mmdg_clips(self, split: str) -> tuple[list[Clip], list[LeftOut]]:
        """Clips of one split of the MMDG benchmark."""
        return self._clips(split, rf"(s|surf|casia[-_]surf)[-_]{_MMDG[split]}\.txt")

    def _clips(self, split: str, pattern: str) -> tuple[list[Clip], list[LeftOut]]:
        path = find_list(self._root, pattern, f"CASIA-SURF {split}")
        root = self._picture_root(path)
        return clips_of_list(path, root, split, self.name, _SENSOR, describe, Species.PRINT_CUTOUT)

    def _picture_root(self, path: Path) -> Path:
        """The challenge's lists name pictures relative to the folder of the list, the others relative to the root."""
        return path.parent if path.name.lower().endswith("_list.txt") else self._root
