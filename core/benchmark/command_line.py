"""The command that makes a result, as it stands in the result and on its page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


def command_line(protocol: str, out: Path, **given: bool | int | Path | Sequence[object] | None) -> str:
    """The command of ``protocol`` with the options that were ``given``, to ``out``; no folder is named.

    An option that is ``None``, false or empty was not given; several values stand behind commas.
    """
    parts = [f"main.py benchmark --scenes --protocol {protocol}"]
    for name, value in given.items():
        if value is True:
            parts.append(f"--{name}")
        elif isinstance(value, Path):
            parts.append(f"--{name} {value.name}")
        elif isinstance(value, Sequence):
            parts += [f"--{name} {','.join(map(str, value))}"] if value else []
        elif value is not None and value is not False:
            parts.append(f"--{name} {value}")
    return " ".join([*parts, f"--json {out.name}"])
