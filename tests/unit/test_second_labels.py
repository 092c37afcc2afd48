"""Second labels: by somebody else, blind, and what contradicts each other is in no plan until it is settled."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.access import Actor, DeniedError, Role
from core.adaptation.plan import Plan, make_plan, verify_plan
from core.codes import RecordMode, SessionPurpose, SourceKind, Species
from core.commandline import build_parser
from core.errors import InputError, UsageError
from core.labelling.figures import cohen_kappa
from storage.catalogue import FORM, Catalogue, open_catalogue
from storage.commands_labels import LABEL_COMMANDS
from storage.database import DatabaseFile, Mode
from storage.driver import DatabaseError
from storage.migrations import migrate
from storage.schema import CATALOGUE
from storage.schema_labels import SECOND_LABELS
from tests import site
from tests.people import add_people, cheap_catalogue

CHAMPION = "c" * 64
LABELS = ("", "", "", "", "", "print_flat", "print_flat", "print_flat", "print_flat", "print_flat")


def act(catalogue: Catalogue, name: str, role: Role) -> None:
    catalogue.actor = Actor.of(name, [role])


def collected(catalogue: Catalogue, subject: str, labels: tuple[str, ...] = LABELS) -> str:
    """A session of carl's with these labels."""
    act(catalogue, "carl", Role.COLLECTOR)
    catalogue.subjects.add(subject)
    session = catalogue.sessions.open(
        SessionPurpose.COLLECTION, RecordMode.FRAMES, SourceKind.SIMULATED, subject=subject
    )
    for number, species in enumerate(labels):
        take = catalogue.presentations.open(session, species=species, start_s=float(number))
        catalogue.presentations.close(take, number + 1, number + 1, number + 0.5)
    catalogue.sessions.close(session)
    return session


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[Catalogue]:
    """People, and two sessions of ten labels each that carl gave."""
    with cheap_catalogue(tmp_path / "data") as opened:
        add_people(opened)
        collected(opened, "p0")
        collected(opened, "p1")
        yield opened


@pytest.fixture
def drawn(catalogue: Catalogue) -> Catalogue:
    """All twenty are to be labelled twice."""
    act(catalogue, "tim", Role.TECHNICIAN)
    catalogue.second_labels.draw(1.0)
    return catalogue


def number_of(catalogue: Catalogue, species: str) -> tuple[int, str]:
    """Number and presentation of one that carl labelled so, which nobody labelled again."""
    sql = """
        SELECT d.number, p.id FROM second_label_draws AS d JOIN presentations AS p ON p.id = d.presentation
        WHERE p.species = ? AND p.id NOT IN (SELECT presentation FROM second_labels) ORDER BY d.number
    """
    row = catalogue.file.rows(sql, (species,))[0]
    return row["number"], row["id"]


def plan(catalogue: Catalogue) -> Plan:
    sessions = [session.id for session in catalogue.sessions.page()[0]]
    return make_plan(catalogue.material, sorted(sessions), CHAMPION, "factory", seed=1)


def contradicted(catalogue: Catalogue) -> tuple[int, str]:
    """Carl said bona fide, tim says attack."""
    number, presentation = number_of(catalogue, "")
    act(catalogue, "tim", Role.TECHNICIAN)
    catalogue.second_labels.give(number, Species.UNKNOWN)
    return number, presentation


def test_a_share_of_each_class_is_drawn_and_a_greater_share_adds_to_it(catalogue: Catalogue) -> None:
    act(catalogue, "tim", Role.TECHNICIAN)
    assert catalogue.second_labels.draw(0.2) == 4
    first = set(catalogue.second_labels._numbers())
    assert sorted(catalogue.presentations.get(one).species or "" for one in first) == ["", "", *["print_flat"] * 2]
    assert catalogue.second_labels.draw(0.2) == 0, "as many as asked for are drawn already"
    assert catalogue.second_labels.draw(0.5) == 6
    assert first < set(catalogue.second_labels._numbers())
    assert catalogue.audit.of("labels", "")[0].details == {"drawn": 4, "share": 0.2}
    with pytest.raises(UsageError):
        catalogue.second_labels.draw(0.0)


