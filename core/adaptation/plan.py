"""The plan of a pass: all that decides its result, frozen and hashed before anything runs (architecture.md 6)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Sequence

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core.adaptation.caps import Cap, capped
from core.adaptation.settings import GateSettings, TrainingSettings
from core.codes import SessionPurpose, SourceKind, Species, UnlabelledUse
from core.errors import InputError, UsageError, sentence
from core.labelling.blind import Standing
from core.labelling.figures import SecondLabels, agreement
from core.ports import PresentationStore, StoredPresentation

SCHEMA = 1
_MIN_FOR_CALIBRATION = 8
"""Adapting subjects from which a quarter is kept out of training for temperature and thresholds."""

_REPLAY_SEED = 910_000
"""Seeds of replayed people start here: far from those that trained the factory model, and the same for every plan, so
that jobs share what was rendered (`core.adaptation.memory`)."""

_TRAFFIC = 60
"""Recorded presentations that are decided again: seconds of a pass."""


class PlannedPresentation(BaseModel):
    """One labelled presentation as it stood when the plan was made. ``species`` empty = bona fide."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    session: str
    subject: str
    species: str
    artefact: str = ""


class PlannedUnlabelled(BaseModel):
    """One presentation without a label that the pass learns from by pseudo-labels (`core.adaptation.pseudo`)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    session: str
    subject: str


class PlannedTraffic(BaseModel):
    """One recorded checkpoint presentation that candidate and champion decide once more (`core.adaptation.traffic`)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    session: str


class LeftOut(BaseModel):
    """One labelled presentation that the pass does not use.

    It is too many of its person, or of its ten minutes (``cap``, `core.adaptation.caps`), or its labels contradict each
    other and nobody has settled it (``contested``, `core.labelling.blind`).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    subject: str
    cap: Cap | None = Field(default=None, exclude_if=lambda value: value is None)
    contested: bool = Field(default=False, exclude_if=lambda value: not value)


class Excision(BaseModel):
    """The model is made anew without ``sessions``, to stand in the place of ``instead_of``, which had learned them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sessions: list[str]
    instead_of: str = Field(pattern=r"^[0-9a-f]{64}$")


class Split(BaseModel):
    """Subjects by use; no subject has two. ``calibrate`` may be empty: then ``train`` and the source calibrate."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    train: list[str]
    calibrate: list[str]
    judge: list[str]


class Replay(BaseModel):
    """Which simulated presentations are replayed, calibrate and judge. ``domains`` empty = all embedded ones."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    domains: list[str] = Field(default_factory=list)
    train_seed: int
    calibrate_seed: int
    judge_seed: int


