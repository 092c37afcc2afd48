"""Second labels: given by another account than the first, of pictures alone, and never changed (`core.labelling`).

Which presentations are labelled twice is drawn by a key of the data folder. Whoever labels is given them by number, in
an order of their own: it tells neither what the first label was nor whether another one contradicts it already.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from core.access import Permission
from core.clock import Clock
from core.codes import Species
from core.errors import InputError, UsageError, sentence
from core.labelling.blind import Labels, Standing, bona_fide
from core.labelling.draw import SHARE, Candidate, drawn, shuffled
from core.labelling.figures import LabellerFigures, SecondLabels, agreement, by_labeller
from core.ports import StoredPresentation
from storage.acting import Acting
from storage.database import DatabaseFile
from storage.repositories.audit import AuditLog
from storage.repositories.presentations import LabelSource, Presentations

DRAW = "draw_second_labels"
GIVE = "second_label"
_MADE = (Species.HYBRID_SHEET, Species.HYBRID_MASK)
"""Made by the program, shown by nobody."""


@dataclass(frozen=True, slots=True)
class BlindTask:
    """A presentation to be labelled, by its number in the draw. ``given``: labels so far; ``left``: this one too."""

    number: int
    given: int
    left: int


@dataclass(frozen=True, slots=True)
class Contested:
    """A presentation whose labels contradict each other. ``voices``: the species that each person named."""

    presentation: str
    session: str
    subject: str
    voices: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class LabelStatus:
    """All labelled presentations whose frames were kept.

    ``drawn``: to be labelled twice; ``waiting``: those of them that nobody labelled yet. ``unattributed``: first labels
    of which no account is known, as from before this station had accounts: whoever labels them again may be the same
    person. ``accounts``: whether there are accounts at all.
    """

    accounts: bool
    drawn: int
    waiting: int
    unattributed: int
    figures: SecondLabels
    labellers: tuple[LabellerFigures, ...]
    contested: tuple[Contested, ...]


class BlindLabels:
    """The draw, the work of whoever labels blind, and what came of it."""

    def __init__(
        self, file: DatabaseFile, clock: Clock, audit: AuditLog, acting: Acting, presentations: Presentations
    ) -> None:
        self._file = file
        self._clock = clock
        self._audit = audit
        self._acting = acting
        self._presentations = presentations

    # --- the draw -----------------------------------------------------------------------------------------------

    def draw(self, share: float = SHARE) -> int:
        """Have ``share`` (0 to 1) of each person's labels of each class labelled twice; returns how many are new.

        Raises:
            DeniedError: whoever acts may not prepare a pass.
            UsageError: that is no share.
            InputError: this station has no accounts.
            HostError: the key that draws is missing.
        """
        self._acting.require(Permission.ADAPT)
        self._require_accounts()
        if not 0.0 < share <= 1.0:
            raise UsageError(sentence("{share} is no share.", share=share), "Give a number above 0, at most 1.")
        with self._file.transaction():
            candidates = [
                Candidate(one.id, one.labelled_by, bona_fide(one.species or ""))
                for one in self._labelled()
                if one.species is not None
            ]
            before = {row["presentation"] for row in self._file.rows("SELECT presentation FROM second_label_draws")}
            found = drawn(candidates, before, share, self._audit.seal(b"second labels"))
            actor, now = self._acting.actor.id, self._clock.utc_s()
            for one in found:
                self._file.insert("second_label_draws", {"presentation": one, "actor": actor, "utc_s": now})
            self._audit.append(DRAW, "labels", "", actor=actor, details={"share": share, "drawn": len(found)})
        return len(found)

    # --- the work -----------------------------------------------------------------------------------------------

    def next(self, skipped: Collection[int] = ()) -> BlindTask | None:
        """What whoever acts is to label next, passing over ``skipped``; ``None`` when nothing is left.

        Raises:
            DeniedError: whoever acts may not label.
            InputError: this station has no accounts.
        """
        open_tasks = self._open(self._labeller())
        number = next((number for number in open_tasks if number not in skipped), None)
        return None if number is None else BlindTask(number, self._given(), len(open_tasks))

    def presentation_of(self, number: int) -> str:
        """The presentation of a number that whoever acts may label now. Raises as `give`."""
        return self._task(self._labeller(), number).id

    def give(self, number: int, species: str) -> None:
        """Store a label: empty = bona fide, ``unknown`` = an attack of whatever species.

        Where it makes more people hold the other class than the one that stands, the presentation is relabelled.

        Raises:
            DeniedError: whoever acts may not label.
            UsageError: that is no species.
            InputError: nobody asked whoever acts for this label: they labelled it before, first or blind, or it was not
                drawn, or it is settled; or this station has no accounts.
        """
        actor = self._labeller()
        if species not in set(Species) - set(_MADE):
            raise UsageError(
                sentence("{species!r} is no label.", species=species), "Say bona_fide, attack, or name the species."
            )
        with self._file.transaction():
            task = self._task(actor, number)
            row = {
                "presentation": task.id,
                "species": species,
                "actor": actor,
                "first": task.species,
                "first_by": task.labelled_by,
                "utc_s": self._clock.utc_s(),
            }
            self._file.insert("second_labels", row)
            self._audit.append(GIVE, "presentation", task.id, actor=actor, details={"label": species})
            self._settle(task.id, actor)

    # --- what came of it ----------------------------------------------------------------------------------------

    def status(self) -> LabelStatus:
        """Agreement over the site. Raises `DeniedError`: whoever acts may not prepare a pass."""
        self._acting.require(Permission.ADAPT)
        found = [(one, one.labels) for one in self._labelled()]
        labelled = [(one, labels) for one, labels in found if labels is not None]
        numbers = self._numbers()
        accounts = {row["name"] for row in self._file.rows("SELECT name FROM accounts")}
        return LabelStatus(
            accounts=bool(accounts),
            drawn=sum(one.id in numbers for one, _ in labelled),
            waiting=sum(one.id in numbers and not labels.blind for one, labels in labelled),
            unattributed=sum(_first_by(labels) not in accounts for _, labels in labelled) if accounts else 0,
            figures=agreement(labels for _, labels in labelled),
            labellers=tuple(by_labeller(labels for _, labels in labelled)),
            contested=tuple(
                Contested(one.id, one.session, one.subject, labels.voices)
                for one, labels in labelled
                if labels.standing is Standing.CONTESTED
            ),
        )

    # --- helpers ------------------------------------------------------------------------------------------------

    def _labelled(self) -> list[StoredPresentation]:
        """Usable presentations whose frames were kept, without those that have no label."""
        sql = "SELECT id FROM sessions WHERE mode = 'frames' AND state <> 'open' ORDER BY created_utc_s, id"
        found = self._presentations.stored([row["id"] for row in self._file.rows(sql)])
        return [one for one in found if one.species is not None]

    def _labeller(self) -> str:
        self._acting.require(Permission.LABEL)
        self._require_accounts()
        return self._acting.actor.id

    def _require_accounts(self) -> None:
        if not self._acting.accounts_exist():
            raise InputError(
                "A second label comes from somebody else, but this station has no accounts.",
                "Add an account for each person: page People, or `main.py accounts add`.",
            )

    def _numbers(self) -> dict[str, int]:
        rows = self._file.rows("SELECT presentation, number FROM second_label_draws")
        return {row["presentation"]: row["number"] for row in rows}

    def _open(self, actor: str) -> dict[int, StoredPresentation]:
        """By number, in this person's order: what they may label and somebody is to label."""
        numbers = self._numbers()
        sql = """
            SELECT DISTINCT p.session FROM second_label_draws AS d JOIN presentations AS p ON p.id = d.presentation
        """
        usable = {one.id: one for one in self._presentations.stored([row["session"] for row in self._file.rows(sql)])}
        wanted = [one for one in numbers if one in usable and _is_asked(usable[one].labels, actor)]
        order = shuffled(wanted, self._audit.seal(f"second labels {actor}".encode()))
        return {numbers[one]: usable[one] for one in order}

    def _task(self, actor: str, number: int) -> StoredPresentation:
        task = self._open(actor).get(number)
        if task is None:
            raise InputError(
                sentence("Nobody asks you for a label of number {number}.", number=number),
                "You labelled it before, it is settled, or it was not drawn. Take the next one: `main.py labels next`.",
            )
        return task

    def _given(self) -> int:
        sql = "SELECT count(*) FROM second_labels WHERE actor = ?"
        return int(self._file.value(sql, (self._acting.actor.id,)))

    def _settle(self, presentation: str, actor: str) -> None:
        """Relabel where the first label is overruled."""
        session = self._presentations.get(presentation).session
        one = next(one for one in self._presentations.stored([session]) if one.id == presentation)
        stands = None if one.labels is None else one.labels.overruled_by
        if stands is None:
            return
        self._file.change(
            "UPDATE presentations SET species = ?, label_source = ?, labelled_by = ? WHERE id = ?",
            (stands.species, str(LabelSource.ADJUDICATED), stands.by, presentation),
        )
        details = {"from": one.species, "to": stands.species}
        why = "more people hold the second label"
        self._audit.append("relabel", "presentation", presentation, actor=actor, reason=why, details=details)


def _is_asked(labels: Labels | None, actor: str) -> bool:
    """Whether somebody is to label it, and this person has not yet."""
    return labels is not None and labels.standing is not Standing.AGREED and actor not in labels.voices


def _first_by(labels: Labels) -> str:
    """Whoever gave the label that was there before any blind one."""
    return labels.blind[0].first_by if labels.blind else labels.by
