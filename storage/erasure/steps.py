"""The steps of an erasure. Each can be done again: what is gone already is no error."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace

from core.adaptation.worker import ACTIVE, RUNNABLE, ask, settle_interrupted
from core.errors import HostError, sentence
from storage.atomic import fsync_folder
from storage.audit_verdicts import ERASE_TRACES
from storage.catalogue import Catalogue
from storage.erasure.canaries import search, unmask
from storage.erasure.inventory import Inventory, Target, TargetKind, jobs_of, models_of
from storage.forms import canonical
from storage.frames import FrameStore
from storage.verdict_digests import without_measurements

PATIENCE_S = 60.0
"""How long a running adaptation may take to stop, and a reader to let the log be emptied."""
ERASED = "The frames were erased."


@dataclass(frozen=True, slots=True)
class Work:
    """One job: what it works on. ``progress`` is told files done and files in all."""

    catalogue: Catalogue
    id: str
    target: Target
    inventory: Inventory
    progress: Callable[[int, int], None]


def stop(work: Work) -> None:
    """No adaptation goes on with the frames: jobs that name them are canceled.

    One may have been planned, or have ended with a model, since the inventory was taken: both are noted in it.
    """
    jobs = work.catalogue.jobs
    settle_interrupted(jobs)
    named = jobs_of(work.catalogue, work.target, work.inventory.presentations)
    for job in named:
        if jobs.get(job).state in RUNNABLE:
            ask(jobs, job, "cancel")
    deadline = time.monotonic() + PATIENCE_S
    while running := [job for job in named if jobs.get(job).state in ACTIVE]:
        if time.monotonic() > deadline:
            raise HostError(
                sentence("The adaptation job {job} uses the frames and does not stop.", job=running[0]),
                "End its process, then erase again: it goes on from here.",
            )
        time.sleep(0.2)
        settle_interrupted(jobs)
    now = replace(work.inventory, jobs=tuple(named), models=tuple(models_of(work.catalogue, named)))
    work.catalogue.file.change("UPDATE erasures SET inventory = ? WHERE id = ?", (canonical(now.to_json()), work.id))


def keys(work: Work) -> None:
    """Destroy the wrapped keys. From here on nobody can read the frames, whatever copies of them there are."""
    catalogue = work.catalogue
    sql = """
        UPDATE keys SET wrapped = NULL, destroyed_utc_s = coalesce(destroyed_utc_s, ?)
        WHERE id IN (SELECT value FROM json_each(?)) OR (? = 'subject' AND subject = ?)
    """
    given = (catalogue.clock.utc_s(), json.dumps(work.inventory.keys), str(work.target.kind), work.target.id)
    catalogue.file.change(sql, given)
    catalogue.file.checkpoint()
    # Copies of the catalogue from before a change of schema hold the wrapped keys as well.
    if catalogue.folder.backups.is_dir():
        for copy in catalogue.folder.backups.iterdir():
            if copy.is_file():  # a folder is a person's own backup, which holds no key
                copy.unlink(missing_ok=True)
        fsync_folder(catalogue.folder.backups)


def frames(work: Work) -> None:
    """Unlink the frames databases; cut the subject's frame sets out of those of others."""
    catalogue = work.catalogue
    for done, session in enumerate(work.inventory.sessions, start=1):
        path = catalogue.frames_path(session.id)
        for part in (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")):
            part.unlink(missing_ok=True)
        work.progress(done, len(work.inventory.sessions))
    fsync_folder(catalogue.folder.sessions)
    for take in work.inventory.foreign:
        path = catalogue.frames_path(take.session)
        if path.is_file() and take.last_set >= take.first_set:
            with FrameStore.open(path) as store:
                store.remove(take.first_set, take.last_set)


def derived(work: Work) -> None:
    """What was computed from the frames: check-points, figures in traces, training sets, the index of exports."""
    catalogue, inventory = work.catalogue, work.inventory
    for job in inventory.jobs:
        shutil.rmtree(catalogue.folder.jobs / job, ignore_errors=True)
    sessions = json.dumps([session.id for session in inventory.sessions])
    takes = json.dumps(inventory.presentations)
    file = catalogue.file
    with catalogue.transaction():
        found = file.rows(
            """
            SELECT id, trace FROM verdicts WHERE session IN (SELECT value FROM json_each(?))
                OR presentation IN (SELECT value FROM json_each(?))
            """,
            (sessions, takes),
        )
        for row in found:
            file.change("UPDATE verdicts SET trace = ? WHERE id = ?", (without_measurements(row["trace"]), row["id"]))
        if found:
            numbers = {"verdicts": sorted(row["id"] for row in found)}
            catalogue.audit.append(ERASE_TRACES, "erasure", work.id, actor=catalogue.actor.id, details=numbers)
        file.change(
            """
            UPDATE presentations SET state = 'discarded', name = '', condition = ''
            WHERE id IN (SELECT value FROM json_each(?))
            """,
            (takes,),
        )
        file.change(
            "UPDATE sessions SET problem = ? WHERE mode = 'frames' AND id IN (SELECT value FROM json_each(?))",
            (ERASED, sessions),
        )
        file.change("DELETE FROM exports WHERE session IN (SELECT value FROM json_each(?))", (sessions,))
        if work.target.kind is TargetKind.SUBJECT:
            _forget_the_person(work)


def lineage(work: Work) -> None:
    """Flag the models that were trained on the frames: erasing does not take them out of weights."""
    catalogue = work.catalogue
    with catalogue.transaction():
        for sha256 in work.inventory.models:
            catalogue.file.execute(
                "INSERT INTO model_flags (sha256, erasure, utc_s) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                (sha256, work.id, catalogue.clock.utc_s()),
            )


def checkpoint(work: Work) -> None:
    """See `empty_log`."""
    empty_log(work.catalogue)


def empty_log(catalogue: Catalogue) -> None:
    """Move the log into the catalogue and empty it: pages as they were before lie in neither.

    Raises:
        HostError: a reader is in the way all the time.
    """
    deadline = time.monotonic() + PATIENCE_S
    while not catalogue.file.checkpoint():
        if time.monotonic() > deadline:
            raise HostError(
                "Somebody reads the catalogue all the time, so its log cannot be emptied.",
                "Close other programs that use the data folder, then erase again: it goes on from here.",
            )
        time.sleep(0.1)


def look(work: Work) -> None:
    """Search the whole data folder for the canaries; raises `HostError` naming where one was found."""
    file = work.catalogue.file
    canaries = unmask(file.value("SELECT canaries FROM erasures WHERE id = ?", (work.id,)))
    found = search(work.catalogue.folder, canaries, work.progress)
    if found.found:
        raise HostError(
            sentence("Bytes of {target} are still in {files}.", target=work.target.id, files=", ".join(found.found)),
            "Remove these files, or find out who wrote them; then erase again: it goes on from here.",
        )
    file.change("UPDATE erasures SET scan = ? WHERE id = ?", (canonical(asdict(found)), work.id))


def _forget_the_person(work: Work) -> None:
    """The pseudonym stays, because the audit log names it; nothing else that describes the person does."""
    catalogue, subject = work.catalogue, work.target.id
    for consent in catalogue.consents.of(subject):
        if consent.withdrawn_utc_s is None:
            catalogue.consents.withdraw(consent.id, catalogue.actor.id, "erasure")
    catalogue.file.change("UPDATE subjects SET notes = '' WHERE id = ?", (subject,))
    catalogue.file.change("UPDATE consents SET guardian = '' WHERE subject = ?", (subject,))
