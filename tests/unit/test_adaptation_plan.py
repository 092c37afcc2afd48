"""Plans: frozen, hashed, split by subject; the stability weight; even choice of frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.adaptation.plan import PlannedPresentation, make_plan, read_plan, split_subjects, verify_plan
from core.adaptation.stability import FLOOR, Signals, StabilityWeight
from core.codes import UnlabelledUse
from core.errors import InputError, UsageError
from core.ports import StoredPresentation
from tests.unit.adaptation_site import SiteStore

CHAMPION = "a" * 64
CALM = Signals(loss=0.5, flips=0.0, mean_score=0.5, anchor=0.0)


def test_equal_input_gives_an_equal_digest_and_any_change_another() -> None:
    store = SiteStore()
    plan = make_plan(store, store.sessions, CHAMPION, "factory", 1)
    assert plan.sha256() == make_plan(store, store.sessions, CHAMPION, "factory", 1).sha256()
    others = [
        make_plan(store, store.sessions, CHAMPION, "factory", 2),
        make_plan(store, store.sessions[:-1], CHAMPION, "factory", 1),
        make_plan(store, store.sessions, "b" * 64, "factory", 1),
    ]
    assert len({plan.sha256(), *(other.sha256() for other in others)}) == 4
    assert read_plan(plan.to_json(), plan.sha256()) == plan


def test_a_vanished_session_and_a_changed_label_are_named() -> None:
    store = SiteStore()
    plan = make_plan(store, store.sessions, CHAMPION, "factory", 1)
    verify_plan(plan, store, CHAMPION)
    with pytest.raises(InputError, match="s-5 has no usable presentations"):
        verify_plan(plan, SiteStore(subjects=5), CHAMPION)
    store.labels["s-2/1"] = None
    with pytest.raises(InputError, match="s-2/1 was changed"):
        verify_plan(plan, store, CHAMPION)


def test_unlabelled_presentations_are_counted_and_not_planned() -> None:
    store = SiteStore(labels={"s-1/0": None})
    plan = make_plan(store, store.sessions, CHAMPION, "factory", 1)
    assert plan.unlabelled == ["s-1/0"]
    assert "s-1/0" not in {presentation.id for presentation in plan.presentations}


class Nameless(SiteStore):
    """Presentations without a label: of the first person who adapts, of one who judges, of a stranger, of traffic."""

    def __init__(self, adapting: str, judging: str) -> None:
        super().__init__()
        self.extra = [
            StoredPresentation("of-adapting", "s-0", adapting, None, "", "simulated", "collection"),
            StoredPresentation("of-judging", "s-0", judging, None, "", "simulated", "collection"),
            StoredPresentation("of-nobody", "s-0", "", None, "", "simulated", "collection"),
            StoredPresentation("of-traffic", "s-0", "p-new", None, "", "simulated", "checkpoint"),
        ]

    def presentations(self, sessions: Sequence[str]) -> list[StoredPresentation]:
        return super().presentations(sessions) + self.extra


def test_without_a_label_only_what_was_asked_for_is_learnt_from_and_nobody_who_judges() -> None:
    split = make_plan(SiteStore(), SiteStore().sessions, CHAMPION, "factory", 1).split
    store = Nameless(split.train[0], split.judge[0])

    def used(use: UnlabelledUse) -> list[str]:
        plan = make_plan(store, store.sessions, CHAMPION, "factory", 1, unlabelled=use)
        assert len(plan.unlabelled) == 4
        verify_plan(read_plan(plan.to_json(), plan.sha256()), store, CHAMPION)
        return [one.id for one in plan.pseudo_labelled]

    assert used(UnlabelledUse.NONE) == []
    assert used(UnlabelledUse.COLLECTED) == ["of-adapting"]
    assert used(UnlabelledUse.ALL) == ["of-adapting", "of-nobody", "of-traffic"]
    plan = make_plan(store, store.sessions, CHAMPION, "factory", 1, unlabelled=UnlabelledUse.COLLECTED)
    store.extra[0] = replace(store.extra[0], species="print_flat")
    with pytest.raises(InputError, match="of-adapting was labelled"):
        verify_plan(plan, store, CHAMPION)
    del store.extra[0]
    with pytest.raises(InputError, match="of-adapting of the plan is gone"):
        verify_plan(plan, store, CHAMPION)


def test_a_plan_without_unlabelled_captures_reads_as_it_did_before_there_were_any() -> None:
    plan = make_plan(SiteStore(), SiteStore().sessions, CHAMPION, "factory", 1)
    assert "pseudo_labelled" not in plan.to_json()


@given(st.integers(2, 60), st.integers(0, 30), st.integers(0, 1000))
def test_no_subject_has_two_uses(with_bona_fide: int, attacks_only: int, seed: int) -> None:
    planned = [PlannedPresentation(id=f"b{i}", session="s", subject=f"p{i}", species="") for i in range(with_bona_fide)]
    planned += [
        PlannedPresentation(id=f"a{i}", session="s", subject=f"q{i}", species="print_flat") for i in range(attacks_only)
    ]
    split = split_subjects(planned, seed)
    subjects = [*split.train, *split.calibrate, *split.judge]
    assert sorted(subjects) == sorted({p.subject for p in planned})
    assert any(s.startswith("p") for s in split.train)
    assert any(s.startswith("p") for s in split.judge)
    assert not split.calibrate or any(s.startswith("p") for s in split.calibrate), "no threshold from attacks alone"


@given(st.integers(2, 40), st.integers(0, 40), st.integers(0, 1000))
def test_whom_the_champion_has_learned_does_not_judge_the_next_pass(before: int, more: int, seed: int) -> None:
    def planned(count: int) -> list[PlannedPresentation]:
        return [PlannedPresentation(id=f"b{i}", session="s", subject=f"p{i}", species="") for i in range(count)]

    first = split_subjects(planned(before), seed)
    learned = [*first.train, *first.calibrate]
    second = split_subjects(planned(before + more), seed + 1, learned)
    assert not set(second.judge) & set(learned)
    assert len(second.judge) == (before + more) // 2
    new = {f"p{i}" for i in range(before + more)} - {*learned, *second.judge}
    assert set(second.calibrate) <= new or new <= set(second.calibrate), "people who are new set the thresholds"


@pytest.mark.parametrize("sessions", [[], ["s-1", "s-1"]])
def test_a_plan_needs_sessions_each_once(sessions: list[str]) -> None:
    with pytest.raises(UsageError):
        make_plan(SiteStore(), sessions, CHAMPION, "factory", 1)


def test_one_subject_is_too_few() -> None:
    with pytest.raises(InputError, match="needs two subjects"):
        make_plan(SiteStore(), ["s-0"], CHAMPION, "factory", 1)


def test_live_captures_are_not_mixed_with_others() -> None:
    class Mixed(SiteStore):
        def presentations(self, sessions: object) -> list[StoredPresentation]:
            return [
                StoredPresentation("a", "s-0", "p0", "", "", "live"),
                StoredPresentation("b", "s-1", "p1", "", "", "playback"),
            ]

    with pytest.raises(UsageError, match="cannot be mixed with playback"):
        make_plan(Mixed(), ["s-0", "s-1"], CHAMPION, "factory", 1)


def test_the_weight_rises_while_calm_and_falls_when_the_anchor_rises() -> None:
    state = StabilityWeight()
    for _ in range(20):
        state = state.after(CALM)
    assert state.weight == 1.0
    for _ in range(12):
        state = state.after(Signals(0.5, 0.0, 0.5, anchor=0.2))
    assert state.weight < 0.3
    assert not state.must_return, "what a pass soon brings down again is no reason to give it up"
    for _ in range(8):
        state = state.after(Signals(0.5, 0.0, 0.5, anchor=0.2))
    assert state.must_return
    assert state.returned().weight == FLOOR
    assert not state.returned().must_return


@given(
    st.lists(
        st.builds(Signals, st.floats(0, 50), st.floats(0, 1), st.floats(0, 1), st.floats(0, 20)),
        min_size=1,
        max_size=40,
    )
)
def test_the_weight_stays_between_its_floor_and_one(signals: list[Signals]) -> None:
    state = StabilityWeight()
    for signal in signals:
        state = state.after(signal)
        assert FLOOR <= state.weight <= 1.0
        assert 0.0 <= state.stability <= 1.0
    assert StabilityWeight(**state.as_json()) == state  # type: ignore[arg-type]
