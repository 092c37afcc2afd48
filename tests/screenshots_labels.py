"""Pictures of a second, blind label and of the agreement of labels: simulated people that a collector labelled."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from core.access import Actor
from core.codes import Species
from gui.main_window import LOG_IN
from gui.views.review.agreement_dialog import AgreementDialog
from gui.views.review.page import ReviewPage
from storage.catalogue import Catalogue, open_catalogue
from storage.importing import import_manifest
from tests.screenshots_people import PEOPLE, close_station, enter

if TYPE_CHECKING:
    from tests.screenshots import Camera


def label_site(data: Path, manifest: Path) -> None:
    """Accounts, labels of carl's, and some that bea gave again, two of them the other way."""
    close_station(data)
    with open_catalogue(data) as catalogue:
        _act(catalogue, "carl")
        import_manifest(catalogue, manifest, "no_person", "lobby")
        _act(catalogue, "bea")
        catalogue.second_labels.draw(1.0)
        for number in range(6):
            task = catalogue.second_labels.next()
            assert task is not None
            shown = catalogue.presentations.get(catalogue.second_labels.presentation_of(task.number))
            said = "" if bool(shown.species) is (number in (1, 3)) else str(Species.UNKNOWN)
            catalogue.second_labels.give(task.number, said)
        catalogue.actor = None


def label_pages(camera: Camera) -> None:
    """The technician labels blind, then looks at the agreement."""
    camera.wait(lambda: camera.desk.door.asks and camera.desk.window.front == LOG_IN)
    enter(camera, "tim")
    page = camera.page("review")
    assert isinstance(page, ReviewPage)
    camera.wait(lambda: page.player.shown is not None)
    page.label_blind()
    camera.wait(lambda: page.blind.shown is not None)
    page.blind.give(Species.UNKNOWN)
    camera.rest(0.1)
    camera.wait(lambda: not camera.desk.tasks.busy)
    page.blind.step(3)
    camera.rest(0.3)
    camera.take("review-blind")
    page.end_blind()
    camera.wait(lambda: not camera.desk.tasks.busy)
    camera.desk.window.actions_table["label_agreement"].trigger()
    dialog = page.findChild(AgreementDialog)
    assert dialog is not None
    camera.wait(lambda: dialog.status is not None)
    camera.rest(0.3)
    camera.take("review-agreement", dialog)
    dialog.reject()


def _act(catalogue: Catalogue, name: str) -> None:
    catalogue.actor = Actor.of(name, PEOPLE[name])
