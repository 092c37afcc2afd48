"""Fault scripts of the scripted camera (formats.md): a strict reader, and which faults are on at a moment.

::

    scene = "bona_fide,seed=3"      # optional: what is filmed, as in simulated:SCENE

    [[event]]
    at_s = 2.0                      # camera time
    do = "freeze"
    stream = "depth"                # optional: all streams
    for_s = 3.0                     # optional: until a "return" of that stream, or to the end
    value = 60.0                    # milliseconds, for lag, jump and loop

=========  ==========================================================================================
stop       the stream delivers nothing
freeze     the sensor repeats its last frame, under the same number
lag        the stream delivers what it saw ``value`` ms ago, with that time
jump       device times are ``value`` ms off
repeat     the last image comes again and again, under new numbers and times
loop       the last ``value`` ms come again and again, under new numbers and times
deaf       what the camera delivers no longer answers to its settings, as a stream that was put in its place
dark       the lens is covered: colour and infrared black, depth without values
unplug     the device is gone: it delivers nothing and cannot be opened
return     ends what is on, for ``stream`` or for all
hang_stop  stopping the device never returns
usb2       the link falls back to USB 2.1: half the rate
=========  ==========================================================================================
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from core.errors import InputError, sentence
from core.frames import Modality
from core.untrusted import toml_table


class Fault(StrEnum):
    """What an event does."""

    STOP = "stop"
    FREEZE = "freeze"
    LAG = "lag"
    JUMP = "jump"
    REPEAT = "repeat"
    LOOP = "loop"
    DEAF = "deaf"
    DARK = "dark"
    UNPLUG = "unplug"
    RETURN = "return"
    HANG_STOP = "hang_stop"
    USB2 = "usb2"


PER_STREAM = frozenset(
    {Fault.STOP, Fault.FREEZE, Fault.LAG, Fault.JUMP, Fault.REPEAT, Fault.LOOP, Fault.DARK, Fault.RETURN}
)
NEEDS_VALUE = frozenset({Fault.LAG, Fault.JUMP, Fault.LOOP})
_KEYS = frozenset({"at_s", "do", "stream", "for_s", "value"})
_REMEDY = "Correct the file; formats.md describes it."


@dataclass(frozen=True, slots=True)
class Event:
    """One fault. ``stream`` ``None`` = all; ``for_s`` infinite = until a return."""

    at_s: float
    do: Fault
    stream: Modality | None = None
    for_s: float = math.inf
    value: float = 0.0

    def touches(self, stream: Modality | None) -> bool:
        """Whether it concerns ``stream`` (``None``: the whole device)."""
        return self.stream is None or self.stream == stream


@dataclass(frozen=True, slots=True)
class FaultScript:
    """Events in order of time, and the scene that is filmed."""

    events: tuple[Event, ...] = ()
    scene: str = ""

    def active(self, do: Fault, t_s: float, stream: Modality | None = None) -> Event | None:
        """The event of kind ``do`` that is on for ``stream`` at camera time ``t_s``; the latest, if several are."""
        found = None
        for event in self.events:
            if event.at_s > t_s:
                break
            if event.do is do and event.touches(stream) and t_s < event.at_s + event.for_s:
                found = event
            elif event.do is Fault.RETURN and event.touches(stream):
                found = None
        return found


def read_script(path: Path) -> FaultScript:
    """Read a script file. Raises `InputError` that names the event and what is wrong with it."""
    try:
        return parse_script(path.read_text(encoding="utf-8"), path.name)
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            sentence("The fault script {path} cannot be read: {error}.", path=path, error=error), "Check the path."
        ) from error


def parse_script(text: str, name: str = "script") -> FaultScript:
    """Read the text of a script. Raises `InputError`."""
    try:
        table = toml_table(text)
    except ValueError as error:
        raise InputError(sentence("{name} is not valid TOML: {error}.", name=name, error=error), _REMEDY) from error
    unknown = sorted(set(table) - {"scene", "event"})
    if unknown:
        raise InputError(sentence("{name}: unknown key {key!r}.", name=name, key=unknown[0]), _REMEDY)
    scene, events = table.get("scene", ""), table.get("event", [])
    if not isinstance(scene, str):
        raise InputError(sentence("{name}: scene must be a text.", name=name), _REMEDY)
    if not isinstance(events, list) or not all(isinstance(event, dict) for event in events):
        raise InputError(sentence("{name}: events must be written as [[event]] tables.", name=name), _REMEDY)
    parsed = [
        _event(event, sentence("{name}, event {number}", name=name, number=number))
        for number, event in enumerate(events, start=1)
    ]
    return FaultScript(tuple(sorted(parsed, key=lambda event: event.at_s)), scene)


def _event(table: Mapping[str, Any], where: str) -> Event:
    unknown = sorted(set(table) - _KEYS)
    if unknown:
        raise InputError(sentence("{where}: unknown key {key!r}.", where=where, key=unknown[0]), _REMEDY)
    for key in ("at_s", "do"):
        if key not in table:
            raise InputError(sentence("{where}: {key} is missing.", where=where, key=key), _REMEDY)
    if table["do"] not in tuple(Fault):
        raise InputError(
            sentence(
                "{where}: do = {do} is not one of {known}.", where=where, do=repr(table["do"]), known=", ".join(Fault)
            ),
            _REMEDY,
        )
    do = Fault(table["do"])
    if do in NEEDS_VALUE and "value" not in table:
        raise InputError(sentence("{where}: {do} needs a value in milliseconds.", where=where, do=do), _REMEDY)
    stream = table.get("stream")
    if stream is not None and stream not in tuple(Modality):
        raise InputError(
            sentence(
                "{where}: stream = {stream} is not one of {known}.",
                where=where,
                stream=repr(stream),
                known=", ".join(Modality),
            ),
            _REMEDY,
        )
    if stream is not None and do not in PER_STREAM:
        raise InputError(
            sentence("{where}: {do} concerns the whole device, not a stream.", where=where, do=do), _REMEDY
        )
    return Event(
        at_s=_number(table, "at_s", where, minimum=0.0),
        do=do,
        stream=None if stream is None else Modality(stream),
        for_s=_number(table, "for_s", where, minimum=0.0) if "for_s" in table else math.inf,
        value=_number(table, "value", where) if "value" in table else 0.0,
    )


def _number(table: Mapping[str, Any], key: str, where: str, minimum: float = -math.inf) -> float:
    value = table[key]
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < minimum:
        raise InputError(
            sentence(
                "{where}: {key} = {value} is not a number that makes sense.", where=where, key=key, value=repr(value)
            ),
            _REMEDY,
        )
    return float(value)
