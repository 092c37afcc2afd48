"""The evidence of a trace as rows of figures: the mean over the frame sets that are looked at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

from core.face_ranges import USUAL, Usual
from core.frames import MODALITIES
from core.verdict import Evidence
from gui.i18n import codes, tr
from gui.i18n.figures import digits, figure_name, figure_unit, figure_value, shown
from gui.widgets.figure_rows import Row, range_words

_NOT_DOUBT = ("logit", "score")


@dataclass(frozen=True, slots=True)
class MeanEvidence:
    """Means by name, in the order in which they first appear."""

    modality_scores: Mapping[str, float]
    residuals: Mapping[str, float]
    physics: Mapping[str, float]
    scalars: Mapping[str, float]


def mean_evidence(evidence: Sequence[Evidence]) -> MeanEvidence:
    """Means over frame sets; a figure that only some have is the mean over those."""
    names = [f.name for f in fields(Evidence) if f.name not in _NOT_DOUBT]
    scalars = [{n: v for n in names if isinstance(v := getattr(one, n), float)} for one in evidence]
    return MeanEvidence(
        _mean([one.modality_scores for one in evidence]),
        _mean([one.residuals for one in evidence]),
        _mean([one.physics for one in evidence]),
        _mean(scalars),
    )


def sensor_rows(mean: MeanEvidence) -> list[Row]:
    """Score of each modality's own head."""
    return _by_modality(mean.modality_scores)


def disagreement_rows(mean: MeanEvidence) -> list[Row]:
    """How far each modality is from what the others predict of it."""
    return _by_modality(mean.residuals)


def scalar_rows(mean: MeanEvidence) -> list[Row]:
    """Every single number that the evidence holds beside score and logit: uncertainty, and what else a model tells."""
    return [Row(figure_name(name), f"{value:.2f}", value) for name, value in mean.scalars.items()]


def physics_rows(mean: MeanEvidence) -> list[Row]:
    """Figures with a usual range first; lengths over width only where there are no millimetres."""
    named = {
        name: value
        for name, value in mean.physics.items()
        if not (name.endswith("_per_width") and name.replace("_per_width", "_mm") in mean.physics)
    }
    ranged = [_gauge(name, named[name], usual) for name, usual in USUAL.items() if name in named]
    return ranged + [
        Row(figure_name(name), figure_value(name, value), value) for name, value in named.items() if name not in USUAL
    ]


def _gauge(name: str, value: float, usual: Usual) -> Row:
    words = (tr("low"), "", tr("high"))[usual.place(value) + 1]
    high = None if usual.high is None else shown(name, usual.high)
    note = range_words(Usual(shown(name, usual.low), high), digits(name), figure_unit(name))
    told = f"{figure_value(name, value)}  {words}".rstrip()
    return Row(figure_name(name), told, value, strong=bool(words), usual=usual, note=note)


def _by_modality(values: Mapping[str, float]) -> list[Row]:
    return [Row(codes.modality(m), f"{values[m]:.2f}", values[m]) for m in MODALITIES if m in values]


def _mean(tables: Sequence[Mapping[str, float]]) -> dict[str, float]:
    names = dict.fromkeys(name for table in tables for name in table)
    found = {name: [table[name] for table in tables if name in table] for name in names}
    return {name: sum(values) / len(values) for name, values in found.items()}
