"""What cannot be a source is refused in words, whoever named it: the camera that runs goes on, nothing is stored."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

import main as program
from core.commandline import build_parser
from gui.app import Desk, SallyportApp
from gui.services import Services
from gui.settings import Settings, save_settings
from gui.views.devices.page import DevicesPage
from storage.catalogue import open_catalogue
from tests.gui.fakes import FakeStation, ready


@pytest.fixture
def page(desk: Desk, station: FakeStation, qtbot: QtBot) -> DevicesPage:
    desk.window.go_to("devices")
    found = desk.window.pages["devices"]
    assert isinstance(found, DevicesPage)
    ready(station)
    qtbot.waitUntil(lambda: found.state.text() == "Streaming")
    return found


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    for name, text in (("notes.txt", ""), ("renamed.db3", "notes"), ("bad.toml", '[[event]]\nat_s = 1\ndo = "x"\n')):
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def choose(page: DevicesPage, kind: str, path: Path) -> None:
    form = page.source_form
    form.kind.setCurrentIndex(form.kind.findData(kind))
    (form.file if kind == "file" else form.script).field.setText(str(path))
    page.context.actions["connect_source"].trigger()


@pytest.mark.parametrize(
    ("kind", "name", "says"),
    [
        ("file", "gone.db3", "There is no recording"),
        ("file", ".", "There is no recording"),
        ("file", "notes.txt", "notes.txt is not a recording"),
        ("file", "renamed.db3", "it does not begin as a recording does"),
        ("scripted", "gone.toml", "cannot be read"),
        ("scripted", "bad.toml", "do = 'x' is not one of"),
    ],
)
def test_the_page_devices_refuses_it_and_the_camera_goes_on(
    page: DevicesPage, desk: Desk, station: FakeStation, bad: Path, kind: str, name: str, says: str
) -> None:
    source = desk.link.source
    choose(page, kind, bad / name)
    (notice,) = desk.window.toasts.shown
    assert says in notice.what
    assert notice.remedy
    assert (desk.link.source, desk.settings.source, station.ended) == (source, "", False)
    assert page.state.text() == "Streaming"


@pytest.mark.usefixtures("german")
def test_it_is_refused_in_german(open_desk: Callable[[], Desk], services: Services, bad: Path) -> None:
    save_settings(Settings(language="de"), services.settings_file)
    desk = open_desk()
    desk.window.go_to("devices")
    page = desk.window.pages["devices"]
    assert isinstance(page, DevicesPage)
    choose(page, "file", bad / "renamed.db3")
    (notice,) = desk.window.toasts.shown
    assert notice.what == (
        "renamed.db3 ist nicht lesbar: beschädigt oder abgeschnitten (sie beginnt nicht wie eine Aufnahme)."
    )
    assert notice.remedy == "Noch einmal von der Quelle kopieren oder eine andere Aufnahme wählen."


@pytest.fixture
def remembering(tmp_path: Path, qapp: SallyportApp) -> Iterator[Desk]:
    """The real station, asked for a recording that was there when it was used last."""
    data = tmp_path / "data"
    save_settings(Settings(source=f"file:{tmp_path / 'gone.db3'}"), data / "settings.json")
    desk = Desk(qapp, program.window_services(build_parser().parse_args(["--data", str(data), "--single-process"])))
    yield desk
    desk.close()


def test_a_remembered_recording_that_is_gone_begins_no_session(remembering: Desk, tmp_path: Path, qtbot: QtBot) -> None:
    desk = remembering
    desk.open()
    qtbot.waitUntil(lambda: desk.link.failure is not None and not desk.link.busy)
    assert any("There is no recording" in notice.what for notice in desk.window.toasts.shown)
    desk.window.go_to("devices")
    page = desk.window.pages["devices"]
    assert isinstance(page, DevicesPage)
    assert page.state.text() == "The camera could not be opened"
    assert "gone.db3" in page.problem.text()
    with open_catalogue(tmp_path / "data") as catalogue:
        assert not catalogue.sessions.page()[0]
