"""What the wizard reads from the catalogue and writes to it, in the background thread."""

from __future__ import annotations

from dataclasses import dataclass

from core.access import Permission
from core.camera_identity import CameraIdentity
from core.codes import SourceKind
from core.frames import ModalityMask
from core.messages import CameraHealth
from core.qualification.record import Qualification, camera_key
from core.qualification.rules import Judgement
from core.station.ports import PresentationLabel
from storage import qualification
from storage.catalogue import Catalogue


@dataclass(frozen=True, slots=True)
class Progress:
    """One qualification, where its presentations stand, and who and what is registered."""

    record: Qualification
    judgement: Judgement
    subjects: tuple[str, ...]
    artefacts: tuple[tuple[str, str, str], ...]
    """Id, species and name of each."""


def identity_of(health: CameraHealth) -> CameraIdentity:
    """The camera that is connected."""
    return CameraIdentity.of(health.device, health.profiles)


def read_records(catalogue: Catalogue, health: CameraHealth) -> list[Qualification]:
    """The records of the connected camera, newest first."""
    camera = camera_key(identity_of(health), health.source_kind)
    return catalogue.qualifications.of_camera(camera)[::-1]


def read_progress(catalogue: Catalogue, number: int) -> Progress:
    """Everything that the steps show."""
    repository = catalogue.qualifications
    return Progress(
        repository.get(number),
        repository.judgement(number),
        tuple(subject.id for subject in catalogue.subjects.all()),
        tuple((artefact.id, artefact.species, artefact.name) for artefact in catalogue.artefacts.all()),
    )


def begin(
    catalogue: Catalogue, health: CameraHealth, source_kind: SourceKind, mask: ModalityMask, model: str
) -> Progress:
    """Begin, or go on with what runs."""
    record = qualification.begin(catalogue, identity_of(health), source_kind, mask, model)
    return read_progress(catalogue, record.id)


def label_of(catalogue: Catalogue, species: str, person: str, artefact: str) -> PresentationLabel:
    """The label of a take; a pseudonym or an artefact that is new is registered.

    Raises:
        KnownError: whoever acts may not qualify, or a name is missing or no pseudonym.
    """
    with catalogue.granted(Permission.QUALIFY), catalogue.transaction():
        if not species:
            subject = catalogue.subjects.add(person)
            return PresentationLabel("", subject.id, test=True)
        known = {(one.species, one.name): one.id for one in catalogue.artefacts.all(species)}
        found = known.get((species, artefact)) or catalogue.artefacts.add(species, artefact)
        return PresentationLabel(species, "", found, test=True)
