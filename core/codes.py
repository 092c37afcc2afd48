"""Every state, outcome, reason and hint as a code. Only the window turns codes into sentences."""

from __future__ import annotations

from enum import StrEnum


class SourceKind(StrEnum):
    """Where frames come from. Stands in every verdict, session, export and banner; only LIVE is a real camera."""

    LIVE = "live"
    SIMULATED = "simulated"
    SCRIPTED = "scripted"
    PLAYBACK = "playback"


class Framing(StrEnum):
    """Whether the face has still to be found in the images."""

    FRAME = "frame"
    CROP = "crop"


class Outcome(StrEnum):
    """The four answers of the PAD subsystem (ISO/IEC 30107-3; refer = a person decides)."""

    BONA_FIDE = "bona_fide"
    ATTACK = "attack"
    REFER = "refer"
    NON_RESPONSE = "non_response"


class SecondLineResult(StrEnum):
    """What the second line found about a person after ATTACK or REFER."""

    CONFIRMED = "confirmed"
    FALSE_ALARM = "false_alarm"
    UNKNOWN = "unknown"


class Reason(StrEnum):
    """Why there was no response, or why a verdict was referred."""

    NONE = ""
    NO_FACE = "no_face"
    SEVERAL_FACES = "several_faces"
    NO_MODALITY = "no_modality"
    STALE = "stale"
    POOR_QUALITY = "poor_quality"
    TIMEOUT = "timeout"
    UNREADABLE = "unreadable"
    INVALID_PIXELS = "invalid_pixels"
    MODEL_ERROR = "model_error"
    LOCK_OUT = "lock_out"
    SHIFT_CHECK = "shift_check"
    POLICY_REFUSED = "policy_refused"
    AUDIT_BROKEN = "audit_broken"
    IN_BAND = "in_band"
    RGB_ALONE = "rgb_alone"
    MASK_NOT_CALIBRATED = "mask_not_calibrated"
    MASK_TOO_WEAK = "mask_too_weak"
    UNFAMILIAR = "unfamiliar"
    MASK_CHANGED = "mask_changed"
    OPERATOR = "operator"
    FROZEN_FRAMES = "frozen_frames"
    """Pixels came again at once under a new number: a sensor's noise never repeats."""
    REPEATED_FRAMES = "repeated_frames"
    """Pixels came again that were seen some time before: a loop."""
    BAD_TIMES = "bad_times"
    """Device times ran backward, jumped, or changed their clock, and not just once."""
    CHALLENGE = "challenge"
    """Taken while the camera was being challenged: kept, not judged."""
    CHALLENGE_FAILED = "challenge_failed"
    CHALLENGE_OPEN = "challenge_open"
    """The camera's answer to its challenge was still out."""
    NOT_COMMISSIONED = "not_commissioned"
    DELAYED = "delayed"


TAMPERED = frozenset({Reason.FROZEN_FRAMES, Reason.REPEATED_FRAMES, Reason.BAD_TIMES})
"""Signs in the stream itself that it does not come from a sensor just now."""


class ChallengeResult(StrEnum):
    """What came of switching the camera's light (`core.challenge`). Only the first two of a decision may accept."""

    PASSED = "passed"
    NOT_SUPPORTED = "not_supported"
    """The source has no light or exposure that can be switched."""
    FAILED = "failed"
    UNSEEN = "unseen"
    """Neither infrared nor depth came while it ran."""


