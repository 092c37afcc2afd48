"""The wizard of a camera's qualification: a rehearsal from end to end, and what a live camera is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

import main as program
from core.codes import Outcome, QualificationState, SessionPurpose, SourceKind
from core.commandline import build_parser
from core.errors import InputError
from core.frames import ALL_MODALITIES
from core.messages import DeviceInfo, ModelReady, Standing, VerdictCommitted
from core.qualification.rules import REHEARSAL, judge
from core.station.ports import PresentationLabel, SessionOrder
from core.station.shown import simulated_scene
from gui.app import Desk, SallyportApp
from gui.views.devices.page import DevicesPage
from gui.views.qualify.cards import Card, next_card
from gui.views.qualify.dialog import CAMERA, DECIDE, PRESENT, WALL, QualifyDialog
from gui.widgets.stream_view import LOST_MS
from storage.catalogue import open_catalogue
from tests.gui.fakes import MODEL, FakeFrames, FakeStation, frame_set, health, verdict
from tests.unit.test_qualification_measure import lacks, takes, wall

LIVE_CAMERA = DeviceInfo("Intel RealSense D435", "840412060409", "5.15.1")


def wizard_of(desk: Desk) -> QualifyDialog:
    desk.window.go_to("devices")
    page = desk.window.pages["devices"]
    assert isinstance(page, DevicesPage)
    desk.window.actions_table["qualify"].trigger()
    assert page.wizard is not None
    return page.wizard


def test_the_next_card_follows_what_is_missing() -> None:
    nothing = judge([], ALL_MODALITIES, REHEARSAL)
    assert next_card(nothing, REHEARSAL) == Card(person=1)
    half = judge(takes(people=2, each=1, species=0), ALL_MODALITIES, REHEARSAL)
    assert next_card(half, REHEARSAL) == Card("print_flat", artefact=1)
    assert not lacks(takes(people=2, each=1, shown=1, artefacts=1), REHEARSAL)
    assert simulated_scene("simulated:booth,sensor=d455", "booth", 4, "mask_rigid") == (
        "simulated:booth,seed=4,sensor=d455,species=mask_rigid"
    )


@pytest.fixture
def live_wizard(open_desk: Callable[[], Desk], station: FakeStation, frames: FakeFrames, qtbot: QtBot) -> QualifyDialog:
    station.source_kind = SourceKind.LIVE
    desk = open_desk()
    frames.push(frame_set(1))
    station.say(replace(health(kind=SourceKind.LIVE), device=LIVE_CAMERA), ModelReady(MODEL, "factory", "cpu"))
    wizard = wizard_of(desk)
    qtbot.waitUntil(wizard.on.isEnabled)
    return wizard


def test_a_live_camera_goes_from_wall_to_presentations_and_can_be_left_half_way(
    live_wizard: QualifyDialog, station: FakeStation, frames: FakeFrames, qtbot: QtBot
) -> None:
    wizard = live_wizard
    assert "shadow verdicts" in wizard.note.text()
    wizard.go_to_step(DECIDE)
    assert wizard.stack.currentIndex() == CAMERA, "without a qualification there is only the first step"
    wizard.on.click()
    qtbot.waitUntil(lambda: wizard.stack.currentIndex() == WALL)
    assert not wizard.wall.near.isVisible()
    number = 1
    for scene in ("wall_near", "wall_far"):
        wizard.wall.measure.click()
        kept = wizard.progress.record.placements if wizard.progress is not None else ()
        while wizard.busy:
            number += 1
            shown = wall(scene)[number % 12]
            moved = {m: replace(f, number=number, device_time_ms=number * 33.3) for m, f in shown.frames.items()}
            frames.push(replace(shown, number=number, frames=moved))
            wizard.context.link.feed.tick()
            qtbot.wait(1)
        assert wizard.progress is not None
        assert len(wizard.progress.record.placements) == len(kept) + 1
    qtbot.waitUntil(lambda: wizard.stack.currentIndex() == PRESENT)
    assert wizard.progress is not None
    assert wizard.progress.record.state is QualificationState.PRESENTING
    assert "50 bona fide" in wizard.present.missing.text()
    wizard.present.take.click()
    qtbot.waitUntil(lambda: bool(station.named("begin_presentation")))
    order = station.named("open_session")[-1]
    assert isinstance(order, SessionOrder)
    assert order.purpose is SessionPurpose.QUALIFICATION
    label = station.named("begin_presentation")[-1]
    assert isinstance(label, PresentationLabel)
    assert (label.species, label.subject, label.test) == ("", "P1", True)
    qtbot.waitUntil(lambda: wizard._take != "")
    station.say(VerdictCommitted(1, verdict(Outcome.REFER, presentation="p1", shadow=True)))
    qtbot.waitUntil(lambda: "REFER" in wizard.present.answer.text() and not wizard.busy)
    context = wizard.context
    wizard.shut.click()
    qtbot.waitUntil(lambda: context.link.order_in_use.purpose is SessionPurpose.CHECKPOINT)
    assert context.link.standing == Standing()


def test_stopping_ends_the_take_and_the_measurement(
    live_wizard: QualifyDialog, station: FakeStation, qtbot: QtBot
) -> None:
    wizard = live_wizard
    wizard.on.click()
    qtbot.waitUntil(lambda: wizard.stack.currentIndex() == WALL)
    wizard.wall.measure.click()
    assert wizard.stop.isVisible()
    wizard.stop.click()
    assert not wizard.busy
    assert wizard.wall.progress.value() <= 0
    wizard.close()


def _at(wizard: QualifyDialog, scene: str) -> bool:
    return scene in wizard.context.link.source and wizard.wall.measure.isEnabled()


@pytest.mark.slow
def test_a_rehearsal_on_the_simulated_camera_from_end_to_end(qapp: SallyportApp, qtbot: QtBot, tmp_path: Path) -> None:
    """The real station, camera and model; nothing of it ever counts."""
    source = "simulated:booth,seed=3,sensor=d435,species=bona_fide"
    options = build_parser().parse_args(["--data", str(tmp_path), "--source", source])
    desk = Desk(qapp, program.window_services(options))
    desk.open()
    try:
        link = desk.link
        qtbot.waitUntil(lambda: link.model is not None and link.feed.age_ms < LOST_MS)
        wizard = wizard_of(desk)
        qtbot.waitUntil(wizard.on.isEnabled)
        assert "REHEARSAL" in wizard.note.text()
        wizard.on.click()
        qtbot.waitUntil(lambda: wizard.stack.currentIndex() == WALL)
        for scene, button in (("wall_near", wizard.wall.near), ("wall_far", wizard.wall.far)):
            button.click()
            qtbot.waitUntil(lambda: link.model is not None)
            qtbot.waitUntil(partial(_at, wizard, scene))
            wizard.wall.measure.click()
            qtbot.waitUntil(lambda: not wizard.busy)
        qtbot.waitUntil(lambda: wizard.stack.currentIndex() == PRESENT)
        for _ in range(12):
            wizard.present.take.click()
            # A station takes long to open on a busy machine: each part of it is waited for by itself.
            qtbot.waitUntil(lambda: link.source == wizard._shows)
            qtbot.waitUntil(lambda: link.model is not None)
            qtbot.waitUntil(lambda: wizard._take != "" or not wizard.busy)
            qtbot.waitUntil(lambda: not wizard.busy)
            if wizard.stack.currentIndex() == DECIDE:
                break
            qtbot.waitUntil(wizard.present.take.isEnabled)
        wizard.decide.conclude.click()
        qtbot.waitUntil(
            lambda: wizard.progress is not None and wizard.progress.record.state is QualificationState.QUALIFIED
        )
        assert wizard.progress is not None
        assert wizard.progress.record.rehearsal
        assert not wizard.progress.record.counts
        assert link.standing.qualified == frozenset()
        wizard.close()
        qtbot.waitUntil(lambda: link.source == source and link.session != "")
    finally:
        desk.close()
    with open_catalogue(tmp_path) as catalogue:
        (record,) = catalogue.qualifications.all()
        assert len(catalogue.qualifications.takes(record.id)) >= 5
        shown = catalogue.qualifications.evidence(record.id)
        assert shown["people"] == 2
        assert len(shown["apcer"]) == 3


@pytest.mark.parametrize("ends", ["stopped", "closed"])
def test_a_take_that_is_ended_before_its_session_is_open_never_begins(
    live_wizard: QualifyDialog, station: FakeStation, qtbot: QtBot, ends: str
) -> None:
    wizard, link = live_wizard, live_wizard.context.link
    wizard.on.click()
    qtbot.waitUntil(lambda: wizard.stack.currentIndex() == WALL)
    wizard.busy = True
    wizard._begin_take(PresentationLabel("", "n-1", test=True))
    if ends == "closed":
        wizard.close()
        wanted = [SessionPurpose.QUALIFICATION, SessionPurpose.CHECKPOINT]
        qtbot.waitUntil(lambda: [order.purpose for order in station.orders[-2:]] == wanted)
    else:
        wizard.stop.click()
        qtbot.waitUntil(lambda: link.order_in_use.purpose is SessionPurpose.QUALIFICATION)
        wizard.close()
    qtbot.wait(100)
    assert not station.named("begin_presentation")


def test_what_went_wrong_is_told_until_something_else_is_asked_for(
    live_wizard: QualifyDialog, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_given: object) -> None:
        raise InputError("No sensors were chosen.", "Choose one.")

    monkeypatch.setattr("gui.views.qualify.reading.begin", refuse)
    live_wizard.on.click()
    qtbot.waitUntil(lambda: live_wizard.note.text() == "No sensors were chosen. Choose one.")
    live_wizard.refresh()
    assert live_wizard.note.text() == "No sensors were chosen. Choose one."
    monkeypatch.undo()
    live_wizard.on.click()
    qtbot.waitUntil(lambda: live_wizard.stack.currentIndex() == WALL)
    assert "shadow verdicts" in live_wizard.note.text()
    live_wizard.close()
