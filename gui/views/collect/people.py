"""Who and what is registered: subjects, their standing consents, artefacts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from storage.catalogue import Catalogue
from storage.repositories.artefacts import Artefact
from storage.repositories.subjects import ACTIVE


@dataclass(frozen=True, slots=True)
class People:
    """``consents`` maps a subject to the reference of the consent that stands. ``locked``: no frame can be stored."""

    subjects: tuple[str, ...]
    consents: Mapping[str, str]
    artefacts: tuple[Artefact, ...]
    locked: bool = False


def read_people(catalogue: Catalogue) -> People:
    """Read them all; a site has hundreds, not millions."""
    subjects = tuple(subject.id for subject in catalogue.subjects.all() if subject.state == ACTIVE)
    consents = {}
    for subject in subjects:
        consent = catalogue.consents.valid(subject)
        if consent is not None:
            consents[subject] = consent.reference
    return People(subjects, consents, tuple(catalogue.artefacts.all()), catalogue.vault.state().locked)


def add_subject(catalogue: Catalogue, pseudonym: str, basis: str, purposes: Sequence[str], reference: str) -> str:
    """Subject and consent in one transaction; returns the subject's id."""
    with catalogue.transaction():
        subject = catalogue.subjects.add(pseudonym)
        catalogue.consents.add(
            subject.id, basis, purposes, reference, signed_utc_s=catalogue.clock.utc_s(), signer_method="document"
        )
    return subject.id