class Rule(StrEnum):
    """The policy rule that gave the answer (shown to the operator as "why")."""

    THRESHOLD = "T1_threshold"
    ABSTAIN_BAND = "T2_abstain_band"
    RGB_ALONE_REFERS = "M1_rgb_alone"
    MASK_WITHOUT_THRESHOLD = "M2_mask_not_calibrated"
    IMPUTED_NEVER_RAISES = "M3_imputed_never_raises"
    MASK_CHANGED = "M4_mask_changed"
    MASK_NEVER_ACCEPTS = "M5_mask_never_accepts"
    UNFAMILIAR_REFERS = "M6_unfamiliar"
    DEADLINE = "D1_deadline"
    LOCKED_OUT = "L1_lock_out"
    SHIFT_CHECK = "S1_shift_check"
    DELAYED = "L2_delay"
    TAMPERED = "I1_tampered_frames"
    CHALLENGE = "I2_challenge"
    NOT_COMMISSIONED = "I3_not_commissioned"
    POLICY_REFUSED = "S2_policy_refused"
    AUDIT_BROKEN = "S3_audit_broken"
    ENDED = "D2_presentation_ended"


class Hint(StrEnum):
    """What the person in front of the camera, or the operator, can do about the image."""

    OK = "ok"
    NO_FACE = "no_face"
    SEVERAL_FACES = "several_faces"
    TOO_FAR = "too_far"
    TOO_NEAR = "too_near"
    TURNED = "turned"
    BLURRED = "blurred"
    DARK = "dark"
    IR_FLOODED = "ir_flooded"
    DEPTH_HOLES = "depth_holes"
    MODALITY_MISSING = "modality_missing"


class ConnectionState(StrEnum):
    """State of one camera's connection."""

    SEARCHING = "searching"
    OPENING = "opening"
    WARM_UP = "warm_up"
    STREAMING = "streaming"
    DEGRADED = "degraded"
    LOST = "lost"
    RESETTING = "resetting"
    BACK_OFF = "back_off"
    ENDED = "ended"
    FAILED = "failed"


class SessionState(StrEnum):
    """Life of a capture session."""

    OPEN = "open"
    CLOSED = "closed"
    CUT_OFF = "cut_off"
    SALVAGED = "salvaged"


class UnlabelledUse(StrEnum):
    """Which captures without a label a pass may learn from (method.md 8.2)."""

    NONE = "none"
    COLLECTED = "collected"
    """Of known people who neither judge nor calibrate, in sessions that were not recorded at a checkpoint."""
    ALL = "all"
    """Checkpoint traffic and unknown people too: one of them may be a person who judges, seen without a label."""


class SessionPurpose(StrEnum):
    """What a session was recorded for."""

    CHECKPOINT = "checkpoint"
    COLLECTION = "collection"
    IMPORT = "import"
    QUALIFICATION = "qualification"


class QualificationState(StrEnum):
    """Where one camera stands with one mask and one model (core.qualification)."""

    NOT_QUALIFIED = "not_qualified"
    MEASURING = "measuring"
    PRESENTING = "presenting"
    QUALIFIED = "qualified"
    REVOKED = "revoked"


class QualificationReason(StrEnum):
    """What set the state of a qualification."""

    NONE = ""
    BEGUN = "begun"
    MEASURED = "measured"
    BOUNDS_MET = "bounds_met"
    CANCELED = "canceled"
    PERSON = "person"
    FIRMWARE = "firmware"
    CALIBRATION = "calibration"
    PROFILE = "profile"
    DEVICE = "device"


class CameraFigure(StrEnum):
    """What a qualification measures before a flat wall."""

    DEPTH_FILL = "depth_fill"
    WALL_SUBPIXEL = "wall_subpixel"
    WALL_RMS = "wall_rms"
    WALL_TILT = "wall_tilt"
    IR_EXPONENT = "ir_exponent"
    IR_SATURATED = "ir_saturated"
    RGB_LEVEL = "rgb_level"
    SKEW = "skew"
    FRAME_RATE = "frame_rate"


class QualificationLack(StrEnum):
    """What a qualification still needs."""

    BONA_FIDE = "bona_fide"
    PEOPLE = "people"
    SPECIES = "species"
    PRESENTATIONS = "presentations"
    ARTEFACTS = "artefacts"
    APCER_BOUND = "apcer_bound"
    BPCER_BOUND = "bpcer_bound"


