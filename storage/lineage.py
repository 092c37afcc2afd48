"""What the models of a lineage have learned, and from where one of them is made anew without a session."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from core.errors import InputError, sentence
from storage.catalogue import Catalogue
from storage.registry import ModelRegistry
from storage.repositories.models import ModelRecord


@dataclass(frozen=True, slots=True)
class Learned:
    """Sessions that one pass took, and those that its plan left out for good."""

    sessions: tuple[str, ...]
    excised: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Anew:
    """``base``: the last ancestor that had not learned the session; ``sessions``: those learned since, without it.

    ``excised``: the session, and those that had been excised since: they must not come back with the new lineage.
    """

    base: ModelRecord
    sessions: tuple[str, ...]
    excised: tuple[str, ...]


def learned(record: ModelRecord) -> Learned:
    """From a model's manifest; nothing for one that no pass of this program made."""
    data = record.manifest.get("data")
    told = data if isinstance(data, dict) else {}
    names = [told.get(name) for name in ("sessions", "excised")]
    return Learned(*(tuple(map(str, found)) if isinstance(found, list) else () for found in names))


def people_learned(catalogue: Catalogue, reference: str) -> set[str]:
    """Subjects whom the passes of a model's lineage trained on, or set its thresholds by, as their plans say."""
    made_by = {record.job for record in ModelRegistry(catalogue).lineage(reference)}
    plans = [json.loads(job.plan) for job in catalogue.jobs.all() if job.id in made_by]
    splits = [plan.get("split", {}) for plan in plans]
    found = {subject for split in splits for use in ("train", "calibrate") for subject in split.get(use, [])}
    return found | {one["subject"] for plan in plans for one in plan.get("pseudo_labelled", []) if one["subject"]}


def without(registry: ModelRegistry, session: str) -> Anew:
    """From where, and with what, the champion is made anew without ``session``.

    Raises:
        InputError: the champion has not learned it, or the model before the one that did is not here any more.
    """
    lineage = registry.lineage(registry.champion().sha256)
    places = [place for place, record in enumerate(lineage) if session in learned(record).sessions]
    if not places:
        raise InputError(
            sentence("The champion {name} was not adapted with session {session}.",
                     name=lineage[0].name, session=session),
            "`main.py models --json` names the sessions of every model.",
        )  # fmt: skip
    first = max(places)
    if first + 1 == len(lineage):
        raise InputError(
            sentence("The model that {name} was adapted from is not here.", name=lineage[first].name),
            "Promote the factory model with `main.py promote factory`.",
        )
    since = [learned(record) for record in reversed(lineage[: first + 1])]
    sessions = dict.fromkeys(name for one in since for name in one.sessions if name != session)
    gone = dict.fromkeys([*(name for one in since for name in one.excised), session])
    return Anew(lineage[first + 1], tuple(sessions), tuple(gone))


def refuse_excised(registry: ModelRegistry, sessions: Sequence[str]) -> None:
    """A session that was excised from the champion's lineage does not come back by the next plan.

    Raises:
        InputError: one of them was.
    """
    for record in registry.lineage(registry.champion().sha256):
        for session in sessions:
            if session in learned(record).excised:
                raise InputError(
                    sentence("Session {session} was excised when {name} was made.", session=session, name=record.name),
                    "Plan without it.",
                )
