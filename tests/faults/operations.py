"""Work in a data folder, small and real, as processes do it; `tests.faults.nursery` kills them in it.

Each has a preparation (once; the folder is then copied for every kill), the work itself, and may be given again after
a kill: that is what a person does, and it must come to its end.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from core.codes import JobState, Outcome, RecordMode
from core.data.manifest import COLUMNS
from core.errors import HostError, InputError
from storage.backup import back_up, restore
from storage.catalogue import FORM, Catalogue, open_catalogue
from storage.database import DatabaseFile, Mode
from storage.disk import DiskGuard, Watermarks
from storage.encrypting import encrypt_plain, plain_sessions
from storage.erasure.inventory import Target, TargetKind
from storage.erasure.job import certificates, erase, resume_all
from storage.export import export_session
from storage.frames import FrameStore
from storage.importing import import_manifest
from storage.key_care import rotate
from storage.migrations import migrate
from storage.paths import DataFolder
from storage.recorder import SessionRecorder
from storage.registry import ModelRegistry
from storage.repositories.sessions import SessionCounts, SessionFilter
from storage.salvage import salvage
from storage.schema import CATALOGUE
from tests import site, stored
from tests.faults.nursery import Tell

NO_MARKS = Watermarks(warn=0, stop=0)


@dataclass(frozen=True, slots=True)
class Operation:
    """``prepare`` builds what the work starts from; ``work`` may be killed; ``again`` must then succeed."""

    name: str
    prepare: Callable[[Path], None]
    work: Callable[[Path, Tell], None]
    again: Callable[[Path, Tell], None]


def opened(root: Path) -> Catalogue:
    """The catalogue of a case."""
    return open_catalogue(root / "data")


# --- preparations -----------------------------------------------------------------------------------------------------


def empty_folder(root: Path) -> None:
    """A catalogue in which nothing has happened."""
    opened(root).close()


def one_session(root: Path) -> None:
    """A closed session of six frame sets with two presentations and two verdicts, and a subject with a consent."""
    with opened(root) as catalogue:
        session = fill_session(catalogue, 6)
        for take, (first, last) in enumerate(((1, 3), (4, 6))):
            shown = catalogue.presentations.open(session, species="print_flat" if take else "")
            catalogue.presentations.close(shown, first, last, 0.1 * take)
            catalogue.verdicts.commit(stored.verdict(session, shown))
        catalogue.sessions.close(session, counts=SessionCounts(recorded=6))
        catalogue.subjects.add("p-001")
        catalogue.consents.add("p-001", "explicit_consent", reference="form 1")


def two_people(root: Path) -> None:
    """Sealed sessions of two people, and one frames file from before encryption."""
    with opened(root) as catalogue:
        for number, name in enumerate(("ann", "bob")):
            session = site.take(catalogue, name, 1 + 10 * number, 2)
            catalogue.file.change("UPDATE sessions SET recorded = 2 WHERE id = ?", (session,))


def plain_people(root: Path) -> None:
    """Two sessions from before encryption."""
    with opened(root) as catalogue:
        for name in ("ann", "bob"):
            session = site.take(catalogue, name, 1, 2, sealed=False)
            catalogue.file.change("UPDATE sessions SET recorded = 2 WHERE id = ?", (session,))


def a_cut_session(root: Path) -> None:
    """Two sessions that a killed station left open."""
    with opened(root) as catalogue:
        for _ in range(2):
            session = fill_session(catalogue, 3)
            catalogue.presentations.open(session, species="")


def fill_session(catalogue: Catalogue, count: int) -> str:
    """An open session with frames."""
    session = stored.open_session(catalogue)
    with FrameStore.create(catalogue.frames_path(session), session) as store:
        store.append([stored.frame_set(number) for number in range(1, count + 1)])
    return session


def a_collection(root: Path) -> None:
    """A manifest of two subjects with two images each, and an empty catalogue."""
    empty_folder(root)
    lines = [",".join(COLUMNS)]
    for subject in ("a", "b"):
        for take in range(2):
            name = f"{subject}{take}.png"
            image = np.random.default_rng(take).integers(0, 255, (48, 48, 3), dtype=np.uint8)
            assert cv2.imwrite(str(root / name), image)
            species = "print_flat" if take else ""
            lines.append(f"{subject}{take},{subject},{species},{name},,,,crop,")
    (root / "manifest.csv").write_text("\n".join(lines) + "\n")


def some_models(root: Path) -> None:
    """Two bundles beside a catalogue that has the factory model."""
    for name in ("factory", "one", "two"):
        bundle(root / name, weights_sha256("one") if name == "two" else "")
    with opened(root) as catalogue:
        registry = ModelRegistry(catalogue)
        registry.install_factory(root / "factory", weights_sha256("factory"))
        registry.add(root / "one", origin="training")


def bundle(folder: Path, parent: str = "") -> None:
    """A model of a few bytes: the registry looks at digests, not at networks."""
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(folder.name.encode() * 1000)
    manifest = {"name": folder.name, "sha256": weights_sha256(folder.name), "parent": parent, "architecture": "test"}
    (folder / "manifest.json").write_text(json.dumps(manifest))


def weights_sha256(name: str) -> str:
    """Digest of the weights of `bundle`."""
    return hashlib.sha256(name.encode() * 1000).hexdigest()


def a_backup(root: Path) -> None:
    """A finished backup, and nothing where it will be restored."""
    one_session(root)
    with opened(root) as catalogue:
        back_up(catalogue, root / "backup")
    (root / "data").rename(root / "old")


def an_old_catalogue(root: Path) -> None:
    """A catalogue of the first schema with rows in it."""
    folder = DataFolder(root / "data")
    folder.create()
    file = DatabaseFile(folder.catalogue, FORM, Mode.CREATE)
    migrate(file, CATALOGUE[:1])
    with file.transaction():
        file.insert("subjects", {"id": "p-001", "pseudonym": "p-001", "created_utc_s": 1.0})
    file.close()


# --- work -------------------------------------------------------------------------------------------------------------


def record(root: Path, tell: Tell) -> None:
    """A session of eight frame sets through the recording thread."""
    with opened(root) as catalogue:
        session = stored.open_session(catalogue)
        recorder = SessionRecorder(
            catalogue.frames_path(session),
            session,
            key=catalogue.vault.for_session(session),
            folder=catalogue.folder,
            guard=DiskGuard(root, NO_MARKS),
            committed=lambda numbers: tell("frames", (session, numbers[-1])),
        )
        for number in range(1, 9):
            while not recorder.offer(stored.frame_set(number)):
                pass
        recorder.close()
        catalogue.sessions.close(session, counts=SessionCounts(recorded=recorder.recorded))
        tell("closed", session)


def decide(root: Path, tell: Tell) -> None:
    """Three verdicts, one of them overridden."""
    with opened(root) as catalogue:
        session = stored.open_session(catalogue, RecordMode.DECISIONS)
        for _ in range(3):
            shown = catalogue.presentations.open(session)
            number = catalogue.verdicts.commit(stored.verdict(session, shown))
            tell("verdicts", number)
            catalogue.presentations.close(shown, 1, 0, 1.0)
        catalogue.verdicts.override(number, Outcome.REFER, "seen twice")
        catalogue.sessions.close(session)
        tell("closed", session)


def label(root: Path, tell: Tell) -> None:
    """Labels, a discarded take, a withdrawn consent, an artefact."""
    with opened(root) as catalogue:
        session = catalogue.sessions.page()[0][0].id
        first, second = (shown.id for shown in catalogue.presentations.of_session(session))
        catalogue.presentations.relabel(first, "mask_rigid", "seen again")
        catalogue.presentations.discard(second)
        catalogue.artefacts.add("print_flat", "sheet")
        consent = catalogue.consents.valid("p-001")
        if consent is not None:
            catalogue.consents.withdraw(consent.id, "p-001", "asked")


def forget(root: Path, tell: Tell) -> None:
    """A person is erased; after a kill the erasure goes on where it stood."""
    with opened(root) as catalogue:
        resume_all(catalogue)
        if not certificates(catalogue):
            erase(catalogue, Target(TargetKind.SUBJECT, "ann"), "asked to")
        (certificate,) = certificates(catalogue)
        assert certificate["search"]["found"] == []
        with catalogue.material.session(_session_of(catalogue, "bob")) as store:
            assert len(list(store)) == 2


def seal_old(root: Path, tell: Tell) -> None:
    """Sessions from before encryption are encrypted."""
    with opened(root) as catalogue:
        for session, reason in encrypt_plain(catalogue).left:
            raise HostError(f"{session} was not encrypted: {reason}", "Free some space.")
        assert plain_sessions(catalogue) == []


def new_site_key(root: Path, tell: Tell) -> None:
    """The site key is replaced, and every key under it wrapped again."""
    with opened(root) as catalogue:
        rotate(catalogue, reason="yearly")
        for name in ("ann", "bob"):
            with catalogue.material.session(_session_of(catalogue, name)) as store:
                assert len(list(store)) == 2


def bring_in(root: Path, tell: Tell) -> None:
    """Import of two subjects."""
    with opened(root) as catalogue:
        for session in import_manifest(catalogue, root / "manifest.csv", "no_person", "set").sessions:
            tell("closed", session)


def take_out(root: Path, tell: Tell) -> None:
    """Export of a session."""
    with opened(root) as catalogue:
        export_session(catalogue, catalogue.sessions.page()[0][0].id, _unused(root, "export"))


def back_up_all(root: Path, tell: Tell) -> None:
    """Backup to a new folder."""
    with opened(root) as catalogue:
        target = root / "saved"
        back_up(catalogue, target)
        tell("backups", str(target))


def back_up_again(root: Path, tell: Tell) -> None:
    """After a kill: a backup that stands is finished; else the same command makes it."""
    if not (root / "saved").exists():
        back_up_all(root, tell)
    restore(root / "saved", root / "from-backup")


def bring_back(root: Path, tell: Tell) -> None:
    """Restore of a backup."""
    restore(root / "backup", root / "data")


def install(root: Path, tell: Tell) -> None:
    """First start: the factory model comes into an empty folder."""
    with opened(root) as catalogue:
        sha256 = ModelRegistry(catalogue).install_factory(root / "factory", weights_sha256("factory")).sha256
        tell("models", sha256)


def deploy(root: Path, tell: Tell) -> None:
    """A model is added and promoted, another one too, then back."""
    with opened(root) as catalogue:
        registry = ModelRegistry(catalogue)
        tell("models", registry.add(root / "two", origin="adaptation").sha256)
        for name in ("one", "two"):
            if registry.champion().sha256 != weights_sha256(name):
                registry.promote(weights_sha256(name), "better", _is_there)
        registry.rollback("worse", _is_there)


def plan_job(root: Path, tell: Tell) -> None:
    """The ledger's side of an adaptation job."""
    with opened(root) as catalogue:
        job = catalogue.jobs.create("{}", "0" * 64)
        tell("jobs", job)
        catalogue.jobs.update(job, state=JobState.TRAINING, pid=1)
        for step in range(1, 4):
            catalogue.jobs.append_event(job, step, {"site_loss": 1.0 / step})
        catalogue.jobs.request(job, "pause")
        assert catalogue.jobs.take_request(job) == "pause"
        catalogue.jobs.update(job, state=JobState.PAUSED)


