"""Nobody and no ten minutes weigh more in a pass than a collection usually gives them."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from core.adaptation.caps import Cap, capped
from core.adaptation.plan import make_plan
from core.adaptation.settings import TrainingSettings
from core.ports import StoredPresentation
from tests.unit.adaptation_site import SiteStore

SETTINGS = TrainingSettings()


def takes(subject: str, times: Sequence[float], species: str = "", artefact: str = "") -> list[StoredPresentation]:
    return [
        StoredPresentation(f"{subject}{species}{artefact}{n}", "s", subject, species, artefact, "simulated", "", time)
        for n, time in enumerate(times)
    ]  # fmt: skip


EVERYBODY = [one for person in range(6) for one in takes(f"p{person}", [100.0, 160.0, 220.0])]


def test_a_person_who_floods_ten_minutes_is_cut_to_six() -> None:
    flood = takes("flood", [1000.0 + 20.0 * number for number in range(20)])
    found = capped(EVERYBODY + flood, SETTINGS)
    assert set(found) == {one.id for one in flood[6:]}
    assert set(found.values()) == {Cap.WINDOW}


def test_a_person_who_comes_every_day_is_cut_to_twelve_spread_over_the_days() -> None:
    days = takes("daily", [1000.0 + 86_400.0 * number for number in range(40)])
    found = capped(EVERYBODY + days, SETTINGS)
    kept = [number for number, one in enumerate(days) if one.id not in found]
    assert len(kept) == 12
    assert (kept[0], kept[-1]) == (0, 39)
    assert set(found.values()) == {Cap.SUBJECT}


def test_where_everybody_was_captured_often_that_is_no_flood() -> None:
    collection = [one for person in range(6) for one in takes(f"p{person}", [1000.0 + number for number in range(30)])]
    assert capped(collection, SETTINGS) == {}


def test_instruments_count_apart_and_a_time_that_is_unknown_is_no_window() -> None:
    kit = [one for i in range(8) for one in takes("technician", [50.0 * n for n in range(1, 7)], "print_flat", f"a{i}")]
    assert capped(EVERYBODY + kit, SETTINGS) == {}
    imported = takes("imported", [0.0] * 12)
    assert capped(EVERYBODY + imported, SETTINGS) == {}


@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.sampled_from(("", "mask_rigid", None)), st.floats(1.0, 1e5)), max_size=80
    )
)
def test_no_cell_is_beyond_its_limits_whatever_is_collected(rows: list[tuple[str, str | None, float]]) -> None:
    found = [
        StoredPresentation(str(n), "s", who, kind, "", "simulated", "", t) for n, (who, kind, t) in enumerate(rows)
    ]
    left_out = capped(found, SETTINGS)
    sizes = {key: sum((one.subject, one.species) == key for one in found) for key in {row[:2] for row in rows}}
    for (who, kind), size in sizes.items():
        kept = [one for one in found if (one.subject, one.species) == (who, kind) and one.id not in left_out]
        widest = max(other for (_, species), other in sizes.items() if species == kind)
        assert min(size, 1) <= len(kept) <= max(SETTINGS.subject_cap, 3 * widest)
        assert size <= SETTINGS.window_cap or len(kept) >= SETTINGS.window_cap


def test_the_plan_names_what_it_left_out_and_neither_trains_nor_judges_with_it() -> None:
    store = SiteStore()

    class Flooded(SiteStore):
        def presentations(self, sessions: Sequence[str]) -> list[StoredPresentation]:
            return super().presentations(sessions) + takes("p0", [1000.0 + number for number in range(20)])

    plan = make_plan(Flooded(), store.sessions, "a" * 64, "factory", 1)
    assert [one.subject for one in plan.left_out] == ["p0"] * len(plan.left_out)
    assert len(plan.left_out) == 20 - 6
    assert not {one.id for one in plan.left_out} & {one.id for one in plan.presentations}
    usual = make_plan(store, store.sessions, "a" * 64, "factory", 1)
    assert "left_out" not in usual.to_json()
    assert "subject_cap" not in usual.to_json()
