"""Texts from outside: JSON and TOML that cannot be read fail in one way, `ValueError`.

The parsers of the standard library let a deeply nested text escape as `RecursionError`, and a number of 5,000 digits as
a `ValueError` that is not their own (found by fuzzing).
"""

from __future__ import annotations

import json
import tomllib
from typing import Any


def json_value(text: str | bytes) -> Any:
    """The value of a JSON text. Raises `ValueError`."""
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def toml_table(text: str) -> dict[str, Any]:
    """The table of a TOML text. Raises `ValueError`."""
    try:
        return tomllib.loads(text)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