def start_again(root: Path, tell: Tell) -> None:
    """What a station does first; killed in it, the next start does the rest."""
    with opened(root) as catalogue:
        salvage(catalogue)


def open_only(root: Path, tell: Tell) -> None:
    """Opening migrates."""
    with opened(root) as catalogue:
        assert catalogue.subjects.get("p-001").pseudonym == "p-001"


def anything(root: Path, tell: Tell) -> None:
    """Work in any order without end; for kills at random moments."""
    choice = random.Random()
    while True:
        choice.choice((record, decide, plan_job, _swap))(root, tell)


def _swap(root: Path, tell: Tell) -> None:
    with opened(root) as catalogue:
        registry = ModelRegistry(catalogue)
        name = "one" if registry.champion().name != "one" else "factory"
        registry.promote(weights_sha256(name), "turn about", _is_there)


def _is_there(path: Path) -> None:
    if not (path / "model.safetensors").is_file():
        raise InputError(f"{path} is gone.", "Copy it again.")


def _session_of(catalogue: Catalogue, subject: str) -> str:
    return catalogue.sessions.page(SessionFilter(subject=subject))[0][0].id


def _unused(root: Path, name: str) -> Path:
    return next(path for number in range(100) if not (path := root / f"{name}{number}").exists())


OPERATIONS = (
    Operation("record", empty_folder, record, record),
    Operation("decide", empty_folder, decide, decide),
    Operation("label", one_session, label, label),
    Operation("import", a_collection, bring_in, bring_in),
    Operation("export", one_session, take_out, take_out),
    Operation("backup", one_session, back_up_all, back_up_again),
    Operation("restore", a_backup, bring_back, bring_back),
    Operation("install", some_models, install, install),
    Operation("deploy", some_models, deploy, deploy),
    Operation("erase", two_people, forget, forget),
    Operation("encrypt", plain_people, seal_old, seal_old),
    Operation("rotate", two_people, new_site_key, new_site_key),
    Operation("job", empty_folder, plan_job, plan_job),
    Operation("salvage", a_cut_session, start_again, start_again),
    Operation("migrate", an_old_catalogue, open_only, open_only),
)
