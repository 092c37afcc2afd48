"""What can be known of a protocol's rows without a model: their number and their people.

Nothing here is left out or changed; it warns.
"""

from __future__ import annotations

from collections.abc import Sequence

from core.data.collections.clips import Clip
from core.data.manifest import ManifestRow

_MASKS = 1123
_EXPECTED: dict[tuple[str, str], dict[str, tuple[int, int | None]]] = {
    ("wmca", "mmdg"): {"train": (1694, 372), "dev": (1670, 324), "eval": (1670, 345)},
    ("wmca", "grandtest"): {"train": (565, 124), "dev": (557, 108), "eval": (557, 115)},
    ("casia-surf", "mmdg"): {"train": (6296, 900), "dev": (2099, 300), "eval": (12563, 1800)},
    ("cefa", "mmdg"): {"train": (4799, 1200), "dev": (2400, 601), "eval": (6738, 1200)},
    **{("cefa", f"1_{i}"): {"train": (800, 200), "dev": (400, 100), "eval": (1600 + _MASKS, 400)} for i in (1, 2, 3)},
    ("cefa", "2_1"): {"train": (1800, 600), "dev": (900, 300), "eval": (1200 + _MASKS, 600)},
    ("cefa", "2_2"): {"train": (1200, 600), "dev": (600, 300), "eval": (1800 + _MASKS, 600)},
    **{("cefa", f"4_{i}"): {"train": (400, 200), "dev": (200, 100), "eval": (1200 + _MASKS, 400)} for i in (1, 2, 3)},
    ("padisi", "mmdg"): {"train": (1090, None), "dev": (272, None), "eval": (667, None)},
    ("padisi", "3folds_part0"): {"train": (1090, None), "dev": (272, None), "eval": (667, None)},
    ("hq-wmca", "grand_test-curated"): {"train": (846, 228), "dev": (912, 145), "eval": (814, 182)},
    ("3dmad", "classification"): {"train": (105, 70), "dev": (75, 50), "eval": (75, 50)},
}
"""Lines (or clips, where lists name clips) and bona fide ones of each split, as published or counted (method.md 7)."""


def count_warnings(protocol: str, clips: Sequence[Clip], splits: Sequence[str]) -> list[str]:
    """Where a split has another size than the published one: a part of the collection, or an edited list."""
    warnings = []
    for collection in dict.fromkeys(clip.collection for clip in clips):
        for split, (lines, bona_fide) in _EXPECTED.get((collection, protocol.replace("@", "_")), {}).items():
            found = [clip for clip in clips if clip.collection == collection and clip.split == split]
            if split not in splits or not found:
                continue
            counted = sum(len(clip.lines) or 1 for clip in found)
            live = sum(len(clip.lines) or 1 for clip in found if not clip.species)
            if counted != lines or (bona_fide is not None and live != bona_fide):
                wanted = f"{lines:,}" + (f" ({bona_fide:,} bona fide)" if bona_fide is not None else "")
                told = f"{counted:,} entries ({live:,} bona fide); the published one has {wanted}"
                warnings.append(f"{collection} {protocol} {split}: {told}")
    return warnings


def people_warnings(splits: dict[str, Sequence[ManifestRow]]) -> list[str]:
    """Subjects who are in more than one split: figures then say less about people whom nobody has seen."""
    names = list(splits)
    people = {split: {row.subject for row in rows if row.subject} for split, rows in splits.items()}
    warnings = []
    for i, one in enumerate(names):
        for other in names[i + 1 :]:
            shared = people[one] & people[other]
            if shared:
                warnings.append(f"{len(shared)} subjects are in {one} and in {other}")
    return warnings
