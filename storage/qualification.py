"""What a person does with qualifications: the permission is asked here, whoever calls (window or command line)."""

from __future__ import annotations

from collections.abc import Sequence

from core.access import Permission
from core.camera_identity import CameraIdentity
from core.codes import SourceKind
from core.frames import EVERY_MASK, FrameSet, ModalityMask
from core.qualification.checks import checks, passed
from core.qualification.record import Qualification, camera_key, qualified_masks
from core.qualification.rules import Judgement
from core.qualification.wall import measure
from storage.catalogue import Catalogue
from storage.repositories.qualifications import commissioned


def begin(
    catalogue: Catalogue, identity: CameraIdentity, source_kind: SourceKind, mask: ModalityMask, model: str
) -> Qualification:
    """Begin, or go on with the one that runs for this camera, mask and model. Raises `KnownError`."""
    catalogue.require(Permission.QUALIFY)
    repository = catalogue.qualifications
    repository.follow(identity, source_kind)
    for record in repository.of_camera(camera_key(identity, source_kind)):
        if record.running and (record.mask, record.model) == (mask, model):
            return record
    return repository.get(repository.begin(identity, source_kind, mask, model, catalogue.actor.id))


def add_placement(
    catalogue: Catalogue, qualification: int, frame_sets: Sequence[FrameSet], distance_mm: float | None = None
) -> Qualification:
    """Measure the wall from one place; when everything that the mask needs was measured well, it goes on.

    A placement near an earlier one replaces it, so that a bad measurement can be made again.
    """
    catalogue.require(Permission.QUALIFY)
    repository = catalogue.qualifications
    record = repository.get(qualification)
    new = measure(frame_sets, distance_mm)
    kept = [old for old in record.placements if abs(old.distance_mm - new.distance_mm) > 0.1 * new.distance_mm]
    placements = sorted([*kept, new], key=lambda placement: placement.distance_mm)
    before = commissioned(repository.of_camera(record.camera), record.identity)
    judged = checks(placements, record.mask, record.identity.name, record.source_kind, before)
    repository.measured(qualification, placements, judged, passed(judged), catalogue.actor.id)
    return repository.get(qualification)


def conclude(catalogue: Catalogue, qualification: int) -> Judgement:
    """Call the camera qualified. Raises `InputError` while something is missing."""
    catalogue.require(Permission.QUALIFY)
    return catalogue.qualifications.conclude(qualification, catalogue.actor.id)


def cancel(catalogue: Catalogue, qualification: int) -> None:
    """Give it up."""
    catalogue.require(Permission.QUALIFY)
    catalogue.qualifications.cancel(qualification, catalogue.actor.id)


def revoke(catalogue: Catalogue, qualification: int, note: str) -> None:
    """End it, with a reason."""
    catalogue.require(Permission.QUALIFY)
    catalogue.qualifications.revoke(qualification, note, catalogue.actor.id)


def check_shift(
    catalogue: Catalogue, identity: CameraIdentity, source_kind: SourceKind, model: str, bona_fide: int, kit_print: int
) -> bool:
    """Store a start-of-shift check from the row ids of its two verdicts; returns whether it passed."""
    catalogue.require(Permission.OPERATE)
    camera, masks = camera_key(identity, source_kind), frozenset(EVERY_MASK)
    if source_kind is SourceKind.LIVE:
        masks = qualified_masks(catalogue.qualifications.of_camera(camera), source_kind, identity, model)
    answers = bona_fide, kit_print
    return catalogue.shift_checks.record(camera, source_kind, model, answers, masks, catalogue.actor.id)
