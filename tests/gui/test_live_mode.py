"""Live mode through the real window and the real command line: only a camera is a camera, and only an accepted one
decides. The SDK, the station and the data folder are real; what lies on the bus is what a test puts there.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pyrealsense2 as rs
import pytest
from pytestqt.qtbot import QtBot

import devices.realsense
import main as program
from core.camera_identity import CameraIdentity
from core.codes import ConnectionState, Outcome, Reason, SourceKind
from core.commandline import build_parser
from core.frames import ALL_MODALITIES
from core.messages import CameraHealth, DeviceInfo, Standing, VerdictCommitted
from core.probing import AlarmRaised
from core.scenes.live import LiveScene, SceneSpec
from core.scenes.sensors import SENSORS
from devices.base import NotLiveError
from devices.realsense import HARDWARE_FIELDS, select_live
from devices.simulated import SimulatedOrigin
from gui.app import Desk, SallyportApp
from gui.views.checkpoint.page import CheckpointPage
from gui.views.devices.page import DevicesPage
from storage.catalogue import open_catalogue
from storage.commissioning import accept_camera
from tests.gui.fakes import FakeFrames, FakeStation, committed, frame_set, ready
from tests.studio import Studio

SERIAL = "728612070259"
REAL = DeviceInfo("Intel RealSense D435", SERIAL, "5.15.1", "3.2", "2-1-4", "0B07", "728612070260")


def forged(**more: str) -> Any:
    """A software device that claims everything which a real camera states, with a projector that can be set."""
    device = rs.software_device()
    fields = dict.fromkeys(HARDWARE_FIELDS, "1") | {"name": REAL.name, "serial_number": SERIAL} | more
    for name, value in fields.items():
        device.register_info(getattr(rs.camera_info, name), value)
    sensor = device.add_sensor("Stereo Module")
    sensor.add_option(rs.option.emitter_enabled, rs.option_range(0.0, 1.0, 1.0, 1.0), True)
    return device


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "face.db3"
    with Studio(record_to=path) as studio:
        studio.film(0.3)
    return path


class Bus:
    """An SDK context whose devices the test chooses."""

    def __init__(self, found: Sequence[Any]) -> None:
        self._found = found

    def query_devices(self) -> Sequence[Any]:
        return self._found


@pytest.fixture(params=["recording", "forged"])
def offered(request: pytest.FixtureRequest, recording: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Something that is no camera lies on the bus; gives the words with which it is refused."""
    context = rs.context()
    if request.param == "recording":
        loaded = context.load_device(str(recording))
        found, says = list(context.query_devices()), "it is a recording, not a camera"
        assert found, "the SDK lists a loaded recording like a camera"
    else:
        loaded, says = None, "it exists in software only"
        found = [forged()]
    monkeypatch.setattr(rs, "context", lambda: Bus(found))
    yield says
    del loaded


def test_a_forged_device_with_every_field_is_refused_by_name() -> None:
    with pytest.raises(NotLiveError, match="software only"):
        select_live([forged()], SERIAL)


