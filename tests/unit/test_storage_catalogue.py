from __future__ import annotations

import math
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from core.clock import FakeClock
from core.codes import JobState, Outcome, RecordMode, SessionPurpose, SessionState, SourceKind
from core.errors import HostError, InputError, Sentence, UsageError, sentence
from core.frames import ModalityMask
from core.ports import JobStore, PresentationStore
from main import main
from storage.catalogue import FORM, Catalogue, open_catalogue
from storage.database import DatabaseFile, Mode
from storage.driver import DatabaseError
from storage.frames import FORM as FRAMES
from storage.frames import FrameStore
from storage.migrations import migrate
from storage.repositories.presentations import LabelSource, PresentationState
from storage.repositories.sessions import Basis, SessionCounts, SessionFilter
from storage.repositories.verdicts import VerdictFilter
from storage.schema import CATALOGUE
from storage.schema_jobs import MESSAGE_FORMS
from tests import stored


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[Catalogue]:
    with open_catalogue(tmp_path / "data", FakeClock()) as opened:
        yield opened


# --- sessions and their basis ---------------------------------------------------------------------------------------


def test_frames_of_a_person_need_a_consent(catalogue: Catalogue) -> None:
    live = (SessionPurpose.COLLECTION, RecordMode.FRAMES, SourceKind.LIVE)
    with pytest.raises(InputError, match="consent"):
        catalogue.sessions.open(*live, subject="S1")
    catalogue.subjects.add("S1")
    with pytest.raises(InputError, match="consent"):
        catalogue.sessions.open(*live, subject="S1")
    consent = catalogue.consents.add("S1", reference="form 7")
    session = catalogue.sessions.get(catalogue.sessions.open(*live, subject="S1"))
    assert (session.basis, session.consent, session.subject) == (Basis.CONSENT, consent, "S1")
    catalogue.consents.withdraw(consent, by="S1", reason="asked to")
    with pytest.raises(InputError, match="consent"):
        catalogue.sessions.open(*live, subject="S1")


def test_a_consent_ends_with_its_term(catalogue: Catalogue) -> None:
    catalogue.subjects.add("S1")
    catalogue.consents.add("S1", term_end_utc_s=catalogue.clock.utc_s() + 10.0)
    assert catalogue.consents.valid("S1") is not None
    catalogue.clock.sleep_ms(20_000.0)
    assert catalogue.consents.valid("S1") is None


def test_a_checkpoint_keeps_decisions_without_a_consent(catalogue: Catalogue) -> None:
    session = catalogue.sessions.open(SessionPurpose.CHECKPOINT, RecordMode.DECISIONS, SourceKind.LIVE)
    assert catalogue.sessions.get(session).basis is Basis.DECISIONS_ONLY


def test_a_live_session_cannot_claim_that_it_shows_nobody(catalogue: Catalogue) -> None:
    with pytest.raises(DatabaseError):
        catalogue.sessions.open(SessionPurpose.COLLECTION, RecordMode.FRAMES, SourceKind.LIVE, no_person=True)


def test_unknown_people_and_artefacts_are_told(catalogue: Catalogue) -> None:
    live = (SessionPurpose.CHECKPOINT, RecordMode.DECISIONS, SourceKind.LIVE)
    with pytest.raises(InputError, match="no subject"):
        catalogue.sessions.open(*live, subject="nobody")
    session = stored.open_session(catalogue, subject="simulated-1")
    assert catalogue.subjects.get("simulated-1").id == "simulated-1"
    with pytest.raises(InputError, match="no subject"):
        catalogue.presentations.open(session, subject="nobody")
    with pytest.raises(InputError, match="no artefact"):
        catalogue.presentations.open(session, artefact="none")
    with pytest.raises(InputError, match="no session"):
        catalogue.presentations.open("none")
    assert catalogue.presentations.of_session(session) == []


def test_a_consent_speaks_for_one_subject_and_until_it_is_withdrawn(catalogue: Catalogue) -> None:
    for subject in ("S1", "S2"):
        catalogue.subjects.add(subject)
    consent = catalogue.consents.add("S1")
    session = catalogue.sessions.open(SessionPurpose.COLLECTION, RecordMode.FRAMES, SourceKind.LIVE, subject="S1")
    with pytest.raises(InputError, match="Frames of S2"):
        catalogue.presentations.open(session, subject="S2")
    presentation = catalogue.presentations.open(session, species="")
    assert catalogue.presentations.get(presentation).subject == "S1"
    catalogue.presentations.close(presentation, 1, 2, 0.1)
    assert len(catalogue.material.presentations([session])) == 1
    catalogue.consents.withdraw(consent, by="S1", reason="asked to")
    assert catalogue.material.presentations([session]) == []


