"""One qualification, the states it may go through, and what the records of a camera allow together. No SQL, no clock.

``not_qualified -> measuring -> presenting -> qualified -> revoked``; it may be canceled before it stands, and is
revoked from any state. A record that has ended stays as it is: whoever tries again begins another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.camera_identity import CameraIdentity
from core.codes import QualificationReason, QualificationState, SourceKind
from core.errors import InputError, sentence
from core.frames import ModalityMask
from core.qualification.checks import Check
from core.qualification.wall import Placement

State = QualificationState

NEXT: Mapping[State, frozenset[State]] = {
    State.MEASURING: frozenset({State.PRESENTING, State.NOT_QUALIFIED, State.REVOKED}),
    State.PRESENTING: frozenset({State.QUALIFIED, State.NOT_QUALIFIED, State.REVOKED}),
    State.QUALIFIED: frozenset({State.REVOKED}),
    State.NOT_QUALIFIED: frozenset(),
    State.REVOKED: frozenset(),
}
RUNNING = frozenset({State.MEASURING, State.PRESENTING})
_PINNED: Mapping[str, QualificationReason] = {
    "firmware": QualificationReason.FIRMWARE,
    "streams": QualificationReason.PROFILE,
    "calibration": QualificationReason.CALIBRATION,
    "name": QualificationReason.DEVICE,
    "asic_serial": QualificationReason.DEVICE,
    "product_id": QualificationReason.DEVICE,
}
"""A change of these revokes, the first that changed being told. The port is commissioning's business."""


@dataclass(frozen=True, slots=True)
class Qualification:
    """One camera, one mask, one model. ``checks`` are the figures that brought it from measuring to presenting."""

    id: int
    camera: str
    source_kind: SourceKind
    identity: CameraIdentity
    mask: ModalityMask
    model: str
    state: State
    reason: QualificationReason
    note: str
    placements: tuple[Placement, ...]
    checks: tuple[Check, ...]
    actor: str
    begun_utc_s: float
    changed_utc_s: float

    @property
    def rehearsal(self) -> bool:
        """Whether the camera is not live: everything may be tried, nothing ever counts."""
        return self.source_kind is not SourceKind.LIVE

    @property
    def counts(self) -> bool:
        """Whether it makes verdicts count: it stands, and its camera is live."""
        return self.state is State.QUALIFIED and not self.rehearsal

    @property
    def running(self) -> bool:
        """Whether it can be gone on with."""
        return self.state in RUNNING


def step(before: State, after: State) -> None:
    """Raises `InputError` unless a record may go from one state to the other."""
    if after not in NEXT[before]:
        raise InputError(
            sentence("This qualification is {before} and cannot become {after}.", before=before, after=after),
            "See `main.py qualify status`, or begin anew.",
        )


def camera_key(identity: CameraIdentity, source_kind: SourceKind) -> str:
    """What tells one camera from another: kind and serial number.

    Raises:
        InputError: a live camera without a serial number can be exchanged without anybody noticing.
    """
    if source_kind is SourceKind.LIVE and not identity.serial:
        raise InputError(
            sentence("{name} states no serial number and cannot be qualified.", name=identity.name),
            "Use a camera that identifies itself.",
        )
    return f"{source_kind}:{identity.serial or identity.name}"


def qualified_masks(
    records: Sequence[Qualification], source_kind: SourceKind, identity: CameraIdentity, model: str
) -> frozenset[ModalityMask]:
    """Masks under which verdicts of this camera count, with this model; never any for a camera that is not live.

    ``records`` of any camera, oldest first: of each mask and model the newest decides, and it holds only for a camera
    that is still as it was.
    """
    if source_kind is not SourceKind.LIVE or not identity.serial:
        return frozenset()
    newest: dict[ModalityMask, Qualification] = {}
    for record in records:
        if (record.camera, record.model) == (camera_key(identity, source_kind), model):
            newest[record.mask] = record
    return frozenset(mask for mask, record in newest.items() if record.counts and _as_it_was(record, identity))


def changed(record: Qualification, seen: CameraIdentity) -> QualificationReason:
    """Why ``seen``, the same camera as it is now, ends this record; `QualificationReason.NONE` if it does not.

    A camera of which a stream could not be opened, all else equal, is not the same and has not changed either: nothing
    counts while it lasts (`qualified_masks`), and nothing is revoked.
    """
    fields = {change.field for change in record.identity.changes(seen)} & set(_PINNED)
    opened = set(seen.streams.split(", ")) if seen.streams else set()
    if opened < set(record.identity.streams.split(", ")):
        fields -= {"streams", "calibration"}
    return next((reason for field, reason in _PINNED.items() if field in fields), QualificationReason.NONE)


def _as_it_was(record: Qualification, identity: CameraIdentity) -> bool:
    return not {change.field for change in record.identity.changes(identity)} & set(_PINNED)
