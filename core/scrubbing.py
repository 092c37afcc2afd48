"""Takes out of a text all that could name a person, a camera, a place or a machine.

Not a list of what is forbidden: only words that the program itself writes in its messages pass, and short numbers. A
pseudonym, a serial number, a folder, a host or a name is none of them, whatever it looks like, and so becomes a dot.
What is known to identify (``known``) is taken out even where it is an ordinary word or number.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

DOT = "·"
_PACKAGES = ("core", "devices", "storage", "gui")
_TOKEN = re.compile(r"[\w.\-]*\w|\S")
_WORD = re.compile(r"[A-Za-z_]+")
_NUMBER = re.compile(r"[0-9]{1,4}(\.[0-9]{1,3})?")
_PLACE = re.compile(r"\S*[/\\@~]\S*|\S*://\S*")
_FRAME = re.compile(r'File "[^"]*?((?:core|devices|storage|gui)/[\w/]+\.py|main\.py)", line (\d+), in (\w+)')
_LINE = re.compile(
    r"(?P<time>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(,\d+)?) \d+ \S+ (?P<level>[A-Z]+) (?P<logger>[a-z_.]+): (?P<text>.*)"
)
_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


def scrub_log(text: str, known: Iterable[str] = ()) -> str:
    """A log or crash file, line by line: time of day, level and module stay; dates, processes and threads do not."""
    forbidden = _folded(known)
    lines = []
    for line in text.splitlines():
        if (match := _LINE.fullmatch(line)) and match["level"] in _LEVELS and _is_ours(match["logger"]):
            said = _scrubbed(match["text"], forbidden)
            lines.append(f"{match['time'][11:19]} {match['level']} {match['logger']}: {said}")
        elif frame := _FRAME.search(line):
            lines.append(f"  {frame[1]}:{frame[2]}" if _is_file(frame[1]) else f"  {DOT}")
        else:
            lines.append(_scrubbed(line, forbidden))
    return "\n".join(lines)


def scrub(text: str, known: Iterable[str] = ()) -> str:
    """One text."""
    return _scrubbed(text, _folded(known))


def _folded(known: Iterable[str]) -> frozenset[str]:
    """The identifiers and their parts, without regard to case; shorter parts would take every "of" with them."""
    whole = {text.casefold() for text in known if text}
    return frozenset(whole | {part.casefold() for text in whole for part in re.findall(r"\w{4,}", text)})


def _scrubbed(text: str, forbidden: frozenset[str]) -> str:
    text = _PLACE.sub(DOT, text)
    return re.sub(f"{DOT}+", DOT, _TOKEN.sub(lambda m: m[0] if _passes(m[0], forbidden) else DOT, text))


def _passes(token: str, forbidden: frozenset[str]) -> bool:
    if token.casefold() in forbidden:
        return False
    if len(token) == 1 and not token.isalnum():
        return True
    return bool(_NUMBER.fullmatch(token)) or token in vocabulary()


def _is_ours(logger: str) -> bool:
    return logger.split(".")[0] in _PACKAGES and (_root() / (logger.replace(".", "/") + ".py")).is_file()


def _is_file(path: str) -> bool:
    return (_root() / path).is_file()


def _root() -> Path:
    return Path(__file__).resolve().parents[1]


@cache
def vocabulary() -> frozenset[str]:
    """The words of all texts in the program's own source; none where there is no source, and then nothing passes."""
    found: set[str] = set()
    for package in _PACKAGES:
        for path in sorted((_root() / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    found.update(_WORD.findall(node.value))
    return frozenset({word for word in found if len(word) > 1} | {"a", "A"})
