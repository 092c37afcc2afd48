"""The plan of a collection: which takes of each subject are wanted, and how many there are."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core.codes import SessionPurpose, Species
from core.errors import HostError, InputError, sentence
from core.untrusted import json_value
from storage.catalogue import Catalogue
from storage.repositories.presentations import PresentationState
from storage.repositories.sessions import SessionFilter

CONDITIONS = ("indoor", "backlight", "dim", "sunlight")
DISTANCES = ("0.4 m", "0.6 m", "0.9 m")


class PlanRow(BaseModel):
    """So many takes of one species under one condition at one distance."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    species: str
    condition: str = CONDITIONS[0]
    distance: str = DISTANCES[1]
    quota: int = Field(default=3, ge=1, le=999)

    @property
    def tag(self) -> str:
        """What stands as condition in the presentation's label."""
        return f"{self.condition}, {self.distance}"


class CollectionPlan(BaseModel):
    """All rows, in the order in which they are to be taken."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rows: tuple[PlanRow, ...]


DEFAULT_PLAN = CollectionPlan(
    rows=(
        *(PlanRow(species=Species.BONA_FIDE, distance=d, quota=2) for d in DISTANCES),
        PlanRow(species=Species.BONA_FIDE, condition="backlight", quota=2),
        PlanRow(species=Species.PRINT_FLAT, quota=2),
        PlanRow(species=Species.PRINT_WORN, quota=2),
        PlanRow(species=Species.REPLAY_PHONE, quota=2),
        PlanRow(species=Species.REPLAY_TABLET, quota=2),
        PlanRow(species=Species.MASK_RIGID, quota=2),
    )
)


def load_plan(path: Path) -> CollectionPlan:
    """The plan of this data folder. Raises `InputError` when the file is there but cannot be understood."""
    try:
        return CollectionPlan.model_validate(json_value(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return DEFAULT_PLAN
    except (OSError, ValueError, ValidationError) as error:
        raise InputError(
            sentence("The plan {name} cannot be read.", name=path.name), "Correct or remove it; the default is used."
        ) from error


def save_plan(plan: CollectionPlan, path: Path) -> None:
    """Replace the file in one step. Raises `HostError` when it cannot be written."""
    fresh = path.with_suffix(".new")
    try:
        with fresh.open("w", encoding="utf-8") as file:
            file.write(plan.model_dump_json(indent=2) + "\n")
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError as error:
        raise HostError(
            sentence("The plan could not be saved: {strerror}.", strerror=error.strerror),
            sentence("Make {parent} writable.", parent=path.parent),
        ) from error


Taken = Mapping[tuple[str, str], int]
"""``(species, condition tag)`` -> usable takes."""


def count_takes(catalogue: Catalogue, subject: str) -> Taken:
    """Usable takes of one subject in all collection sessions; without a subject, of all who have none."""
    taken: Counter[tuple[str, str]] = Counter()
    cursor = None
    while True:
        filters = SessionFilter(purpose=SessionPurpose.COLLECTION, subject=subject or None)
        sessions, cursor = catalogue.sessions.page(filters, after=cursor)
        for session in sessions:
            if session.subject != subject:
                continue
            for take in catalogue.presentations.of_session(session.id):
                if take.species is not None and take.state is PresentationState.CLOSED:
                    taken[take.species, take.condition] += 1
        if cursor is None:
            return taken


def next_row(rows: Sequence[PlanRow], taken: Taken) -> int | None:
    """Index of the first row whose quota is not met; ``None`` when the plan is complete."""
    for index, row in enumerate(rows):
        if taken.get((row.species, row.tag), 0) < row.quota:
            return index
    return None
