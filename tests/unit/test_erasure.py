"""Erasing a subject: keys first, then frames and what was derived; proved by a search of our own."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.access import Actor, DeniedError, Role
from core.codes import ErasureStep, JobState
from core.errors import HostError, InputError, UsageError
from storage.audit_verify import verify
from storage.backup import back_up
from storage.catalogue import Catalogue, open_catalogue
from storage.database import DatabaseFile
from storage.erasure.canaries import take_canaries
from storage.erasure.certificate import readable
from storage.erasure.inventory import Inventory, Target, TargetKind, take_inventory
from storage.erasure.job import certificates, erase, resume_all
from storage.export import export_session
from storage.frames import FORM, FrameStore
from storage.repositories.holds import HeldError
from storage.repositories.presentations import PresentationState
from storage.sealing import KeyMissingError
from tests import site, stored

ANN = Target(TargetKind.SUBJECT, "ann")


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[Catalogue]:
    with open_catalogue(tmp_path / "data") as opened:
        yield opened


def test_nothing_of_an_erased_person_is_left(catalogue: Catalogue) -> None:
    root = catalogue.folder.root
    gone = [site.take(catalogue, "ann", 1), site.take(catalogue, "ann", 4, sealed=False)]
    kept = site.take(catalogue, "bob", 10)
    pieces = [piece for session in gone for piece in site.stored_bytes(catalogue.frames_path(session))]
    pieces += site.pixel_bytes(range(1, 7))
    keys = [bytes(row["wrapped"]) for row in catalogue.file.rows("SELECT wrapped FROM keys WHERE subject = 'ann'")]
    old_keys = [catalogue.sessions.get(session).key for session in gone]
    assert len(site.holding(root, pieces)) >= 2
    assert site.holding(root, keys)
    certificate = erase(catalogue, ANN, "asked to")
    assert site.holding(root, pieces + keys) == {}
    assert [path.name for path in catalogue.folder.sessions.iterdir()] == [f"{kept}.db"]
    with catalogue.material.session(kept) as store:
        for number, frame_set in enumerate(store, start=10):
            stored.assert_equal(frame_set, site.frame(number))
    with pytest.raises(KeyMissingError, match="destroyed"):
        catalogue.vault.key(old_keys[0])
    assert certificate["search"]["found"] == []
    assert certificate["search"]["canaries"] >= 10
    assert [one["encrypted"] for one in certificate["sessions"]] == [True, False]
    assert len(certificate["keys_destroyed"]) == 2


def test_decisions_stay_without_anything_measured(catalogue: Catalogue) -> None:
    session = site.take(catalogue, "ann")
    before = catalogue.verdicts.of_session(session)[0].verdict
    erase(catalogue, ANN, "asked to")
    after = catalogue.verdicts.of_session(session)[0].verdict
    assert (after.outcome, after.model, after.threshold) == (before.outcome, before.model, before.threshold)
    assert (after.trace.evidence, after.trace.boxes, after.trace.frame_sets) == ((), (), ())
    take = catalogue.presentations.of_session(session)[0]
    assert (take.state, take.name) == (PresentationState.DISCARDED, "")
    assert catalogue.material.presentations([session]) == []
    assert verify(catalogue).intact, "the audit log knows that an erasure emptied these traces"


def test_a_person_is_erased_once_and_never_recorded_again(catalogue: Catalogue) -> None:
    site.take(catalogue, "ann", live=True)
    first = erase(catalogue, ANN, "asked to")
    assert erase(catalogue, ANN, "again") == first == certificates(catalogue)[0]
    assert catalogue.subjects.get("ann").state == "erased"
    assert catalogue.consents.valid("ann") is None
    with pytest.raises(InputError, match="erased"):
        stored.open_session(catalogue, subject="ann")
    entries = catalogue.audit.of("subject", "ann")
    assert [entry.action for entry in entries] == ["add", "begin_erasure", "erase"]
    assert entries[-1].details["certificate_sha256"]


def test_the_certificate_is_kept_as_json_and_as_text(catalogue: Catalogue, tmp_path: Path) -> None:
    session = site.take(catalogue, "ann")
    export_session(catalogue, session, tmp_path / "lab disk")
    catalogue.audit.append("back_up", "catalogue", "1", actor="ann")
    certificate = erase(catalogue, ANN, "asked to")
    files = sorted(catalogue.folder.certificates.iterdir())
    assert json.loads(files[0].read_text()) == certificate
    text = files[1].read_text()
    assert text == readable(certificate)
    for words in ("subject ann", session, "lab disk", "holds no keys", "found in 0"):
        assert words in text
    assert catalogue.file.value("SELECT count(*) FROM exports") == 0


def test_takes_within_somebody_elses_session_are_cut_out(catalogue: Catalogue) -> None:
    session = site.take(catalogue, "bob", 1, 6)
    catalogue.subjects.add("ann")
    shown = catalogue.presentations.open(session, subject="ann", species="")
    catalogue.presentations.close(shown, 3, 4, 0.2)
    file = DatabaseFile(catalogue.frames_path(session), FORM)
    pieces = [bytes(row["p"]) for row in file.rows("SELECT substr(payload, 40, 24) AS p FROM frames WHERE number = 3")]
    file.close()
    assert site.holding(catalogue.folder.root, pieces)
    certificate = erase(catalogue, ANN, "asked to")
    assert certificate["cut_out_of_other_sessions"] == [shown]
    assert site.holding(catalogue.folder.root, pieces) == {}
    with catalogue.material.session(session) as store:
        assert [frame_set.number for frame_set in store] == [1, 2, 5, 6]


def test_models_that_were_trained_on_the_person_are_flagged_with_their_descendants(catalogue: Catalogue) -> None:
    session = site.take(catalogue, "ann")
    shown = catalogue.presentations.of_session(session)[0].id
    plan = {"presentations": [{"id": shown, "session": session, "subject": "ann", "species": "", "artefact": ""}]}
    job, other = catalogue.jobs.create(json.dumps(plan), "x"), catalogue.jobs.create('{"presentations": []}', "y")
    for number, (parent, of) in enumerate([("", job), ("0" * 64, ""), ("", other)]):
        row = {"sha256": str(number) * 64, "name": f"m{number}", "path": "", "origin": "adaptation", "parent": parent}
        catalogue.models.add({**row, "job": of, "manifest": "{}", "manifest_sha256": ""}, "test")
    (catalogue.folder.jobs / job).mkdir(parents=True)
    (catalogue.folder.jobs / job / "checkpoint.safetensors").write_bytes(b"features of ann")
    certificate = erase(catalogue, ANN, "asked to")
    assert [model["name"] for model in certificate["models_trained_on_it"]] == ["m0", "m1"]
    flagged = {sha256: [certificate["erasure"]] for sha256 in ("0" * 64, "1" * 64)}
    assert catalogue.models.trained_on_erased() == flagged
    assert not (catalogue.folder.jobs / job).exists()
    assert catalogue.jobs.get(job).state == "canceled"
    assert catalogue.jobs.get(other).state == "queued"


def test_what_was_learned_of_the_person_without_a_label_counts_too(catalogue: Catalogue) -> None:
    session = site.take(catalogue, "ann")
    shown = catalogue.presentations.of_session(session)[0].id
    plan = {"presentations": [], "pseudo_labelled": [{"id": shown, "session": session, "subject": "ann"}]}
    job = catalogue.jobs.create(json.dumps(plan), "x")
    row = {"sha256": "0" * 64, "name": "m0", "path": "", "origin": "adaptation", "parent": "", "job": job}
    catalogue.models.add({**row, "manifest": "{}", "manifest_sha256": ""}, "test")
    certificate = erase(catalogue, ANN, "asked to")
    assert certificate["adaptation_jobs"] == [job]
    assert [model["name"] for model in certificate["models_trained_on_it"]] == ["m0"]
    assert catalogue.jobs.get(job).state == "canceled"


def test_a_pass_that_ends_while_the_erasure_begins_is_flagged_too(
    catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = site.take(catalogue, "ann")
    shown = catalogue.presentations.of_session(session)[0].id
    planned = {"id": shown, "session": session, "subject": "ann", "species": "", "artefact": ""}
    plan = json.dumps({"presentations": [planned]})
    job = catalogue.jobs.create(plan, "x")

    def ends_meanwhile(opened: Catalogue, inventory: Inventory) -> list[bytes]:
        row = {"sha256": "0" * 64, "name": "m0", "path": "", "origin": "adaptation", "parent": "", "job": job}
        opened.models.add({**row, "manifest": "{}", "manifest_sha256": ""}, "test")
        opened.jobs.update(job, state=JobState.CANDIDATE)
        late.append(opened.jobs.create(plan, "y"))
        return take_canaries(opened, inventory)

    late: list[str] = []
    monkeypatch.setattr("storage.erasure.job.take_canaries", ends_meanwhile)
    certificate = erase(catalogue, ANN, "asked to")
    assert [model["name"] for model in certificate["models_trained_on_it"]] == ["m0"]
    assert set(certificate["adaptation_jobs"]) == {job, *late}
    assert catalogue.models.trained_on_erased() == {"0" * 64: [certificate["erasure"]]}
    assert catalogue.jobs.get(late[0]).state is JobState.CANCELED


def test_an_erasure_can_be_refused(catalogue: Catalogue) -> None:
    site.take(catalogue, "ann")
    with pytest.raises(UsageError, match="reason"):
        erase(catalogue, ANN, " ")
    with pytest.raises(InputError, match="no subject"):
        erase(catalogue, Target(TargetKind.SUBJECT, "nobody"), "x")
    catalogue.actor = Actor.of("op", [Role.OPERATOR])
    with pytest.raises(DeniedError):
        erase(catalogue, ANN, "x")
    assert catalogue.audit.entries()[0].action == "denied"


def test_a_legal_hold_stops_it_until_it_is_released(catalogue: Catalogue) -> None:
    session = site.take(catalogue, "ann")
    catalogue.holds.add("ann", "case 7", "counsel")
    for target in (ANN, Target(TargetKind.SESSION, session)):
        with pytest.raises(HeldError, match="case 7"):
            erase(catalogue, target, "x")
    assert catalogue.subjects.get("ann").state == "active"
    catalogue.holds.release("ann", "case closed", "counsel")
    assert erase(catalogue, ANN, "x")["target"] == "ann"


def test_one_session_goes_and_the_persons_others_stay(catalogue: Catalogue) -> None:
    gone, kept = site.take(catalogue, "ann", 1), site.take(catalogue, "ann", 4)
    certificate = erase(catalogue, Target(TargetKind.SESSION, gone), "term over")
    assert len(certificate["keys_destroyed"]) == 1
    assert catalogue.subjects.get("ann").state == "active"
    with catalogue.material.session(kept) as store:
        assert len(list(store)) == 3
    assert not catalogue.frames_path(gone).exists()


def test_what_is_still_found_somewhere_keeps_the_job_open(catalogue: Catalogue) -> None:
    session = site.take(catalogue, "ann")
    copy = catalogue.folder.root / "copy of a session.db"
    with FrameStore.open(catalogue.frames_path(session)) as store:
        store.checkpoint()
    copy.write_bytes(catalogue.frames_path(session).read_bytes())
    with pytest.raises(HostError, match=r"copy of a session\.db"):
        erase(catalogue, ANN, "asked to")
    assert catalogue.subjects.get("ann").state == "erasing"
    copy.unlink()
    assert erase(catalogue, ANN, "")["search"]["found"] == []
    assert resume_all(catalogue) == []


def test_a_session_that_is_being_recorded_is_not_erased(catalogue: Catalogue) -> None:
    from storage.lock import StationLock

    stored.open_session(catalogue, subject="ann")
    with StationLock(catalogue.folder.lock), pytest.raises(InputError, match="being recorded"):
        erase(catalogue, ANN, "asked to")
    assert erase(catalogue, ANN, "asked to")["target"] == "ann"


def test_the_steps_are_told_in_order(catalogue: Catalogue) -> None:
    site.take(catalogue, "ann")
    told: list[ErasureStep] = []
    erase(catalogue, ANN, "x", lambda step, done, total: told.append(step))
    assert list(dict.fromkeys(told)) == [step for step in ErasureStep if step is not ErasureStep.DONE]
    assert take_inventory(catalogue, ANN).keys == ()


def test_a_backup_that_lies_in_the_data_folder_is_named_and_stops_no_erasure(catalogue: Catalogue) -> None:
    site.take(catalogue, "ann")
    place = catalogue.folder.backups / "today"
    back_up(catalogue, place)
    with pytest.raises(HostError, match="are still in backups/today/sessions"):
        erase(catalogue, ANN, "asked to")
    shutil.rmtree(place)
    assert erase(catalogue, ANN, "asked to")["search"]["found"] == []
