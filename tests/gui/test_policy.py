"""The site policy in the window: what is in force, a change, a refusal, a proposal, and the word in the status line."""

from __future__ import annotations

from collections.abc import Callable

from pytestqt.qtbot import QtBot

from core.codes import Reason
from core.messages import Standing
from core.policy import ShiftCheckFor, SitePolicy
from gui.app import Desk
from gui.services import Services
from gui.views.protection.policy_dialog import PolicyDialog
from storage.catalogue import open_catalogue

OpenDesk = Callable[[], Desk]


def opened(desk: Desk, qtbot: QtBot) -> PolicyDialog:
    desk.window.actions_table["site_policy"].trigger()
    dialog = desk.window.findChildren(PolicyDialog)[-1]
    qtbot.waitUntil(lambda: dialog.found is not None)
    return dialog


def write(dialog: PolicyDialog, name: str, text: str) -> None:
    field = dialog.fields[name]
    field.setText(text)  # type: ignore[union-attr]


def test_a_change_is_stored_with_its_reason(services: Services, open_desk: OpenDesk, qtbot: QtBot) -> None:
    desk = open_desk()
    dialog = opened(desk, qtbot)
    ok = dialog.buttons.button(dialog.buttons.StandardButton.Ok)
    assert "factory policy is in force" in dialog.state.text()
    qtbot.keyClicks(dialog.reason, "a dark hall")
    assert not ok.isEnabled(), "nothing is changed yet"
    write(dialog, "abstain_margin", "-1")
    ok.click()
    qtbot.waitUntil(lambda: "abstain_margin" in dialog.problem.text())
    write(dialog, "abstain_margin", "0.8")
    write(dialog, "thresholds", "ir+depth=0.9, ir=0.8")
    field = dialog.fields["shift_check"]
    field.setCurrentIndex(field.findData(ShiftCheckFor.ALWAYS))  # type: ignore[union-attr]
    ok.click()
    qtbot.waitUntil(lambda: bool(desk.window.toasts.shown))
    wanted = SitePolicy(abstain_margin=0.8, shift_check=ShiftCheckFor.ALWAYS, thresholds={"depth+ir": 0.9, "ir": 0.8})
    with open_catalogue(services.data_dir) as catalogue:
        found = catalogue.policies.in_force()
    assert (found.policy, found.reason) == (wanted, "a dark hall")
    again = opened(desk, qtbot)
    assert "a dark hall" in again.state.text()
    again.factory.click()
    assert set(again.changes()) == {"abstain_margin", "shift_check", "thresholds.depth+ir", "thresholds.ir"}
    again.reject()


def test_the_status_line_says_so(open_desk: OpenDesk, qtbot: QtBot) -> None:
    line = open_desk().window.health_line
    assert not line.policy.isVisible()
    line.show_standing(Standing(own_policy=True))
    assert line.policy.text() == "Own site policy"
    line.show_standing(Standing(withheld=Reason.POLICY_REFUSED))
    assert line.policy.text() == "Site policy refused"
    assert line.policy.isVisible()
