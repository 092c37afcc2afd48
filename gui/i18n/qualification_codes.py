"""Words of a qualification: its states, what set them, what is measured, what is missing."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from core.codes import CameraFigure, QualificationLack, QualificationReason, QualificationState
from core.qualification.rules import Lack
from gui.i18n.translator import tr

_STATE: Mapping[StrEnum, str] = {
    QualificationState.NOT_QUALIFIED: "not qualified",
    QualificationState.MEASURING: "being measured",
    QualificationState.PRESENTING: "taking presentations",
    QualificationState.QUALIFIED: "qualified",
    QualificationState.REVOKED: "revoked",
}
_REASON: Mapping[StrEnum, str] = {
    QualificationReason.NONE: "",
    QualificationReason.BEGUN: "begun",
    QualificationReason.MEASURED: "the measurements passed",
    QualificationReason.BOUNDS_MET: "the presentations were enough",
    QualificationReason.CANCELED: "canceled",
    QualificationReason.PERSON: "ended by a person",
    QualificationReason.FIRMWARE: "the firmware has changed",
    QualificationReason.CALIBRATION: "the calibration has changed",
    QualificationReason.PROFILE: "the streams have changed",
    QualificationReason.DEVICE: "the device has changed",
}
_FIGURE: Mapping[StrEnum, str] = {
    CameraFigure.DEPTH_FILL: "Depth fill on the wall",
    CameraFigure.WALL_SUBPIXEL: "Depth noise on the wall, px",
    CameraFigure.WALL_RMS: "Depth noise on the wall, mm",
    CameraFigure.WALL_TILT: "Wall out of square, degrees",
    CameraFigure.IR_EXPONENT: "Infrared fall-off, exponent",
    CameraFigure.IR_SATURATED: "Infrared saturated",
    CameraFigure.RGB_LEVEL: "Exposure of colour, 0 to 255",
    CameraFigure.SKEW: "Skew within a set, ms",
    CameraFigure.FRAME_RATE: "Frame rate over the promised",
}
_LACK: Mapping[StrEnum, str] = {
    QualificationLack.BONA_FIDE: "{n} bona fide presentations",
    QualificationLack.PEOPLE: "{n} more people",
    QualificationLack.SPECIES: "{n} more species of attack",
    QualificationLack.PRESENTATIONS: "{species}: {n} presentations",
    QualificationLack.ARTEFACTS: "{species}: {n} more artefacts",
    QualificationLack.APCER_BOUND: "{species}: {n} presentations without another that gets in",
    QualificationLack.BPCER_BOUND: "{n} bona fide presentations without another error",
}

TABLES: Mapping[type[StrEnum], tuple[Mapping[StrEnum, str], ...]] = {
    QualificationState: (_STATE,),
    QualificationReason: (_REASON,),
    CameraFigure: (_FIGURE,),
    QualificationLack: (_LACK,),
}
"""Every enum of a qualification that is shown, with its table."""


def state(code: QualificationState) -> str:
    """Where a qualification stands."""
    return tr(_STATE[code])


def reason(code: QualificationReason) -> str:
    """What set the state."""
    return tr(_REASON[code]) if _REASON[code] else ""


def figure(code: CameraFigure) -> str:
    """One measured figure."""
    return tr(_FIGURE[code])


def lack(found: Lack, species: str) -> str:
    """What is still needed; ``species`` in words."""
    return tr(_LACK[found.what], n=found.more, species=species)