class Plan(BaseModel):
    """A frozen pass. Equal plans on equal data give equal candidates (tolerance 1e-4)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_: int = Field(default=SCHEMA, alias="schema")
    champion: str = Field(pattern=r"^[0-9a-f]{64}$")
    champion_name: str
    root: str = Field(default="", exclude_if=lambda value: not value)
    """sha256 of the model that the champion's lineage began with; empty = the champion itself."""
    sessions: list[str]
    source_kinds: list[str]
    presentations: list[PlannedPresentation]
    unlabelled: list[str]
    """Presentations of the sessions without a label: counted, used only where `pseudo_labelled` names them."""
    pseudo_labelled: list[PlannedUnlabelled] = Field(default_factory=list, exclude_if=lambda value: not value)
    """Left out of the canonical form where empty: plans from before it existed keep their digest."""
    left_out: list[LeftOut] = Field(default_factory=list, exclude_if=lambda value: not value)
    second_labels: SecondLabels | None = Field(default=None, exclude_if=lambda value: value is None)
    """How many of the labels somebody else gave again, blind, and how far the two agree."""
    excision: Excision | None = Field(default=None, exclude_if=lambda value: value is None)
    judged: str = Field(default="", exclude_if=lambda value: not value)
    """sha256 of a model from elsewhere that is only judged (`core.adaptation.judging_only`); empty = a pass."""
    traffic: list[PlannedTraffic] = Field(default_factory=list, exclude_if=lambda value: not value)
    """Nothing of it is learned, and the gate does not see it."""
    split: Split
    replay: Replay
    seed: int = Field(ge=0)
    training: TrainingSettings
    gate: GateSettings

    def to_json(self) -> str:
        """Canonical JSON: sorted keys, no spaces."""
        return json.dumps(self.model_dump(by_alias=True), sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    def sha256(self) -> str:
        """Digest of the canonical form."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()

    @property
    def replaces(self) -> str:
        """sha256 of the model that has to be deployed, and that the candidate would replace."""
        return self.champion if self.excision is None else self.excision.instead_of

    def of(self, subjects: Sequence[str]) -> list[PlannedPresentation]:
        """The presentations of these subjects, in order."""
        wanted = set(subjects)
        return [presentation for presentation in self.presentations if presentation.subject in wanted]


def make_plan(
    store: PresentationStore,
    sessions: Sequence[str],
    champion: str,
    champion_name: str,
    seed: int,
    training: TrainingSettings | None = None,
    gate: GateSettings | None = None,
    unlabelled: UnlabelledUse = UnlabelledUse.NONE,
    root: str = "",
    excision: Excision | None = None,
    traffic: Sequence[StoredPresentation] = (),
    judged: str = "",
    learned: Collection[str] = (),
) -> Plan:
    """Freeze a plan over labelled sessions.

    Args:
        store: where the presentations are.
        sessions: ids of the sessions to use.
        champion: sha256 of the model to start from and to be judged against.
        champion_name: its name, for people.
        seed: of the split, the order, the hybrids and the replay.
        training: settings of the pass; defaults where left out.
        gate: settings of the gate; defaults where left out.
        unlabelled: which presentations without a label the pass may learn from; none unless somebody asks for it.
        root: sha256 of the model that the champion's lineage began with; left out = the champion itself.
        excision: what is left out for good, where ``champion`` is the last model that had not learned it.
        judged: sha256 of a model that is only judged, on everybody but the ``learned``; left out = a pass.
        traffic: recorded checkpoint presentations, the newest first, to show what would have changed on them; those of
            the sessions to use are none.
        learned: subjects whom the champion, or the model to judge, has learned already (`split_subjects`).

    Raises:
        UsageError: no session, one named twice, a negative seed, live captures mixed with others.
        InputError: a session without presentations, or too few labelled bona fide subjects to split.
    """
    if not sessions or len(set(sessions)) != len(sessions):
        raise UsageError("The plan needs sessions, each named once.", "List them with `main.py sessions`.")
    if seed < 0:
        raise UsageError(sentence("The seed is {seed}.", seed=seed), "Give a whole number from 0 on.")
    found = _found(store, sessions)
    kinds = sorted({presentation.source_kind for presentation in found})
    if SourceKind.LIVE in kinds and len(kinds) > 1:
        others = ", ".join(kind for kind in kinds if kind != SourceKind.LIVE)
        raise UsageError(
            sentence("Live captures cannot be mixed with {others} in one pass.", others=others), "Plan them apart."
        )
    training = training or TrainingSettings()
    contested = {one.id for one in found if _is_contested(one)}
    too_many = capped([one for one in found if one.id not in contested], training)
    kept = [one for one in found if one.id not in too_many and one.id not in contested]
    labelled = [
        _planned(presentation, presentation.species) for presentation in kept if presentation.species is not None
    ]
    if judged:
        labelled = [one for one in labelled if one.subject not in learned]
    split = split_subjects(labelled, seed, learned) if not judged else _everybody_judges(labelled)
    recorded = [PlannedTraffic(id=one.id, session=one.session) for one in traffic if one.session not in sessions]
    return Plan(
        champion=champion,
        champion_name=champion_name,
        root="" if root == champion else root,
        sessions=list(sessions),
        source_kinds=kinds,
        presentations=labelled,
        unlabelled=[presentation.id for presentation in found if presentation.species is None],
        pseudo_labelled=_to_pseudo_label(kept, split, unlabelled),
        left_out=[
            LeftOut(id=one.id, subject=one.subject, cap=too_many.get(one.id), contested=one.id in contested)
            for one in found
            if one.id in too_many or one.id in contested
        ],
        second_labels=agreement(one.labels for one in found if one.labels is not None),
        excision=excision,
        judged=judged,
        traffic=recorded[:_TRAFFIC],
        split=split,
        replay=Replay(train_seed=_REPLAY_SEED, calibrate_seed=_REPLAY_SEED + 1, judge_seed=_REPLAY_SEED + 2),
        seed=seed,
        training=training,
        gate=gate or GateSettings(),
    )


def read_plan(text: str, sha256: str) -> Plan:
    """Read a stored plan and check that it is the one that was frozen.

    Raises:
        InputError: the text is no plan of this program, or not the one with this digest.
    """
    try:
        plan = Plan.model_validate_json(text)
    except ValidationError as error:
        raise InputError("The job's plan cannot be read.", "Make a new plan with `main.py adapt plan`.") from error
    if plan.sha256() != sha256:
        raise InputError(
            "The job's plan was changed after it was frozen.", "Make a new plan with `main.py adapt plan`."
        )
    return plan


def verify_plan(plan: Plan, store: PresentationStore, champion: str) -> None:
    """Check that what the plan names is still as it was.

    Raises:
        InputError: the champion, a session, a presentation or a label is not what was planned.
    """
    remedy = "Make a new plan with `main.py adapt plan`."
    if champion != plan.replaces:
        raise InputError(
            sentence(
                "The plan is to replace the model {replaced}, but {champion} is deployed now.",
                replaced=plan.replaces[:12],
                champion=champion[:12],
            ),
            remedy,
        )
    now = {presentation.id: presentation for presentation in _found(store, plan.sessions)}
    for planned in plan.presentations:
        stored = now.get(planned.id)
        if stored is None:
            raise InputError(
                sentence("The presentation {presentation} of the plan is gone.", presentation=planned.id), remedy
            )
        if stored.species is None or _planned(stored, stored.species) != planned:
            raise InputError(
                sentence(
                    "The label of presentation {presentation} was changed after the plan was made.",
                    presentation=planned.id,
                ),
                remedy,
            )
        if _is_contested(stored):
            raise InputError(
                sentence(
                    "The label of presentation {presentation} was contested by a second one after the plan was made.",
                    presentation=planned.id,
                ),
                remedy,
            )
    for nameless in plan.pseudo_labelled:
        stored = now.get(nameless.id)
        if stored is None:
            raise InputError(
                sentence("The presentation {presentation} of the plan is gone.", presentation=nameless.id), remedy
            )
        if stored.species is not None or stored.subject != nameless.subject:
            raise InputError(
                sentence(
                    "The presentation {presentation} was labelled after the plan was made.", presentation=nameless.id
                ),
                remedy,
            )


def split_subjects(presentations: Sequence[PlannedPresentation], seed: int, learned: Collection[str] = ()) -> Split:
    """Half of the subjects judge, the others adapt; subjects with and without bona fide are split alike.

    Those of ``learned``, whom the champion has learned, adapt again before anybody else does: whoever judges is as new
    to both models as there are people. Of those who adapt the new ones calibrate; some do only where bona fide do:
    thresholds from the site's attacks alone would forget its people.

    Raises:
        InputError: fewer than two subjects have labelled bona fide presentations.
    """
    with_bona_fide = {p.subject for p in presentations if p.species == Species.BONA_FIDE}
    if len(with_bona_fide) < 2:
        raise InputError(
            sentence(
                "A pass needs two subjects with labelled bona fide presentations, here are {n}.", n=len(with_bona_fide)
            ),
            "One adapts, the other judges: add sessions, or label the ones you have.",
        )
    generator = np.random.default_rng([seed, 0])
    train: list[str] = []
    calibrate: list[str] = []
    judge: list[str] = []
    for group in (with_bona_fide, {p.subject for p in presentations} - with_bona_fide):
        drawn = [str(subject) for subject in generator.permutation(sorted(group))]
        order = sorted(drawn, key=lambda subject: subject not in learned)
        middle = (len(order) + 1) // 2
        adapting = sorted(order[:middle], key=lambda subject: subject in learned)
        enough = len(adapting) >= _MIN_FOR_CALIBRATION and (group is with_bona_fide or bool(calibrate))
        kept = len(adapting) // 4 if enough else 0
        judge += order[middle:]
        calibrate += adapting[:kept]
        train += adapting[kept:]
    return Split(train=sorted(train), calibrate=sorted(calibrate), judge=sorted(judge))


def _everybody_judges(presentations: Sequence[PlannedPresentation]) -> Split:
    if not any(presentation.species == Species.BONA_FIDE for presentation in presentations):
        raise InputError(
            "Nobody can judge: there is no labelled bona fide presentation of somebody whom neither model has learned.",
            "Add sessions, or label the ones you have.",
        )
    return Split(train=[], calibrate=[], judge=sorted({presentation.subject for presentation in presentations}))


def _to_pseudo_label(found: Sequence[StoredPresentation], split: Split, use: UnlabelledUse) -> list[PlannedUnlabelled]:
    """Never of people who judge or calibrate: what was seen of them would make the judgement kinder."""
    kept_out = {*split.calibrate, *split.judge}

    def wanted(one: StoredPresentation) -> bool:
        if one.species is not None or one.subject in kept_out or use is UnlabelledUse.NONE:
            return False
        return use is UnlabelledUse.ALL or (bool(one.subject) and one.purpose != SessionPurpose.CHECKPOINT)

    return [PlannedUnlabelled(id=one.id, session=one.session, subject=one.subject) for one in found if wanted(one)]


def _found(store: PresentationStore, sessions: Sequence[str]) -> list[StoredPresentation]:
    found = store.presentations(sessions)
    with_material = {presentation.session for presentation in found}
    for session in sessions:
        if session not in with_material:
            raise InputError(
                sentence("The session {session} has no usable presentations.", session=session),
                "Its takes were discarded, cut off, or their consent has ended. List sessions with `main.py sessions`.",
            )
    return found


def _is_contested(presentation: StoredPresentation) -> bool:
    labels = presentation.labels
    return labels is not None and labels.standing is Standing.CONTESTED


def _planned(presentation: StoredPresentation, species: str) -> PlannedPresentation:
    return PlannedPresentation(
        id=presentation.id,
        session=presentation.session,
        subject=presentation.subject,
        species=species,
        artefact=presentation.artefact,
    )
