"""Files of the SDK: the real recording, our own recordings, and files that are none."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import time
from pathlib import Path

import pyrealsense2 as rs
import pytest

from core.codes import ConnectionState, SourceKind
from core.errors import HostError, InputError, UsageError
from core.frames import FrameSet, Modality
from devices.playback import PlaybackOrigin
from devices.realsense import select_live
from devices.recording import _check, record
from devices.sdk import SdkCamera
from devices.sources import SourceSpec
from tests.studio import Studio

BAG = "realsense_d435_640x480.bag"


def play(path: Path, **options: float) -> tuple[SdkCamera, list[FrameSet]]:
    camera = SdkCamera(PlaybackOrigin(path), **options)  # type: ignore[arg-type]
    camera.open()
    camera.start()
    sets = []
    while not camera.ended:
        frame_set = camera.read_next(100.0)
        if frame_set is not None:
            sets.append(frame_set)
    return camera, sets


@pytest.mark.shared
def test_the_real_recording(shared_data: Path) -> None:
    camera, sets = play(shared_data / BAG)
    try:
        frames = sorted((str(f.modality), f.number, f.device_time_ms) for s in sets for f in s.frames.values())
        assert [(m, n) for m, n, _ in frames] == [("depth", 169), ("depth", 170), ("rgb", 162)]
        assert [t for *_, t in frames] == pytest.approx([360815.1, 360981.8, 360713.5], abs=0.1)
        assert [str(s.mask) for s in sets] == ["rgb", "depth", "depth"]
        assert Modality.IR not in camera.profiles
        device = camera.device
        assert (device.name, device.serial) == ("Intel RealSense D435", "728612070259")
        assert (device.firmware, device.usb, device.product_id) == ("05.09.14.00", "3.2", "0B07")
        depth, rgb = camera.profiles[Modality.DEPTH], camera.profiles[Modality.RGB]
        assert depth.intrinsics is not None
        assert rgb.intrinsics is not None
        assert depth.to_rgb is not None
        assert (depth.intrinsics.fx, depth.intrinsics.cx) == pytest.approx((390.43, 331.39), abs=0.01)
        assert (rgb.intrinsics.fx, rgb.intrinsics.cy) == pytest.approx((613.20, 239.18), abs=0.01)
        assert depth.to_rgb.translation_m[0] == pytest.approx(0.0143, abs=1e-4)
        assert depth.depth_unit_m == pytest.approx(0.001)
        metadata = sets[1][Modality.DEPTH].metadata
        assert (metadata["exposure_us"], metadata["laser_power_mw"], metadata["actual_fps"]) == (6452.0, 150.0, 6.0)
        health = camera.health()
        assert (health.state, health.source_kind) == (ConnectionState.ENDED, SourceKind.PLAYBACK)
        assert health.temperature_c == 29.0
    finally:
        camera.close()


@pytest.mark.shared
def test_the_real_recording_pairs_within_150_ms(shared_data: Path) -> None:
    camera, sets = play(shared_data / BAG, max_skew_ms=150.0)
    camera.close()
    paired = [s for s in sets if len(s.mask) == 2]
    assert len(paired) == 1
    assert {m: f.number for m, f in paired[0].frames.items()} == {Modality.DEPTH: 169, Modality.RGB: 162}
    assert paired[0].skew_ms == pytest.approx(101.6, abs=0.05)
    assert [str(s.mask) for s in sets] == ["rgb+depth", "depth"]
    assert camera.health().skew_ms["max"] == pytest.approx(101.6, abs=0.05)


def digest(sets: list[FrameSet]) -> dict[str, list[str]]:
    """One line per frame, in order, for each stream."""
    lines: dict[str, list[str]] = {}
    for frame_set in sets:
        for modality, frame in frame_set.frames.items():
            pixels = hashlib.sha256(frame.pixels.tobytes()).hexdigest()
            lines.setdefault(str(modality), []).append(f"{frame.number} {frame.device_time_ms:.3f} {pixels}")
    return lines


_PLAY = """
import json, sys
from pathlib import Path
from tests.integration.test_realsense_playback import digest, play
camera, sets = play(Path(sys.argv[1]))
profiles = {str(m): [p.intrinsics.fx, p.to_rgb.translation_m] for m, p in camera.profiles.items()}
camera.close()
print(json.dumps({"frames": digest(sets), "profiles": profiles, "complete": sum(len(s.mask) == 3 for s in sets)}))
"""


def test_a_fresh_process_plays_a_recording_bit_by_bit(tmp_path: Path) -> None:
    path = tmp_path / "take.db3"
    with Studio(record_to=path) as studio:
        sets = studio.film(1.5)
        studio.camera.stop()
        sets += studio.pending()
        streams = studio.camera.profiles
    profiles = {str(m): [p.intrinsics.fx, list(p.to_rgb.translation_m)] for m, p in streams.items()}  # type: ignore[union-attr]

    played = subprocess.run(
        [sys.executable, "-c", _PLAY, str(path)], capture_output=True, text=True, check=True, timeout=300
    )
    result = json.loads(played.stdout.splitlines()[-1])
    written = digest(sets)
    assert {m: len(lines) for m, lines in result["frames"].items()} == {m: len(lines) for m, lines in written.items()}
    assert result["frames"] == written
    assert result["complete"] == len(sets)
    assert result["profiles"] == {m: [pytest.approx(fx), pytest.approx(t, abs=1e-6)] for m, (fx, t) in profiles.items()}


def test_a_slow_reader_of_a_fast_file_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "take.db3"
    with Studio(record_to=path) as studio:
        studio.film(2.0)
        studio.camera.stop()
        studio.pending()
        counted = {m: s.frames for m, s in studio.camera.health().streams.items()}

    player = SdkCamera(PlaybackOrigin(path))
    player.open()
    player.start()
    while not player.ended:
        player.read_next(100.0)
        time.sleep(0.008)
    assert {m: s.frames for m, s in player.health().streams.items()} == counted
    assert player.health().dropped_capture == 0
    player.close()


def test_record_refuses_what_it_cannot_do(tmp_path: Path) -> None:
    (tmp_path / "there.db3").write_bytes(b"")
    for out, error in (("x.bag", UsageError), ("there.db3", InputError), ("none/x.db3", HostError)):
        with pytest.raises(error):
            _check(SourceSpec.parse("simulated"), tmp_path / out)
    for source in ("session:1", "file:x.db3"):
        with pytest.raises(UsageError):
            record(source, tmp_path / "x.db3", 1.0)


def test_a_recording_without_a_frame_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would stand in the way of the next try under the same name."""
    monkeypatch.setattr("devices.recording.SILENCE_READS", 2)
    silent = tmp_path / "silent.toml"
    silent.write_text("[[event]]\nat_s = 0.0\ndo = 'stop'", encoding="utf-8")
    for _ in range(2):
        with pytest.raises(HostError, match="delivers no frames"):
            record(f"scripted:{silent}", tmp_path / "x.db3", 1.0)
    assert list(tmp_path.iterdir()) == [silent]


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("none.db3", None, "There is no recording"),
        ("movie.mp4", b"\0\0\0\x20ftyp", "not a recording"),
        ("empty.bag", b"", "cannot be read"),
        ("text.bag", b"hello" * 1000, "cannot be read"),
        ("empty.db3", b"", "cannot be read"),
        ("text.db3", b"hello" * 1000, "cannot be read"),
    ],
)
def test_files_that_are_no_recordings(tmp_path: Path, name: str, content: bytes | None, says: str) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=says) as caught:
        SdkCamera(PlaybackOrigin(path)).open()
    assert caught.value.remedy


@pytest.mark.shared
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_truncated_recording_is_an_input_error(shared_data: Path, tmp_path: Path, share: float) -> None:
    whole = (shared_data / BAG).read_bytes()
    path = tmp_path / BAG
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(InputError, match="damaged or was cut off"):
        SdkCamera(PlaybackOrigin(path)).open()


@pytest.mark.shared
def test_live_mode_refuses_recordings(shared_data: Path) -> None:
    context = rs.context()
    loaded = context.load_device(str(shared_data / BAG))
    listed = list(context.query_devices())
    assert listed, "the SDK lists a loaded recording like a camera"
    with pytest.raises(HostError, match="a recording, not a camera"):
        select_live(listed, "")
    assert loaded.is_playback()


def test_live_mode_refuses_software_devices() -> None:
    device = rs.software_device()
    device.register_info(rs.camera_info.name, "Intel RealSense D435")
    device.register_info(rs.camera_info.serial_number, "728612070259")
    with pytest.raises(HostError, match="refused in live mode"):
        select_live([device], "728612070259")
    with pytest.raises(HostError, match="No RealSense camera with the serial number 1 was found"):
        select_live([device], "1")
