"""Preferences: a readable JSON file that can never prevent a start. Site policy is not kept here (anchors.md 4.6)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core.errors import HostError, sentence
from core.untrusted import json_value


class Settings(BaseModel):
    """What a person prefers. Unknown and invalid keys are dropped on load, the rest is kept."""

    model_config = ConfigDict(extra="forbid", validate_assignment=True)

    version: Literal[1] = 1
    language: Literal["system", "en", "de"] = "system"
    theme: Literal["system", "light", "dark", "contrast"] = "system"
    source: str = ""
    """Source that was chosen last; empty = none yet. One of the command line comes before it, and is not kept."""
    page: str = "checkpoint"
    announce: bool = True
    """Whether a verdict is also told to assistive technology."""
    depth_near_m: float = Field(default=0.3, gt=0, lt=20)
    depth_far_m: float = Field(default=1.5, gt=0, lt=20)
    door_socket: str = Field(default="", max_length=200)
    """Local socket that gate controllers connect to (docs/door.md); empty = none."""
    door_hook: str = Field(default="", max_length=1000)
    """Command that is given the same lines on its stdin; empty = none."""


def load_settings(path: Path) -> tuple[Settings, list[str]]:
    """Read the file; returns the settings and what had to be dropped, as lines for a notice. Never raises."""
    try:
        values: Any = json_value(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Settings(), []
    except (OSError, ValueError) as error:
        return Settings(), [f"{path.name}: {error}"]
    if not isinstance(values, dict):
        return Settings(), [f"{path.name}: not a table of settings"]
    kept: dict[str, Any] = {}
    dropped: list[str] = []
    for key, value in values.items():
        try:
            Settings.model_validate({key: value})
        except ValidationError:
            dropped.append(str(key))
        else:
            kept[key] = value
    return Settings.model_validate(kept), dropped


def save_settings(settings: Settings, path: Path) -> None:
    """Replace the file in one step. Raises `HostError` when the folder cannot be written."""
    text = settings.model_dump_json(indent=2) + "\n"
    fresh = path.with_suffix(".new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with fresh.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError as error:
        raise HostError(
            sentence("The settings could not be saved: {strerror}.", strerror=error.strerror),
            sentence("Make {parent} writable; this run goes on.", parent=path.parent),
        ) from error
