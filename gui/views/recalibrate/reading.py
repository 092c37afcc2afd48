"""What the recalibration page reads, in the background thread."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from core.adaptation.worker import settle_interrupted
from core.codes import ModelRole, Outcome, RecordMode, SessionState
from core.metrics.rate import Rate, rate_of
from core.ports import JobRecord
from storage.catalogue import Catalogue
from storage.repositories.models import Deployment, ModelRecord
from storage.repositories.presentations import PresentationState
from storage.repositories.sessions import Session, SessionFilter
from storage.repositories.shadow_answers import ShadowFigures

RECENT = 500


@dataclass(frozen=True, slots=True)
class SiteFigures:
    """The newest verdicts of this site: shares of each outcome, and how often a person decided otherwise."""

    verdicts: int
    outcomes: Mapping[Outcome, Rate]
    overridden: Rate | None
    masks: Mapping[str, int]
    champion: str


@dataclass(frozen=True, slots=True)
class Material:
    """One session that a plan may use. ``labels``: species -> presentations; ``None`` = not labelled."""

    session: Session
    labels: Mapping[str | None, int]
    subjects: frozenset[str] = field(default_factory=frozenset)


@dataclass(frozen=True, slots=True)
class JobView:
    """A job and the points of its curves so far."""

    record: JobRecord
    events: Sequence[tuple[int, Mapping[str, float]]]


@dataclass(frozen=True, slots=True)
class ModelView:
    """All models and the history of the champion."""

    models: Sequence[ModelRecord]
    deployments: Sequence[Deployment]
    shadow: ShadowFigures | None = None
    """Of the model that runs beside the champion; ``None`` while none does."""


def read_site(catalogue: Catalogue) -> SiteFigures:
    """Figures over the newest verdicts."""
    stored, _next = catalogue.verdicts.page(limit=RECENT)
    outcomes = {}
    for outcome in Outcome:
        rate = rate_of([one.verdict.outcome is outcome for one in stored])
        if rate is not None:
            outcomes[outcome] = rate
    champion = catalogue.models.find("champion")
    return SiteFigures(
        verdicts=len(stored),
        outcomes=outcomes,
        overridden=rate_of([bool(one.operator_outcome) for one in stored]),
        masks=Counter(str(one.verdict.mask) for one in stored),
        champion=champion.name if champion is not None else "",
    )


def read_material(catalogue: Catalogue) -> list[Material]:
    """Sessions with frames that have ended, newest first, with their labels."""
    found: list[Material] = []
    cursor = None
    while True:
        sessions, cursor = catalogue.sessions.page(SessionFilter(mode=RecordMode.FRAMES), after=cursor)
        for session in sessions:
            if session.state is SessionState.OPEN:
                continue
            takes = [
                take
                for take in catalogue.presentations.of_session(session.id)
                if take.state in (PresentationState.CLOSED, PresentationState.CUT_OFF)
            ]
            labels = Counter(take.species for take in takes)
            subjects = frozenset(take.subject or session.subject for take in takes) - {""}
            if takes:
                found.append(Material(session, labels, subjects))
        if cursor is None:
            return found


def read_jobs(catalogue: Catalogue) -> list[JobRecord]:
    """All jobs, newest first; one whose process is gone is marked as interrupted."""
    settle_interrupted(catalogue.jobs)
    return catalogue.jobs.all()


def read_job(catalogue: Catalogue, job: str) -> JobView:
    """One job with its curves."""
    return JobView(catalogue.jobs.get(job), catalogue.jobs.events(job))


def read_models(catalogue: Catalogue) -> ModelView:
    """Models, deployments, and what the model in shadow answered so far."""
    shadow = catalogue.models.alias(ModelRole.SHADOW)
    figures = catalogue.shadow_answers.figures(shadow) if shadow else None
    return ModelView(catalogue.models.all(), catalogue.models.deployments(), figures)