def test_nobody_labels_what_they_labelled_before_and_nobody_twice(drawn: Catalogue) -> None:
    act(drawn, "carl", Role.COLLECTOR)
    assert drawn.second_labels.next() is None
    number, _ = number_of(drawn, "")
    with pytest.raises(InputError, match="Nobody asks you"):
        drawn.second_labels.give(number, "")
    act(drawn, "tim", Role.TECHNICIAN)
    drawn.second_labels.give(number, "")
    with pytest.raises(InputError, match="Nobody asks you"):
        drawn.second_labels.give(number, Species.UNKNOWN)
    with pytest.raises(UsageError):
        drawn.second_labels.give(number_of(drawn, "")[0], Species.HYBRID_MASK)
    with pytest.raises(InputError, match="Nobody asks you"):
        drawn.second_labels.presentation_of(10_000)
    act(drawn, "olga", Role.OPERATOR)
    with pytest.raises(DeniedError):
        drawn.second_labels.give(number_of(drawn, "")[0], "")
    act(drawn, "carl", Role.COLLECTOR)
    with pytest.raises(DeniedError):
        drawn.second_labels.status()


def test_a_station_without_accounts_says_that_it_has_nobody_else(tmp_path: Path) -> None:
    with open_catalogue(tmp_path / "alone") as alone:
        with pytest.raises(InputError, match="no accounts"):
            alone.second_labels.draw()
        with pytest.raises(InputError, match="no accounts"):
            alone.second_labels.next()
        assert not alone.second_labels.status().accounts


def test_second_labels_are_never_changed_or_removed(drawn: Catalogue) -> None:
    contradicted(drawn)
    for sql in ("UPDATE second_labels SET species = ''", "DELETE FROM second_labels"):
        with pytest.raises(DatabaseError, match="append-only"):
            drawn.file.execute(sql)


def test_each_labeller_has_an_order_of_their_own_that_a_contradiction_does_not_change(drawn: Catalogue) -> None:
    orders = {}
    for name in ("tim", "tom"):
        act(drawn, name, Role.TECHNICIAN)
        orders[name] = list(drawn.second_labels._open(name))
    assert sorted(orders["tim"]) == sorted(orders["tom"]) == list(range(1, 21))
    assert orders["tim"] != orders["tom"]
    contradicted(drawn)
    assert list(drawn.second_labels._open("tom")) == orders["tom"], "it stands where it stood"
    act(drawn, "tom", Role.TECHNICIAN)
    first = drawn.second_labels.next()
    assert first is not None
    assert (first.number, first.given, first.left) == (orders["tom"][0], 0, 20)
    second = drawn.second_labels.next(skipped=[first.number])
    assert second is not None
    assert second.number == orders["tom"][1]


def test_what_is_contested_is_in_no_plan_and_the_plan_says_so(drawn: Catalogue) -> None:
    before = plan(drawn)
    _, presentation = contradicted(drawn)
    agreed, same = number_of(drawn, "print_flat")
    drawn.second_labels.give(agreed, Species.MASK_RIGID)
    made = plan(drawn)
    assert [(one.id, one.contested, one.cap) for one in made.left_out] == [(presentation, True, None)]
    named = {one.id for one in made.presentations}
    assert presentation not in named
    assert same in named
    told = made.second_labels
    assert told is not None
    assert (told.labelled, told.twice, told.differed, told.contested, told.other_species) == (20, 2, 1, 1, 1)
    with pytest.raises(InputError, match="contested by a second one"):
        verify_plan(before, drawn.material, CHAMPION)


def test_a_third_person_settles_it_and_the_label_follows(drawn: Catalogue) -> None:
    number, presentation = contradicted(drawn)
    act(drawn, "tom", Role.TECHNICIAN)
    drawn.second_labels.give(number, Species.PRINT_FLAT)
    settled = drawn.presentations.get(presentation)
    assert (settled.species, settled.label_source, settled.labelled_by) == ("print_flat", "adjudicated", "tom")
    entries = [(e.actor, e.action, dict(e.details)) for e in drawn.audit.of("presentation", presentation)]
    assert entries == [
        ("tim", "second_label", {"label": "unknown"}),
        ("tom", "second_label", {"label": "print_flat"}),
        ("tom", "relabel", {"from": "", "to": "print_flat"}),
    ]
    assert presentation in {one.id for one in plan(drawn).presentations}
    found = drawn.second_labels.status()
    assert found.contested == ()
    (carl,) = found.labellers
    assert (carl.labeller, carl.labelled, carl.twice, carl.overruled) == ("carl", 20, 1, 1)
    assert carl.flipped is not None
    assert (carl.flipped.errors, carl.flipped.trials) == (1, 1)
    assert carl.flipped.low == pytest.approx(0.025)


def test_a_third_person_may_also_bear_the_first_label_out(drawn: Catalogue) -> None:
    number, presentation = contradicted(drawn)
    act(drawn, "tom", Role.TECHNICIAN)
    drawn.second_labels.give(number, "")
    assert drawn.presentations.get(presentation).labelled_by == "carl"
    assert plan(drawn).left_out == []
    assert drawn.second_labels.status().labellers[0].overruled == 0


