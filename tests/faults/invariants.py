"""What must hold of a data folder whatever happened to it (reliability.md section 4.1)."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from core.codes import ModelRole, RecordMode, SessionState
from storage.audit_verify import verify_tail
from storage.catalogue import Catalogue, open_catalogue
from storage.disk import BALLAST_BYTES
from storage.registry import ModelRegistry
from storage.repositories.presentations import PresentationState
from storage.salvage import salvage


@dataclass
class Told:
    """What a process said was stored, and only after it was."""

    verdicts: list[int] = field(default_factory=list)
    frame_sets: dict[str, int] = field(default_factory=dict)
    closed: list[str] = field(default_factory=list)
    jobs: list[str] = field(default_factory=list)
    models: list[str] = field(default_factory=list)
    backups: list[str] = field(default_factory=list)

    @property
    def count(self) -> int:
        """How many things were acknowledged."""
        names = len(self.closed) + len(self.jobs) + len(self.models) + len(self.backups)
        return len(self.verdicts) + names + sum(self.frame_sets.values())


def check_after_restart(data: Path, told: Told) -> None:
    """Start as a station does, then look at everything."""
    with open_catalogue(data) as catalogue:
        _stand_in_for_the_ballast(catalogue)
        salvage(catalogue)
        check(catalogue)
        check_told(catalogue, told)


def _stand_in_for_the_ballast(catalogue: Catalogue) -> None:
    """A file with holes: thousands of restarts need not reserve 128 MiB each time."""
    with catalogue.folder.ballast.open("ab") as file:
        file.truncate(BALLAST_BYTES)


def check_told(catalogue: Catalogue, told: Told) -> None:
    """Nothing that was acknowledged is lost."""
    for number in told.verdicts:
        assert catalogue.verdicts.get(number).id == number
    for session, last in told.frame_sets.items():
        with catalogue.material.session(session) as store:
            assert store.last_number >= last
    for session in told.closed:
        assert catalogue.sessions.get(session).state is SessionState.CLOSED
    for job in told.jobs:
        assert catalogue.jobs.get(job).id == job
    for sha256 in told.models:
        assert ModelRegistry(catalogue).resolve(sha256).sha256 == sha256
    for backup in told.backups:
        assert (Path(backup) / "backup.json").is_file()


def check(catalogue: Catalogue) -> None:
    """Whole databases, no loose ends, a champion that verifies; for a folder on which no session is running."""
    check_rows(catalogue)
    report = verify_tail(catalogue)
    assert report.intact, report.findings
    assert catalogue.sessions.open_ones() == []
    _check_frames(catalogue)
    check_models(catalogue)


def check_rows(catalogue: Catalogue) -> None:
    """Structure and references of the catalogue, and an audit row for every verdict."""
    file = catalogue.file
    assert file.quick_check() == "ok"
    assert file.rows("PRAGMA foreign_key_check") == []
    unaudited = """
        SELECT id FROM verdicts WHERE CAST(id AS TEXT) NOT IN
            (SELECT object FROM audit WHERE action = 'commit' AND object_kind = 'verdict')
    """
    assert file.rows(unaudited) == []
    assert file.value("SELECT count(*) FROM audit WHERE action = 'commit'") == catalogue.verdicts.count()


def _check_frames(catalogue: Catalogue) -> None:
    """Every frame set is whole, every frames file belongs to a session, and no frames of a person without a consent."""
    sessions = {session.id: session for session in catalogue.sessions.page(limit=1000)[0]}
    files = {path.stem for path in catalogue.folder.sessions.glob("*.db")}
    assert files <= {name for name, session in sessions.items() if session.mode is RecordMode.FRAMES}
    assert [path.name for path in catalogue.folder.sessions.glob(".*")] == []
    for name, session in sessions.items():
        if session.basis == "consent":
            assert catalogue.consents.of(session.subject)
        found: list[int] = []
        if session.recorded and not catalogue.vault.has_frames(name):
            continue  # erased, or being erased: that what is left cannot be read is the erasure's own test
        if name in files:
            with catalogue.material.session(name) as store:
                assert store.quick_check() == "ok"
                found = [frame_set.number for frame_set in store]
        assert len(found) == session.recorded
        assert found == sorted(set(found))
        for presentation in catalogue.presentations.of_session(name):
            assert presentation.state is not PresentationState.OPEN


def check_models(catalogue: Catalogue) -> None:
    """Each alias is a model whose files are those that were added; nothing half lies beside them."""
    registry = ModelRegistry(catalogue)
    for role in ModelRole:
        if sha256 := catalogue.models.alias(role):
            assert registry.resolve(role).sha256 == sha256
    for record in registry.all():
        assert registry.resolve(record.sha256)
    if catalogue.folder.models.is_dir():
        assert [path.name for path in catalogue.folder.models.glob(".*")] == []
