"""Pictures of log-in, people, override, second line and the second person: real accounts, a real proposal."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from core.access import Role
from core.codes import Outcome
from gui.main_window import LOG_IN
from gui.views.checkpoint.page import CheckpointPage
from gui.views.log_in import LogInPage
from gui.views.people.page import PeoplePage
from gui.widgets.ask import ReasonDialog
from storage.catalogue import open_catalogue
from storage.repositories.proposals import ProposedError

if TYPE_CHECKING:
    from tests.screenshots import Camera

PASSPHRASE = "seven small grey stones"
PEOPLE = {
    "ada": [Role.ADMINISTRATOR],
    "bea": [Role.ADMINISTRATOR, Role.TECHNICIAN],
    "carl": [Role.COLLECTOR],
    "olga": [Role.OPERATOR],
    "tim": [Role.TECHNICIAN],
}


def close_station(data: Path) -> None:
    """Give a data folder its accounts, and a change that waits for a second person."""
    with open_catalogue(data) as catalogue:
        for name, roles in PEOPLE.items():
            catalogue.accounts.add(name, roles, PASSPHRASE)
            catalogue.log_ins.log_in("ada", PASSPHRASE)
        catalogue.log_ins.log_in("bea", PASSPHRASE)
        try:
            catalogue.proposals.set_rule(False, "one person works here at night")
        except ProposedError:
            return


def people_pages(camera: Camera) -> None:
    """From the log-in to the administrator's page."""
    desk = camera.desk
    camera.wait(lambda: desk.door.asks and desk.window.front == LOG_IN)
    _fill(camera, "olga", "not my pass-phrase")
    camera.wait(lambda: _page(camera).button.isEnabled())
    camera.rest(0.3)
    camera.take("log-in")
    enter(camera, "olga")
    checkpoint = camera.page("checkpoint")
    assert isinstance(checkpoint, CheckpointPage)
    camera.wait(lambda: desk.link.model is not None and desk.link.session != "")
    camera.wait(lambda: checkpoint.state.verdict is not None, 30.0)
    if not checkpoint.second_line.isVisible():
        checkpoint.refer()
    camera.wait(checkpoint.second_line.isVisible, 30.0)
    camera.rest(0.3)
    camera.take("checkpoint-second-line")
    checkpoint.override()
    dialog = checkpoint.findChild(ReasonDialog)
    assert dialog is not None
    dialog.choice.setCurrentIndex(max(0, dialog.choice.findData(str(Outcome.BONA_FIDE))))
    dialog.reason.setPlainText("Known to the second line; papers checked.")
    camera.rest(0.3)
    camera.take("override", dialog)
    dialog.accept()
    camera.rest(0.5)
    desk.window.actions_table["log_out"].trigger()
    camera.wait(lambda: desk.window.front == LOG_IN and not desk.tasks.busy)
    enter(camera, "ada")
    page = camera.page("people")
    assert isinstance(page, PeoplePage)
    camera.wait(lambda: page.approvals.selected is not None)
    camera.rest(0.5)
    camera.take("people")
    page.approvals.approve.click()
    camera.wait(lambda: page.approvals.selected is None and desk.window.who_line.warning.text() != "")
    camera.rest(0.5)
    camera.take("people-approved")


def _page(camera: Camera) -> LogInPage:
    page = camera.desk.window.pages[LOG_IN]
    assert isinstance(page, LogInPage)
    return page


def _fill(camera: Camera, name: str, passphrase: str) -> None:
    page = _page(camera)
    page.account.setText(name)
    page.passphrase.setText(passphrase)
    page.submit()


def enter(camera: Camera, name: str) -> None:
    """Log in as one of `PEOPLE`."""
    _fill(camera, name, PASSPHRASE)
    camera.wait(lambda: camera.desk.door.actor is not None and camera.desk.door.actor.id == name)
