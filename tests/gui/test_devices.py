from __future__ import annotations

import sys

import pytest
from PySide6.QtWidgets import QLabel
from pytestqt.modeltest import ModelTester
from pytestqt.qtbot import QtBot

from core.codes import ConnectionState, Species
from core.messages import Problem, SetOptions
from core.scenes.artefacts import RENDERED_SPECIES
from core.scenes.spec import LIVE_SENSORS, SCENES, SceneSpec
from devices.sources import SourceSpec
from gui.app import Desk
from gui.command import Command
from gui.views.devices import source_form
from gui.views.devices.page import DevicesPage
from gui.views.devices.source_form import SourceForm
from gui.views.devices.stream_table import StreamModel
from tests.gui.fakes import FakeStation, health, ready


@pytest.fixture
def page(desk: Desk, station: FakeStation, qtbot: QtBot) -> DevicesPage:
    desk.window.go_to("devices")
    found = desk.window.pages["devices"]
    assert isinstance(found, DevicesPage)
    ready(station)
    qtbot.waitUntil(lambda: found.state.text() == "Streaming")
    return found


@pytest.mark.parametrize("meanwhile", ["renewed", "another source"])
def test_the_camera_comes_back_after_a_recording_whatever_became_of_the_window(
    page: DevicesPage, desk: Desk, station: FakeStation, qtbot: QtBot, meanwhile: str
) -> None:
    command = [sys.executable, "-c", "import time; time.sleep(1)"]
    object.__setattr__(page.context.services, "command", lambda _arguments: command)
    source = desk.link.source
    page.record_to("out.db3")
    qtbot.waitUntil(lambda: not desk.link.connected)
    if meanwhile == "renewed":
        desk._renew_window()
    else:
        desk.link.connect_source("simulated:corridor")
    qtbot.waitUntil(lambda: not desk.link.findChildren(Command))
    qtbot.waitUntil(lambda: desk.link.connected)
    assert desk.link.source == (source if meanwhile == "renewed" else "simulated:corridor")


def test_the_form_offers_what_the_renderer_can_show() -> None:
    assert source_form.SCENES == SCENES
    assert source_form.SENSORS == LIVE_SENSORS
    assert set(source_form.RENDERED_SPECIES) == {Species.BONA_FIDE, *RENDERED_SPECIES}


@pytest.mark.parametrize("species", source_form.RENDERED_SPECIES)
def test_every_simulated_choice_is_a_source_of_the_command_line(qtbot: QtBot, species: Species) -> None:
    form = SourceForm()
    qtbot.addWidget(form)
    form.species.setCurrentIndex(form.species.findData(species.value))
    form.seed.setValue(7)
    spec = SourceSpec.parse(form.source())
    assert SceneSpec.parse(spec.argument) == SceneSpec("booth", 7, "d435", species)


@pytest.mark.parametrize(
    "source",
    [
        "realsense",
        "realsense:123",
        "file:/a/b.db3",
        "scripted:/a.toml",
        "simulated:corridor,seed=3,sensor=d455,species=print_worn",
        "simulated:booth,seed=0,sensor=d435,species=bona_fide",
    ],
)
def test_a_source_in_use_is_shown_as_it_is(qtbot: QtBot, source: str) -> None:
    form = SourceForm()
    qtbot.addWidget(form)
    form.show_source(source)
    assert form.source() == source


def test_identity_and_counters_are_shown(page: DevicesPage) -> None:
    assert page.facts.value("Serial number") == "sim-1"
    assert page.facts.value("Firmware") == "–", "a software device has no firmware"
    assert page.facts.value("Temperature") == "31.5 °C"
    assert "2.4 ms p95" in page.facts.value("Skew within a set")


def test_a_lost_camera_says_why(page: DevicesPage, station: FakeStation, qtbot: QtBot) -> None:
    station.say(health(ConnectionState.LOST, problem="The cable is out. Plug it in again."))
    qtbot.waitUntil(lambda: page.state.text() == "Connection lost")
    assert page.problem.text() == "The cable is out. Plug it in again."


def test_settings_go_to_the_camera(page: DevicesPage, station: FakeStation, qtbot: QtBot) -> None:
    page.options_form.automatic.setChecked(False)
    page.options_form.exposure.setValue(4000)
    page.context.actions["apply_options"].trigger()
    qtbot.waitUntil(lambda: bool(station.named("set_options")))
    options = station.named("set_options")[0]
    assert isinstance(options, SetOptions)
    assert options.options["exposure"] == 4000
    assert options.options["enable_auto_exposure"] == 0
    assert options.face_roi is None


def test_exposure_may_follow_the_face(page: DevicesPage, station: FakeStation, desk: Desk, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: desk.link.observation is not None)
    page.options_form.follow_face.setChecked(True)
    page.context.actions["apply_options"].trigger()
    qtbot.waitUntil(lambda: bool(station.named("set_options")))
    options = station.named("set_options")[0]
    assert isinstance(options, SetOptions)
    assert options.face_roi == (225, 115, 190, 250)


def test_connect_uses_and_remembers_the_source(page: DevicesPage, desk: Desk, qtbot: QtBot) -> None:
    page.source_form.species.setCurrentIndex(page.source_form.species.findData("print_flat"))
    page.context.actions["connect_source"].trigger()
    qtbot.waitUntil(lambda: "print_flat" in desk.link.source)
    assert desk.settings.source == desk.link.source


def test_a_file_must_be_chosen_first(page: DevicesPage, desk: Desk) -> None:
    page.source_form.kind.setCurrentIndex(page.source_form.kind.findData("file"))
    page.connect_source()
    assert [t.what for t in desk.window.toasts.shown] == ["No file is chosen."]


def test_the_stream_model_keeps_qt_rules(qtbot: QtBot, qtmodeltester: ModelTester) -> None:
    model = StreamModel()
    qtmodeltester.check(model)
    model.show(health())
    qtmodeltester.check(model)
    assert model.data(model.index(1, 0)) == "Depth"


def test_nothing_of_the_camera_before_is_shown_where_the_next_one_fails(
    page: DevicesPage, desk: Desk, station: FakeStation, qtbot: QtBot
) -> None:
    desk.link.connect_source("simulated:corridor")
    qtbot.waitUntil(lambda: desk.link.source == "simulated:corridor")
    station.say(Problem("There is no camera.", "Plug one in.", fatal=True))
    qtbot.waitUntil(lambda: desk.link.failure is not None)
    assert page.state.text() == "The camera could not be opened"
    assert "sim-1" not in [label.text() for label in page.facts.findChildren(QLabel) if label.isVisible()]
    assert page.streams.rows.data(page.streams.rows.index(0, 1)) == "absent"


def test_why_a_camera_is_lost_is_told_in_german(
    page: DevicesPage, station: FakeStation, qtbot: QtBot, german: None
) -> None:
    station.say(health(ConnectionState.LOST, problem="The camera stopped delivering frames."))
    qtbot.waitUntil(lambda: page.problem.text() == "Die Kamera liefert keine Bilder mehr.")
