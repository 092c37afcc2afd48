"""JSON and TOML from outside: what the standard library's parsers let through, or fail on in their own ways."""

import pytest

from core.untrusted import json_value, toml_table

HUGE = "9" * 400


@pytest.mark.parametrize("text", [HUGE, f'[1, {{"a": -{HUGE}}}]', str(2**64), "[" * 100_000], ids=lambda text: text[:9])
def test_json_that_no_field_can_hold_is_one_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"64 bits|nested"):
        json_value(text)


@pytest.mark.parametrize("text", [f"a = {HUGE}", f"[[a]]\nb = [1, -{HUGE}]", f"a = {2**64}"], ids=lambda text: text[:9])
def test_toml_that_no_field_can_hold_is_one_error(text: str) -> None:
    with pytest.raises(ValueError, match="64 bits"):
        toml_table(text)


def test_the_largest_numbers_are_kept() -> None:
    assert json_value(f"[{2**64 - 1}, {-(2**63)}, 0.5, 1e300]") == [2**64 - 1, -(2**63), 0.5, 1e300]
    assert toml_table(f"a = {2**64 - 1}\nb = {-(2**63)}\nc = true") == {"a": 2**64 - 1, "b": -(2**63), "c": True}
