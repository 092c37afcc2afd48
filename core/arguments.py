"""What the values of options may be: each function reads one text, or says what is wrong with it."""

from __future__ import annotations

import argparse
from datetime import date

from core.frames import ModalityMask


def modalities(text: str) -> ModalityMask:
    """Read ``rgb,depth,ir`` or ``depth+ir``."""
    try:
        mask = ModalityMask.parse(text.replace(",", "+"))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r}: name rgb, depth and ir, separated by commas") from error
    if not mask:
        raise argparse.ArgumentTypeError("name at least one of rgb, depth, ir")
    return mask


def positive(text: str) -> float:
    """A number above zero."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above zero")
    return value


def count(text: str) -> int:
    """A whole number above zero."""
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above zero")
    return value


def seed(text: str) -> int:
    """A whole number from 0 on that every random generator takes, as in the name of a simulated scene."""
    if not text.isdecimal() or len(text) > 9:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0 to 999999999")
    return int(text)


def day(text: str) -> date:
    """A date as ISO 8601 writes it."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no date: write YYYY-MM-DD") from error


def share(text: str) -> float:
    """A fraction between 0 and 1, neither included."""
    value = positive(text)
    if value >= 1.0:
        raise argparse.ArgumentTypeError(f"{text!r} is not between 0 and 1")
    return value


def margin(text: str) -> float:
    """How much a rate may rise: above 0, at most 0.1."""
    value = positive(text)
    if value > 0.1:
        raise argparse.ArgumentTypeError(f"{text!r} is more than 0.1, ten of a hundred people")
    return value


def part(text: str) -> tuple[int, int]:
    """Which part of how many, as ``2/8``."""
    number, _, total = text.partition("/")
    found = count(number), count(total)
    if found[0] > found[1]:
        raise argparse.ArgumentTypeError(f"{text!r} is no part: write N/M, N from 1 to M")
    return found


def names(text: str) -> list[str]:
    """A comma-separated list."""
    return [name.strip() for name in text.split(",") if name.strip()]
