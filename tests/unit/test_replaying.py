"""A replay of a stored session belongs to the person who is in it: inherited, refused without consent, erased too."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from core.codes import RecordMode, SessionPurpose, SourceKind
from core.frames import FrameSet
from core.station.ports import SessionOrder
from storage.catalogue import Catalogue, open_catalogue
from storage.commands_retention import retention
from storage.erasure.certificate import readable
from storage.erasure.inventory import Target, TargetKind, sessions_of
from storage.erasure.job import erase
from storage.frames import FrameStore
from storage.registry import ModelRegistry
from storage.replay_sources import NOTE, without_source
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


def nameless(catalogue: Catalogue, source: str, count: int = 3, pixels_of: str = "") -> str:
    """A replay as it was stored before a session knew its source; ``pixels_of``: with the pixels of another one."""
    session = catalogue.sessions.open(SessionPurpose.COLLECTION, RecordMode.FRAMES, SourceKind.PLAYBACK)
    with catalogue.material.session(source) as frames, catalogue.material.session(pixels_of or source) as pixels:
        sets = [_exchanged(one, other) for one, other in zip(frames, pixels, strict=False)]
    with FrameStore.create(catalogue.frames_path(session), session, catalogue.vault.for_session(session)) as store:
        store.append(sets[:count])
    catalogue.sessions.close(session)
    return session


def _exchanged(one: FrameSet, other: FrameSet) -> FrameSet:
    frames = {m: replace(frame, pixels=other.frames[m].pixels) for m, frame in one.frames.items()}
    return replace(one, frames=frames)


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


@pytest.mark.parametrize("sealed", [True, False], ids=["encrypted", "from before encryption"])
def test_a_replay_that_does_not_say_its_source_is_found_by_its_pixels(catalogue: Catalogue, sealed: bool) -> None:
    source, other = site.take(catalogue, "ann", sealed=sealed), site.take(catalogue, "bob", 10)
    of_ann, of_bob = nameless(catalogue, source, 2), nameless(catalogue, other)
    forged = nameless(catalogue, source, pixels_of=other)
    assert without_source(catalogue) == [of_ann, of_bob, forged]
    pieces = site.stored_bytes(catalogue.frames_path(of_ann)) + site.pixel_bytes(range(1, 4))
    certificate = erase(catalogue, ANN, "asked to")
    assert {one["id"] for one in certificate["sessions"]} == {source, of_ann}
    assert {path: n for path, n in site.holding(catalogue.folder.root, pieces).items() if of_ann in path} == {}
    assert certificate["replays_of_unknown_source"] == [of_bob, forged]
    assert f"looked at: {of_bob}, {forged}" in readable(certificate)
    entry = next(one for one in catalogue.audit.of("session", of_ann) if one.action == NOTE)
    assert entry.details == {"replay_of": source}


def test_a_nameless_replay_of_a_session_in_which_the_person_was_shown_is_found_too(catalogue: Catalogue) -> None:
    source = site.take(catalogue, "bob", 1, 6)
    catalogue.subjects.add("ann")
    shown = catalogue.presentations.open(source, subject="ann", species="")
    catalogue.presentations.close(shown, 3, 4, 0.2)
    again = nameless(catalogue, source)
    assert [one["id"] for one in erase(catalogue, ANN, "asked to")["sessions"]] == [again]
    assert catalogue.frames_path(source).is_file()


def test_what_cannot_be_looked_at_is_kept_and_named(catalogue: Catalogue) -> None:
    source = site.take(catalogue, "ann")
    again = nameless(catalogue, source)
    with catalogue.material.session(again) as store:
        store.remove(1, 2)
    catalogue.file.change("UPDATE keys SET wrapped = NULL WHERE id = (SELECT key FROM sessions WHERE id = ?)", (again,))
    certificate = erase(catalogue, ANN, "asked to")
    assert [one["id"] for one in certificate["sessions"]] == [source]
    assert certificate["replays_of_unknown_source"] == [again]


def test_retention_names_the_replays_that_do_not_say_their_source(
    catalogue: Catalogue, capsys: pytest.CaptureFixture[str]
) -> None:
    again = nameless(catalogue, site.take(catalogue, "ann"))
    options = Namespace(set=None, hold=None, release=None, confirm_date=None, dry_run=True, json=False, reason="")
    assert retention(catalogue, options) == 0
    assert f"do not say what they replay (an erasure compares their frames): {again}" in capsys.readouterr().out
    options.json = True
    retention(catalogue, options)
    assert json.loads(capsys.readouterr().out)["replays_of_unknown_source"] == [again]


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
