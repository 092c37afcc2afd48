"""Every guarded operation of the service layer, called by every role: the table in `core.access` is what happens."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Iterator
from datetime import date
from functools import partial
from pathlib import Path

import pytest

from core.access import NOBODY, Actor, DeniedError, Permission, Role
from core.codes import Outcome, RecordMode, SecondLineResult, SessionPurpose, SourceKind
from core.errors import KnownError
from core.station.ports import PresentationLabel, SessionOrder
from storage.backup import back_up
from storage.catalogue import Catalogue
from storage.clock_trust import confirm_date
from storage.commands_jobs import request
from storage.erasure.inventory import Target, TargetKind
from storage.erasure.job import erase
from storage.export import export_session
from storage.importing import import_manifest
from storage.model_transfer import receive_model, send_model
from storage.registry import ModelRegistry
from storage.retention import hold
from storage.retention_run import run_retention
from storage.site_shift import read_shift
from storage.station_ledger import CatalogueLedger
from tests.people import PASSPHRASE, add_people, cheap_catalogue

OF_ROLE = {Role.OPERATOR: "olga", Role.COLLECTOR: "carl", Role.TECHNICIAN: "tim", Role.ADMINISTRATOR: "ada"}
DECISIONS = (RecordMode.DECISIONS, SourceKind.SIMULATED)
NOWHERE = Path("/nowhere")
JOB = "job-of-nobody"


def ledger(catalogue: Catalogue) -> CatalogueLedger:
    return CatalogueLedger(catalogue, ModelRegistry(catalogue))


def authorize(permission: Permission, catalogue: Catalogue) -> None:
    catalogue.proposals.authorize(permission, "change", {}, "x")


def ask(permission: Permission, catalogue: Catalogue) -> None:
    ledger(catalogue).require(permission)


def adapt(command: str, catalogue: Catalogue) -> None:
    """Of a job that nobody runs: it is done at once, without a request."""
    request(catalogue, Namespace(job=JOB, handler=f"adapt {command}", json=None))


OPERATIONS: dict[str, tuple[tuple[Permission, ...], Callable[[Catalogue], object]]] = {
    "subjects.add": ((Permission.COLLECT,), lambda c: c.subjects.add("s1")),
    "consents.add": ((Permission.COLLECT,), lambda c: c.consents.add("s0")),
    "consents.withdraw": (
        (Permission.COLLECT, Permission.ERASE), lambda c: c.consents.withdraw("none", by="s0", reason="x")
    ),
    "artefacts.add": ((Permission.COLLECT,), lambda c: c.artefacts.add("print_flat", "a")),
    "presentations.relabel": ((Permission.LABEL,), lambda c: c.presentations.relabel("none", "", "x")),
    "second_labels.draw": ((Permission.ADAPT,), lambda c: c.second_labels.draw()),
    "second_labels.status": ((Permission.ADAPT,), lambda c: c.second_labels.status()),
    "second_labels.next": ((Permission.LABEL,), lambda c: c.second_labels.next()),
    "second_labels.give": ((Permission.LABEL,), lambda c: c.second_labels.give(1, "")),
    "second_labels.presentation_of": ((Permission.LABEL,), lambda c: c.second_labels.presentation_of(1)),
    "presentations.discard": ((Permission.COLLECT,), lambda c: c.presentations.discard("none")),
    "sessions.open checkpoint": (
        (Permission.OPERATE,), lambda c: c.sessions.open(SessionPurpose.CHECKPOINT, *DECISIONS)
    ),
    "sessions.open collection": (
        (Permission.COLLECT,), lambda c: c.sessions.open(SessionPurpose.COLLECTION, *DECISIONS)
    ),
    "sessions.open import": ((Permission.IMPORT,), lambda c: c.sessions.open(SessionPurpose.IMPORT, *DECISIONS)),
    "sessions.open qualification": (
        (Permission.QUALIFY,), lambda c: c.sessions.open(SessionPurpose.QUALIFICATION, *DECISIONS)
    ),
    "sessions.page": ((Permission.REVIEW,), lambda c: c.sessions.page()),
    "read_shift": ((Permission.REVIEW,), read_shift),
    "verdicts.page": ((Permission.REVIEW,), lambda c: c.verdicts.page()),
    "verdicts.override": ((Permission.OVERRIDE,), lambda c: c.verdicts.override(1, Outcome.BONA_FIDE, "x")),
    "verdicts.refer": ((Permission.OPERATE,), lambda c: c.verdicts.override(1, Outcome.REFER, "x")),
    "second_line.record": ((Permission.OPERATE,), lambda c: c.second_line.record(1, SecondLineResult.CONFIRMED)),
    "second_line.waiting": ((Permission.OPERATE,), lambda c: c.second_line.waiting()),
    "second_line.operators": ((Permission.ACCOUNTS,), lambda c: c.second_line.operators()),
    "material.session": ((Permission.REVIEW,), lambda c: c.material.session("none")),
    "material.frame_sets": ((Permission.REVIEW,), lambda c: list(c.material.frame_sets("p0"))),
    "import": ((Permission.IMPORT,), lambda c: import_manifest(c, NOWHERE, "no_person", "n")),
    "export": ((Permission.EXPORT,), lambda c: export_session(c, "none", NOWHERE)),
    "back_up": ((Permission.BACKUP,), lambda c: back_up(c, c.folder.root)),
    "erase": ((Permission.ERASE,), lambda c: erase(c, Target(TargetKind.SUBJECT, "none"), "x")),
    "retention.run": ((Permission.RETENTION,), lambda c: run_retention(c, dry_run=True)),
    "retention.confirm_date": ((Permission.RETENTION,), lambda c: confirm_date(c, date(2026, 1, 1), "x")),
    "retention.hold": ((Permission.RETENTION,), lambda c: hold(c, "none", "x")),
    "jobs.create": ((Permission.ADAPT,), lambda c: c.jobs.create("{}", "x")),
    "jobs.request": ((Permission.ADAPT,), lambda c: c.jobs.request("none", "pause")),
    "adapt cancel": ((Permission.ADAPT,), partial(adapt, "cancel")),
    "adapt pause": ((Permission.ADAPT,), partial(adapt, "pause")),
    "registry.add": ((Permission.ADAPT,), lambda c: ModelRegistry(c).add(NOWHERE)),
    "registry.promote": ((Permission.PROMOTE,), lambda c: ModelRegistry(c).promote("none", "x", lambda _: None)),
    "registry.rollback": ((Permission.ROLLBACK,), lambda c: ModelRegistry(c).rollback("x", lambda _: None)),
    "registry.run_in_shadow": ((Permission.ADAPT,), lambda c: ModelRegistry(c).run_in_shadow("none")),
    "registry.end_shadow": ((Permission.ADAPT,), lambda c: ModelRegistry(c).end_shadow()),
    "lanes.trust": ((Permission.KEYS,), lambda c: c.lanes.trust("0" * 64, "n", "x")),
    "lanes.forget": ((Permission.KEYS,), lambda c: c.lanes.forget("none", "x")),
    "send_model": ((Permission.PROMOTE,), lambda c: send_model(c, "none", NOWHERE)),
    "receive_model": ((Permission.IMPORT,), lambda c: receive_model(c, NOWHERE)),
    "registry.reject": ((Permission.PROMOTE,), lambda c: ModelRegistry(c).reject("none", "x")),
    "accounts.all": ((Permission.ACCOUNTS,), lambda c: c.accounts.all()),
    "accounts.add": ((Permission.ACCOUNTS,), lambda c: c.accounts.add("x", [], "")),
    "accounts.set_roles": ((Permission.ACCOUNTS,), lambda c: c.accounts.set_roles("none", [Role.OPERATOR])),
    "accounts.set_passphrase": ((Permission.ACCOUNTS,), lambda c: c.accounts.set_passphrase("none", "x")),
    "accounts.remove": ((Permission.ACCOUNTS,), lambda c: c.accounts.remove("none")),
    "accounts.new_recovery_code": ((Permission.ACCOUNTS,), lambda c: c.accounts.new_recovery_code()),
    "accounts.set_kiosk_pin": ((Permission.ACCOUNTS,), lambda c: c.accounts.set_kiosk_pin("")),
    "proposals.set_rule": ((Permission.ACCOUNTS,), lambda c: c.proposals.set_rule(True, "x")),
    **{
        f"proposals.authorize {permission}": (
            (permission,), partial(authorize, permission)
        )
        for permission in (Permission.POLICY, Permission.RETENTION, Permission.KEYS, Permission.PROMOTE)
    },
    "policies.change": ((Permission.POLICY,), lambda c: c.policies.change({"min_frame_sets": 6}, "x")),
    "station.unlock": ((Permission.UNLOCK,), lambda c: ledger(c).note_unlock("", "x")),
    "station.open_session": ((Permission.OPERATE,), lambda c: ledger(c).open_session(SessionOrder(), DECISIONS[1])),
    **{
        f"station.require {permission}": ((permission,), partial(ask, permission))
        for permission in (Permission.OPERATE, Permission.COLLECT, Permission.CAMERA, Permission.POLICY)
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catalogue]:
    with cheap_catalogue(tmp_path_factory.mktemp("guarded")) as catalogue:
        catalogue.subjects.add("s0")
        session = catalogue.sessions.open(SessionPurpose.COLLECTION, *DECISIONS)
        catalogue.presentations.open(session, identity="p0")
        values = {"id": JOB, "number": 1, "state": "queued", "plan": "{}", "plan_sha256": "", "created_utc_s": 0.0}
        catalogue.file.insert("jobs", values | {"updated_utc_s": 0.0})
        add_people(catalogue)
        yield catalogue


@pytest.mark.parametrize("operation", OPERATIONS)
def test_each_role_may_do_what_the_table_says_and_nothing_else(station: Catalogue, operation: str) -> None:
    permissions, call = OPERATIONS[operation]
    for role, name in OF_ROLE.items():
        station.actor = Actor.of(name, [role])
        denied = _is_denied(station, call)
        assert denied is not any(station.actor.may(permission) for permission in permissions), role
        if denied:
            entry = station.audit.entries(limit=1)[0]
            assert (entry.actor, entry.action, entry.object) == (name, "denied", str(permissions[0]))
    for nobody in (None, NOBODY, Actor.of("forged", Role)):
        station.actor = nobody
        assert _is_denied(station, call), "a station with accounts knows nobody who has not logged in"


def _is_denied(catalogue: Catalogue, call: Callable[[Catalogue], object]) -> bool:
    try:
        call(catalogue)
    except DeniedError:
        return True
    except KnownError:
        return False  # let in, and then told that there is nothing of that name
    return False


def test_the_smaller_operations_of_a_greater_one_pass_within_it_only(station: Catalogue) -> None:
    station.actor = Actor.of("tim", [Role.TECHNICIAN])
    with station.granted(Permission.IMPORT):
        station.subjects.add("s2")
    with pytest.raises(DeniedError):
        station.subjects.add("s3")
    with pytest.raises(DeniedError), station.granted(Permission.EXPORT):
        raise AssertionError("never reached")


def test_closing_and_committing_need_nobody(station: Catalogue) -> None:
    """Whatever runs when somebody logs out can be ended and is stored."""
    station.actor = Actor.of("olga", [Role.OPERATOR])
    session, _ = ledger(station).open_session(SessionOrder(), SourceKind.SIMULATED)
    presentation = ledger(station).open_presentation(session, PresentationLabel(), 0.0)
    station.actor = None
    ledger(station).close_presentation(presentation, 1, 2, 1.0)
    station.sessions.close(session)
    assert station.audit.of("session", session)[-1].actor == "nobody"


def test_the_station_asks_its_ledger_for_every_order() -> None:
    """The verbs of a person, each with the permission that it asks for."""
    from core.station import Station

    class Refusing:
        def __init__(self) -> None:
            self.asked: list[Permission] = []

        def require(self, permission: Permission) -> None:
            self.asked.append(permission)
            raise DeniedError("no")

        def note_unlock(self, session: str, reason: str) -> None:
            self.require(Permission.UNLOCK)

    refusing = Refusing()
    made = Station(None, None, refusing, SourceKind.SIMULATED)  # type: ignore[arg-type]
    for order in (
        made.begin_presentation,
        lambda: made.set_options(None),  # type: ignore[arg-type]
        lambda: made.unlock("x"),
    ):
        with pytest.raises(DeniedError):
            order()
    wanted = [Permission.OPERATE, Permission.CAMERA, Permission.UNLOCK]
    assert refusing.asked == wanted


def test_an_account_stands_behind_what_it_did(station: Catalogue) -> None:
    station.log_ins.log_in("carl", PASSPHRASE)
    station.subjects.add("s9")
    assert station.audit.of("subject", "s9")[-1].actor == "carl"
