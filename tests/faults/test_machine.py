"""Any order of record, stop, crash, salvage, label, adapt, promote, roll back, erase: the invariants always hold.

Hypothesis drives a real data folder. A crash closes nothing: the old connections stay open (those of a killed process
would not), and the folder is opened anew. Candidates are made without training: the registry is under test.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from core.access import LOCAL, Actor, DeniedError, Role
from core.codes import ModelRole, Outcome, RecordMode, SessionPurpose, SessionState, SourceKind
from core.errors import InputError
from storage.audit_verify import verify_tail
from storage.catalogue import Catalogue, open_catalogue
from storage.erasure.inventory import Target, TargetKind
from storage.erasure.job import certificates, erase
from storage.frames import FrameStore
from storage.registry import ModelRegistry
from storage.repositories.sessions import SessionCounts
from storage.salvage import salvage
from tests import stored
from tests.faults.invariants import check_models, check_rows
from tests.faults.operations import bundle, weights_sha256

LONG = bool(int(os.environ.get("SALLYPORT_KILLS", "0")))
PEOPLE = ("ann", "bob", "cleo")
OPERATOR = Actor("olga", frozenset({Role.OPERATOR}))


class Folder(RuleBasedStateMachine):
    """A data folder and what is known of it: acknowledged verdicts, sets by session, deployments, who was erased."""

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp(prefix="machine-"))
        self.catalogue: Catalogue
        self.left_open: list[Catalogue] = []
        self.session = ""
        self.store: FrameStore | None = None
        self.sets: dict[str, int] = {}
        self.owner: dict[str, str] = {}
        self.verdicts: set[int] = set()
        self.labels: dict[str, str] = {}
        self.erased: set[str] = set()
        self.champions: list[str] = []
        self.models = 0
        self.parents: dict[str, str] = {}

    def teardown(self) -> None:
        """Let go of everything, also of what was crashed."""
        for catalogue in (*self.left_open, self.catalogue):
            catalogue.close()
        if self.store is not None:
            self.store.close()
        shutil.rmtree(self.root)

    @initialize()
    def begin(self) -> None:
        """A folder with its factory model and three people who agreed."""
        bundle(self.root / "factory")
        self.catalogue = open_catalogue(self.root / "data")
        sha256 = weights_sha256("factory")
        ModelRegistry(self.catalogue).install_factory(self.root / "factory", sha256)
        self.champions = [sha256]
        for person in PEOPLE:
            self.catalogue.subjects.add(person)
            self.catalogue.consents.add(person, "explicit_consent", reference="form")

    # --- capture --------------------------------------------------------------------------------------------------

    @precondition(lambda self: not self.session)
    @rule(person=st.sampled_from(PEOPLE))
    def record(self, person: str) -> None:
        """A live session of a person; nobody records whom the station has erased."""

        def opened() -> str:
            return self.catalogue.sessions.open(
                SessionPurpose.COLLECTION, RecordMode.FRAMES, SourceKind.LIVE, subject=person
            )

        if person in self.erased:
            with pytest.raises(InputError):
                opened()
            return
        self.session = opened()
        key = self.catalogue.vault.for_session(self.session)
        self.store = FrameStore.create(self.catalogue.frames_path(self.session), self.session, key)
        self.sets[self.session], self.owner[self.session] = 0, person

    @precondition(lambda self: bool(self.session))
    @rule(count=st.integers(1, 3))
    def frames(self, count: int) -> None:
        """Frame sets are committed."""
        assert self.store is not None
        first = self.sets[self.session] + 1
        self.store.append([stored.frame_set(number) for number in range(first, first + count)])
        self.sets[self.session] += count

    @precondition(lambda self: bool(self.session) and bool(self.sets[self.session]))
    @rule()
    def decide(self) -> None:
        """A presentation with its verdict."""
        shown = self.catalogue.presentations.open(self.session)
        self.catalogue.presentations.close(shown, 1, self.sets[self.session], 1.0)
        verdict = stored.verdict(self.session, shown, source_kind=SourceKind.LIVE)
        self.verdicts.add(self.catalogue.verdicts.commit(verdict))
        self.labels[shown] = ""

    @precondition(lambda self: bool(self.session))
    @rule()
    def stop(self) -> None:
        """The session ends."""
        assert self.store is not None
        self.store.close()
        counts = SessionCounts(recorded=self.sets[self.session])
        self.catalogue.sessions.close(self.session, SessionState.CLOSED, counts)
        self.session, self.store = "", None

    @rule()
    def crash(self) -> None:
        """The process is gone; the next one starts as a station does."""
        if self.store is not None:
            self.store.close()
        self.left_open.append(self.catalogue)
        self.catalogue = open_catalogue(self.root / "data")
        findings = salvage(self.catalogue)
        assert [finding.session for finding in findings] == ([self.session] if self.session else [])
        assert all(not finding.problem for finding in findings)
        self.session, self.store = "", None

    # --- people ---------------------------------------------------------------------------------------------------

    @precondition(lambda self: bool(self.labels))
    @rule(data=st.data(), species=st.sampled_from(("print_flat", "mask_rigid")))
    def label(self, data: st.DataObject, species: str) -> None:
        """Somebody labels."""
        shown = data.draw(st.sampled_from(sorted(self.labels)))
        self.catalogue.presentations.relabel(shown, species, "seen again")
        self.labels[shown] = species

    @precondition(lambda self: not self.session)
    @rule(person=st.sampled_from(PEOPLE))
    def erase(self, person: str) -> None:
        """A person asks to be erased."""
        if person in self.erased:
            return
        erase(self.catalogue, Target(TargetKind.SUBJECT, person), "asked to")
        self.erased.add(person)

    @precondition(lambda self: bool(self.verdicts))
    @rule(data=st.data())
    def denied(self, data: st.DataObject) -> None:
        """An operator may neither clear somebody as bona fide, nor deploy, nor erase; each attempt is logged."""
        number = data.draw(st.sampled_from(sorted(self.verdicts)))
        self.catalogue.actor = OPERATOR
        before = self.catalogue.file.value("SELECT count(*) FROM audit WHERE action = 'denied'")
        try:
            with pytest.raises(DeniedError):
                ModelRegistry(self.catalogue).promote("factory", "mine", lambda _: None)
            with pytest.raises(DeniedError):
                erase(self.catalogue, Target(TargetKind.SUBJECT, "ann"), "mine")
            self.catalogue.verdicts.override(number, Outcome.REFER, "second look")
        finally:
            self.catalogue.actor = LOCAL
        assert self.catalogue.file.value("SELECT count(*) FROM audit WHERE action = 'denied'") == before + 2

    # --- models ---------------------------------------------------------------------------------------------------

    @rule()
    def adapt(self) -> None:
        """A pass ends with a candidate."""
        self.models += 1
        folder = self.root / f"m{self.models}"
        bundle(folder, self.champions[-1])
        self.parents[weights_sha256(folder.name)] = self.champions[-1]
        record = ModelRegistry(self.catalogue).add(folder, origin="adaptation")
        assert ModelRole.CANDIDATE in record.roles

    @precondition(lambda self: bool(self.models))
    @rule(data=st.data(), fails=st.booleans())
    def promote(self, data: st.DataObject, fails: bool) -> None:
        """A model is deployed unless its self-test fails."""
        sha256 = weights_sha256(f"m{data.draw(st.integers(1, self.models))}")
        registry = ModelRegistry(self.catalogue)

        def self_test(path: Path) -> None:
            if fails:
                raise InputError("The golden inputs give other answers.")

        champion = self.champions[-1]
        if (
            fails
            or sha256 == champion
            or (self.parents[sha256] != champion and sha256 not in self._ancestors(champion))
        ):
            with pytest.raises(InputError):
                registry.promote(sha256, "better", self_test)
        else:
            registry.promote(sha256, "better", self_test)
            self.champions.append(sha256)

    def _ancestors(self, model: str) -> list[str]:
        found = [model]
        while found[-1] in self.parents:
            found.append(self.parents[found[-1]])
        return found

    @precondition(lambda self: len(self.champions) > 1)
    @rule()
    def roll_back(self) -> None:
        """The champion before returns."""
        self.champions.pop()
        record = ModelRegistry(self.catalogue).rollback("worse", lambda _: None)
        assert record.sha256 == self.champions[-1]

    # --- what always holds ----------------------------------------------------------------------------------------

    @invariant()
    def rows_are_whole(self) -> None:
        """Structure, references, an audit row for every verdict, an audit chain that verifies."""
        if not hasattr(self, "catalogue"):
            return
        check_rows(self.catalogue)
        report = verify_tail(self.catalogue)
        assert report.intact, report.findings

    @invariant()
    def nothing_acknowledged_is_lost(self) -> None:
        """Verdicts, labels, frame sets; and of the erased no frame is left, but a certificate."""
        if not hasattr(self, "catalogue"):
            return
        assert self.verdicts <= {row.id for row in self.catalogue.verdicts.page(limit=10_000)[0]}
        for session, count in self.sets.items():
            path = self.catalogue.frames_path(session)
            if self.owner[session] in self.erased:
                assert not path.exists()
                continue
            assert self.catalogue.consents.valid(self.owner[session]) is not None
            if count:
                with self.catalogue.material.session(session) as store:
                    assert [frame_set.number for frame_set in store] == list(range(1, count + 1))
        assert len(certificates(self.catalogue)) == len(self.erased)

    @invariant()
    def the_champion_is_there(self) -> None:
        """It verifies, and it is the one that was deployed last."""
        if hasattr(self, "catalogue"):
            check_models(self.catalogue)
            assert ModelRegistry(self.catalogue).champion().sha256 == self.champions[-1]


_PROFILE = settings(
    max_examples=60 if LONG else 4, stateful_step_count=40 if LONG else 15, deadline=None, derandomize=not LONG
)
TestFolder = pytest.mark.fault_row("machine")(pytest.mark.faults(Folder.TestCase))
TestFolder.settings = _PROFILE
