"""A job's report as a file: from the window and from the command line, whole or not at all, in both languages."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from core.adaptation.plan import make_plan
from core.codes import JobState
from core.errors import InputError, UsageError
from core.ports import JobRecord
from gui.app import Desk, SallyportApp
from gui.documents.adaptation_report import document_of
from gui.documents.command import report as report_command
from gui.documents.document import write
from gui.i18n.translator import install_language
from gui.services import Services
from gui.views.recalibrate.page import RecalibratePage
from storage.catalogue import open_catalogue
from tests.gui.recalibrating import report
from tests.unit.adaptation_site import SiteStore


def record(job: str = "job-1") -> JobRecord:
    store = SiteStore()
    plan = make_plan(store, store.sessions, "c" * 64, "factory", 1)
    told = report().model_copy(update={"second_labels": plan.second_labels, "misplaced": ["rgb", "depth+ir"]})
    return JobRecord(job, JobState.REJECTED, plan.to_json(), plan.sha256(), 1.0, report=told.to_json())


def test_the_page_tells_result_reasons_and_curves_and_loads_nothing(qapp: SallyportApp, tmp_path: Path) -> None:
    write(document_of(record()), tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text()
    assert text.count("<svg") == 2
    assert "Insufficient evidence" in text
    assert "220 more presentations of 8 more people" in text
    assert "thresholds follow the site&#x27;s own people (Colour; Depth + Infrared)" in text
    assert "None of 18 labels was given a second time." in text
    assert "src=" not in text
    assert not [name for name in SiteStore().sessions if f">{name}<" in text], "sessions are not named"


def test_it_is_written_as_pdf_and_in_german(qapp: SallyportApp, tmp_path: Path) -> None:
    install_language(qapp, "de")
    try:
        document = document_of(record())
    finally:
        install_language(qapp, "en")
    assert document.title == "Anpassungsbericht"
    write(document, tmp_path / "report.pdf")
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF")
    assert [path.name for path in tmp_path.iterdir()] == ["report.pdf"]


def test_what_cannot_be_written_or_read_is_told_and_leaves_the_file_before_it(
    qapp: SallyportApp, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=r"as \.docx"):
        write(document_of(record()), tmp_path / "report.docx")
    with pytest.raises(InputError, match="job-2 has no report"):
        document_of(JobRecord("job-2", JobState.TRAINING, "{}", ""))
    assert not list(tmp_path.iterdir())


def test_the_window_saves_it_and_shows_what_went_wrong(
    services: Services, qtbot: QtBot, open_desk: Callable[[], Desk], tmp_path: Path
) -> None:
    one = record()
    with open_catalogue(services.data_dir) as catalogue:
        job = catalogue.jobs.create(one.plan, one.plan_sha256)
        catalogue.jobs.update(job, state=JobState.REJECTED, report=one.report)
    desk = open_desk()
    desk.window.go_to("recalibrate")
    page = desk.window.pages["recalibrate"]
    assert isinstance(page, RecalibratePage)
    page.context.services = replace(
        services, command=lambda said: [sys.executable, "main.py", *said, "--data", str(services.data_dir)]
    )
    save = page.context.actions["save_report"]
    qtbot.waitUntil(lambda: save.isEnabled())
    shown: list[BaseException] = []
    page.context.show_error = shown.append
    page.save_report_to(tmp_path / "nowhere" / "report.html")
    assert not save.isEnabled(), "one at a time"
    qtbot.waitUntil(lambda: bool(shown) and save.isEnabled())
    assert "Cannot write" in str(shown[0])
    page.save_report_to(tmp_path / "report.pdf")
    qtbot.waitUntil(lambda: (tmp_path / "report.pdf").is_file() and save.isEnabled())
    assert len(shown) == 1


def test_the_command_writes_the_report_of_a_stored_job(
    qapp: SallyportApp, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with open_catalogue(tmp_path / "data") as catalogue:
        one = record()
        job = catalogue.jobs.create(one.plan, one.plan_sha256)
        catalogue.jobs.update(job, state=JobState.REJECTED, report=one.report)
    out = tmp_path / "out.html"
    assert report_command(Namespace(data=tmp_path / "data", job=job, out=out, language="en")) == 0
    assert capsys.readouterr().out.strip() == str(out)
    assert job in out.read_text()
