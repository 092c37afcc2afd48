"""Before a plan is made: what the gate could decide with the chosen sessions, and what the caps leave out."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

import main as program
from core.adaptation.caps import Cap
from core.adaptation.power import Design, More
from core.adaptation.power_report import PowerReport, Tried
from core.codes import GateResult, RecordMode, SessionPurpose, SourceKind
from core.metrics.rate import rate_of
from gui.app import Desk
from gui.services import Services
from gui.views.recalibrate import gate_outlook
from gui.views.recalibrate.outlook import Outlook, TooMany
from gui.views.recalibrate.page import DATA, RecalibratePage
from gui.views.recalibrate.power_words import left_out_lines, more_line, power_line
from gui.views.recalibrate.summary import balance_of, missing, missing_words
from storage.catalogue import Catalogue, open_catalogue
from storage.opening import models_of

OpenDesk = Callable[[], Desk]
MAIN = Path(program.__file__)


def fill(catalogue: Catalogue, people: int, takes: int, species: Sequence[str]) -> None:
    """People with bona fide and attack presentations, a session each; the first one came ``takes`` times."""
    models_of(catalogue)
    for number in range(people):
        catalogue.subjects.add(f"s{number}")
        session = catalogue.sessions.open(
            SessionPurpose.COLLECTION, RecordMode.FRAMES, SourceKind.SIMULATED, subject=f"s{number}"
        )
        for kind in species:
            for take in range(takes if number == 0 else 1):
                presentation = catalogue.presentations.open(session, species=kind, start_s=float(take))
                catalogue.presentations.close(presentation, 1, 5, take + 0.5)
        catalogue.sessions.close(session)


@pytest.fixture
def open_page(
    services: Services, open_desk: OpenDesk, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., RecalibratePage]:
    """The data step of a window whose commands are real processes, few draws each."""
    monkeypatch.setattr(gate_outlook, "DRAWS", 3)

    def make(people: int, takes: int = 1, species: Sequence[str] = ("", "print_flat")) -> RecalibratePage:
        with open_catalogue(services.data_dir) as catalogue:
            fill(catalogue, people, takes, species)
        desk = open_desk()
        desk.window.go_to("recalibrate")
        page = desk.window.pages["recalibrate"]
        assert isinstance(page, RecalibratePage)
        data = ["--data", str(services.data_dir)]
        page.context.services = replace(
            page.context.services, command=lambda arguments: [sys.executable, str(MAIN), *arguments, *data]
        )
        page.go_to_step(DATA)
        qtbot.waitUntil(lambda: page.data.model.rowCount() == people)
        return page

    return make


def test_the_gate_is_asked_about_the_choice_and_says_what_would_do(
    open_page: Callable[..., RecalibratePage], qtbot: QtBot
) -> None:
    data = open_page(4).data
    assert data.outlook.button.isHidden()
    data.model.choose_all(True)
    assert data.gaps.text().startswith("• 16 more subjects")
    qtbot.waitUntil(data.outlook.bar.isVisible)
    qtbot.waitUntil(lambda: data.outlook.power is not None)
    assert "Judged on 2 people" in data.outlook.words.text()
    assert "in about 0% of cases" in data.outlook.words.text()
    assert "drawn sites" in data.outlook.basis.text()
    assert "more people and" in data.gaps.text()
    qtbot.waitUntil(data.outlook.bar.isHidden)
    assert data.outlook.button.isHidden()


def test_another_choice_drops_the_question_and_a_known_one_is_answered_at_once(
    open_page: Callable[..., RecalibratePage], qtbot: QtBot
) -> None:
    page = open_page(4)
    data, outlook = page.data, page.data.outlook
    asked: list[list[str]] = []
    command = page.context.services.command

    def counted(arguments: Sequence[str]) -> list[str]:
        asked.append(list(arguments))
        return command(arguments)

    page.context.services = replace(page.context.services, command=counted)
    data.model.choose_all(True)
    qtbot.waitUntil(outlook.bar.isVisible)
    data.model.choose_all(False)
    assert not outlook.asking
    assert outlook.bar.isHidden()
    assert outlook.words.text() == "Choose sessions, and it is said here."
    data.model.choose_all(True)
    qtbot.waitUntil(lambda: outlook.power is not None)
    assert len(asked) == 2
    data.model.choose_all(False)
    data.model.choose_all(True)
    qtbot.waitUntil(lambda: outlook.power is not None)
    assert len(asked) == 2, "the same plan has the same power"
    data.seed.setValue(3)
    assert outlook.power is None
    qtbot.waitUntil(lambda: outlook.power is not None)
    assert asked[2][asked[2].index("--seed") + 1] == "3", "another split may have another power"
    data.margin.setValue(6)
    qtbot.waitUntil(lambda: outlook.power is not None)
    assert asked[3][asked[3].index("--bpcer-margin") + 1] == "0.06", "so may another gate"


def test_a_question_can_be_stopped_and_asked_again(open_page: Callable[..., RecalibratePage], qtbot: QtBot) -> None:
    data = open_page(4).data
    data.model.choose_all(True)
    qtbot.waitUntil(data.outlook.bar.isVisible)
    data.outlook.button.click()
    assert data.outlook.words.text() == "Nobody has asked."
    assert data.outlook.button.text() == "Ask the &gate"
    data.outlook.button.click()
    qtbot.waitUntil(lambda: data.outlook.power is not None)


def test_a_window_that_is_closed_takes_its_question_along(
    open_page: Callable[..., RecalibratePage], qtbot: QtBot
) -> None:
    page = open_page(4)
    page.data.model.choose_all(True)
    qtbot.waitUntil(page.data.outlook.bar.isVisible)
    page.window().close()
    assert not page.data.outlook.asking


def test_what_is_contested_is_told_before_what_is_over_a_cap() -> None:
    one = TooMany("s0", Cap.SUBJECT, 2, 9)
    assert left_out_lines(Outlook("", 3, (one,), contested=1)) == [
        "1 presentation is contested by a second label and will not be learned.",
        "2 of 9 presentations of s0 are over the cap of a person and will not be learned.",
    ]


def test_what_is_over_a_cap_is_told_by_person(open_page: Callable[..., RecalibratePage], qtbot: QtBot) -> None:
    data = open_page(4, 20).data
    data.model.choose_all(True)
    qtbot.waitUntil(data.outlook.left_out.isVisible)
    expected = "28 of 40 presentations of s0 are over the cap of ten minutes and will not be learned."
    assert data.outlook.left_out.text() == expected
    assert data.outlook.left_out.window() is data.window(), "it stands within the step"
    data.outlook.stop()


@pytest.mark.parametrize(
    ("people", "species", "said"),
    [
        (1, ("", "print_flat"), "two subjects with labelled bona fide presentations, here are 1."),
        (3, ("print_flat",), "two subjects with labelled bona fide presentations, here are 0."),
    ],
)
def test_what_no_plan_can_be_made_of_is_a_clear_sentence(
    open_page: Callable[..., RecalibratePage], qtbot: QtBot, people: int, species: tuple[str, ...], said: str
) -> None:
    data = open_page(people, species=species).data
    data.model.choose_all(True)
    qtbot.waitUntil(lambda: said in data.outlook.words.text())
    assert "One adapts, the other judges" in data.outlook.words.text()
    assert not data.outlook.asking


def test_bona_fide_alone_are_asked_about_and_the_missing_attacks_named(
    open_page: Callable[..., RecalibratePage], qtbot: QtBot
) -> None:
    data = open_page(4, species=("",)).data
    data.model.choose_all(True)
    qtbot.waitUntil(lambda: data.outlook.power is not None)
    assert "attacks of the site" in data.gaps.text()
    assert "more attacks" not in data.gaps.text()


def power(passed: int, more: More | None) -> PowerReport:
    rate = rate_of([True] * passed + [False] * (100 - passed))
    assert rate is not None
    tried = Tried(design=Design(12, 3, {"print_flat": 12}), passed=rate, answers={GateResult.PASSED: passed})
    return PowerReport(cut=0.2, bpcer=0.15, apcer=0.1, tried=[tried], more=more)


def test_only_the_gate_says_that_nothing_is_missing() -> None:
    balance = replace(balance_of([]), subjects=24, genuine=24, bona_fide=72, attacks={"print_flat": 24})
    assert missing_words(balance, None) == "Not known before the gate has been asked."
    low = power(35, More(people=16, bona_fide=48, attacks=16))
    assert "in about 35% of cases (26% to 45%)" in power_line(low)
    assert missing(balance, low) == [
        "48 more bona fide presentations of 16 more people and 16 more attacks would make it 80%"
    ]
    enough = power(85, More(0, 0, 0))
    assert power_line(enough).endswith("That is enough.")
    assert more_line(enough) == ""
    assert missing_words(balance, enough) == "Nothing."
    assert "not even thousands of people" in more_line(power(0, None))
