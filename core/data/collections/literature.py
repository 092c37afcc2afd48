"""Published figures, so that they stand beside ours and never in their place.

HTER and AUC in per cent, leave-one-dataset-out and complete modalities, as printed in Table 1 of PA-FAS (AAAI 2026),
method.md section 2.4. They are **not comparable line by line**: the threshold is the equal-error point of the test set
itself, the epoch is the best of all on that test set, and every line of a list counts as a trial (method.md 2.5).
Numbers for the same method differ by more than 30 points between papers.
"""

from __future__ import annotations

from core.data.collections.protocol import Published

ORACLE_NOTE = (
    "Published figures use the threshold and the epoch that are best on the test set, and count pictures; ours count "
    "presentations. Compare the column literature_oracle with them, and no other."
)
DEV_NOTE = "Papers take the threshold from the dev split and count frames or videos; ours count presentations."

_P1: dict[str, tuple[tuple[float, float], tuple[float, float], tuple[float, float], tuple[float, float]]] = {
    "SSDG": ((26.09, 82.03), (28.50, 75.91), (41.82, 60.56), (40.48, 62.31)),
    "ViT": ((20.88, 84.77), (44.05, 57.94), (33.58, 71.80), (42.15, 56.45)),
    "AMA (M2A2E)": ((17.56, 88.74), (27.50, 80.00), (21.18, 85.51), (47.48, 55.56)),
    "VP-FAS": ((16.26, 91.22), (24.42, 81.07), (21.76, 85.46), (39.35, 66.55)),
    "CMFL": ((18.22, 88.82), (31.20, 75.66), (26.68, 80.85), (36.93, 66.82)),
    "FLIP": ((13.19, 93.79), (11.73, 94.93), (17.39, 90.63), (22.14, 83.95)),
    "MMDG": ((12.79, 93.83), (15.32, 92.86), (18.95, 88.64), (29.93, 76.52)),
    "DADM": ((11.71, 94.89), (6.92, 97.66), (19.03, 88.22), (16.87, 91.08)),
    "PA-FAS": ((2.39, 99.73), (27.75, 78.07), (9.48, 94.50), (21.23, 84.25)),
}
_COLUMNS = ("W", "S", "P", "C")

_P3: dict[str, dict[str, tuple[float, float]]] = {
    "CW-PS": {"MMDG": (20.12, 88.24), "DADM": (12.61, 93.81), "FLIP": (15.92, 92.38), "ViT": (42.66, 57.80)},
    "PS-CW": {"MMDG": (36.60, 70.35), "DADM": (20.40, 89.51), "FLIP": (23.85, 83.46), "ViT": (42.75, 60.41)},
}


def leave_one_out(target: str) -> tuple[Published, ...]:
    """Table 1 for the target ``W``, ``S``, ``P`` or ``C``, trained on the other three."""
    column = _COLUMNS.index(target)
    return tuple(Published(method, *figures[column]) for method, figures in _P1.items())


def limited_sources(protocol: str) -> tuple[Published, ...]:
    """Table 3: ``CW-PS`` or ``PS-CW``."""
    return tuple(Published(method, *figures) for method, figures in _P3[protocol].items())
