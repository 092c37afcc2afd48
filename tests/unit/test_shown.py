"""Somebody else who is shown in a session: what they agreed to counts as much as what its own subject did."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import InputError
from storage.catalogue import Catalogue
from storage.erasure.certificate import readable
from storage.erasure.inventory import Target, TargetKind
from storage.erasure.job import erase
from storage.export import export_session
from storage.replaying import ReplayRefusedError, inherit
from storage.repositories.subjects import PURPOSES, SHARE
from tests import site

ANN = Target(TargetKind.SUBJECT, "ann")


def shown(catalogue: Catalogue, *purposes: str) -> tuple[str, str, str]:
    """A session of bob, who agreed to everything, in which ann is shown too: its id, her take, her consent."""
    catalogue.subjects.add("bob")
    catalogue.consents.add("bob", purposes=(*PURPOSES, SHARE))
    catalogue.subjects.add("ann")
    consent = catalogue.consents.add("ann", purposes=purposes)
    session = site.take(catalogue, "bob", 1, 6, live=True)
    own = catalogue.presentations.of_session(session)[0]
    catalogue.presentations.close(own.id, 1, 2, 0.1)
    take = catalogue.presentations.open(session, subject="ann", species="")
    catalogue.presentations.close(take, 3, 4, 0.2)
    return session, take, consent


def test_a_pass_takes_only_those_who_agreed(catalogue: Catalogue) -> None:
    session, take, consent = shown(catalogue, *PURPOSES)
    assert take in [one.id for one in catalogue.material.presentations([session])]
    catalogue.consents.withdraw(consent, "ann", "asked to")
    left = [one.subject for one in catalogue.material.presentations([session])]
    assert left == ["bob"]


def test_nobody_leaves_the_station_who_did_not_agree(catalogue: Catalogue, tmp_path: Path) -> None:
    session, _, _ = shown(catalogue, *PURPOSES)
    with pytest.raises(InputError, match="consent of ann does not cover sharing"):
        export_session(catalogue, session, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    catalogue.consents.add("ann", purposes=(*PURPOSES, SHARE))
    assert export_session(catalogue, session, tmp_path / "out").frame_sets == 6


def test_nobody_is_replayed_who_did_not_agree(catalogue: Catalogue) -> None:
    session, _, consent = shown(catalogue, *PURPOSES)
    assert inherit(catalogue, session, "").subject == "bob"
    catalogue.consents.withdraw(consent, "ann", "asked to")
    with pytest.raises(ReplayRefusedError, match="ann"):
        inherit(catalogue, session, "")


def test_the_certificate_names_what_left_with_the_session_of_somebody_else(
    catalogue: Catalogue, tmp_path: Path
) -> None:
    session, _, _ = shown(catalogue, *PURPOSES, SHARE)
    export_session(catalogue, session, tmp_path / "lab disk")
    catalogue.audit.append("back_up", "catalogue", "1", actor="bob")
    certificate = erase(catalogue, ANN, "asked to")
    assert [copy["what"] for copy in certificate["copies_elsewhere"]] == ["export", "backup"]
    text = readable(certificate)
    assert "lab disk" in text
    assert "readable in part" in text, "the key of the other one's session stands, and opens it"
    assert export_session(catalogue, session, tmp_path / "again").frame_sets == 4, "who was cut out stops nobody"


def test_who_was_erased_is_not_shown_again(catalogue: Catalogue) -> None:
    session, _, _ = shown(catalogue, *PURPOSES)
    erase(catalogue, ANN, "asked to")
    with pytest.raises(InputError, match="ann was erased"):
        catalogue.consents.add("ann")
    with pytest.raises(InputError, match="ann was erased"):
        catalogue.presentations.open(session, subject="ann", species="")
