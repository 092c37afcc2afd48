"""Codes of the core become words here, and only here; a test proves that every member has both languages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum

from core.codes import (
    ConnectionState,
    DoorReason,
    GateReason,
    GateResult,
    Hint,
    JobState,
    ModelRole,
    Movement,
    Outcome,
    Reason,
    Rule,
    SessionPurpose,
    SessionState,
    SourceKind,
    Species,
)
from core.frames import MODALITIES, Modality, ModalityMask
from gui.i18n.audit_codes import TABLES as AUDIT_TABLES
from gui.i18n.people_codes import TABLES as PEOPLE_TABLES
from gui.i18n.protection_codes import TABLES as PROTECTION_TABLES
from gui.i18n.qualification_codes import TABLES as QUALIFICATION_TABLES
from gui.i18n.translator import tr

_MODALITY: Mapping[StrEnum, str] = {Modality.RGB: "Colour", Modality.DEPTH: "Depth", Modality.IR: "Infrared"}

_OUTCOME: Mapping[StrEnum, str] = {
    Outcome.BONA_FIDE: "BONA FIDE",
    Outcome.ATTACK: "ATTACK",
    Outcome.REFER: "REFER",
    Outcome.NON_RESPONSE: "NO RESPONSE",
}

_WATERMARK: Mapping[StrEnum, str] = {
    SourceKind.LIVE: "SHADOW",
    SourceKind.SIMULATED: "SIMULATED",
    SourceKind.SCRIPTED: "SCRIPTED",
    SourceKind.PLAYBACK: "PLAYBACK",
}

_SOURCE: Mapping[StrEnum, str] = {
    SourceKind.LIVE: "live",
    SourceKind.SIMULATED: "simulated",
    SourceKind.SCRIPTED: "scripted",
    SourceKind.PLAYBACK: "playback",
}

_HINT_LARGE: Mapping[StrEnum, str] = {
    Hint.OK: "HOLD STILL",
    Hint.NO_FACE: "READY",
    Hint.SEVERAL_FACES: "ONE PERSON ONLY",
    Hint.TOO_FAR: "MOVE CLOSER",
    Hint.TOO_NEAR: "MOVE BACK",
    Hint.TURNED: "LOOK AT THE CAMERA",
    Hint.BLURRED: "HOLD STILL",
    Hint.DARK: "MORE LIGHT, PLEASE",
    Hint.IR_FLOODED: "STEP OUT OF THE SUNLIGHT",
    Hint.DEPTH_HOLES: "HOLD STILL",
    Hint.MODALITY_MISSING: "HOLD STILL",
}

_HINT: Mapping[StrEnum, str] = {
    Hint.OK: "good picture",
    Hint.NO_FACE: "no face in view",
    Hint.SEVERAL_FACES: "more than one face",
    Hint.TOO_FAR: "too far",
    Hint.TOO_NEAR: "too near",
    Hint.TURNED: "face turned away",
    Hint.BLURRED: "blurred",
    Hint.DARK: "too dark",
    Hint.IR_FLOODED: "infrared flooded",
    Hint.DEPTH_HOLES: "depth has holes",
    Hint.MODALITY_MISSING: "a sensor is missing",
}

_REASON: Mapping[StrEnum, str] = {
    Reason.NONE: "",
    Reason.NO_FACE: "no face was found",
    Reason.SEVERAL_FACES: "more than one face",
    Reason.NO_MODALITY: "no sensor delivered",
    Reason.STALE: "the pictures were too old",
    Reason.POOR_QUALITY: "the pictures were not good enough",
    Reason.TIMEOUT: "time ran out",
    Reason.UNREADABLE: "the pictures could not be read",
    Reason.INVALID_PIXELS: "the pictures held invalid values",
    Reason.MODEL_ERROR: "the model did not answer",
    Reason.LOCK_OUT: "the station is locked",
    Reason.SHIFT_CHECK: "the start-of-shift check is due or has failed",
    Reason.POLICY_REFUSED: "the stored site policy cannot be trusted",
    Reason.AUDIT_BROKEN: "the audit log is broken, and nobody has acknowledged it",
    Reason.IN_BAND: "too close to the threshold",
    Reason.RGB_ALONE: "colour alone does not decide",
    Reason.MASK_NOT_CALIBRATED: "no threshold for these sensors",
    Reason.MASK_TOO_WEAK: "too few sensors to accept somebody",
    Reason.UNFAMILIAR: "unlike anything the model knows",
    Reason.MASK_CHANGED: "a sensor dropped or returned meanwhile",
    Reason.OPERATOR: "the operator decided",
    Reason.FROZEN_FRAMES: "the same pictures came again and again",
    Reason.REPEATED_FRAMES: "pictures came that had been seen before",
    Reason.BAD_TIMES: "the camera's times ran backward or jumped",
    Reason.CHALLENGE: "taken while the camera's light was switched",
    Reason.CHALLENGE_FAILED: "the pictures did not follow the camera's light",
    Reason.CHALLENGE_OPEN: "the camera's light could not be checked in time",
    Reason.NOT_COMMISSIONED: "no technician has accepted this camera",
    Reason.DELAYED: "too many tries in a short time",
}

_RULE: Mapping[StrEnum, str] = {
    Rule.THRESHOLD: "score against the threshold",
    Rule.ABSTAIN_BAND: "inside the band that is referred",
    Rule.RGB_ALONE_REFERS: "colour alone is referred",
    Rule.MASK_WITHOUT_THRESHOLD: "sensors without a threshold are referred",
    Rule.IMPUTED_NEVER_RAISES: "a missing sensor never raises the score",
    Rule.MASK_NEVER_ACCEPTS: "these sensors may refuse, never accept",
    Rule.UNFAMILIAR_REFERS: "the unfamiliar is referred",
    Rule.MASK_CHANGED: "a changed set of sensors is referred",
    Rule.DEADLINE: "no answer before the deadline",
    Rule.LOCKED_OUT: "locked after repeated attacks",
    Rule.SHIFT_CHECK: "no verdict before the start-of-shift check",
    Rule.DELAYED: "a wait after repeated tries",
    Rule.TAMPERED: "pictures that no sensor takes are not judged",
    Rule.CHALLENGE: "nobody is accepted before the camera's light was checked",
    Rule.NOT_COMMISSIONED: "a camera that nobody accepted decides nothing",
    Rule.POLICY_REFUSED: "no verdict under a site policy that cannot be trusted",
    Rule.AUDIT_BROKEN: "no verdict while the audit log cannot show who did what",
    Rule.ENDED: "the presentation ended first",
}

_CONNECTION: Mapping[StrEnum, str] = {
    ConnectionState.SEARCHING: "Looking for the camera",
    ConnectionState.OPENING: "Opening the camera",
    ConnectionState.WARM_UP: "Warming up",
    ConnectionState.STREAMING: "Streaming",
    ConnectionState.DEGRADED: "A stream is missing",
    ConnectionState.LOST: "Connection lost",
    ConnectionState.RESETTING: "Resetting the camera",
    ConnectionState.BACK_OFF: "Waiting before the next try",
    ConnectionState.ENDED: "Recording has ended",
    ConnectionState.FAILED: "Camera given up",
}

_DOOR: Mapping[StrEnum, str] = {
    DoorReason.NONE: "",
    DoorReason.NO_VERDICT: "no verdict yet",
    DoorReason.NOT_BONA_FIDE: "the last verdict does not open",
    DoorReason.ELAPSED: "its time is over",
    DoorReason.NOT_LIVE: "not a live camera",
    DoorReason.NOT_QUALIFIED: "the camera is not qualified",
    DoorReason.SHIFT_CHECK: "the start-of-shift check is missing",
    DoorReason.POLICY_REFUSED: "the stored site policy cannot be trusted",
    DoorReason.AUDIT_BROKEN: "the audit log is broken, and nobody has acknowledged it",
    DoorReason.LOCKED_OUT: "the station is locked",
    DoorReason.NO_CHECKPOINT: "not a checkpoint session",
    DoorReason.PAUSED: "kept closed by a person",
    DoorReason.CAMERA: "the camera does not deliver",
    DoorReason.MODEL: "no model answers",
    DoorReason.STORAGE: "something could not be stored",
    DoorReason.STOPPING: "the station ends",
    DoorReason.SILENCE: "the station was silent",
    DoorReason.NO_STATION: "no station",
    DoorReason.PROTOCOL: "what arrived is no door line",
    DoorReason.UNSIGNED: "what arrived is not signed by the station",
    DoorReason.REPLAYED: "an old line came again",
    DoorReason.STALE: "what arrived was too old",
    DoorReason.TOO_LATE: "opened before the controller listened",
}

_SESSION: Mapping[StrEnum, str] = {
    SessionState.OPEN: "open",
    SessionState.CLOSED: "closed",
    SessionState.CUT_OFF: "cut off",
    SessionState.SALVAGED: "salvaged",
}

_PURPOSE: Mapping[StrEnum, str] = {
    SessionPurpose.CHECKPOINT: "checkpoint",
    SessionPurpose.COLLECTION: "collection",
    SessionPurpose.IMPORT: "import",
    SessionPurpose.QUALIFICATION: "qualification",
}


_JOB: Mapping[StrEnum, str] = {
    JobState.DRAFT: "draft",
    JobState.QUEUED: "queued",
    JobState.PREPARING: "preparing the data",
    JobState.TRAINING: "training",
    JobState.PAUSED: "paused",
    JobState.EVALUATING: "judging the candidate",
    JobState.CANDIDATE: "candidate passed the gate",
    JobState.REJECTED: "refused",
    JobState.CANCELED: "canceled",
    JobState.FAILED: "failed",
    JobState.INTERRUPTED: "interrupted, can be resumed",
    JobState.OUT_OF_MEMORY: "out of memory, can be resumed",
    JobState.PROMOTED: "promoted",
    JobState.RETIRED: "retired",
}

_GATE: Mapping[StrEnum, str] = {
    GateResult.PASSED: "The gate is passed",
    GateResult.WORSE: "Refused: the candidate is worse",
    GateResult.NOT_BETTER: "Refused: the candidate is not better",
    GateResult.INSUFFICIENT_EVIDENCE: "Insufficient evidence",
}

_GATE_REASON: Mapping[StrEnum, str] = {
    GateReason.GAIN_SHOWN: "fewer errors, shown",
    GateReason.NO_GAIN: "no fewer errors",
    GateReason.GAIN_OPEN: "fewer errors, not yet shown",
    GateReason.APCER_RISES: "more attacks accepted",
    GateReason.APCER_OPEN: "attacks accepted: too little data",
    GateReason.BPCER_RISES: "more bona fide refused",
    GateReason.BPCER_OPEN: "bona fide refused: too little data",
    GateReason.SPECIES_RISES: "one species is accepted more often",
    GateReason.SPECIES_OPEN: "one species: too little data",
    GateReason.HYBRIDS_RISE: "more hybrids accepted",
    GateReason.HYBRIDS_OPEN: "hybrids: too little data",
    GateReason.TOO_FEW_SUBJECTS: "too few subjects to judge on",
    GateReason.NO_ATTACKS: "no attacks to judge on",
    GateReason.NO_BONA_FIDE: "no bona fide to judge on",
    GateReason.PASS_UNSTABLE: "the pass ran off and went back: look at the labels",
    GateReason.WEIGHTS_TOO_FAR: "too far from the factory model: weights",
    GateReason.DECISIONS_TOO_FAR: "too far from the factory model: decisions",
    GateReason.CHAMPION_CHANGED: "another champion was deployed meanwhile: plan again",
}

_MOVEMENT: Mapping[StrEnum, str] = {
    Movement.AS_BEFORE: "as before",
    Movement.MOVED: "moved",
    Movement.MOVED_FAR: "moved far",
    Movement.TOO_LITTLE: "too little to tell",
}

_GATE_HOLDS: Mapping[StrEnum, str] = {
    **_GATE_REASON,
    GateReason.APCER_RISES: "no more attacks accepted",
    GateReason.BPCER_RISES: "no more bona fide refused",
    GateReason.SPECIES_RISES: "this species is not accepted more often",
    GateReason.HYBRIDS_RISE: "no more hybrids accepted",
    GateReason.TOO_FEW_SUBJECTS: "enough subjects to judge on",
}

_ROLE: Mapping[StrEnum, str] = {
    ModelRole.FACTORY: "factory",
    ModelRole.CHAMPION: "champion",
    ModelRole.CANDIDATE: "candidate",
    ModelRole.SHADOW: "in shadow",
    ModelRole.PREVIOUS: "previous",
}

_SPECIES: Mapping[StrEnum, str] = {
    Species.BONA_FIDE: "bona fide",
    Species.PRINT_FLAT: "print, flat",
    Species.PRINT_BENT: "print, bent",
    Species.PRINT_CUTOUT: "print, eyes cut out",
    Species.PRINT_WORN: "print, worn on the face",
    Species.REPLAY_PHONE: "replay on a phone",
    Species.REPLAY_TABLET: "replay on a tablet",
    Species.REPLAY_MONITOR: "replay on a monitor",
    Species.MASK_PAPER: "mask, paper",
    Species.MASK_RIGID: "mask, rigid",
    Species.MASK_FLEXIBLE: "mask, flexible",
    Species.MASK_HALF: "mask, half",
    Species.MANNEQUIN: "mannequin",
    Species.PARTIAL: "partial attack",
    Species.MAKEUP: "make-up of another face",
    Species.INFRARED_OVERLAY: "another face in infrared",
    Species.HYBRID_SHEET: "hybrid, sheet",
    Species.HYBRID_MASK: "hybrid, mask",
    Species.UNKNOWN: "unknown attack",
}

TABLES: Mapping[type[StrEnum], tuple[Mapping[StrEnum, str], ...]] = {
    Modality: (_MODALITY,),
    Outcome: (_OUTCOME,),
    SourceKind: (_WATERMARK, _SOURCE),
    Hint: (_HINT_LARGE, _HINT),
    Reason: (_REASON,),
    Rule: (_RULE,),
    ConnectionState: (_CONNECTION,),
    DoorReason: (_DOOR,),
    SessionState: (_SESSION,),
    SessionPurpose: (_PURPOSE,),
    JobState: (_JOB,),
    GateReason: (_GATE_REASON, _GATE_HOLDS),
    GateResult: (_GATE,),
    Movement: (_MOVEMENT,),
    ModelRole: (_ROLE,),
    Species: (_SPECIES,),
    **QUALIFICATION_TABLES,
    **PROTECTION_TABLES,
    **PEOPLE_TABLES,
    **AUDIT_TABLES,
}
"""Every enum that is shown, with its tables of texts."""


def _text(table: Mapping[StrEnum, str], code: StrEnum) -> str:
    text = table[code]
    return tr(text) if text else ""


def modality(code: Modality) -> str:
    """``Colour``, ``Depth``, ``Infrared``."""
    return _text(_MODALITY, code)


def mask(code: ModalityMask) -> str:
    """The present modalities, as ``Colour + Depth``."""
    return " + ".join(modality(m) for m in MODALITIES if m in code) or tr("none")


def outcome(code: Outcome) -> str:
    """The word of the banner."""
    return _text(_OUTCOME, code)


def watermark(code: SourceKind, shadow: bool) -> str:
    """The word over what is not a qualified live camera; a live camera carries SHADOW unless it is qualified."""
    return "" if code is SourceKind.LIVE and not shadow else _text(_WATERMARK, code)


def source(code: SourceKind) -> str:
    """Kind of source, within a sentence."""
    return _text(_SOURCE, code)


def large_hint(hints: Iterable[Hint]) -> str:
    """What the person in front of the camera should do, from the first hint that is not ``ok``."""
    return _text(_HINT_LARGE, next((h for h in hints if h is not Hint.OK), Hint.OK))


def hint(code: Hint) -> str:
    """The hint for the operator."""
    return _text(_HINT, code)


def reason(code: Reason) -> str:
    """Why there was no answer, or why it was referred."""
    return _text(_REASON, code)


def rule(code: Rule) -> str:
    """The policy rule, with its short name: ``T1: score against the threshold``."""
    return f"{code.value.split('_', 1)[0]}: {_text(_RULE, code)}"


def connection(code: ConnectionState) -> str:
    """State of the camera's connection."""
    return _text(_CONNECTION, code)


def door(code: DoorReason) -> str:
    """Why the door is closed."""
    return _text(_DOOR, code)


def session_state(code: SessionState) -> str:
    """State of a session."""
    return _text(_SESSION, code)


def purpose(code: SessionPurpose) -> str:
    """What a session was recorded for."""
    return _text(_PURPOSE, code)


def job(code: JobState) -> str:
    """State of an adaptation job."""
    return _text(_JOB, code)


def gate(code: GateResult) -> str:
    """What the gate says."""
    return _text(_GATE, code)


def gate_reason(code: GateReason) -> str:
    """Why a check of the gate does not hold."""
    return _text(_GATE_REASON, code)


def movement(code: Movement) -> str:
    """How the evidence of a sensor stands to what it was."""
    return _text(_MOVEMENT, code)


def gate_holds(code: GateReason) -> str:
    """The same check where it holds."""
    return _text(_GATE_HOLDS, code)


def role(code: ModelRole) -> str:
    """Alias of a model."""
    return _text(_ROLE, code)


def species(value: str | None) -> str:
    """A PAI species of the controlled list; free text stays as it is; ``None`` = not labelled."""
    if value is None:
        return tr("not labelled")
    return _text(_SPECIES, Species(value)) if value in Species.__members__.values() else value
