"""Shadow verdicts: a live camera that is not qualified with these sensors opens nothing and counts nowhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from core.access import Actor, DeniedError, Role
from core.camera_identity import CameraIdentity
from core.clock import FakeClock
from core.codes import ConnectionState, Outcome, Reason, RecordMode, Rule, SessionPurpose, SourceKind
from core.decision import DecisionWindow
from core.errors import InputError
from core.frames import ALL_MODALITIES, EVERY_MASK, ModalityMask
from core.messages import CameraHealth, DeviceInfo, Message, ShadowSaid, Standing, VerdictCommitted, VerdictReached
from core.policy import PolicyInForce, ShiftCheckFor, SitePolicy
from core.probing import Probing
from core.processes import Child
from core.qualification.shadow import is_shadow
from core.qualification.shift import withheld
from core.station.inference import InferenceLink
from core.station.station import Station
from core.verdict import Observation, Verdict
from storage import forms, qualification
from storage.catalogue import FORM, Catalogue, open_catalogue
from storage.database import DatabaseFile, Mode
from storage.migrations import migrate
from storage.repositories.verdicts import VerdictFilter
from storage.schema import CATALOGUE
from storage.schema_qualification import SHADOW
from tests import stored
from tests.unit.test_decision import BOX, Bars, evidence

DEPTH_IR = ModalityMask(6)


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[Catalogue]:
    with open_catalogue(tmp_path / "data", FakeClock()) as opened:
        yield opened


def show(window: DecisionWindow, kind: SourceKind, logit: float, mask: ModalityMask = ALL_MODALITIES) -> Verdict:
    window.begin("p", "s", kind)
    for number in range(1, 100):
        seen = Observation(number, 66.0 * number, mask, evidence(logit, mask), box=BOX)
        verdict = window.feed(seen)
        if verdict is not None:
            return verdict
    raise AssertionError("no verdict")


def window(*qualified: ModalityMask) -> DecisionWindow:
    made = DecisionWindow(SitePolicy(), automatic=False)
    made.set_model(Bars())
    made.commissioned = True
    made.qualified = frozenset(qualified)
    return made


@pytest.mark.parametrize("mask", EVERY_MASK)
def test_a_qualification_speaks_for_its_own_mask_and_no_other(mask: ModalityMask) -> None:
    for other in EVERY_MASK:
        assert is_shadow(SourceKind.LIVE, other, {mask}) is (other != mask)
        assert is_shadow(SourceKind.LIVE, other, ())
    assert not is_shadow(SourceKind.LIVE, ModalityMask(0), {mask})
    assert is_shadow(SourceKind.LIVE, ModalityMask(0), ())


def test_only_a_live_qualified_bona_fide_verdict_opens() -> None:
    for kind in SourceKind:
        for outcome in Outcome:
            for shadow in (True, False):
                verdict = stored.verdict(source_kind=kind, outcome=outcome, shadow=shadow)
                wanted = kind is SourceKind.LIVE and outcome is Outcome.BONA_FIDE and not shadow
                assert verdict.opens is wanted


def test_a_camera_that_nobody_qualified_gives_shadow_verdicts_only() -> None:
    verdict = show(window(), SourceKind.LIVE, 9.0)
    assert (verdict.outcome, verdict.shadow, verdict.opens) == (Outcome.BONA_FIDE, True, False)
    assert verdict.trace.qualified == ()
    assert not show(window(), SourceKind.SIMULATED, 9.0).shadow


def test_losing_a_sensor_never_uses_the_qualification_of_another_mask() -> None:
    qualified = window(ALL_MODALITIES)
    assert show(qualified, SourceKind.LIVE, 9.0).opens
    without_rgb = show(qualified, SourceKind.LIVE, 9.0, DEPTH_IR)
    assert (without_rgb.outcome, without_rgb.shadow) == (Outcome.BONA_FIDE, True)
    assert without_rgb.trace.qualified == ("rgb+depth+ir",)


def test_shadow_attacks_lock_nobody_out_and_shadow_bona_fide_starts_no_count_again() -> None:
    qualified = window(ALL_MODALITIES)
    for _ in range(5):
        assert show(qualified, SourceKind.LIVE, -9.0, DEPTH_IR).outcome is Outcome.ATTACK
    assert not qualified.lock_out.locked(SourceKind.LIVE)
    show(qualified, SourceKind.LIVE, -9.0)
    show(qualified, SourceKind.LIVE, -9.0)
    show(qualified, SourceKind.LIVE, 9.0, DEPTH_IR)
    show(qualified, SourceKind.LIVE, -9.0)
    assert qualified.lock_out.locked(SourceKind.LIVE)


# --- stored and exported --------------------------------------------------------------------------------------------


def test_the_shadow_is_stored_audited_and_filtered(catalogue: Catalogue) -> None:
    counted = stored.verdict(source_kind=SourceKind.LIVE)
    shadow = stored.verdict(source_kind=SourceKind.LIVE, shadow=True)
    rows = [catalogue.verdicts.commit(verdict) for verdict in (counted, shadow)]
    assert [catalogue.verdicts.get(row).verdict.shadow for row in rows] == [False, True]
    assert [catalogue.audit.of("verdict", str(row))[0].details["shadow"] for row in rows] == [0, 1]
    live = VerdictFilter(source_kind=SourceKind.LIVE, shadow=False)
    assert [found.id for found in catalogue.verdicts.page(live)[0]] == rows[:1]
    assert catalogue.verdicts.count(live) == 1


def test_a_trace_keeps_what_was_qualified() -> None:
    trace = replace(stored.verdict().trace, evidence=(), qualified=("depth+ir",))
    assert forms.trace_from_json(forms.trace_to_json(trace)) == trace


def test_live_verdicts_of_before_become_shadow_verdicts(tmp_path: Path) -> None:
    before = CATALOGUE[: CATALOGUE.index(SHADOW)]
    file = DatabaseFile(tmp_path / "catalogue.db", FORM, Mode.CREATE)
    migrate(file, before)
    columns = "committed_utc_s, source_kind, t_s, outcome, reason, mask, rule, model, duration_ms, trace"
    for kind in SourceKind:
        values = (0.0, str(kind), 0.0, "bona_fide", "", "rgb", "T1_threshold", "m", 0.0, "{}")
        file.execute(f"INSERT INTO verdicts ({columns}) VALUES ({', '.join('?' * len(values))})", values)
    migrate(file, CATALOGUE)
    found = {row["source_kind"]: row["shadow"] for row in file.rows("SELECT source_kind, shadow FROM verdicts")}
    file.close()
    assert found == {"live": 1, "simulated": 0, "scripted": 0, "playback": 0}


# --- the station has the last word ----------------------------------------------------------------------------------


class Camera:
    """A capture process that says what the test puts into ``says``."""

    pipe: Connection | None = None
    pid: int | None = None

    def __init__(self) -> None:
        self.says: list[Message] = []

    def start(self) -> None: ...

    def send(self, message: Message) -> bool:
        return True

    def poll(self) -> list[Message]:
        said, self.says = self.says, []
        return said

    def shutdown(self, timeout_s: float) -> None: ...


class Ledger:
    """Stands for the catalogue: ``standing`` may be changed by a test as by a technician."""

    def __init__(self) -> None:
        self.of_camera: dict[str, frozenset[ModalityMask]] = {}
        self.verdicts: list[Verdict] = []
        self.writes = 0
        self.in_force = PolicyInForce()
        self.checked_utc_s: float | None = FakeClock().utc_s()
        self.deployed = ACCEPTED.model

    def champion(self) -> tuple[str, str]:
        return self.deployed, "/model"

    def shadow(self) -> tuple[str, str]:
        return "", ""

    def note_shadow(self, verdict: int, said: ShadowSaid) -> None: ...

    def policy(self) -> PolicyInForce:
        return self.in_force

    def audit_broken(self) -> bool:
        return False

    def locked(self, source_kind: SourceKind) -> bool:
        return False

    def note_clock_jump(self, seconds: float) -> None: ...

    def changes(self) -> int:
        return self.writes

    def standing(self, source_kind: SourceKind, health: CameraHealth | None, model: str) -> Standing:
        serial = health.device.serial if health is not None else ""
        return Standing(self.of_camera.get(serial, frozenset()), self.checked_utc_s, commissioned=True)

    def probing(self, source_kind: SourceKind) -> Probing:
        return Probing()

    def commit_verdict(self, verdict: Verdict) -> int:
        self.verdicts.append(verdict)
        return len(self.verdicts)


def nothing(pipe: Connection) -> None:
    """An inference process that only listens; what it was told is kept on its end of the pipe."""
    TOLD.append(pipe)


TOLD: list[Connection] = []


class Bench:
    def __init__(self) -> None:
        TOLD.clear()
        self.clock, self.camera, self.ledger = FakeClock(), Camera(), Ledger()
        child = Child("inference", nothing, threaded=True)
        child.start()
        child.join(60.0)
        self.inference = TOLD[0]
        link = InferenceLink(child, self.clock)
        link._given_up = True  # its thread is over; the pipe is the test's
        self.station = Station(self.camera, link, self.ledger, SourceKind.LIVE, clock=self.clock)  # type: ignore[arg-type]

    def see(self, serial: str) -> list[Message]:
        device = DeviceInfo("D435", serial)
        self.camera.says.append(CameraHealth(ConnectionState.STREAMING, ALL_MODALITIES, SourceKind.LIVE, device))
        return self.station.poll(0.0)

    def told(self) -> list[Standing]:
        said = []
        while self.inference.poll():
            said.append(self.inference.recv())
        return [message for message in said if isinstance(message, Standing)]

    def answer(self, verdict: Verdict) -> Verdict:
        self.inference.send(VerdictReached(verdict))
        events = self.station.poll(0.0)
        (committed,) = [event for event in events if isinstance(event, VerdictCommitted)]
        assert committed.verdict is self.ledger.verdicts[-1]
        return committed.verdict


ACCEPTED = stored.verdict(source_kind=SourceKind.LIVE, outcome=Outcome.BONA_FIDE, mask=ALL_MODALITIES)


def test_the_station_tells_what_stands_when_it_knows_its_camera_and_when_that_changes() -> None:
    bench = Bench()
    bench.ledger.of_camera = {"A": frozenset({ALL_MODALITIES})}
    checked = bench.ledger.checked_utc_s
    assert Standing(frozenset({ALL_MODALITIES}), checked, commissioned=True) in bench.see("A")
    assert bench.told() == [Standing(frozenset({ALL_MODALITIES}), checked, commissioned=True)]
    assert not any(isinstance(event, Standing) for event in bench.see("A"))
    assert Standing(checked_utc_s=checked, commissioned=True) in bench.see("B")
    assert bench.told() == [Standing(checked_utc_s=checked, commissioned=True)]


def test_a_revocation_by_anybody_counts_at_once() -> None:
    bench = Bench()
    bench.ledger.of_camera = {"A": frozenset({ALL_MODALITIES})}
    bench.see("A")
    assert not bench.answer(ACCEPTED).shadow
    bench.ledger.of_camera, bench.ledger.writes = {}, 1
    bench.clock.advance(1000.0)
    assert Standing(checked_utc_s=bench.ledger.checked_utc_s, commissioned=True) in bench.station.poll(0.0)
    # Inference had not heard of it when it answered.
    assert bench.answer(ACCEPTED).shadow


def test_before_the_camera_is_known_every_verdict_is_a_shadow() -> None:
    bench = Bench()
    bench.ledger.of_camera = {"A": frozenset({ALL_MODALITIES})}
    assert bench.answer(ACCEPTED).shadow
    bench.see("A")
    assert bench.answer(replace(ACCEPTED, mask=DEPTH_IR)).shadow


def test_what_inference_calls_a_shadow_stays_one() -> None:
    bench = Bench()
    bench.ledger.of_camera = {"A": frozenset({ALL_MODALITIES})}
    bench.see("A")
    assert bench.answer(replace(ACCEPTED, shadow=True)).shadow
    assert bench.answer(replace(ACCEPTED, reason=Reason.NONE)).opens


def test_a_model_that_is_the_champion_no_more_opens_nothing_by_the_other_s_qualification() -> None:
    """A rollback finds its own qualification again at once; inference loads it later, or keeps the model it has."""
    bench = Bench()
    bench.ledger.of_camera = {"A": frozenset({ALL_MODALITIES})}
    bench.see("A")
    assert bench.answer(ACCEPTED).opens
    bench.ledger.deployed, bench.ledger.writes = "b" * 64, 1
    bench.clock.advance(1000.0)
    bench.station.poll(0.0)
    assert bench.answer(ACCEPTED).shadow
    assert bench.answer(replace(ACCEPTED, model="b" * 64)).opens


# --- the start-of-shift check -----------------------------------------------------------------------------------------


def test_while_the_check_is_due_nobody_gets_a_verdict_but_the_check_itself() -> None:
    due = window(ALL_MODALITIES)
    due.withheld = Reason.SHIFT_CHECK
    verdict = show(due, SourceKind.LIVE, 9.0)
    assert (verdict.outcome, verdict.reason, verdict.rule) == (
        Outcome.NON_RESPONSE,
        Reason.SHIFT_CHECK,
        Rule.SHIFT_CHECK,
    )
    due.begin("test", "s", SourceKind.LIVE, test=True)
    answers = [due.feed(Observation(n, 9000.0 + 66.0 * n, ALL_MODALITIES, evidence(9.0), box=BOX)) for n in range(6)]
    (test,) = [answer for answer in answers if answer is not None]
    assert (test.outcome, test.shadow, test.opens) == (Outcome.BONA_FIDE, True, False)


def test_a_check_holds_for_a_shift_and_no_clock_that_is_set_back_makes_it_longer() -> None:
    policy, now = SitePolicy(shift_hours=8.0), 1_000_000.0
    qualified = {ALL_MODALITIES}

    def due(checked: float | None, kind: SourceKind = SourceKind.LIVE, rule: SitePolicy = policy) -> bool:
        return withheld(rule, kind, qualified, checked, now) is Reason.SHIFT_CHECK

    assert due(None)
    assert not due(now - 8 * 3600.0)
    assert due(now - 8 * 3600.0 - 1.0)
    assert due(now + 60.0)
    assert not due(None, SourceKind.SIMULATED)
    always = SitePolicy(shift_check=ShiftCheckFor.ALWAYS)
    assert due(None, SourceKind.SIMULATED, always)
    assert not due(None, rule=SitePolicy(shift_check=ShiftCheckFor.OFF))
    assert withheld(policy, SourceKind.LIVE, frozenset(), None, now) is Reason.NONE


def test_time_alone_makes_the_check_due_and_what_comes_too_late_opens_nothing() -> None:
    bench = Bench()
    bench.ledger.of_camera = {"A": frozenset({ALL_MODALITIES})}
    bench.see("A")
    assert bench.answer(ACCEPTED).opens
    bench.told()
    bench.clock.advance(1000.0 * 3600.0 * 12.5)
    (changed,) = [event for event in bench.station.poll(0.0) if isinstance(event, Standing)]
    assert changed.withheld is Reason.SHIFT_CHECK
    assert bench.told() == [changed]
    assert not bench.answer(ACCEPTED).opens


def shown(catalogue: Catalogue, species: str, outcome: Outcome, **given: object) -> int:
    session = catalogue.sessions.open(SessionPurpose.CHECKPOINT, RecordMode.DECISIONS, SourceKind.SIMULATED)
    presentation = catalogue.presentations.open(session, species=species)
    return catalogue.verdicts.commit(
        stored.verdict(session, presentation, **{"outcome": outcome, "shadow": True, **given})
    )


CAMERA = CameraIdentity("Simulated D435", "simulated")


def checked(catalogue: Catalogue, person: int, sheet: int) -> bool:
    return qualification.check_shift(catalogue, CAMERA, SourceKind.SIMULATED, "a" * 64, person, sheet)


def test_a_check_passes_when_the_person_gets_in_and_the_print_does_not(catalogue: Catalogue) -> None:
    person = shown(catalogue, "", Outcome.BONA_FIDE)
    for outcome in (Outcome.BONA_FIDE, Outcome.REFER):
        assert not checked(catalogue, person, shown(catalogue, "print_flat", outcome))
        assert catalogue.shift_checks.checked_utc_s("simulated:simulated", "a" * 64) is None
    assert checked(catalogue, person, shown(catalogue, "print_flat", Outcome.ATTACK))
    assert catalogue.shift_checks.checked_utc_s("simulated:simulated", "a" * 64) == catalogue.clock.utc_s()
    assert catalogue.shift_checks.checked_utc_s("simulated:simulated", "b" * 64) is None
    refused = shown(catalogue, "", Outcome.ATTACK)
    assert not checked(catalogue, refused, shown(catalogue, "print_flat", Outcome.ATTACK))
    assert catalogue.shift_checks.checked_utc_s("simulated:simulated", "a" * 64) is None, "a failed check counts too"
    assert [e.details["passed"] for e in catalogue.audit.of("shift", "3")] == [True]


def test_a_check_cannot_be_put_together_from_other_verdicts(catalogue: Catalogue) -> None:
    person, sheet = shown(catalogue, "", Outcome.BONA_FIDE), shown(catalogue, "print_flat", Outcome.ATTACK)
    other_mask = shown(catalogue, "print_flat", Outcome.ATTACK, mask=ALL_MODALITIES)
    assert not checked(catalogue, person, other_mask)
    for pair in ((sheet, person), (person, person), (person, 99), (person, shown(catalogue, "", Outcome.ATTACK))):
        with pytest.raises(InputError):
            checked(catalogue, *pair)
    ordinary = shown(catalogue, "print_flat", Outcome.ATTACK, shadow=False)
    with pytest.raises(InputError, match="no answer of this check"):
        checked(catalogue, person, ordinary)
    assert isinstance(catalogue.clock, FakeClock)
    catalogue.clock.advance(1000.0 * 3600.0)
    with pytest.raises(InputError, match="no answer of this check"):
        checked(catalogue, person, sheet)
    catalogue.actor = Actor.of("col", [Role.COLLECTOR])
    with pytest.raises(DeniedError):
        checked(catalogue, person, sheet)
