"""The job that erases: begun once, done step by step, taken up again by whoever asks next (reliability.md 2.4)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from core.access import Permission
from core.codes import ErasureStep
from core.errors import HostError, InputError, UsageError, sentence
from storage.catalogue import Catalogue
from storage.database import Row
from storage.disk import Ballast
from storage.erasure import steps
from storage.erasure.canaries import mask, take_canaries
from storage.erasure.certificate import make_certificate, write_certificate
from storage.erasure.inventory import (
    Inventory,
    Target,
    TargetKind,
    foreign_takes,
    require_idle,
    sessions_of,
    take_inventory,
)
from storage.erasure.steps import Work
from storage.forms import canonical
from storage.identifiers import timed_id
from storage.lock import StationLock
from storage.replay_sources import note_sources
from storage.repositories.subjects import ERASED, ERASING
from storage.salvage import salvage

Progress = Callable[[ErasureStep, int, int], None]
"""Told the step, and within it things done and things in all (0 of 0 when a step begins)."""

_RUN: Mapping[ErasureStep, Callable[[Work], None]] = {
    ErasureStep.STOP: steps.stop,
    ErasureStep.KEYS: steps.keys,
    ErasureStep.FRAMES: steps.frames,
    ErasureStep.DERIVED: steps.derived,
    ErasureStep.LINEAGE: steps.lineage,
    ErasureStep.CHECKPOINT: steps.checkpoint,
    ErasureStep.SEARCH: steps.look,
}
STEPS = tuple(ErasureStep)


def _silent(step: ErasureStep, done: int, total: int) -> None:
    """Nobody watches."""


def erase(catalogue: Catalogue, target: Target, reason: str, progress: Progress = _silent) -> dict[str, Any]:
    """Erase ``target`` and return its certificate; goes on with a job that was cut off.

    A subject that was erased before gives its certificate again.

    Raises:
        DeniedError: whoever acts may not erase.
        UsageError: no reason.
        InputError: no such subject or session, it is being recorded, or a legal hold stands.
        HostError: a step could not be done; the job is kept, and the next call goes on from that step.
    """
    with catalogue.granted(Permission.ERASE):
        job = _pending(catalogue, target)
        if job is None and (done := _certificate_of(catalogue, target)) is not None:
            return done
        if job is None:
            job = _begin(catalogue, target, reason)
        return _go_on(catalogue, job, progress)


def resume_all(catalogue: Catalogue, progress: Progress = _silent) -> list[dict[str, Any]]:
    """Finish what was cut off (a station does this first); returns the certificates.

    Raises:
        HostError: see `erase`.
    """
    jobs = catalogue.file.rows("SELECT * FROM erasures WHERE step <> ? ORDER BY id", (str(ErasureStep.DONE),))
    with catalogue.acting.going_on():
        return [_go_on(catalogue, job["id"], progress) for job in jobs]


def certificates(catalogue: Catalogue) -> list[dict[str, Any]]:
    """All of them, newest first."""
    sql = "SELECT certificate FROM erasures WHERE step = ? ORDER BY finished_utc_s DESC"
    return [json.loads(row["certificate"]) for row in catalogue.file.rows(sql, (str(ErasureStep.DONE),))]


def _pending(catalogue: Catalogue, target: Target) -> str | None:
    sql = "SELECT id FROM erasures WHERE kind = ? AND target = ? AND step <> ?"
    found = catalogue.file.value(sql, (str(target.kind), target.id, str(ErasureStep.DONE)))
    return None if found is None else str(found)


def _certificate_of(catalogue: Catalogue, target: Target) -> dict[str, Any] | None:
    sql = "SELECT certificate FROM erasures WHERE kind = ? AND target = ? AND step = ? ORDER BY finished_utc_s DESC"
    text = catalogue.file.value(sql, (str(target.kind), target.id, str(ErasureStep.DONE)))
    return None if text is None else dict(json.loads(text))


def _begin(catalogue: Catalogue, target: Target, reason: str) -> str:
    if not reason.strip():
        raise UsageError("An erasure needs a reason.", "Say in a few words why, for the certificate.")
    shown = [row["id"] for row in sessions_of(catalogue, target)]
    note_sources(catalogue, [*shown, *(take.session for take in foreign_takes(catalogue, target))])
    inventory = take_inventory(catalogue, target)
    try:
        require_idle(catalogue, inventory)
    except InputError:
        _end_what_was_cut_off(catalogue)
        require_idle(catalogue, inventory)
    canaries = mask(take_canaries(catalogue, inventory))
    job = f"erase-{timed_id(catalogue.clock.utc_s())}"
    row = {
        "id": job,
        "kind": str(target.kind),
        "target": target.id,
        "reason": reason,
        "actor": catalogue.actor.id,
        "step": str(ErasureStep.STOP),
        "inventory": canonical(inventory.to_json()),
        "canaries": canaries,
        "requested_utc_s": catalogue.clock.utc_s(),
    }

    def write() -> None:
        with catalogue.transaction():
            catalogue.holds.require_none(target.kind, target.id)
            for session in inventory.sessions:  # replays may belong to somebody else
                catalogue.holds.require_none(TargetKind.SESSION, session.id)
            _require_nothing_new(catalogue, target, inventory)
            catalogue.file.insert("erasures", row)
            if target.kind is TargetKind.SUBJECT:
                _set_state(catalogue, target.id, ERASING)
            details = {"erasure": job, "sessions": len(inventory.sessions), "keys": len(inventory.keys)}
            kind = str(target.kind)
            catalogue.audit.append(
                "begin_erasure", kind, target.id, actor=catalogue.actor.id, reason=reason, details=details
            )

    catalogue.file.insist(write)
    return job


def _require_nothing_new(catalogue: Catalogue, target: Target, inventory: Inventory) -> None:
    """From this transaction on nobody opens a session of the subject; one that was opened just before is met here."""
    now = [row["id"] for row in sessions_of(catalogue, target)]
    if now != [one.id for one in inventory.sessions]:
        raise InputError(
            sentence("A session of {target} was opened at this moment.", target=target.id), "End it, then erase again."
        )


def _end_what_was_cut_off(catalogue: Catalogue) -> None:
    """Sessions that a killed station left open end now, unless a station runs."""
    try:
        with StationLock(catalogue.folder.lock):
            salvage(catalogue)
    except HostError:
        return


def _go_on(catalogue: Catalogue, job: str, progress: Progress) -> dict[str, Any]:
    row = _row(catalogue, job)
    step = ErasureStep(row["step"])
    target = Target(TargetKind(row["kind"]), row["target"])
    while step in _RUN:
        progress(step, 0, 0)
        inventory = Inventory.from_json(json.loads(_row(catalogue, job)["inventory"]))
        work = Work(catalogue, job, target, inventory, partial(progress, step))
        catalogue.file.insist(partial(_do, step, work))
        step = _next(step)
    progress(ErasureStep.CERTIFY, 0, 0)
    certificate = _certify(catalogue, job, target)
    Ballast(catalogue.folder.ballast).ensure()
    return certificate


def _do(step: ErasureStep, work: Work) -> None:
    """A step, and then the note that it is done: cut between the two, it is done again."""
    _RUN[step](work)
    work.catalogue.file.change("UPDATE erasures SET step = ? WHERE id = ?", (str(_next(step)), work.id))


def _next(step: ErasureStep) -> ErasureStep:
    return STEPS[STEPS.index(step) + 1]


def _certify(catalogue: Catalogue, job: str, target: Target) -> dict[str, Any]:
    """Close the job: certificate, canaries gone, the log emptied once more."""
    row = _row(catalogue, job)
    if not row["certificate"]:
        certificate = make_certificate(catalogue, row)
        text = canonical(certificate)
        with catalogue.transaction():
            catalogue.file.change(
                "UPDATE erasures SET certificate = ?, canaries = '[]', finished_utc_s = ? WHERE id = ?",
                (text, catalogue.clock.utc_s(), job),
            )
            if target.kind is TargetKind.SUBJECT:
                _set_state(catalogue, target.id, ERASED)
            details = {"erasure": job, "certificate_sha256": hashlib.sha256(text.encode()).hexdigest()}
            catalogue.audit.append("erase", str(target.kind), target.id, actor=row["actor"], details=details)
    certificate = json.loads(_row(catalogue, job)["certificate"])
    write_certificate(catalogue.folder, certificate)
    steps.empty_log(catalogue)
    catalogue.file.change("UPDATE erasures SET step = ? WHERE id = ?", (str(ErasureStep.DONE), job))
    return dict(certificate)


def _set_state(catalogue: Catalogue, subject: str, state: str) -> None:
    catalogue.file.change("UPDATE subjects SET state = ? WHERE id = ?", (state, subject))


def _row(catalogue: Catalogue, job: str) -> Row:
    row = catalogue.file.row("SELECT * FROM erasures WHERE id = ?", (job,))
    if row is None:
        raise InputError(sentence("There is no erasure {job!r}.", job=job), "Ask for one with `main.py erase`.")
    return row
