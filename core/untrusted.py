"""Texts from outside: JSON and TOML that cannot be read fail in one way, `ValueError`.

The parsers of the standard library let a deeply nested text escape as `RecursionError`, a number of 5,000 digits as a
`ValueError` that is not their own, and one of 400 digits pass, which no `float` holds (all found by fuzzing).
"""

from __future__ import annotations

import json
import tomllib
from typing import Any

_LOWEST, _HIGHEST = -(2**63), 2**64 - 1
"""Whole numbers beyond 64 bits are no value of anything here, and raise where they become a float or reach SQLite."""


def json_value(text: str | bytes) -> Any:
    """The value of a JSON text. Raises `ValueError`."""
    try:
        return json.loads(text, parse_int=_whole_number)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def toml_table(text: str) -> dict[str, Any]:
    """The table of a TOML text. Raises `ValueError`."""
    try:
        table = tomllib.loads(text)
        _check_whole_numbers(table)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    return table


def _whole_number(digits: str) -> int:
    number = int(digits)
    if not _LOWEST <= number <= _HIGHEST:
        raise ValueError("a whole number has more than 64 bits")
    return number


def _check_whole_numbers(value: Any) -> None:
    """As `_whole_number`, for `tomllib`, which takes no function for them."""
    if isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            _check_whole_numbers(part)
    elif isinstance(value, int) and not _LOWEST <= value <= _HIGHEST:
        raise ValueError("a whole number has more than 64 bits")
