"""Recalibrate on real captures, once through the window: six people of the Kinect material, hybrids, gate, report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from pytestqt.qtbot import QtBot

import main as program
from core.codes import GateResult, JobState
from core.commandline import build_parser
from gui.app import Desk, SallyportApp
from gui.documents.adaptation_report import read_report
from gui.views.recalibrate.page import DATA, REPORT, RecalibratePage
from gui.widgets.ask import ReasonDialog

OVER = (JobState.CANDIDATE, JobState.REJECTED, JobState.FAILED, JobState.CANCELED)
JOB_MS = 1_800_000
PEOPLE = 6


@pytest.fixture
def page(qapp: SallyportApp, qtbot: QtBot, tmp_path: Path, shared_data: Path) -> Iterator[RecalibratePage]:
    """The page of a station whose sessions are the real captures."""
    data = str(tmp_path / "data")
    manifest = str(shared_data / "kinect2_bona_fide" / "manifest.csv")
    importing = ["import", "--manifest", manifest, "--basis", "published", "--name", "kinect", "--data", data]
    assert program.main(importing) == 0
    desk = Desk(qapp, program.window_services(build_parser().parse_args(["--data", data])))
    desk.open()
    qtbot.waitUntil(lambda: desk.door.actor is not None)
    desk.window.go_to("recalibrate")
    found = desk.window.pages["recalibrate"]
    assert isinstance(found, RecalibratePage)
    yield found
    desk.close()
    assert not desk.crash.path.exists(), desk.crash.path.read_text()


@pytest.mark.slow
@pytest.mark.shared
@pytest.mark.timeout(3600)
def test_real_captures_go_from_the_choice_of_data_to_a_decision(
    page: RecalibratePage, qtbot: QtBot, tmp_path: Path
) -> None:
    page.go_to_step(DATA)
    qtbot.waitUntil(lambda: page.data.model.rowCount() == PEOPLE)
    page.data.model.choose_all(True)
    page.context.actions["make_plan"].trigger()
    qtbot.waitUntil(lambda: page.job is not None and page.job.state in OVER, timeout=JOB_MS)
    assert page.job is not None
    assert page.job.state in (JobState.CANDIDATE, JobState.REJECTED), page.job.message
    report = read_report(page.job.report)
    assert report is not None
    before, after = report.overall.before, report.overall.after
    print(report.gate.result, *(figures_of(block) for block in (before, after)), sep="\n")  # for who runs it: -s
    worse = any(after["apcer"][kind]["value"] > before["apcer"][kind]["value"] for kind in before["apcer"])
    if report.gate.result is GateResult.PASSED:
        assert not worse, "a lower BPCER is not bought with hybrids"
    page.go_to_step(REPORT)
    page.save_report_to(tmp_path / "report.html")
    qtbot.waitUntil(lambda: (tmp_path / "report.html").is_file() and page.context.actions["save_report"].isEnabled())
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "hybrid" in text
    assert "male" not in text.replace("female", ""), "no person is named"
    decide(page, qtbot)


def decide(page: RecalibratePage, qtbot: QtBot) -> None:
    """Promote and roll back what the gate let pass; nothing else can be promoted."""
    promote = page.context.actions["promote"]
    assert page.job is not None
    assert promote.isEnabled() == (page.job.state is JobState.CANDIDATE)
    if not promote.isEnabled():
        return
    for action in ("promote", "rollback"):
        page.context.actions[action].trigger()
        question = page.findChild(ReasonDialog)
        assert question is not None
        question.reason.setPlainText("once through the window")
        question.accept()
        qtbot.waitUntil(page.context.actions["rollback"].isEnabled)


def figures_of(block: Mapping[str, Any]) -> str:
    """BPCER and APCER of each species, with bounds."""
    rates = {"BPCER": block["bpcer"], **{f"APCER {kind}": rate for kind, rate in block["apcer"].items()}}
    told = (
        f"{name} {rate['value']:.3f} ({rate['low']:.3f} to {rate['high']:.3f}; n {rate['trials']})"
        for name, rate in rates.items()
    )
    return "; ".join(told)
