"""The explanation on the Review page: made by a process of its own, shown in pictures, and plain about what is gone."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from core.codes import ModelRole, Outcome, RecordMode, SessionPurpose, SourceKind
from core.explain import Explanation
from core.frames import ALL_MODALITIES, Modality
from core.stability import Stability
from core.verdict_explanation import ExplainedSet, VerdictExplanation, verdict_explanation_to_plain
from gui.app import Desk
from gui.services import Services
from gui.theme import SCHEMES, apply_theme
from gui.views.review.evidence_rows import mean_evidence, physics_rows, scalar_rows
from gui.views.review.explaining import Stage
from gui.views.review.explanation_panel import ONE
from gui.views.review.page import ReviewPage
from gui.widgets.figure_rows import FigureRows
from storage.catalogue import Catalogue, open_catalogue
from tests.gui.fakes import MODEL, evidence, verdict
from tests.gui.test_review import OpenDesk, fill

PATIENCE_MS = 60_000
MORE = "5b" * 32


def add_model(catalogue: Catalogue, sha256: str, name: str, *roles: ModelRole) -> None:
    row = {"sha256": sha256, "name": name, "origin": "foreign", "parent": "", "job": "", "path": f"models/{sha256}"}
    catalogue.models.add({**row, "manifest_sha256": "00", "manifest": "{}"}, "test")
    for role in roles:
        catalogue.models.set_alias(role, sha256)


def explanation(scale: float = 1.0) -> Explanation:
    own = {Modality.RGB: 1.5 * scale, Modality.DEPTH: -4.0 * scale, Modality.IR: 0.25 * scale}
    pairs = {(Modality.RGB, Modality.DEPTH): -2.0, (Modality.RGB, Modality.IR): 0.5, (Modality.DEPTH, Modality.IR): 0.0}
    return Explanation(sum(own.values()), 0.0, own, pairs)


def answer(numbers: Sequence[int] = (1, 2, 3)) -> str:
    stability = Stability(8, dict.fromkeys(Modality, 0.1), 0.875)
    sets = tuple(ExplainedSet(n, explanation(n / 2), stability) for n in numbers)
    found = VerdictExplanation(explanation(), replace(stability, copies=24), sets)
    return json.dumps({"schema": 1, "explanations": [{"verdict": 1, **verdict_explanation_to_plain(found)}]})


def program(text: str) -> Callable[[Sequence[str]], list[str]]:
    return lambda _arguments: [sys.executable, "-c", text]


EXPLAINS = f"import sys; print('explaining 2 of 3', file=sys.stderr); print({answer()!r})"


def opened(services: Services, open_desk: OpenDesk, qtbot: QtBot, prepare: Callable[[Catalogue], object]) -> ReviewPage:
    with open_catalogue(services.data_dir) as catalogue:
        prepare(catalogue)
    desk: Desk = open_desk()
    desk.window.go_to("review")
    page = desk.window.pages["review"]
    assert isinstance(page, ReviewPage)
    qtbot.waitUntil(lambda: page.opened is not None and not desk.tasks.busy, timeout=PATIENCE_MS)
    page.beside.setCurrentWidget(page.explanation)
    return page


@pytest.fixture
def page(services: Services, open_desk: OpenDesk, qtbot: QtBot) -> ReviewPage:
    def prepare(catalogue: Catalogue) -> None:
        fill(catalogue)
        add_model(catalogue, MODEL, "factory", ModelRole.CHAMPION)

    found = opened(services, open_desk, qtbot, prepare)
    found.context.services = replace(found.context.services, command=program(EXPLAINS))
    return found


def words(rows: FigureRows) -> dict[str, str]:
    return {row.label: row.words for row in rows.rows}


def test_what_is_stored_is_shown_at_once(page: ReviewPage) -> None:
    panel = page.explanation
    assert panel.explaining.stage is Stage.POSSIBLE
    assert panel.explain_button.isVisible()
    assert not panel.contributions.isVisible()
    assert words(panel.alone) == {"Colour": "0.90", "Depth": "0.90", "Infrared": "0.90"}
    assert words(panel.physics)["Off a bent sheet"] == "2.3 mm  low"
    assert panel.physics.rows[0].note == "faces 3.0–5.6 mm"
    assert words(panel.doubt)["Uncertainty"] == "0.10"


def test_one_key_has_it_explained(page: ReviewPage, qtbot: QtBot) -> None:
    asked: list[Sequence[str]] = []

    def command(arguments: Sequence[str]) -> list[str]:
        asked.append(arguments)
        return program(EXPLAINS)(arguments)

    page.context.services = replace(page.context.services, command=command)
    page.beside.setCurrentIndex(0)
    qtbot.keyClick(page, Qt.Key.Key_X)
    panel = page.explanation
    assert page.beside.currentWidget() is panel
    assert panel.explaining.stage is Stage.RUNNING
    assert panel.progress.isVisible()
    qtbot.waitUntil(lambda: panel.explaining.stage is Stage.DONE, timeout=PATIENCE_MS)
    assert panel.explaining.steps == (2, 3)
    assert list(asked[0][:1]) == ["replay"]
    assert "--explain" in asked[0]
    assert words(panel.contributions) == {
        "Colour": "+1.50", "Depth": "−4.00", "Infrared": "+0.25", "Together": "−2.25",
    }  # fmt: skip
    assert words(panel.pairs)["Colour × Depth"] == "−2.00"
    assert panel.contributions.line == pytest.approx(0.0), "a threshold of one half is 0 logits"
    assert "Depth speaks most for an attack. Depth contradicts Colour." in panel.summary.text()
    assert "88 % of 24 copies" in panel.stability.text()
    assert not panel.busy.isVisible()
    again = len(asked)
    page.takes.selectRow(1)
    page.takes.selectRow(0)
    qtbot.waitUntil(lambda: panel.explaining.stage is Stage.DONE, timeout=PATIENCE_MS)
    page.explain()
    assert len(asked) == again, "what was explained is kept"


def test_the_frame_set_under_the_cursor(page: ReviewPage, qtbot: QtBot) -> None:
    page.explain()
    panel = page.explanation
    qtbot.waitUntil(lambda: panel.explaining.stage is Stage.DONE, timeout=PATIENCE_MS)
    panel.scope.setCurrentIndex(ONE)
    page.player.go_to_set(2)
    qtbot.waitUntil(lambda: words(panel.contributions).get("Depth") == "−4.00", timeout=PATIENCE_MS)
    page.player.go_to_set(3)
    qtbot.waitUntil(lambda: words(panel.contributions).get("Depth") == "−6.00", timeout=PATIENCE_MS)
    page.player.go_to_set(5)
    qtbot.waitUntil(lambda: "does not rest on this frame set" in panel.note.text(), timeout=PATIENCE_MS)
    assert not panel.contributions.isVisible()
    assert not panel.physics.isVisible()


def test_it_can_be_stopped(page: ReviewPage, qtbot: QtBot) -> None:
    page.context.services = replace(page.context.services, command=program("import time; time.sleep(600)"))
    page.explain()
    panel = page.explanation
    assert page.context.actions["stop_explaining"].isEnabled()
    qtbot.keyClick(page, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: panel.explaining.stage is Stage.POSSIBLE, timeout=PATIENCE_MS)
    assert panel.explaining.failure == ""
    assert not page.context.actions["stop_explaining"].isEnabled()


def test_a_failure_is_told_in_the_command_s_words(page: ReviewPage, qtbot: QtBot) -> None:
    text = (
        "import sys; print('explaining 1 of 3', file=sys.stderr); print('sallyport: The disk is gone.\\n"
        "  Plug it in.', file=sys.stderr); sys.exit(4)"
    )
    page.context.services = replace(page.context.services, command=program(text))
    told: list[BaseException] = []
    page.context.show_error = told.append
    page.explain()
    qtbot.waitUntil(lambda: bool(told), timeout=PATIENCE_MS)
    assert str(told[0]) == "The disk is gone. Plug it in."
    qtbot.waitUntil(lambda: page.explanation.explaining.stage is Stage.POSSIBLE, timeout=PATIENCE_MS)
    assert page.explanation.note.text() == "The disk is gone. Plug it in."


def decisions_only(catalogue: Catalogue) -> None:
    session = catalogue.sessions.open(SessionPurpose.CHECKPOINT, RecordMode.DECISIONS, SourceKind.SIMULATED)
    take = catalogue.presentations.open(session, species=None)
    found = verdict(Outcome.ATTACK, session=session, presentation=take)
    trace = replace(found.trace, evidence=tuple(evidence(ALL_MODALITIES) for _ in found.trace.frame_sets))
    catalogue.verdicts.commit(replace(found, trace=trace))
    catalogue.presentations.close(take, 1, 2, 1.0)
    catalogue.sessions.close(session)


def test_a_session_of_decisions_only_says_so(services: Services, open_desk: OpenDesk, qtbot: QtBot) -> None:
    page = opened(services, open_desk, qtbot, decisions_only)
    assert page.explanation.explaining.stage is Stage.IMPOSSIBLE
    assert "kept decisions only" in page.explanation.note.text()
    assert not page.context.actions["explain"].isEnabled()
    physics = page.explanation.physics
    assert physics.isVisible(), "what was stored is shown all the same"
    qtbot.waitUntil(lambda: physics.height() == physics.sizeHint().height(), timeout=PATIENCE_MS)
    assert physics.mapTo(page.explanation, physics.rect().topRight()).x() <= page.explanation.viewport().width()


def test_a_model_that_is_gone_says_so(services: Services, open_desk: OpenDesk, qtbot: QtBot) -> None:
    page = opened(services, open_desk, qtbot, fill)
    assert page.explanation.explaining.stage is Stage.IMPOSSIBLE
    assert "not stored here any more" in page.explanation.note.text()


def test_a_model_that_is_no_longer_champion_is_named(services: Services, open_desk: OpenDesk, qtbot: QtBot) -> None:
    def prepare(catalogue: Catalogue) -> None:
        fill(catalogue)
        add_model(catalogue, MODEL, "before", ModelRole.PREVIOUS)
        add_model(catalogue, MORE, "now", ModelRole.CHAMPION)

    page = opened(services, open_desk, qtbot, prepare)
    assert page.explanation.explaining.stage is Stage.POSSIBLE
    assert "Decided by before (5a5a5a5a), which is not the champion any more" in page.explanation.note.text()


def test_pictures_can_be_reached_by_keyboard_and_read_aloud(page: ReviewPage, qtbot: QtBot) -> None:
    page.explain()
    panel = page.explanation
    qtbot.waitUntil(lambda: panel.explaining.stage is Stage.DONE, timeout=PATIENCE_MS)
    shown = [rows for rows in panel.findChildren(FigureRows) if rows.isVisible()]
    assert len(shown) == 6
    for rows in shown:
        assert rows.focusPolicy() & Qt.FocusPolicy.TabFocus
        assert rows.accessibleName()
        assert all(row.label in rows.accessibleDescription() for row in rows.rows)
    assert "Off a bent sheet: 2.3 mm  low, faces 3.0–5.6 mm" in panel.physics.accessibleDescription()


def test_pictures_are_painted_in_every_look(page: ReviewPage, qtbot: QtBot) -> None:
    page.explain()
    qtbot.waitUntil(lambda: page.explanation.explaining.stage is Stage.DONE, timeout=PATIENCE_MS)
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    pictures = set()
    for look in SCHEMES:
        apply_theme(app, look)
        image = page.explanation.contributions.grab().toImage()
        colors = {
            image.pixelColor(x, y).name() for x in range(0, image.width(), 2) for y in range(0, image.height(), 2)
        }
        assert {SCHEMES[look].fills[0], SCHEMES[look].fills[1]} <= colors, "both signs are filled"
        pictures.add(frozenset(colors))
    apply_theme(app, "light")
    assert len(pictures) == len(SCHEMES)


def test_every_single_number_of_the_evidence_is_shown_whatever_its_name() -> None:
    mean = mean_evidence([replace(evidence(ALL_MODALITIES), physics={"new_figure": 3.0, "relief_mm": 50.0})])
    assert [row.label for row in physics_rows(mean)] == ["Relief", "New figure"]
    assert "Uncertainty" in {row.label for row in scalar_rows(mean)}


def test_lengths_over_width_show_only_where_there_are_no_millimetres() -> None:
    physics = {"relief_mm": 50.0, "relief_per_width": 0.2, "plane_residual_per_width": 0.001}
    rows = physics_rows(mean_evidence([replace(evidence(ALL_MODALITIES), physics=physics)]))
    assert [row.label for row in rows] == ["Relief", "Off a flat sheet, of width"]
    assert rows[1].words == "0.1 %  low"


def test_a_recording_of_no_evidence_has_nothing_to_weigh(
    services: Services, open_desk: OpenDesk, qtbot: QtBot, tmp_path: Path
) -> None:
    def prepare(catalogue: Catalogue) -> None:
        session = catalogue.sessions.open(SessionPurpose.CHECKPOINT, RecordMode.DECISIONS, SourceKind.SIMULATED)
        take = catalogue.presentations.open(session, species=None)
        catalogue.verdicts.commit(verdict(Outcome.NON_RESPONSE, session=session, presentation=take, score=None))
        catalogue.sessions.close(session)

    page = opened(services, open_desk, qtbot, prepare)
    assert "rests on no evidence" in page.explanation.note.text()
