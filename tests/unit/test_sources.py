"""Source texts and fault scripts: strict, with an error that says what to write."""

from __future__ import annotations

import contextlib
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.codes import SourceKind
from core.errors import InputError, KnownError, UsageError
from core.frames import Modality
from devices.faults import Fault, parse_script, read_script
from devices.recorded import BEGINS
from devices.sources import SourceSpec, checked_source, open_camera


@pytest.mark.parametrize(
    ("text", "kind", "argument"),
    [
        ("simulated", SourceKind.SIMULATED, ""),
        ("simulated:bona_fide,seed=3,sensor=d435", SourceKind.SIMULATED, "bona_fide,seed=3,sensor=d435"),
        ("scripted:faults.toml", SourceKind.SCRIPTED, "faults.toml"),
        ("file:C:/a b/x.db3", SourceKind.PLAYBACK, "C:/a b/x.db3"),
        ("realsense", SourceKind.LIVE, ""),
        ("realsense:728612070259", SourceKind.LIVE, "728612070259"),
        ("session:2026-1", SourceKind.PLAYBACK, "2026-1"),
    ],
)
def test_every_form_is_read(text: str, kind: SourceKind, argument: str) -> None:
    spec = SourceSpec.parse(text)
    assert (spec.source_kind, spec.argument, str(spec)) == (kind, argument, text)


@pytest.mark.parametrize("text", ["", "webcam", "file", "file:", "session:", "scripted", "Simulated", ":x"])
def test_anything_else_is_a_usage_error(text: str) -> None:
    with pytest.raises(UsageError, match="Write one of"):
        SourceSpec.parse(text)


def test_a_source_is_checked_without_touching_a_device(tmp_path: Path) -> None:
    (tmp_path / "faults.toml").write_text(SCRIPT.replace("bona_fide,", "booth,"), encoding="utf-8")
    (tmp_path / "x.DB3").write_bytes(BEGINS[".db3"])
    for text in ("simulated", "simulated:booth,seed=3", "realsense:1", "session:1"):
        assert str(checked_source(text)) == text
    for text in (f"scripted:{tmp_path / 'faults.toml'}", f"file:{tmp_path / 'x.DB3'}"):
        assert str(checked_source(text)) == text
    for text in ("simulated:bona_fide,seed=3", f"file:{tmp_path / 'x.png'}", f"scripted:{tmp_path / 'none.toml'}"):
        with pytest.raises(KnownError):
            checked_source(text)


def test_a_session_needs_the_storage_that_main_hands_in() -> None:
    with pytest.raises(UsageError):
        open_camera(SourceSpec.parse("session:1"))


SCRIPT = """
scene = "bona_fide,seed=3"
[[event]]
at_s = 4
do = "return"
stream = "depth"
[[event]]
at_s = 2.0
do = "stop"
stream = "depth"
[[event]]
at_s = 6.0
do = "lag"
for_s = 1.5
value = 60
"""


def test_a_script_is_in_order_and_knows_what_is_on() -> None:
    script = parse_script(SCRIPT)
    assert [e.do for e in script.events] == [Fault.STOP, Fault.RETURN, Fault.LAG]
    assert script.scene == "bona_fide,seed=3"
    on = [script.active(Fault.STOP, t_s, Modality.DEPTH) is not None for t_s in (1.9, 2.0, 3.9, 4.0)]
    assert on == [False, True, True, False]
    assert script.active(Fault.STOP, 3.0, Modality.RGB) is None
    lag = script.active(Fault.LAG, 7.0, Modality.IR)
    assert lag is not None
    assert lag.value == 60.0
    assert script.active(Fault.LAG, 7.5, Modality.IR) is None
    assert math.isinf(script.events[0].for_s)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("event = [", "not valid TOML"),
        ("events = []", "unknown key 'events'"),
        ("[event]\nat_s = 1", r"\[\[event\]\]"),
        ("[[event]]\ndo = 'stop'", "event 1: at_s is missing"),
        ("[[event]]\nat_s = 1", "event 1: do is missing"),
        ("[[event]]\nat_s = 1\ndo = 'explode'", "explode"),
        ("[[event]]\nat_s = 1\ndo = 'stop'\nstream = 'thermal'", "thermal"),
        ("[[event]]\nat_s = -1\ndo = 'stop'", "at_s = -1"),
        ("[[event]]\nat_s = nan\ndo = 'stop'", "at_s = nan"),
        ("[[event]]\nat_s = true\ndo = 'stop'", "at_s = True"),
        ("[[event]]\nat_s = 1\ndo = 'stop'\nfor_s = 'long'", "for_s = 'long'"),
        ("[[event]]\nat_s = 1\ndo = 'stop'\nduration = 3", "unknown key 'duration'"),
        ("[[event]]\nat_s = 1\ndo = 'lag'", "needs a value"),
        ("[[event]]\nat_s = 1\ndo = 'unplug'\nstream = 'ir'", "whole device"),
        ("[[event]]\nat_s = 0\ndo = 'dark'\n[[event]]\nat_s = 1\ndo = 2", "event 2"),
        ("scene = 3", "scene must be a text"),
    ],
)
def test_a_wrong_script_names_the_event(text: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        parse_script(text, "faults.toml")


def test_a_missing_script_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_script(tmp_path / "none.toml")


@given(st.text(max_size=80))
def test_no_text_is_a_bug(text: str) -> None:
    for read in (parse_script, SourceSpec.parse):
        with contextlib.suppress(KnownError):
            read(text)


toml_values = st.one_of(st.integers(-5, 5), st.booleans(), st.sampled_from(["'stop'", "'depth'", "'x'", "nan", "[]"]))


@given(st.dictionaries(st.sampled_from(["at_s", "do", "stream", "for_s", "value", "more"]), toml_values))
def test_no_event_is_a_bug(event: dict[str, object]) -> None:
    text = "[[event]]\n" + "\n".join(f"{k} = {str(v).lower() if isinstance(v, bool) else v}" for k, v in event.items())
    try:
        (parsed,) = parse_script(text).events
    except InputError:
        return
    assert parsed.at_s >= 0.0