class RecordMode(StrEnum):
    """What a session keeps. Checkpoints keep decisions only by default (reliability.md 1.5)."""

    FRAMES = "frames"
    DECISIONS = "decisions"


class DoorReason(StrEnum):
    """Why the door is closed; ``NONE`` while it is open. The second half is what a gate controller finds itself."""

    NONE = ""
    NO_VERDICT = "no_verdict"
    NOT_BONA_FIDE = "not_bona_fide"
    ELAPSED = "elapsed"
    NOT_LIVE = "not_live"
    NOT_QUALIFIED = "not_qualified"
    SHIFT_CHECK = "shift_check"
    POLICY_REFUSED = "policy_refused"
    AUDIT_BROKEN = "audit_broken"
    LOCKED_OUT = "locked_out"
    NO_CHECKPOINT = "no_checkpoint"
    PAUSED = "paused"
    CAMERA = "camera"
    MODEL = "model"
    STORAGE = "storage"
    STOPPING = "stopping"
    SILENCE = "silence"
    NO_STATION = "no_station"
    PROTOCOL = "protocol"
    UNSIGNED = "unsigned"
    REPLAYED = "replayed"
    STALE = "stale"
    TOO_LATE = "too_late"


class JobState(StrEnum):
    """States of an adaptation job (architecture.md section 6)."""

    DRAFT = "draft"
    QUEUED = "queued"
    PREPARING = "preparing"
    TRAINING = "training"
    PAUSED = "paused"
    EVALUATING = "evaluating"
    CANDIDATE = "candidate"
    REJECTED = "rejected"
    CANCELED = "canceled"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    OUT_OF_MEMORY = "out_of_memory"
    """The machine had no memory left: it goes on from its last checkpoint once somebody resumes it."""
    PROMOTED = "promoted"
    RETIRED = "retired"


class GateResult(StrEnum):
    """What the gate says of a candidate."""

    PASSED = "passed"
    WORSE = "worse"
    NOT_BETTER = "not_better"
    INSUFFICIENT_EVIDENCE = "insufficient_evidence"


class Movement(StrEnum):
    """How the evidence of a modality stands to what it was (core.adaptation.shift)."""

    AS_BEFORE = "as_before"
    MOVED = "moved"
    MOVED_FAR = "moved_far"
    TOO_LITTLE = "too_little"


class GateReason(StrEnum):
    """Why the gate answered as it did (core.adaptation.gate; evaluation.md section 6)."""

    GAIN_SHOWN = "gain_shown"
    NO_GAIN = "no_gain"
    GAIN_OPEN = "gain_open"
    APCER_RISES = "apcer_rises"
    APCER_OPEN = "apcer_open"
    BPCER_RISES = "bpcer_rises"
    BPCER_OPEN = "bpcer_open"
    SPECIES_RISES = "species_rises"
    SPECIES_OPEN = "species_open"
    HYBRIDS_RISE = "hybrids_rise"
    HYBRIDS_OPEN = "hybrids_open"
    TOO_FEW_SUBJECTS = "too_few_subjects"
    NO_ATTACKS = "no_attacks"
    NO_BONA_FIDE = "no_bona_fide"
    PASS_UNSTABLE = "pass_unstable"
    WEIGHTS_TOO_FAR = "weights_too_far"
    DECISIONS_TOO_FAR = "decisions_too_far"
    CHAMPION_CHANGED = "champion_changed"


class ModelRole(StrEnum):
    """Aliases of the model registry."""

    FACTORY = "factory"
    CHAMPION = "champion"
    CANDIDATE = "candidate"
    PREVIOUS = "previous"
    SHADOW = "shadow"
    """Runs beside the champion; what it would have answered is stored and opens nothing."""


class SiteKeyMethod(StrEnum):
    """Where the key that protects stored frames is kept."""

    FILE = "file"
    """A file beside the data, for this user alone: nobody has set up anything yet."""
    KEYRING = "keyring"
    """The keystore of the operating system."""
    PASSPHRASE = "passphrase"
    """Nowhere: a passphrase unwraps it."""


