"""A site with three labelled sessions before the page Recalibrate, and a report as a job leaves it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from core.adaptation.report import Check, GateReport, Holds, MaskFinding
from core.adaptation.result import JobReport, MaskFigures
from core.codes import GateReason, GateResult, RecordMode, SessionPurpose, SourceKind
from gui.app import Desk
from gui.services import Services
from gui.views.recalibrate import page as page_module
from gui.views.recalibrate.page import DATA, RecalibratePage
from storage.catalogue import Catalogue, open_catalogue

OpenDesk = Callable[[], Desk]


def fill(catalogue: Catalogue, subjects: int = 3) -> list[str]:
    sessions = []
    for number in range(subjects):
        catalogue.subjects.add(f"s{number}")
        session = catalogue.sessions.open(
            SessionPurpose.COLLECTION, RecordMode.FRAMES, SourceKind.SIMULATED, subject=f"s{number}"
        )
        for species in ("", "print_flat", None):
            take = catalogue.presentations.open(session, species=species)
            catalogue.presentations.close(take, 1, 5, 1.0)
        catalogue.sessions.close(session)
        sessions.append(session)
    return sessions


def report(result: GateResult = GateResult.INSUFFICIENT_EVIDENCE) -> JobReport:
    check = Check(
        reason=GateReason.BPCER_OPEN,
        holds=Holds.OPEN,
        mask="depth+ir",
        before=0.02,
        after=0.03,
        low=-0.01,
        high=0.04,
        trials=80,
        subjects=6,
        needs_trials=300,
        needs_subjects=14,
    )
    gate = GateReport(
        result=result,
        reasons=[check],
        masks=[MaskFinding(mask="depth+ir", holds=Holds.OPEN, claimed=False, checks=[check])],
        settings={},
        judged={},
    )
    rate = {"value": 0.1, "errors": 1, "trials": 10, "low": 0.003, "high": 0.445}
    block = {"bpcer": rate, "apcer": {"print_flat": rate}, "auc": 0.9}
    det = {"before": [(0.0, 0.4), (0.5, 0.0)], "after": [(0.0, 0.2), (0.3, 0.0)]}
    counts = {"bona_fide": [0] * 19 + [9], "attack": [7] + [0] * 19}
    figures = MaskFigures(
        mask="depth+ir", before=block, threshold_only=block, after={**block, "bpcer": None}, det=det, histograms=counts
    )
    return JobReport(
        gate=gate,
        overall=figures,
        by_mask=[figures],
        subjects={},
        without_face={},
        steps=240,
        returns=0,
        candidate="ab" * 32,
    )


def with_job(page: RecalibratePage, qtbot: QtBot, **changes: object) -> str:
    with open_catalogue(page.context.services.data_dir) as catalogue:
        job = catalogue.jobs.create("{}", "00")
        for step in range(3):
            catalogue.jobs.append_event(job, step, {"loss": 1.0 / (step + 1), "anchor": float(step)})
        catalogue.jobs.update(job, **changes)  # type: ignore[arg-type]
    page._watch()
    qtbot.waitUntil(lambda: page.job is not None and page.job.id == job)
    return job


def open_page(services: Services, open_desk: OpenDesk, qtbot: QtBot) -> RecalibratePage:
    """The page on its step Data, over three labelled sessions."""
    with open_catalogue(services.data_dir) as catalogue:
        fill(catalogue)
    desk = open_desk()
    desk.window.go_to("recalibrate")
    found = desk.window.pages["recalibrate"]
    assert isinstance(found, RecalibratePage)
    found.go_to_step(DATA)
    qtbot.waitUntil(lambda: found.data.model.rowCount() == 3)
    return found


def catch_launches(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What the page would start as a process that outlives the window."""
    found: list[list[str]] = []

    def launch(_page: RecalibratePage, arguments: list[str]) -> bool:
        found.append(arguments)
        return True

    monkeypatch.setattr(page_module.RecalibratePage, "_launch", launch)
    return found


def with_commands(page: RecalibratePage) -> Path:
    """Let the page's commands be this program on its data folder, which is returned."""
    data = page.context.services.data_dir
    page.context.services = replace(
        page.context.services, command=lambda said: [sys.executable, "main.py", *said, "--data", str(data)]
    )
    return data
