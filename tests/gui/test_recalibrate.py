from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget
from pytestqt.modeltest import ModelTester
from pytestqt.qtbot import QtBot

from core.adaptation.exhaustion import OUT_OF_MEMORY
from core.adaptation.plan import make_plan
from core.adaptation.worker import Workplace, run_job
from core.codes import JobState, Outcome
from core.errors import InputError
from core.ports import JobRecord
from gui.app import Desk, SallyportApp
from gui.i18n import install_language
from gui.models.material_model import MaterialModel
from gui.models.table_model import TextTable
from gui.services import Services
from gui.views.recalibrate.page import DATA, RUN, SITE, RecalibratePage
from gui.views.recalibrate.reading import Material, read_material
from gui.views.recalibrate.run_step import remaining
from gui.views.recalibrate.summary import balance_of, missing, sentences
from gui.widgets.curves import Curves
from gui.widgets.tables import make_table
from main import main
from storage.catalogue import open_catalogue
from tests.gui.fakes import verdict
from tests.gui.recalibrating import OpenDesk, catch_launches, fill, open_page, with_job
from tests.unit.test_site_shift import decide


@pytest.fixture
def launched(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    return catch_launches(monkeypatch)


@pytest.fixture
def page(services: Services, open_desk: OpenDesk, qtbot: QtBot, launched: list[list[str]]) -> RecalibratePage:
    return open_page(services, open_desk, qtbot)


def test_site_figures_have_bounds(page: RecalibratePage, qtbot: QtBot) -> None:
    with open_catalogue(page.context.services.data_dir) as catalogue:
        for outcome in (Outcome.BONA_FIDE, Outcome.BONA_FIDE, Outcome.REFER):
            catalogue.verdicts.commit(verdict(outcome, session="", presentation=""))
    page.go_to_step(SITE)
    outcomes = page.site.outcomes
    qtbot.waitUntil(lambda: outcomes.rowCount() == len(Outcome) and outcomes.data(outcomes.index(0, 3)) == "2")
    assert outcomes.data(outcomes.index(0, 1)) == "66.7%"
    assert "…" in str(outcomes.data(outcomes.index(0, 2)))


def test_the_shift_meter_says_which_sensor_moved_in_words(page: RecalibratePage, qtbot: QtBot) -> None:
    panel = page.site.shift
    page.go_to_step(SITE)
    qtbot.waitUntil(lambda: "not decided" in panel.spans.text())
    assert panel.bars.isHidden()
    with open_catalogue(page.context.services.data_dir) as catalogue:
        decide(catalogue, 320)
        decide(catalogue, 310, ir=-2.0)
    page.go_to_step(SITE)
    qtbot.waitUntil(panel.bars.isVisible)
    assert [row.words.split("  ")[0] for row in panel.bars.rows] == ["as before", "as before", "moved far"]
    assert "champion's first 300 verdicts" in panel.spans.text()
    spoken = panel.bars.accessibleDescription()
    assert "Infrared: moved far" in spoken
    assert "300 verdicts then, 300 now, chance alone reaches" in spoken
    assert panel.bars.grab().width() > 0


def test_few_verdicts_are_too_little_to_tell(page: RecalibratePage, qtbot: QtBot) -> None:
    with open_catalogue(page.context.services.data_dir) as catalogue:
        decide(catalogue, 20)
    page.go_to_step(SITE)
    qtbot.waitUntil(page.site.shift.bars.isVisible)
    assert {row.words for row in page.site.shift.bars.rows} == {"too little to tell"}
    assert "about 160 verdicts on each side" in page.site.shift.spans.text()


def test_the_choice_says_what_it_amounts_to_and_what_is_missing(page: RecalibratePage) -> None:
    assert not page.context.actions["make_plan"].isEnabled()
    page.data.model.choose_all(True)
    words = page.data.summary.text()
    assert "3 sessions chosen" in words
    assert "print, flat: 3" in words
    assert "3 presentations have no label" in words
    assert "17 more subjects" in page.data.gaps.text()
    assert page.context.actions["make_plan"].isEnabled()


def test_enough_subjects_leave_no_gap() -> None:
    balance = replace(balance_of([]), subjects=20, genuine=20, bona_fide=60, attacks={"print_flat": 60})
    assert missing(balance) == []
    assert len(sentences(balance)) == 5


def test_a_plan_is_frozen_by_the_command_line_and_its_job_started_apart(
    page: RecalibratePage, qtbot: QtBot, launched: list[list[str]]
) -> None:
    asked: list[list[str]] = []

    def command(arguments: object) -> list[str]:
        asked.append(list(arguments))  # type: ignore[call-overload]
        return [sys.executable, "-c", "print('job-1')"]

    page.context.services = replace(page.context.services, command=command)
    assert not page.data.unlabelled.isEnabled(), "nothing is chosen"
    page.data.model.choose_all(True)
    page.data.unlabelled.setChecked(True)
    page.data.margin.setValue(5)
    page.context.actions["make_plan"].trigger()
    qtbot.waitUntil(lambda: launched == [["adapt", "run", "job-1"]])
    assert asked[0][:3] == ["adapt", "plan", "--sessions"]
    assert asked[0][-3:] == ["--bpcer-margin", "0.05", "--unlabelled"]
    assert len(asked[0][3].split(",")) == 3
    assert page.steps.currentIndex() == RUN


def test_the_process_of_a_job_is_not_a_child_of_the_window(desk: Desk, qtbot: QtBot, tmp_path: Path) -> None:
    desk.window.go_to("recalibrate")
    page = desk.window.pages["recalibrate"]
    assert isinstance(page, RecalibratePage)
    said = tmp_path / "parent"
    text = f"import os, pathlib; pathlib.Path({str(said)!r}).write_text(str(os.getppid()) + '.')"
    page.context.services = replace(page.context.services, command=lambda _arguments: [sys.executable, "-c", text])
    assert page._launch(["adapt", "run", "job-1"])
    qtbot.waitUntil(lambda: said.exists() and said.read_text().endswith("."))
    assert int(said.read_text()[:-1]) != os.getpid()


def test_a_process_that_cannot_start_is_told(desk: Desk, qtbot: QtBot) -> None:
    desk.window.go_to("recalibrate")
    page = desk.window.pages["recalibrate"]
    assert isinstance(page, RecalibratePage)
    page.context.services = replace(page.context.services, command=lambda _arguments: ["/no/such/program"])
    assert not page._launch(["adapt", "run", "job-1"])
    assert any("could not be started" in toast.what for toast in desk.window.toasts.shown)


def test_a_command_that_dies_without_a_word_is_told(page: RecalibratePage, qtbot: QtBot) -> None:
    shown: list[BaseException] = []
    page.context.show_error = shown.append
    page.context.services = replace(page.context.services, command=lambda _arguments: ["false"])
    page.data.model.choose_all(True)
    page.context.actions["make_plan"].trigger()
    qtbot.waitUntil(lambda: bool(shown))
    assert "ended with code 1" in str(shown[0])


def test_a_job_is_watched_and_can_be_paused(page: RecalibratePage, qtbot: QtBot) -> None:
    job = with_job(page, qtbot, state=JobState.TRAINING, progress=0.4, message="step 96 of 240", pid=os.getpid())
    page.go_to_step(RUN)
    assert "training" in page.run_step.state.text()
    assert page.run_step.bar.value() == 400
    assert page.context.actions["pause_job"].isEnabled()
    page.context.actions["pause_job"].trigger()
    qtbot.waitUntil(lambda: "pause" in page.run_step.message.text())
    with open_catalogue(page.context.services.data_dir) as catalogue:
        assert catalogue.jobs.take_request(job) == "pause"


def test_guessed_labels_have_a_curve_only_where_the_pass_guesses(page: RecalibratePage, qtbot: QtBot) -> None:
    page.go_to_step(RUN)

    def run(**guessed: float) -> Curves:
        with open_catalogue(page.context.services.data_dir) as catalogue:
            job = catalogue.jobs.create("{}", "00")
            for step in range(3):
                catalogue.jobs.append_event(job, step, {"site_loss": 1.0 / (step + 1), **guessed})
            catalogue.jobs.update(job, state=JobState.TRAINING, pid=os.getpid())
        page.jobs.setCurrentIndex(-1)  # the newest one is looked at, whatever was chosen before
        page._watch()
        qtbot.waitUntil(lambda: page.job is not None and page.job.id == job and page.run_step.curves is not None)
        found = page.run_step.curves
        assert isinstance(found, Curves)
        return found

    assert set(run().plots) == {"site_loss"}
    guessing = run(pseudo_bona_fide=12.0, pseudo_attacks=40.0, pseudo_agreement=0.875).plots
    assert set(guessing) == {"site_loss", "pseudo_bona_fide", "pseudo_agreement"}
    assert guessing["pseudo_bona_fide"].accessibleDescription() == "bona fide 12, attack 40"
    assert guessing["pseudo_agreement"].accessibleDescription() == "0.875"
    legend = guessing["pseudo_bona_fide"].getPlotItem().legend
    assert [label.text for _sample, label in legend.items] == ["bona fide", "attack"]


def test_a_job_whose_process_is_gone_can_be_resumed(
    page: RecalibratePage, qtbot: QtBot, launched: list[list[str]]
) -> None:
    job = with_job(page, qtbot, state=JobState.TRAINING, progress=0.4, pid=2**22 + 1)
    qtbot.waitUntil(lambda: page.job is not None and page.job.state is JobState.INTERRUPTED)
    assert page.context.actions["resume_job"].isEnabled()
    page.context.actions["resume_job"].trigger()
    assert launched == [["adapt", "resume", job]]
    assert not page.context.actions["resume_job"].isEnabled(), "one process is on its way"
    page._forget_resumed()
    assert page.context.actions["resume_job"].isEnabled(), "it never came"


def test_a_job_that_ran_out_of_memory_is_told_and_can_be_resumed(
    page: RecalibratePage, qtbot: QtBot, launched: list[list[str]]
) -> None:
    job = with_job(page, qtbot, state=JobState.OUT_OF_MEMORY, progress=0.4, message=OUT_OF_MEMORY)
    assert page.run_step.state.text() == f"{job}: out of memory, can be resumed"
    assert "can go on from its checkpoint" in page.run_step.message.text()
    page.context.actions["resume_job"].trigger()
    assert launched == [["adapt", "resume", job]]


def test_why_a_job_failed_is_told_in_german_with_its_values(
    german: None,
    qapp: SallyportApp,
    page: RecalibratePage,
    qtbot: QtBot,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    data, champion = page.context.services.data_dir, "c" * 64
    install_language(qapp, "de")  # the window has begun in its settings' language
    with open_catalogue(data) as catalogue:
        sessions = [session.id for session in catalogue.sessions.page()[0]]
        plan = make_plan(catalogue.material, sessions, champion, "factory", 1)
        job = catalogue.jobs.create(plan.to_json(), plan.sha256())
        changed = catalogue.presentations.of_session(sessions[0])[0].id
        catalogue.presentations.relabel(changed, "print_flat", "it was one")
        place = Workplace(
            catalogue.jobs, catalogue.material, lambda _: tmp_path, lambda: champion, tmp_path, lambda _: None, str
        )
        with pytest.raises(InputError):
            run_job(job, place)
    page._watch()
    qtbot.waitUntil(lambda: page.job is not None and page.job.state is JobState.FAILED)
    assert page.run_step.message.text() == (
        f"Das Label der Präsentation {changed} wurde geändert, nachdem der Plan entstand. "
        "Mit `main.py adapt plan` neu planen."
    )
    assert main(["adapt", "status", job, "--data", str(data)]) == 0
    assert f"{job}: failed, 0% The label of presentation {changed} was changed" in capsys.readouterr().out


def test_what_a_job_of_an_older_version_left_is_told_as_it_stands(
    german: None, qapp: SallyportApp, page: RecalibratePage, qtbot: QtBot
) -> None:
    install_language(qapp, "de")
    with_job(page, qtbot, state=JobState.FAILED, message="There is no model 'site-3'. List them.")
    assert page.run_step.message.text() == "There is no model 'site-3'. List them."


@pytest.mark.parametrize("state", [JobState.PAUSED, JobState.QUEUED])
def test_canceling_an_idle_job_starts_somebody_who_obeys(
    page: RecalibratePage, qtbot: QtBot, launched: list[list[str]], state: JobState
) -> None:
    """A queued one may be of a plan whose process was never started, or did not come to its job."""
    job = with_job(page, qtbot, state=state, progress=0.4)
    page.context.actions["cancel_job"].trigger()
    qtbot.waitUntil(lambda: launched == [["adapt", "resume", job]])


def test_an_empty_catalogue_says_what_to_do(desk: Desk, qtbot: QtBot) -> None:
    desk.window.go_to("recalibrate")
    page = desk.window.pages["recalibrate"]
    assert isinstance(page, RecalibratePage)
    page.go_to_step(DATA)
    qtbot.waitUntil(lambda: page.data.rooms.currentIndex() == 1)


@pytest.mark.parametrize(
    ("progress", "passed_s", "text"),
    [(0.5, 60.0, "about 60 s left"), (0.25, 300.0, "about 15 min left"), (0.0, 10.0, "")],
)
def test_the_remaining_time_follows_from_the_progress(progress: float, passed_s: float, text: str) -> None:
    record = JobRecord(
        "job", JobState.TRAINING, "{}", "00", progress, created_utc_s=100.0, updated_utc_s=100.0 + passed_s
    )
    assert remaining(record) == text


def test_models_keep_qt_rules(services: Services, qtbot: QtBot, qtmodeltester: ModelTester) -> None:
    with open_catalogue(services.data_dir) as catalogue:
        fill(catalogue)
        rows = read_material(catalogue)
    material = MaterialModel()
    material.show(rows)
    qtmodeltester.check(material)
    table = TextTable(("a", "b"))
    table.show([("1", "2"), ("3", "4")])
    qtmodeltester.check(table)


def test_imported_sessions_of_one_collection_can_be_told_apart(services: Services) -> None:
    with open_catalogue(services.data_dir) as catalogue:
        made = [replace(catalogue.sessions.get(session), name="site") for session in fill(catalogue, 2)]
    model = MaterialModel()
    model.show([Material(replace(session, subject=f"site/{session.subject}"), {}) for session in made])
    assert [model.index(row, 0).data() for row in range(2)] == ["site/s0", "site/s1"]
    assert made[0].id in model.index(0, 0).data(Qt.ItemDataRole.ToolTipRole)


def test_what_was_erased_is_not_listed_any_more(page: RecalibratePage, qtbot: QtBot) -> None:
    page.go_to_step(DATA)
    qtbot.waitUntil(lambda: page.data.model.rowCount() > 0)
    with open_catalogue(page.context.services.data_dir) as catalogue:
        catalogue.file.execute("UPDATE presentations SET state = 'discarded'")
    page.context.erasing.erased.emit()
    qtbot.waitUntil(lambda: page.data.model.rowCount() == 0)


def test_the_same_rows_leave_a_table_as_it_is(qtbot: QtBot) -> None:
    """What a page reads again and again takes no choice away."""
    model = TextTable(("When", "What"))
    holder = QWidget()
    qtbot.addWidget(holder)
    table = make_table("History", holder)
    table.setModel(model)
    model.show([("1", "promote"), ("2", "rollback")])
    table.selectRow(1)
    model.show([("1", "promote"), ("2", "rollback")])
    assert table.currentIndex().row() == 1
    model.show([("1", "promote")])
    assert not table.currentIndex().isValid()