class ClockStanding(StrEnum):
    """How the machine's clock stands to what the data folder has seen (`core.borne_out`)."""

    CREDIBLE = "credible"
    AHEAD = "ahead"
    """Implausibly far ahead of what is borne out: the station was off for long, or the clock was set ahead."""
    BEHIND = "behind"
    """Before a time that was seen already: the clock was set back, or was ahead before."""


class ErasureStep(StrEnum):
    """What an erasure does next, in this order."""

    STOP = "stop"
    KEYS = "keys"
    FRAMES = "frames"
    DERIVED = "derived"
    LINEAGE = "lineage"
    CHECKPOINT = "checkpoint"
    SEARCH = "search"
    CERTIFY = "certify"
    DONE = "done"


class Species(StrEnum):
    """Controlled list of PAI species that the program can name (free text is allowed in manifests).

    The empty string stands for bona fide, as in the manifest format.
    """

    BONA_FIDE = ""
    PRINT_FLAT = "print_flat"
    PRINT_BENT = "print_bent"
    PRINT_CUTOUT = "print_cutout"
    PRINT_WORN = "print_worn"
    REPLAY_PHONE = "replay_phone"
    REPLAY_TABLET = "replay_tablet"
    REPLAY_MONITOR = "replay_monitor"
    MASK_PAPER = "mask_paper"
    MASK_RIGID = "mask_rigid"
    MASK_FLEXIBLE = "mask_flexible"
    MASK_HALF = "mask_half"
    MANNEQUIN = "mannequin"
    PARTIAL = "partial"
    MAKEUP = "makeup"
    INFRARED_OVERLAY = "infrared_overlay"
    HYBRID_SHEET = "hybrid_sheet"
    HYBRID_MASK = "hybrid_mask"
    UNKNOWN = "unknown"


BONA_FIDE_SPELLINGS = frozenset({"bona fide", "bona_fide", "bonafide", "bona-fide"})
"""What no species may be called, in whatever case: whoever writes it means bona fide."""


class AuditFault(StrEnum):
    """What is wrong with the audit log, or with what proves it."""

    CHANGED = "changed"
    """A byte of the entry is not as it was written, or whoever wrote it did not have the key."""
    MISSING = "missing"
    """An entry was removed."""
    ORDER = "order"
    """The entry does not follow the one before it: entries were re-ordered, removed or put in."""
    FOREIGN = "foreign"
    """The entry was not chained by this data folder's key, although entries before it were."""
    EARLIER = "earlier"
    """Entries from before the chain began, or before a break was acknowledged, are not as they were then."""
    CUT = "cut"
    """A checkpoint, or the database itself, knows entries beyond the last: a cut tail, or an old file put back."""
    REPLACED = "replaced"
    """A checkpoint knows another entry of this number: an old file was put back and written on."""
    ANCHOR = "anchor"
    """A checkpoint is not signed by this data folder's key."""
    ANCHORS_GONE = "anchors_gone"
    """A station ran here, but there is no checkpoint: a cut tail could not be found."""
    KEY_LOST = "key_lost"
    """The key was gone and another took its place: what stood before cannot be verified."""
    KEY_GONE = "key_gone"
    """There are chained entries but no key: nothing can be verified."""
    GUARDS = "guards"
    """The triggers that refuse changes are gone: another program had the file open."""
    UNREADABLE = "unreadable"
    """The table is gone or has another form."""
    VERDICT_CHANGED = "verdict_changed"
    """The row of a verdict is not as its entry says. The number is the verdict's, here and in the next two."""
    VERDICT_REMOVED = "verdict_removed"
    """An entry tells of a verdict that is not there."""
    VERDICT_ADDED = "verdict_added"
    """No entry tells of this verdict."""
