"""No path makes a verdict count that was not qualified for: a state machine over the real catalogue and ledger."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from core.access import NOBODY, Actor, DeniedError, Role
from core.camera_identity import CameraIdentity
from core.clock import FakeClock
from core.codes import (
    CameraFigure,
    ConnectionState,
    Outcome,
    QualificationReason,
    QualificationState,
    SessionPurpose,
    SourceKind,
)
from core.decision import DecisionWindow
from core.errors import InputError
from core.frames import ALL_MODALITIES, EVERY_MASK, Intrinsics, Modality, ModalityMask, StreamProfile
from core.messages import CameraHealth, DeviceInfo
from core.policy import SitePolicy
from core.qualification.checks import Check, needed
from core.qualification.record import NEXT, changed
from core.qualification.rules import FULL, judge
from core.station.ports import PresentationLabel, SessionOrder
from core.verdict import Observation
from storage import qualification
from storage.catalogue import Catalogue, open_catalogue
from storage.repositories.qualifications import commissioned
from storage.station_ledger import CatalogueLedger
from tests import stored
from tests.unit.test_decision import BOX, Bars, evidence
from tests.unit.test_qualification_measure import near_and_far

State = QualificationState
MODELS = ("a" * 64, "b" * 64)
DEPTH_IR = ModalityMask(6)


def profiles(fx: float = 390.0, fps_hz: float = 30.0) -> dict[Modality, StreamProfile]:
    lens = Intrinsics(640, 480, fx, fx, 320.0, 240.0)
    return {m: StreamProfile(m, 640, 480, fps_hz, lens, depth_unit_m=0.001) for m in Modality}


def health(
    serial: str = "A",
    firmware: str = "5.15",
    fx: float = 390.0,
    fps_hz: float = 30.0,
    kind: SourceKind = SourceKind.LIVE,
) -> CameraHealth:
    device = DeviceInfo("Intel RealSense D435", serial, firmware)
    return CameraHealth(ConnectionState.STREAMING, ALL_MODALITIES, kind, device, profiles=profiles(fx, fps_hz))


def identity(of: CameraHealth) -> CameraIdentity:
    return CameraIdentity.of(of.device, of.profiles)


class Site:
    """A catalogue with what a qualification needs: 25 people, three species of three artefacts."""

    def __init__(self, folder: Path) -> None:
        self.catalogue: Catalogue = open_catalogue(folder, FakeClock())
        self.ledger = CatalogueLedger(self.catalogue, registry=None)  # type: ignore[arg-type]
        for number in range(25):
            self.catalogue.subjects.add(f"P{number}")
        self.artefacts = {
            species: [self.catalogue.artefacts.add(species, f"{species} {n}") for n in range(3)]
            for species in ("print_flat", "replay_phone", "mask_rigid")
        }

    def measure(self, camera: CameraHealth, mask: ModalityMask, model: str) -> int:
        record = qualification.begin(self.catalogue, identity(camera), camera.source_kind, mask, model)
        if record.state is State.MEASURING:
            good = [Check(figure, 1.0, None, 0.0, 2.0) for figure in needed(mask, record.identity.name)]
            self.catalogue.qualifications.measured(record.id, near_and_far(), good, True, "technician")
        return record.id

    def present(self, number: int, camera: CameraHealth, mask: ModalityMask, accepted: int = 0) -> None:
        """A full set of takes under ``mask``, of which ``accepted`` attacks got in."""
        order = SessionOrder(SessionPurpose.QUALIFICATION, qualification=number)
        session, _ = self.ledger.open_session(order, camera.source_kind)
        model = self.catalogue.qualifications.get(number).model
        labels = [PresentationLabel("", f"P{n % 25}", test=True) for n in range(50)]
        for species, artefacts in self.artefacts.items():
            labels += [PresentationLabel(species, "", artefacts[n % 3], test=True) for n in range(30)]
        with self.catalogue.transaction():
            for label in labels:
                outcome = Outcome.BONA_FIDE if not label.species else Outcome.ATTACK
                if label.species and accepted:
                    outcome, accepted = Outcome.BONA_FIDE, accepted - 1
                shown = self.ledger.open_presentation(session, label, 0.0)
                self.ledger.commit_verdict(
                    stored.verdict(
                        session, shown, source_kind=camera.source_kind, outcome=outcome, mask=mask, model=model,
                        shadow=True,
                    )
                )  # fmt: skip

    def standing(self, camera: CameraHealth, model: str) -> frozenset[ModalityMask]:
        return self.ledger.standing(camera.source_kind, camera, model).qualified

    def qualify(self, camera: CameraHealth, mask: ModalityMask = ALL_MODALITIES, model: str = MODELS[0]) -> int:
        number = self.measure(camera, mask, model)
        self.present(number, camera, mask)
        qualification.conclude(self.catalogue, number)
        return number


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path)
    yield made
    made.catalogue.close()


def test_a_camera_that_has_shown_enough_counts_under_that_mask_and_model_alone(site: Site) -> None:
    assert site.standing(health(), MODELS[0]) == frozenset()
    number = site.qualify(health())
    assert site.standing(health(), MODELS[0]) == {ALL_MODALITIES}
    assert site.standing(health(), MODELS[1]) == frozenset()
    assert site.standing(health("B"), MODELS[0]) == frozenset()
    evidence_kept = site.catalogue.qualifications.evidence(number)
    assert evidence_kept["apcer"]["mask_rigid"]["trials"] == 30
    assert evidence_kept["apcer"]["mask_rigid"]["high_one_sided"] == pytest.approx(0.095, abs=0.001)
    steps = [entry.details.get("to") for entry in site.catalogue.audit.of("qualification", str(number))]
    assert steps == [None, "presenting", "qualified"]


@pytest.mark.parametrize(
    ("now", "reason"),
    [
        (health(firmware="5.16"), QualificationReason.FIRMWARE),
        (health(fx=391.0), QualificationReason.CALIBRATION),
        (health(fps_hz=15.0), QualificationReason.PROFILE),
    ],
)
def test_a_change_revokes_and_going_back_does_not_bring_it_back(
    site: Site, now: CameraHealth, reason: QualificationReason
) -> None:
    number = site.qualify(health())
    assert site.standing(now, MODELS[0]) == frozenset()
    record = site.catalogue.qualifications.get(number)
    assert (record.state, record.reason) == (State.REVOKED, reason)
    assert record.note
    assert site.standing(health(), MODELS[0]) == frozenset()
    audited = site.catalogue.audit.of("qualification", str(number))[-1]
    assert (audited.actor, audited.details["reason"]) == ("station", str(reason))


def test_a_stream_that_could_not_be_opened_counts_for_nothing_and_revokes_nothing(site: Site) -> None:
    number = site.qualify(health())
    without_ir: dict[Modality, StreamProfile] = {m: p for m, p in profiles().items() if m is not Modality.IR}
    assert site.standing(replace(health(), profiles=without_ir), MODELS[0]) == frozenset()
    assert site.catalogue.qualifications.get(number).state is State.QUALIFIED
    assert site.standing(health(), MODELS[0]) == {ALL_MODALITIES}


def test_too_little_is_refused_with_what_is_missing(site: Site) -> None:
    number = site.measure(health(), ALL_MODALITIES, MODELS[0])
    with pytest.raises(InputError, match="50 bona_fide"):
        qualification.conclude(site.catalogue, number)
    site.present(number, health(), ALL_MODALITIES, accepted=1)
    with pytest.raises(InputError, match="16 apcer_bound print_flat"):
        qualification.conclude(site.catalogue, number)
    assert site.standing(health(), MODELS[0]) == frozenset()


def test_a_measurement_that_was_given_up_is_no_commissioning(site: Site) -> None:
    """Its colour was within the limits, its infrared was not; the next try is held to the limits alone."""
    camera, repository = health(), site.catalogue.qualifications
    number = qualification.begin(site.catalogue, identity(camera), camera.source_kind, ALL_MODALITIES, MODELS[0]).id
    dark = Check(CameraFigure.RGB_LEVEL, 45.0, None, 40.0, 215.0), Check(CameraFigure.IR_EXPONENT, None, None, 1.5, 2.5)
    repository.measured(number, near_and_far(), dark, False, "technician")
    qualification.cancel(site.catalogue, number)
    assert commissioned(repository.of_camera(repository.get(number).camera), identity(camera)) == {}
    passed = site.measure(camera, ALL_MODALITIES, MODELS[0])
    found = commissioned(repository.of_camera(repository.get(passed).camera), identity(camera))
    assert found[CameraFigure.RGB_LEVEL] == 1.0


def test_takes_of_another_mask_qualify_nothing(site: Site) -> None:
    number = site.measure(health(), ALL_MODALITIES, MODELS[0])
    site.present(number, health(), DEPTH_IR)
    assert site.catalogue.qualifications.judgement(number).other_masks == 140
    with pytest.raises(InputError, match="not complete"):
        qualification.conclude(site.catalogue, number)


def test_a_rehearsal_goes_through_and_never_counts(site: Site) -> None:
    camera = health("simulated", kind=SourceKind.SIMULATED)
    number = site.qualify(camera)
    record = site.catalogue.qualifications.get(number)
    assert (record.state, record.rehearsal, record.counts) == (State.QUALIFIED, True, False)
    for kind in SourceKind:
        assert site.standing(replace(health("simulated"), source_kind=kind), MODELS[0]) == frozenset()


def test_a_live_camera_without_a_serial_number_is_refused(site: Site) -> None:
    with pytest.raises(InputError, match="no serial number"):
        site.measure(health(""), ALL_MODALITIES, MODELS[0])
    assert site.standing(health(""), MODELS[0]) == frozenset()


def test_presentations_come_after_the_measurement(site: Site) -> None:
    record = qualification.begin(site.catalogue, identity(health()), SourceKind.LIVE, ALL_MODALITIES, MODELS[0])
    with pytest.raises(InputError, match="takes no presentations"):
        site.present(record.id, health(), ALL_MODALITIES)
    assert not any(s.purpose is SessionPurpose.QUALIFICATION for s in site.catalogue.sessions.page()[0])


def test_whoever_may_not_qualify_is_refused_and_that_is_logged(site: Site) -> None:
    number = site.measure(health(), ALL_MODALITIES, MODELS[0])
    for actor in (NOBODY, Actor.of("op", [Role.OPERATOR]), Actor.of("col", [Role.COLLECTOR])):
        site.catalogue.actor = actor
        with pytest.raises(DeniedError):
            qualification.revoke(site.catalogue, number, "because")
        with pytest.raises(DeniedError):
            qualification.begin(site.catalogue, identity(health("Z")), SourceKind.LIVE, ALL_MODALITIES, MODELS[0])
    assert site.catalogue.audit.entries(limit=1)[0].action == "denied"
    site.catalogue.actor = Actor.of("tech", [Role.TECHNICIAN])
    qualification.revoke(site.catalogue, number, "because")
    assert site.catalogue.qualifications.get(number).state is State.REVOKED


def test_a_running_one_is_gone_on_with_and_a_standing_one_is_not_begun_again(site: Site) -> None:
    number = site.measure(health(), ALL_MODALITIES, MODELS[0])
    assert site.measure(health(), ALL_MODALITIES, MODELS[0]) == number
    assert site.measure(health(), DEPTH_IR, MODELS[0]) != number
    site.present(number, health(), ALL_MODALITIES)
    qualification.conclude(site.catalogue, number)
    with pytest.raises(InputError, match="qualified"):
        site.measure(health(), ALL_MODALITIES, MODELS[0])


# --- every path -----------------------------------------------------------------------------------------------------

CAMERAS = st.sampled_from(
    [
        health(),
        health(firmware="5.16"),
        health("B"),
        health("simulated", kind=SourceKind.SIMULATED),
        health("A", kind=SourceKind.PLAYBACK),
    ]
)
MASKS = st.sampled_from([ALL_MODALITIES, DEPTH_IR])


class QualificationPaths(RuleBasedStateMachine):
    """Technicians, cameras, models and changes in any order; the window of decisions is fed what the ledger says."""

    @initialize()
    def open(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.site = Site(Path(self.folder.name))
        self.camera, self.model = health(), MODELS[0]
        self.seen: dict[int, State] = {}

    def teardown(self) -> None:
        if hasattr(self, "site"):
            self.site.catalogue.close()
            self.folder.cleanup()

    @property
    def mine(self) -> list[int]:
        records = self.site.catalogue.qualifications.all()
        return [r.id for r in records if r.identity.serial == self.camera.device.serial]

    @rule(camera=CAMERAS)
    def plug(self, camera: CameraHealth) -> None:
        self.camera = camera
        self.site.standing(camera, self.model)

    @rule(model=st.sampled_from(MODELS))
    def promote(self, model: str) -> None:
        self.model = model

    @rule(mask=MASKS)
    def measure(self, mask: ModalityMask) -> None:
        mine = [r for r in self.site.catalogue.qualifications.all() if r.id in self.mine]
        try:
            self.site.measure(self.camera, mask, self.model)
        except InputError:
            assert any((r.state, r.mask, r.model) == (State.QUALIFIED, mask, self.model) for r in mine)

    @precondition(lambda self: hasattr(self, "site") and self.mine)
    @rule(data=st.data(), mask=MASKS, accepted=st.sampled_from([0, 0, 1]))
    def present(self, data: st.DataObject, mask: ModalityMask, accepted: int) -> None:
        number = data.draw(st.sampled_from(self.mine))
        try:
            self.site.present(number, self.camera, mask, accepted)
        except InputError:
            assert self.site.catalogue.qualifications.get(number).state is not State.PRESENTING

    @precondition(lambda self: hasattr(self, "site") and self.mine)
    @rule(data=st.data(), what=st.sampled_from(["conclude", "cancel", "revoke"]))
    def act(self, data: st.DataObject, what: str) -> None:
        number = data.draw(st.sampled_from(self.mine))
        before = self.site.catalogue.qualifications.get(number).state
        after = {"conclude": State.QUALIFIED, "cancel": State.NOT_QUALIFIED, "revoke": State.REVOKED}[what]
        try:
            if what == "revoke":
                qualification.revoke(self.site.catalogue, number, "a reason")
            else:
                getattr(qualification, what)(self.site.catalogue, number)
        except InputError:
            enough = self.site.catalogue.qualifications.judgement(number).enough
            assert after not in NEXT[before] or (what == "conclude" and not enough)

    @invariant()
    def records_only_go_forward(self) -> None:
        if not hasattr(self, "site"):
            return
        for record in self.site.catalogue.qualifications.all():
            before = self.seen.get(record.id, State.MEASURING)
            assert record.state is before or _reachable(before, record.state)
            self.seen[record.id] = record.state

    @invariant()
    def nothing_opens_without_its_own_evidence(self) -> None:
        if not hasattr(self, "site"):
            return
        kind, repository = self.camera.source_kind, self.site.catalogue.qualifications
        window = DecisionWindow(SitePolicy(), automatic=False)
        window.set_model(Bars(sha256=self.model))
        window.qualified = self.site.standing(self.camera, self.model)
        for mask in EVERY_MASK:
            if mask == ModalityMask(1):
                continue
            window.begin("p", "s", kind)
            verdict = None
            for number in range(1, 30):
                seen = Observation(number, 66.0 * number, mask, evidence(9.0, mask), box=BOX)
                verdict = verdict or window.feed(seen)
            assert verdict is not None
            if not verdict.opens:
                continue
            (record,) = [
                r
                for r in repository.all()
                if r.state is State.QUALIFIED
                and (r.identity.serial, r.mask, r.model, r.source_kind)
                == (self.camera.device.serial, mask, self.model, SourceKind.LIVE)
            ]
            assert changed(record, identity(self.camera)) is QualificationReason.NONE
            assert judge(repository.takes(record.id), mask, FULL).enough


def _reachable(before: State, after: State) -> bool:
    return any(step is after or _reachable(step, after) for step in NEXT[before])


QualificationPaths.TestCase.settings = settings(
    max_examples=8, stateful_step_count=12, deadline=None, suppress_health_check=list(HealthCheck)
)
TestQualificationPaths = QualificationPaths.TestCase