def test_the_command_line_refuses_what_is_no_camera(
    offered: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run.json"
    data = ["--data", str(tmp_path / "data")]
    command = ["run", "--headless", "--source", "realsense", "--seconds", "2", "--single-process", "--json", str(out)]
    assert program.main([*command, *data]) == 4
    assert f"refused in live mode: {offered}" in capsys.readouterr().err
    assert json.loads(out.read_text(encoding="utf-8"))["verdicts"] == []
    assert program.main(["commission", *data]) == 4
    assert f"refused in live mode: {offered}" in capsys.readouterr().err


def test_the_window_refuses_what_is_no_camera(offered: str, tmp_path: Path, qapp: SallyportApp, qtbot: QtBot) -> None:
    arguments = ["--data", str(tmp_path / "data"), "--source", "realsense", "--single-process"]
    desk = Desk(qapp, program.window_services(build_parser().parse_args(arguments)))
    try:
        problems: list[str] = []
        desk.link.problem.connect(lambda problem: problems.append(problem.what))
        desk.open()
        qtbot.waitUntil(lambda: any(offered in what for what in problems))
        qtbot.waitUntil(lambda: desk.link.health is not None and offered in desk.link.health.problem)
        assert desk.link.health is not None
        assert desk.link.health.state is ConnectionState.SEARCHING
        desk.window.go_to("devices")
        page = desk.window.pages["devices"]
        assert isinstance(page, DevicesPage)
        qtbot.waitUntil(lambda: offered in page.problem.text())
        page_of_verdicts = desk.window.pages["checkpoint"]
        assert isinstance(page_of_verdicts, CheckpointPage)
        assert page_of_verdicts.state.committed is None
    finally:
        desk.close()


# --- commissioning --------------------------------------------------------------------------------------------------


class PlayedHardware(SimulatedOrigin):
    """Stands for a camera on the bus: rendered frames, the identity of hardware, called live."""

    source_kind = SourceKind.LIVE
    firmware = "5.15.1"

    def __init__(self, serial: str = "") -> None:
        super().__init__(lambda: LiveScene(SceneSpec.parse("booth,seed=3")), name=REAL.name)

    def acquire(self) -> Any:
        device = super().acquire()
        device.update_info(rs.camera_info.serial_number, SERIAL)
        device.register_info(rs.camera_info.firmware_version, self.firmware)
        return device


@pytest.fixture
def camera(monkeypatch: pytest.MonkeyPatch) -> type[PlayedHardware]:
    monkeypatch.setattr(devices.realsense, "HardwareOrigin", PlayedHardware)
    return PlayedHardware


def test_a_live_camera_decides_nothing_until_the_command_line_accepts_it(
    camera: type[PlayedHardware], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    out, data = tmp_path / "run.json", ["--data", str(tmp_path / "data")]
    command = ["run", "--headless", "--source", "realsense", "--seconds", "6", "--single-process", "--json", str(out)]
    assert program.main([*command, *data]) == 0
    report = json.loads(out.read_text(encoding="utf-8"))
    assert report["source_kind"] == "live"
    assert not report["commissioned"]
    assert {(v["outcome"], v["score"]) for v in report["verdicts"]} == {("non_response", None)}
    assert "not_commissioned" in {v["reason"] for v in report["verdicts"]}

    assert program.main(["commission", *data]) == 0
    assert f"{SERIAL}  {REAL.name}: not accepted" in capsys.readouterr().out
    assert program.main(["commission", "--accept", *data]) == 3
    assert "only with a reason" in capsys.readouterr().err
    assert program.main(["commission", "--accept", "--reason", "seal 118", *data]) == 0
    assert program.main(["commission", "--json", *data]) == 0
    (listed,) = json.loads(capsys.readouterr().out.split("accepted\n")[-1])
    assert listed["accepted"]
    assert listed["pinned"]["firmware"] == "5.15.1"

    monkeypatch.setattr(camera, "firmware", "5.16.0")
    assert program.main(["commission", *data]) == 0
    said = capsys.readouterr().out
    assert "not accepted" in said
    assert "firmware: 5.15.1 -> 5.16.0" in said
    with open_catalogue(tmp_path / "data") as catalogue:
        assert not catalogue.cameras.get(SERIAL).accepted


def live_health(firmware: str = "5.15.1") -> CameraHealth:
    device = DeviceInfo(REAL.name, SERIAL, firmware, "3.2", "2-1-4", "0B07", REAL.asic_serial)
    profiles = SENSORS["d435"].profiles
    return CameraHealth(ConnectionState.STREAMING, ALL_MODALITIES, SourceKind.LIVE, device, profiles=profiles)


def test_a_technician_accepts_a_changed_camera_on_the_page_devices(
    open_desk: Callable[[], Desk], station: FakeStation, tmp_path: Path, qtbot: QtBot
) -> None:
    station.source_kind = SourceKind.LIVE
    desk = open_desk()
    with open_catalogue(tmp_path / "data") as catalogue:
        before = live_health()
        accept_camera(catalogue, CameraIdentity.of(before.device, before.profiles), "new")
        changed = live_health("5.16.0")
        seen = catalogue.cameras.see(CameraIdentity.of(changed.device, changed.profiles)).seen
    desk.window.go_to("devices")
    page = desk.window.pages["devices"]
    assert isinstance(page, DevicesPage)
    station.say(changed, Standing(camera=seen.fingerprint, commissioned=False))
    plate = page.commissioning
    qtbot.waitUntil(lambda: "has changed" in plate.state.text())
    assert plate.differences.value("Firmware") == "5.15.1  →  5.16.0"
    action = desk.window.actions_table["accept_camera"]
    assert action.isEnabled()
    plate._accept(seen, "updated by me")
    qtbot.waitUntil(lambda: "updated by me" in plate.state.text())
    assert not action.isEnabled()
    with open_catalogue(tmp_path / "data") as catalogue:
        assert catalogue.cameras.get(SERIAL).accepted


def test_an_unaccepted_camera_is_not_available_at_the_checkpoint(
    desk: Desk, station: FakeStation, frames: FakeFrames, qtbot: QtBot
) -> None:
    page = desk.window.pages["checkpoint"]
    assert isinstance(page, CheckpointPage)
    desk.link.source_kind = SourceKind.LIVE
    frames.push(frame_set(1))
    ready(station, SourceKind.LIVE)
    station.say(live_health(), Standing(commissioned=False, checked_utc_s=1.0))
    qtbot.waitUntil(lambda: page.banner.display.word == "NOT AVAILABLE")
    assert "technician" in page.why.text()


# --- what the subject may read -------------------------------------------------------------------------------------


def is_shown(page: CheckpointPage, stored: VerdictCommitted) -> bool:
    return page.state.committed == stored and page.banner.display.final


@pytest.mark.parametrize("outcome", list(Outcome))
def test_the_large_word_never_says_a_score_or_a_reason(
    outcome: Outcome, desk: Desk, station: FakeStation, frames: FakeFrames, qtbot: QtBot
) -> None:
    page = desk.window.pages["checkpoint"]
    assert isinstance(page, CheckpointPage)
    frames.push(frame_set(1))
    ready(station)
    qtbot.waitUntil(lambda: page.banner.display.word != "NOT AVAILABLE" and page.state.health is not None)
    words = {"BONA FIDE", "ATTACK", "REFER", "NO RESPONSE", "PLEASE WAIT"}
    for row, reason in enumerate(Reason, start=1):
        stored = committed(outcome, row, reason=reason)
        station.say(stored)
        qtbot.waitUntil(partial(is_shown, page, stored))
        assert page.banner.display.word in words
        assert page.banner.accessibleDescription().split(" SIMULATED")[0] in words


def test_an_alarm_reaches_the_operator(
    desk: Desk, station: FakeStation, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr(desk.window.toasts, "show", lambda what, remedy, _level: told.append(f"{what} {remedy}"))
    station.say(AlarmRaised(SourceKind.LIVE, 4.0, 10.0))
    qtbot.waitUntil(lambda: any("again and again" in text and "10 s" in text for text in told))
