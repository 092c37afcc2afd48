"""A window on a scripted station, settings in a temporary folder, nothing left behind."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from PySide6.QtCore import QThread
from PySide6.QtWidgets import QApplication, QDialog, QMessageBox
from pytestqt.qtbot import QtBot
from shiboken6 import isValid

from core.access import LOCAL
from core.clock import FakeClock
from gui.app import Desk, SallyportApp
from gui.feed import FrameFeed
from gui.i18n import install_language
from gui.link import StationLink
from gui.services import LiveStation, Services
from tests.gui.fakes import FakeFrames, FakeStation
from tests.patience import PATIENCE_S
from tests.people import CHEAP, add_people

if TYPE_CHECKING:
    from storage.catalogue import Catalogue


class PatientBot(QtBot):
    """Waits as long as a slow machine may need: only a hang reaches the limit."""

    def waitUntil(self, callback: Callable[[], Any], *, timeout: int = round(1000 * PATIENCE_S)) -> None:
        super().waitUntil(callback, timeout=timeout)

    def waitSignal(self, signal: Any, *, timeout: int = round(1000 * PATIENCE_S), **options: Any) -> Any:
        return super().waitSignal(signal, timeout=timeout, **options)


@pytest.fixture
def qtbot(qapp: SallyportApp, request: pytest.FixtureRequest) -> QtBot:
    return PatientBot(request)


@pytest.fixture(scope="session")
def qapp_cls() -> type[SallyportApp]:
    return SallyportApp


@pytest.fixture(autouse=True)
def _no_modal_dialogs(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_args: object, **_kwargs: object) -> int:
        raise AssertionError("a modal dialog would stop the window")

    monkeypatch.setattr(QDialog, "exec", forbidden)
    monkeypatch.setattr(QMessageBox, "exec", forbidden)


@pytest.fixture(autouse=True)
def _nothing_left(qapp: SallyportApp) -> Iterator[None]:
    """No window and no running thread survives a test."""
    before = {id(widget) for widget in QApplication.topLevelWidgets()}
    yield
    QApplication.sendPostedEvents(None, 52)  # QEvent.DeferredDelete
    QApplication.processEvents()
    left = [w for w in QApplication.topLevelWidgets() if isValid(w) and id(w) not in before and w.isVisible()]
    assert not left, f"windows left behind: {left}"
    threads = [t for t in qapp.findChildren(QThread) if t.isRunning()]
    assert not threads, f"threads left behind: {threads}"


@pytest.fixture
def german(qapp: SallyportApp) -> Iterator[None]:
    """The window speaks German."""
    install_language(qapp, "de")
    yield
    install_language(qapp, "en")


@pytest.fixture
def station() -> FakeStation:
    return FakeStation()


@pytest.fixture
def frames() -> FakeFrames:
    return FakeFrames()


@pytest.fixture
def clock() -> FakeClock:
    """The window's clock: pictures and answers grow old only where a test says so."""
    return FakeClock(1000.0)


@pytest.fixture
def services(tmp_path: Path, station: FakeStation, frames: FakeFrames) -> Services:
    data = tmp_path / "data"

    def catalogue() -> Catalogue:
        from storage.catalogue import open_catalogue

        opened = open_catalogue(data)
        opened.credentials.cost = CHEAP
        return opened

    return Services(
        data_dir=data,
        source="",
        open_catalogue=catalogue,
        open_station=lambda _source, _actor: LiveStation(station, frames),
        command=lambda arguments: ["false", *arguments],
    )


@pytest.fixture
def open_desk(
    qapp: SallyportApp, services: Services, qtbot: QtBot, clock: FakeClock, request: pytest.FixtureRequest
) -> Iterator[Callable[[], Desk]]:
    """Opens the whole window; closed after the test."""
    desks: list[Desk] = []
    expect_bug = "bug" in request.node.name

    def make() -> Desk:
        desk = Desk(qapp, services)
        desks.append(desk)
        desk.link.feed.clock = clock
        desk.open()
        qtbot.waitUntil(lambda: desk.link.session != "")
        return desk

    yield make
    for desk in desks:
        desk.close()
        assert not desk.crash.path.exists() or expect_bug, desk.crash.path.read_text()


@pytest.fixture
def desk(open_desk: Callable[[], Desk]) -> Desk:
    return open_desk()


@pytest.fixture
def link(qapp: SallyportApp, station: FakeStation, frames: FakeFrames) -> Iterator[StationLink]:
    made = StationLink(lambda _source, _actor: LiveStation(station, frames), FrameFeed(parent=qapp), qapp)
    made.actor = LOCAL
    yield made
    made.close()
    made.deleteLater()


@pytest.fixture
def catalogue(services: Services) -> Iterator[Catalogue]:
    """The office's own look at the same data folder."""
    with services.open_catalogue() as opened:
        yield opened


@pytest.fixture
def closed_desk(qapp: SallyportApp, services: Services, catalogue: Catalogue, qtbot: QtBot) -> Iterator[Desk]:
    """A window on a station with accounts, before anybody has logged in; its commands are real processes."""
    add_people(catalogue)

    def command(arguments: Sequence[str]) -> list[str]:
        return [sys.executable, "main.py", *arguments, "--data", str(services.data_dir)]

    desk = Desk(qapp, replace(services, command=command))
    desk.open()
    qtbot.waitUntil(lambda: desk.door.asks and desk.link.connected)
    yield desk
    desk.close()
    assert not desk.crash.path.exists(), desk.crash.path.read_text()
