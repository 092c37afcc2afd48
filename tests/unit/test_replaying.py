"""A replay of a stored session belongs to the person who is in it: inherited, refused without consent, erased too."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.codes import RecordMode, SourceKind
from core.station.ports import SessionOrder
from storage.catalogue import Catalogue, open_catalogue
from storage.erasure.inventory import Target, TargetKind, sessions_of
from storage.erasure.job import erase
from storage.frames import FrameStore
from storage.registry import ModelRegistry
from storage.replaying import ReplayRefusedError
from storage.repositories.holds import HeldError
from storage.sealing import DataKey
from storage.station_ledger import CatalogueLedger
from tests import site, stored

ANN = Target(TargetKind.SUBJECT, "ann")


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[Catalogue]:
    with open_catalogue(tmp_path / "data") as opened:
        yield opened


def replay(catalogue: Catalogue, source: str, subject: str = "") -> str:
    """A closed replay of ``source`` that recorded its frames and committed a verdict, as a station does it."""
    ledger = CatalogueLedger(catalogue, ModelRegistry(catalogue), source)
    order = SessionOrder(mode=RecordMode.FRAMES, subject=subject)
    session, recording = ledger.open_session(order, SourceKind.PLAYBACK)
    assert recording is not None
    with catalogue.material.session(source) as frames:
        key = DataKey(recording.key_id, recording.key)
        with FrameStore.create(Path(recording.path), session, key) as store:
            store.append(list(frames))
    catalogue.verdicts.commit(stored.verdict(session))
    ledger.close_session(session, catalogue.sessions.get(source).state, None, 3)
    return session


def test_a_replay_belongs_to_the_person_in_it_and_is_erased_with_it(catalogue: Catalogue) -> None:
    source = site.take(catalogue, "ann", live=True)
    again = replay(catalogue, source)
    thrice = replay(catalogue, again)
    inherited = catalogue.sessions.get(again)
    assert (inherited.subject, inherited.basis) == ("ann", "consent")
    assert inherited.consent == catalogue.sessions.get(source).consent
    pieces = [p for s in (source, again, thrice) for p in site.stored_bytes(catalogue.frames_path(s))]
    pieces += site.pixel_bytes(range(1, 4))
    assert len(site.holding(catalogue.folder.root, pieces)) >= 3
    certificate = erase(catalogue, ANN, "asked to")
    assert site.holding(catalogue.folder.root, pieces) == {}
    assert {one["id"] for one in certificate["sessions"]} == {source, again, thrice}
    for session in (again, thrice):
        trace = catalogue.verdicts.of_session(session)[0].verdict.trace
        assert (trace.evidence, trace.boxes, trace.frame_sets) == ((), (), ())


def test_a_replay_without_a_consent_that_covers_it_is_refused(catalogue: Catalogue) -> None:
    source = site.take(catalogue, "ann", live=True)
    with pytest.raises(ReplayRefusedError, match="shows ann"):
        replay(catalogue, source, "bob")
    consent = catalogue.sessions.get(source).consent
    catalogue.consents.withdraw(consent, "ann", "changed her mind")
    before = catalogue.sessions.count()
    with pytest.raises(ReplayRefusedError, match="consent"):
        replay(catalogue, source)
    catalogue.consents.add("ann", purposes=["train"])
    with pytest.raises(ReplayRefusedError, match="consent"):
        replay(catalogue, source)
    assert catalogue.sessions.count() == before


@pytest.mark.parametrize("column", ["settings", "device"])
def test_a_session_that_only_names_its_source_is_found_too(catalogue: Catalogue, column: str) -> None:
    source, other = site.take(catalogue, "ann"), site.take(catalogue, "bob", 10)
    nameless = stored.open_session(catalogue)
    catalogue.sessions.close(nameless)
    form = f'{{"source": "session:{source}"}}'
    catalogue.file.change(f"UPDATE sessions SET {column} = ? WHERE id = ?", (form, nameless))
    found = [row["id"] for row in sessions_of(catalogue, ANN)]
    assert sorted(found) == sorted([source, nameless])
    assert other not in found


def test_a_replay_that_shows_somebody_on_hold_is_kept(catalogue: Catalogue) -> None:
    source = site.take(catalogue, "bob", 1, 6)
    catalogue.subjects.add("ann")
    shown = catalogue.presentations.open(source, subject="ann", species="")
    catalogue.presentations.close(shown, 3, 4, 0.2)
    again = replay(catalogue, source)
    catalogue.holds.add("bob", "court", "admin")
    with pytest.raises(HeldError):
        erase(catalogue, ANN, "asked to")
    catalogue.holds.release("bob", "settled", "admin")
    assert [one["id"] for one in erase(catalogue, ANN, "asked to")["sessions"]] == [again]
    assert catalogue.frames_path(source).is_file()