def test_a_session_is_described_and_closed(catalogue: Catalogue) -> None:
    session = stored.open_session(catalogue, name="lab", settings={"preset": "high"})
    streams = stored.profiles(640, 480)
    catalogue.sessions.describe(session, device={"name": "D435"}, profiles=streams, settings={"laser": 150.0})
    catalogue.sessions.close(session, counts=SessionCounts(90, 1, 2, 3.0, {"p50": 0.5}))
    record = catalogue.sessions.get(session)
    assert record.state is SessionState.CLOSED
    assert record.profiles == streams
    assert record.settings == {"preset": "high", "laser": 150.0}
    assert (record.recorded, record.dropped_capture, record.dropped_recorder, record.camera_s) == (90, 1, 2, 3.0)
    assert len(record.calibration_sha256) == 64
    assert [entry.action for entry in catalogue.audit.of("session", session)] == ["open", "close"]


def test_an_unknown_session_is_told(catalogue: Catalogue) -> None:
    with pytest.raises(InputError, match="no session"):
        catalogue.sessions.get("none")
    with pytest.raises(InputError, match="no session"):
        catalogue.sessions.close("none")


# --- presentations and labels ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("species", ["", "  ", "bonafide", "Bona Fide", " bona-fide ", "BONA_FIDE"])
def test_no_label_on_the_command_line_makes_an_attack_bona_fide_by_mistake(
    tmp_path: Path, species: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with open_catalogue(tmp_path / "data") as catalogue:
        presentation = catalogue.presentations.open(stored.open_session(catalogue), species="print_flat")
    order = ["--data", str(tmp_path / "data"), "label", presentation, "--reason", "seen again", "--species"]
    assert main([*order, species]) == 2
    told = f"sallyport: {species!r} is no label.\n  Say bona_fide, or name the species.\n"
    assert capsys.readouterr().err == told
    with open_catalogue(tmp_path / "data") as catalogue:
        assert catalogue.presentations.get(presentation).species == "print_flat"
        assert [entry.action for entry in catalogue.audit.of("presentation", presentation)] == []


@pytest.mark.parametrize(
    ("said", "kept"), [("bona_fide", ""), (" bona_fide ", ""), (" mask_rigid\t", "mask_rigid"), ("attack", "unknown")]
)
def test_a_label_on_the_command_line_is_kept_without_space_around_it(tmp_path: Path, said: str, kept: str) -> None:
    with open_catalogue(tmp_path / "data") as catalogue:
        presentation = catalogue.presentations.open(stored.open_session(catalogue), species="print_flat")
    order = ["--data", str(tmp_path / "data"), "label", presentation, "--reason", "seen again", "--species"]
    assert main([*order, said]) == 0
    with open_catalogue(tmp_path / "data") as catalogue:
        assert catalogue.presentations.get(presentation).species == kept


def test_a_label_that_is_no_species_is_refused_whoever_gives_it(catalogue: Catalogue) -> None:
    presentation = catalogue.presentations.open(stored.open_session(catalogue), species="print_flat")
    for species in (" ", "bona_fide", "Bona-Fide"):
        with pytest.raises(UsageError, match="is no label"):
            catalogue.presentations.relabel(presentation, species, "seen again")
    for known in (None, ""):
        catalogue.presentations.relabel(presentation, known, "seen again")
        assert catalogue.presentations.get(presentation).species == known


def test_a_label_changes_only_with_a_reason_and_is_audited(catalogue: Catalogue) -> None:
    session = stored.open_session(catalogue)
    presentation = catalogue.presentations.open(session, species="print_flat")
    with pytest.raises(InputError, match="reason"):
        catalogue.presentations.relabel(presentation, "", " ")
    catalogue.presentations.relabel(presentation, "", "the person is there")
    record = catalogue.presentations.get(presentation)
    assert (record.species, record.label_source) == ("", LabelSource.REVIEW)
    entry = catalogue.audit.of("presentation", presentation)[-1]
    assert (entry.actor, entry.reason, entry.details) == (
        "local",
        "the person is there",
        {"from": "print_flat", "to": ""},
    )


def test_only_finished_presentations_are_material(catalogue: Catalogue) -> None:
    session = stored.open_session(catalogue)
    kept, running, thrown, cut = (catalogue.presentations.open(session, species="") for _ in range(4))
    catalogue.presentations.close(kept, 1, 3, 0.1)
    catalogue.presentations.discard(thrown)
    catalogue.presentations.close(thrown, 4, 6, 0.2)
    catalogue.presentations.cut_off(cut, 7, 9, 0.3)
    assert [p.id for p in catalogue.material.presentations([session])] == [kept]
    assert catalogue.presentations.get(running).state is PresentationState.OPEN
    assert catalogue.presentations.get(thrown).state is PresentationState.DISCARDED
    assert [p.number for p in catalogue.presentations.of_session(session)] == [1, 2, 3, 4]


def test_frame_sets_of_a_presentation_come_from_its_session(catalogue: Catalogue) -> None:
    session = stored.open_session(catalogue)
    with FrameStore.create(catalogue.frames_path(session), session) as store:
        store.append([stored.frame_set(n) for n in range(1, 8)])
    presentation = catalogue.presentations.open(session, species="")
    catalogue.presentations.close(presentation, 3, 5, 0.2)
    store_port: PresentationStore = catalogue.material
    assert [frame_set.number for frame_set in store_port.frame_sets(presentation)] == [3, 4, 5]
    assert [frame_set.number for frame_set in store_port.frame_sets(presentation, most=2)] == [3, 5]
    file = DatabaseFile(catalogue.frames_path(session), FRAMES)
    file.change("UPDATE frames SET payload = x'00' WHERE number = 4")
    file.close()
    assert len(list(store_port.frame_sets(presentation, most=2))) == 2, "what nobody asked for is not read"
    with pytest.raises(InputError, match="damaged"):
        list(store_port.frame_sets(presentation))


def test_a_session_without_frames_says_so(catalogue: Catalogue) -> None:
    session = stored.open_session(catalogue, RecordMode.DECISIONS)
    presentation = catalogue.presentations.open(session)
    with pytest.raises(InputError, match="no stored frames"):
        next(iter(catalogue.material.frame_sets(presentation)))


# --- verdicts -------------------------------------------------------------------------------------------------------


def test_a_verdict_comes_back_as_it_was(catalogue: Catalogue) -> None:
    session = stored.open_session(catalogue)
    presentation = catalogue.presentations.open(session)
    given = stored.verdict(session, presentation)
    row = catalogue.verdicts.commit(given)
    back = catalogue.verdicts.get(row).verdict
    assert math.isnan(back.trace.evidence[0].physics["relief_mm"])
    without = {"ratio": 2.0}
    trim = [replace(v.trace, evidence=(replace(v.trace.evidence[0], physics=without),)) for v in (given, back)]
    assert replace(given, trace=trim[0]) == replace(back, trace=trim[1])


def test_verdict_and_audit_row_are_one_transaction(catalogue: Catalogue) -> None:
    session = stored.open_session(catalogue)
    row = catalogue.verdicts.commit(stored.verdict(session, catalogue.presentations.open(session)))
    entry = catalogue.audit.of("verdict", str(row))[0]
    assert entry.details["outcome"] == "attack"
    catalogue.file.execute("CREATE TRIGGER no_audit BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'no'); END")
    with pytest.raises(DatabaseError):
        catalogue.verdicts.commit(stored.verdict(session))
    assert catalogue.verdicts.count() == 1


def test_a_presentation_that_started_by_itself_gets_its_row(catalogue: Catalogue) -> None:
    session = stored.open_session(catalogue)
    row = catalogue.verdicts.commit(stored.verdict(session, "auto-1"))
    presentation = catalogue.presentations.get("auto-1")
    assert (presentation.first_set, presentation.last_set, presentation.state) == (7, 8, PresentationState.CLOSED)
    assert catalogue.verdicts.get(row).verdict.presentation == "auto-1"
    assert catalogue.verdicts.get(catalogue.verdicts.commit(stored.verdict())).verdict.session == ""


def test_an_override_keeps_the_verdict(catalogue: Catalogue) -> None:
    session = stored.open_session(catalogue)
    row = catalogue.verdicts.commit(stored.verdict(session))
    with pytest.raises(InputError, match="reason"):
        catalogue.verdicts.override(row, Outcome.BONA_FIDE, "")
    catalogue.verdicts.override(row, Outcome.BONA_FIDE, "knows him")
    kept = catalogue.verdicts.get(row)
    assert (kept.verdict.outcome, kept.operator_outcome, kept.operator) == (Outcome.ATTACK, "bona_fide", "local")
    assert [e.action for e in catalogue.audit.of("verdict", str(row))] == ["commit", "override"]


# --- audit, jobs ----------------------------------------------------------------------------------------------------


def test_the_audit_log_is_never_changed(catalogue: Catalogue) -> None:
    catalogue.audit.append("start", "station", "1", actor="ann")
    for sql in ("UPDATE audit SET actor = 'bob'", "DELETE FROM audit"):
        with pytest.raises(DatabaseError, match="append-only"):
            catalogue.file.execute(sql)
    assert [entry.actor for entry in catalogue.audit.entries()] == ["ann"]


def test_a_job_lives_through_its_states(catalogue: Catalogue) -> None:
    jobs: JobStore = catalogue.jobs
    first, second = jobs.create("{}", "aa"), jobs.create("{}", "bb")
    assert [job.id for job in jobs.all()] == [second, first]
    assert jobs.get(first).state is JobState.QUEUED
    jobs.update(first, state=JobState.TRAINING, progress=0.5, pid=7)
    jobs.request(first, "pause")
    assert (jobs.take_request(first), jobs.take_request(first)) == ("pause", "")
    for step in (1, 2, 2, 3):
        jobs.append_event(first, step, {"loss": step / 2, "agreement": float("nan")})
    assert [step for step, _ in jobs.events(first, after_step=1)] == [2, 3]
    assert math.isnan(jobs.events(first)[0][1]["agreement"])
    record = jobs.get(first)
    assert (record.state, record.progress, record.pid, record.command) == (JobState.TRAINING, 0.5, 7, "")
    with pytest.raises(InputError, match="no job"):
        jobs.get("none")


def test_a_job_s_message_comes_back_as_the_sentence_that_it_was(catalogue: Catalogue) -> None:
    jobs: JobStore = catalogue.jobs
    job = jobs.create("{}", "aa")
    said = InputError(sentence("There is no model {name!r}.", name="site-3"), "List them.").in_one()
    jobs.update(job, state=JobState.FAILED, message=said)
    found = jobs.get(job).message
    assert isinstance(found, Sentence)
    assert (found, found.template, found.values) == (said, "{what} {remedy}", said.values)  # type: ignore[attr-defined]
    assert catalogue.file.value("SELECT message FROM jobs") == "There is no model 'site-3'. List them."
    assert catalogue.audit.entries()[0].reason == said
    jobs.update(job, progress=0.5)
    assert isinstance(jobs.get(job).message, Sentence), "what is not given stays"
    catalogue.file.change("UPDATE jobs SET message = 'Another one.'")
    assert type(jobs.get(job).message) is str, "a form that says otherwise than the text does not count"
    for broken in ("{", "[]", '{"text": "Another one.", "template": "{what.real}", "values": {"what": "x"}}'):
        catalogue.file.change("UPDATE jobs SET message_form = ?", (broken,))
        assert (jobs.get(job).message, type(jobs.get(job).message)) == ("Another one.", str)
    jobs.update(job, message=said)
    jobs.update(job, message='{"text": "typed"}')
    assert jobs.get(job).message == '{"text": "typed"}', "no text is taken for a form"


def test_a_job_from_before_there_were_forms_still_says_what_it_said(tmp_path: Path) -> None:
    file = DatabaseFile(tmp_path / "catalogue.db", FORM, Mode.CREATE)
    migrate(file, CATALOGUE[: CATALOGUE.index(MESSAGE_FORMS)])
    row = {"id": "job-1", "number": 1, "state": "failed", "plan": "{}", "plan_sha256": "aa"}
    file.insert("jobs", {**row, "message": "It failed.", "created_utc_s": 0.0, "updated_utc_s": 0.0})
    file.close()
    with open_catalogue(tmp_path) as catalogue:
        assert [job.message for job in catalogue.jobs.all()] == ["It failed."]


def test_what_turns_out_to_be_bona_fide_was_shown_with_no_instrument(catalogue: Catalogue) -> None:
    """The gate would take people who were noted with one print for one instrument."""
    paper = catalogue.artefacts.add("print_flat", "A4 matte")
    session = stored.open_session(catalogue)
    takes = [catalogue.presentations.open(session, species="print_flat", artefact=paper) for _ in range(2)]
    for take in takes:
        catalogue.presentations.close(take, 1, 1, 0.1)
    catalogue.sessions.close(session)
    catalogue.presentations.relabel(takes[0], "", "it was a person")
    assert [one.artefact for one in catalogue.material.presentations([session])] == ["", paper]


def test_artefacts_are_listed_by_species(catalogue: Catalogue) -> None:
    paper = catalogue.artefacts.add("print_flat", "A4 matte", maker="lab")
    catalogue.artefacts.add("mask_rigid", "resin")
    assert [a.id for a in catalogue.artefacts.all("print_flat")] == [paper]
    assert len(catalogue.artefacts.all()) == 2
    with pytest.raises(InputError):
        catalogue.artefacts.add("", "nothing")


# --- long lists -----------------------------------------------------------------------------------------------------


def _many_verdicts(catalogue: Catalogue, n: int) -> None:
    session = stored.open_session(catalogue)
    model = catalogue.verdicts.commit(stored.verdict(session))
    columns = "committed_utc_s, session, presentation, source_kind, t_s, reason, mask, threshold, rule, model, "
    columns += "duration_ms, trace"
    catalogue.file.execute(
        f"""
        INSERT INTO verdicts ({columns}, outcome, score)
        SELECT {columns}, CASE x % 3 WHEN 0 THEN 'attack' WHEN 1 THEN 'bona_fide' ELSE 'non_response' END,
            CASE WHEN x % 3 = 2 THEN NULL ELSE (x * 7919 % 1000) / 1000.0 END
        FROM verdicts, (WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < ?) SELECT x FROM n)
        WHERE verdicts.id = ?
        """,
        (n, model),
    )


@pytest.mark.parametrize("sort", ["id", "score"])
@pytest.mark.parametrize("descending", [True, False])
@pytest.mark.parametrize("filters", [VerdictFilter(), VerdictFilter(outcome=Outcome.NON_RESPONSE)])
def test_pages_of_verdicts_hold_every_row_once(
    catalogue: Catalogue, sort: str, descending: bool, filters: VerdictFilter
) -> None:
    _many_verdicts(catalogue, 500)
    seen: list[tuple[float, int]] = []
    after = None
    while True:
        rows, after = catalogue.verdicts.page(filters, sort=sort, descending=descending, after=after, limit=37)
        lowest = -math.inf
        seen += [
            (row.id if sort == "id" else lowest if row.verdict.score is None else row.verdict.score, row.id)
            for row in rows
        ]
        if after is None:
            break
    assert seen == sorted(seen, reverse=descending)
    assert len(seen) == len(set(seen)) == catalogue.verdicts.count(filters)


def test_pages_stay_quick_in_a_long_list(catalogue: Catalogue) -> None:
    """By the query plan: a page walks an index from where the last one ended, and sorts nothing."""
    _many_verdicts(catalogue, 200_000)
    asked: list[str] = []
    connection = catalogue.file._connection().conn
    connection.set_trace_callback(asked.append)
    for sort in ("id", "score"):
        for filters in (VerdictFilter(), VerdictFilter(outcome=Outcome.ATTACK), VerdictFilter(session="none")):
            _, cursor = catalogue.verdicts.page(filters, sort=sort, limit=100)
            if cursor is not None:
                assert len(catalogue.verdicts.page(filters, sort=sort, after=cursor, limit=100)[0]) == 100
    connection.set_trace_callback(None)
    assert len([sql for sql in asked if " FROM verdicts" in sql]) == 10
    plans = [row["detail"] for sql in asked for row in catalogue.file.rows(f"EXPLAIN QUERY PLAN {sql}")]
    assert not [plan for plan in plans if "TEMP B-TREE" in plan], plans
    assert catalogue.verdicts.count() == 200_001


def test_sessions_are_filtered_and_sorted(catalogue: Catalogue) -> None:
    for i in range(10):
        stored.open_session(catalogue, name=f"s{9 - i}", mode=RecordMode.DECISIONS if i % 2 else RecordMode.FRAMES)
        catalogue.clock.sleep_ms(1000.0)
    rows, cursor = catalogue.sessions.page(
        SessionFilter(mode=RecordMode.FRAMES), sort="name", descending=False, limit=3
    )
    assert [s.name for s in rows] == ["s1", "s3", "s5"]
    rows, cursor = catalogue.sessions.page(
        SessionFilter(mode=RecordMode.FRAMES), sort="name", descending=False, after=cursor, limit=3
    )
    assert [s.name for s in rows] == ["s7", "s9"]
    assert cursor is None
    assert [s.name for s in catalogue.sessions.page(limit=2)[0]] == ["s0", "s1"]
    assert catalogue.sessions.count(SessionFilter(state=SessionState.OPEN)) == 10


# --- opening --------------------------------------------------------------------------------------------------------


def test_every_thread_may_use_the_catalogue(catalogue: Catalogue) -> None:
    found: list[int] = []
    stored.open_session(catalogue)
    thread = threading.Thread(target=lambda: found.append(catalogue.sessions.count()))
    thread.start()
    thread.join()
    assert found == [1]


def test_a_catalogue_from_a_newer_version_is_refused(tmp_path: Path) -> None:
    open_catalogue(tmp_path).close()
    file = DatabaseFile(tmp_path / "catalogue.db", FORM)
    file.execute("PRAGMA user_version=99")
    file.close()
    with pytest.raises(InputError, match="newer version"):
        open_catalogue(tmp_path)


def test_a_lost_catalogue_is_never_replaced_silently(tmp_path: Path) -> None:
    (tmp_path / "sessions").mkdir()
    (tmp_path / "sessions" / "x.db").touch()
    with pytest.raises(InputError, match="missing"):
        open_catalogue(tmp_path)
    assert not (tmp_path / "catalogue.db").exists()


def test_a_data_folder_that_is_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    with pytest.raises(HostError, match="cannot be used"):
        open_catalogue(tmp_path / "data")


def test_processes_that_start_together_share_a_new_folder(tmp_path: Path) -> None:
    code = """
import sys
from pathlib import Path
from storage.catalogue import open_catalogue
input()
with open_catalogue(Path(sys.argv[1])) as catalogue:
    catalogue.subjects.add(sys.argv[2])
"""
    command = [sys.executable, "-c", code, str(tmp_path / "data")]
    started = [subprocess.Popen([*command, f"S{i}"], stdin=subprocess.PIPE, text=True) for i in range(4)]
    for process in started:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.close()
    assert [process.wait(300) for process in started] == [0] * 4
    with open_catalogue(tmp_path / "data") as catalogue:
        assert [subject.id for subject in catalogue.subjects.all()] == ["S0", "S1", "S2", "S3"]
        assert catalogue.file.value("SELECT count(*) FROM migrations") == len(CATALOGUE)


def test_masks_are_stored_as_text(catalogue: Catalogue) -> None:
    row = catalogue.verdicts.commit(stored.verdict(mask=ModalityMask(0)))
    assert catalogue.file.value("SELECT mask FROM verdicts") == "none"
    assert catalogue.verdicts.get(row).verdict.mask == ModalityMask(0)


def test_an_erasure_that_begins_at_this_moment_is_met(tmp_path: Path) -> None:
    with open_catalogue(tmp_path / "data") as one, open_catalogue(tmp_path / "data") as other:
        one.subjects.add("S1")
        one.consents.add("S1")
        live = (SessionPurpose.COLLECTION, RecordMode.FRAMES, SourceKind.LIVE)
        with ThreadPoolExecutor(1) as pool:
            with one.transaction():
                one.file.change("UPDATE subjects SET state = 'erasing'")
                opening = pool.submit(other.sessions.open, *live, subject="S1")
                time.sleep(0.5)
            with pytest.raises(InputError, match="erased"):
                opening.result()


def test_a_pseudonym_is_never_that_of_somebody_in_a_collection(catalogue: Catalogue) -> None:
    catalogue.subjects.add("p1", "lab")
    with pytest.raises(InputError, match="no pseudonym"):
        catalogue.subjects.add("lab/p1")


def test_a_snapshot_does_not_move(catalogue: Catalogue) -> None:
    with open_catalogue(catalogue.folder) as other:
        with catalogue.file.snapshot():
            assert catalogue.file.value("SELECT count(*) FROM subjects") == 0
            other.subjects.add("S1")
            assert catalogue.file.value("SELECT count(*) FROM subjects") == 0
        assert catalogue.file.value("SELECT count(*) FROM subjects") == 1
