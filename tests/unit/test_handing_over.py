"""Errors that leave their process: whole where they arrive whole, else the text alone; people see none of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InputError, Sentence, sentence
from core.handing_over import MARK, VARIABLE, hand_over, packed, taken_over, unpacked

WHOLE = sentence("{path} holds {n} of {share:.0%}.", path="/data", n=3, share=0.5)
NUMBERS = st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False)


def form(**changes: object) -> dict[str, Any]:
    return {**packed(WHOLE), **changes}


@given(st.text(), NUMBERS, st.text())
def test_a_sentence_comes_back_with_all_that_is_in_it(text: str, number: float, remedy: str) -> None:
    inner = sentence("{text!r} {number}", text=text, number=number)
    what = sentence("It failed: {inner} {number:+.2f}", inner=inner, number=number)
    line = MARK + json.dumps({"what": packed(what), "remedy": packed(remedy)})
    assert "\n" not in line
    found = taken_over(line)
    assert found == (what, remedy)
    assert isinstance(found[0], Sentence)
    assert found[0].template == what.template
    again = found[0].values["inner"]
    assert isinstance(again, Sentence)
    assert (again, again.template, again.values) == (inner, inner.template, inner.values)
    assert type(found[0].values["number"]) is type(number)


@pytest.mark.parametrize(
    "changes",
    [
        {"template": "{path.__class__} holds {n} of {share:.0%}."},
        {"template": "{path[0]}"},
        {"template": "{path:>999999999}"},
        {"template": "{path:{n}}"},
        {"template": "{missing}"},
        {"template": "{}"},
        {"template": "{0}", "values": {"0": "x"}},
        {"template": "{path"},
        {"template": "{path:.1f}"},
        {"template": "Something else entirely: {path}."},
        {"template": 7},
        {"values": None},
        {"values": {"path": None, "n": 3, "share": 0.5}},
        {"values": {"path": {"text": 3}, "n": 3, "share": 0.5}},
    ],
)
def test_a_form_that_does_not_come_to_its_text_is_the_text_alone(changes: Mapping[str, object]) -> None:
    found = unpacked(form(**changes))
    assert found == "/data holds 3 of 50%."
    assert not isinstance(found, Sentence)


@pytest.mark.parametrize("broken", [None, 7, [], {}, {"text": 7}])
def test_what_has_no_text_is_refused(broken: object) -> None:
    with pytest.raises(ValueError, match="neither"):
        unpacked(broken)
    assert taken_over(MARK + json.dumps({"what": broken, "remedy": ""})) is None


@given(st.text())
def test_a_line_that_cannot_be_read_is_none(text: str) -> None:
    taken_over(MARK + text)  # whatever it is, nothing is raised
    for line in ("", "{", "[]", "7", '{"what": "x"}', "[" * 100_000, json.dumps({"what": packed(WHOLE)})[:40]):
        assert taken_over(MARK + line) is None


def test_only_a_window_hears_the_form(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    hand_over(InputError(WHOLE, "Look."))
    assert capsys.readouterr() == ("", "")
    monkeypatch.setenv(VARIABLE, "1")
    hand_over(InputError(WHOLE, "Look."))
    said = capsys.readouterr()
    assert said.out == ""
    assert taken_over(said.err.rstrip("\n")) == (WHOLE, "Look.")
