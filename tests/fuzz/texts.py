"""Loaders of texts: fault scripts, scenes and sources, domains, settings, plans, door lines, stored traces."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.fuzz.target import Loader, Target

ROOT = Path(__file__).resolve().parents[2]


def fault_script(folder: Path) -> Loader:
    from core.scenes.spec import SceneSpec
    from devices.faults import Fault, read_script

    path = folder / "script.toml"

    def load(data: bytes) -> None:
        path.write_bytes(data)
        script = read_script(path)
        for fault in Fault:
            script.active(fault, 1.0)
        SceneSpec.parse(script.scene)

    return load


def source(folder: Path) -> Loader:
    from core.scenes.spec import SceneSpec
    from devices.sources import SourceSpec

    def load(data: bytes) -> None:
        spec = SourceSpec.parse(data.decode("utf-8", "replace"))
        if spec.scheme == "simulated":
            SceneSpec.parse(spec.argument)

    return load


def domain(folder: Path) -> Loader:
    from core.scenes.domain import Domain, load_domain

    def load(data: bytes) -> None:
        path = folder / ("domain.json" if data[:1] in b"{[" else "domain.toml")
        path.write_bytes(data)
        assert isinstance(load_domain(path), Domain)

    return load


def settings(folder: Path) -> Loader:
    from gui.settings import Settings, load_settings

    path = folder / "settings.json"

    def load(data: bytes) -> None:
        path.write_bytes(data)
        found, dropped = load_settings(path)
        assert isinstance(found, Settings)
        assert all(isinstance(line, str) for line in dropped)

    return load


def plan(folder: Path) -> Loader:
    from gui.views.collect.plan import load_plan

    path = folder / "plan.json"

    def load(data: bytes) -> None:
        path.write_bytes(data)
        load_plan(path)

    return load


def door(folder: Path) -> Loader:
    from core.codes import DoorReason
    from core.door.follower import DoorFollower
    from core.door.line import parse_line
    from core.errors import InputError

    def load(data: bytes) -> None:
        follower = DoorFollower()
        follower.connected()
        follower.feed(data, 1000.0)
        for raw in data.split(b"\n"):
            try:
                line = parse_line(raw)
            except InputError:
                continue
            assert parse_line(line.encode()) == line
            assert line.verdict is None or not line.open or line.verdict.opens
        if follower.state(1000.0) is DoorReason.NONE:
            assert b'"verdict"' in data, "nothing but a verdict opens"

    return load


def trace(folder: Path) -> Loader:
    from core.verdict import Trace
    from storage.forms import read_trace, trace_to_json

    def load(data: bytes) -> None:
        found = read_trace(data.decode("utf-8", "replace"))
        assert isinstance(found, Trace)
        assert all(isinstance(number, int) for number in found.frame_sets)
        assert all(isinstance(one.logit, float) for one in found.evidence)
        assert read_trace(json.dumps(trace_to_json(found))) == found

    return load


def _texts(*texts: str) -> Callable[[], Sequence[bytes]]:
    return lambda: [text.encode() for text in texts]


def _domains() -> list[bytes]:
    frozen = [path.read_bytes() for path in sorted((ROOT / "core" / "scenes").glob("v*/[dl]*.toml"))]
    as_json = json.dumps({"name": "x", "sensor": "sr300", "species": ["bona_fide"], "craft": [0.1, 0.9], "people": 3})
    return [*frozen, (ROOT / "docs" / "examples" / "lobby.toml").read_bytes(), as_json.encode()]


def _scripts() -> list[bytes]:
    every = b"".join(
        f'[[event]]\nat_s = {at}\ndo = "{do}"\nstream = "depth"\nfor_s = 1\nvalue = 60.0\n'.encode()
        for at, do in enumerate(("stop", "freeze", "lag", "jump", "dark", "return"))
    )
    example = (ROOT / "docs" / "examples" / "depth-drops.toml").read_bytes()
    return [example, b'scene = "booth,seed=3,species=print_flat"\n' + every, b'[[event]]\nat_s = 1\ndo = "unplug"\n']


def _traces() -> list[bytes]:
    from storage.forms import trace_to_json
    from tests import stored

    return [json.dumps(trace_to_json(stored.verdict("s", "p").trace)).encode()]


def _lines() -> list[bytes]:
    from core.door.line import DoorLine, DoorVerdict, LineKind

    told = DoorVerdict.model_validate_json(
        b'{"row":1,"presentation":"p1","outcome":"bona_fide","source_kind":"live","shadow":false}'
    )
    opens = DoorLine(
        nonce="0a" * 16,
        seq=1,
        mono_ms=999.0,
        utc_s=1.0,
        kind=LineKind.VERDICT,
        open=True,
        open_for_ms=5000.0,
        verdict=told,
    )
    beat = opens.model_copy(update={"seq": 2, "kind": LineKind.HEARTBEAT, "verdict": None})
    return [opens.encode(), opens.encode() + beat.encode()]


def _settings() -> list[bytes]:
    from gui.settings import Settings

    return [Settings(language="de", theme="dark").model_dump_json().encode(), b"{}"]


def _plans() -> list[bytes]:
    from gui.views.collect.plan import DEFAULT_PLAN

    return [DEFAULT_PLAN.model_dump_json().encode()]


TARGETS = (
    Target("fault script", _scripts, fault_script),
    Target("source", _texts("simulated:booth,seed=3,sensor=d435,species=print_flat", "file:/a.db3"), source),
    Target("domain", _domains, domain),
    Target("settings", _settings, settings),
    Target("collection plan", _plans, plan),
    Target("door line", _lines, door),
    Target("stored trace", _traces, trace),
)