def test_the_first_labeller_may_agree_but_the_second_has_no_second_voice(drawn: Catalogue) -> None:
    _, presentation = contradicted(drawn)
    drawn.presentations.relabel(presentation, "print_flat", "I was right")
    assert [one.contested for one in plan(drawn).left_out] == [True], "tim agrees with tim"
    act(drawn, "carl", Role.COLLECTOR)
    drawn.presentations.relabel(presentation, "print_flat", "I looked again: a print")
    assert plan(drawn).left_out == []


def test_a_label_that_is_flipped_after_it_was_borne_out_is_contested(drawn: Catalogue) -> None:
    number, presentation = number_of(drawn, "")
    act(drawn, "tim", Role.TECHNICIAN)
    drawn.second_labels.give(number, "")
    act(drawn, "carl", Role.COLLECTOR)
    drawn.presentations.relabel(presentation, "print_flat", "it suits me")
    assert [one.id for one in plan(drawn).left_out] == [presentation]
    act(drawn, "tom", Role.TECHNICIAN)
    assert number in drawn.second_labels._open("tom"), "somebody is asked for a third label"


def test_labels_of_before_belong_to_whoever_gave_them_by_the_log(tmp_path: Path) -> None:
    file = DatabaseFile(tmp_path / "catalogue.db", FORM, Mode.CREATE)
    migrate(file, CATALOGUE[: CATALOGUE.index(SECOND_LABELS)])
    session = {"id": "a", "purpose": "collection", "mode": "frames", "source_kind": "simulated", "state": "closed"}
    file.insert("sessions", {**session, "basis": "no_person", "created_utc_s": 0.0})
    for number, species in enumerate(("", "print_flat", None)):
        take = {"id": f"a.{number}", "session": "a", "number": number, "species": species, "state": "closed"}
        file.insert("presentations", {**take, "created_utc_s": 0.0})
    for actor, action, kind, what in (
        ("carl", "open", "session", "a"), ("ada", "relabel", "presentation", "a.1"),
        ("tim", "relabel", "presentation", "a.1"), ("tom", "close", "session", "a"),
    ):  # fmt: skip
        file.insert("audit", {"utc_s": 0.0, "actor": actor, "action": action, "object_kind": kind, "object": what})
    migrate(file, CATALOGUE)
    by = {row["id"]: row["labelled_by"] for row in file.rows("SELECT id, labelled_by FROM presentations")}
    file.close()
    assert by == {"a.0": "carl", "a.1": "tim", "a.2": ""}


def test_the_commands_show_pictures_and_nothing_else(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def run(name: str, *said: str) -> str:
        options = build_parser().parse_args(["labels", name, *said])
        assert LABEL_COMMANDS[options.handler](opened, options) == 0
        return capsys.readouterr().out

    with cheap_catalogue(tmp_path / "data") as opened:
        session = site.take(opened, "ann", live=True)
        add_people(opened)
        act(opened, "tim", Role.TECHNICIAN)
        assert run("draw", "--all") == "1 more presentations are to be labelled a second time\n"
        out = tmp_path / "out"
        with pytest.raises(DeniedError):
            run("next", "--out", str(out))
        act(opened, "carl", Role.COLLECTOR)
        with pytest.raises(InputError, match="may not leave this station"):
            run("next", "--out", str(out))
        assert not out.exists()
        opened.consents.add("ann", purposes=("train", "evaluate", "share"))
        assert run("next", "--out", str(out)) == "1\n"
        names = sorted(path.name for path in out.iterdir())
        assert names == sorted(f"1-{moment}-{kind}.png" for moment in (1, 2, 3) for kind in ("depth", "ir", "rgb"))
        assert opened.file.value("SELECT session FROM exports WHERE folder = ?", (str(out),)) == session
        run("give", "1", "attack")
        assert run("next", "--out", str(out)) == "Nothing is left to label.\n"
        act(opened, "tim", Role.TECHNICIAN)
        told = run("status", "--json", str(tmp_path / "status.json"))
    assert "Labelled twice: 1 of 1, 1 of them differently (Cohen's kappa 0.00, n = 1), 1 still contested" in told
    assert "1 first labels are of no account" in told, "they are from before this station had accounts"
    assert "carl unknown" in told.splitlines()[-1]
    assert '"contested": 1' in (tmp_path / "status.json").read_text()


def test_kappa_is_cohens() -> None:
    pairs = [(True, True)] * 20 + [(True, False)] * 5 + [(False, True)] * 10 + [(False, False)] * 15
    assert cohen_kappa(pairs) == pytest.approx(0.4)
    assert cohen_kappa([(True, True)] * 5) is None
    assert cohen_kappa([]) is None
