"""`make screenshots`: drives the real window on simulated input and keeps a picture of each page.

Every page with data, empty, and with an error, light and dark; nothing is drawn for the occasion: the station, the
camera, the sessions and the adaptation job are real, the people are simulated.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import TypeVar

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QDialog, QWidget

import main as program
from core.codes import JobState, Outcome, SessionPurpose, Species
from core.commandline import build_parser
from gui.app import Desk, SallyportApp
from gui.settings import Settings, save_settings
from gui.views.audit.page import AuditPage
from gui.views.checkpoint.page import CheckpointPage
from gui.views.collect.page import CollectPage
from gui.views.devices.page import DevicesPage
from gui.views.protection.door_key_dialog import DoorKeyDialog
from gui.views.protection.erase_dialog import EraseDialog
from gui.views.protection.keys_dialog import KeysDialog
from gui.views.protection.policy_dialog import PolicyDialog
from gui.views.protection.retention_dialog import RetentionDialog
from gui.views.qualify.dialog import DECIDE as DECIDE_CAMERA
from gui.views.qualify.dialog import PRESENT, WALL, QualifyDialog
from gui.views.recalibrate.page import DATA, DECIDE, REPORT, RUN, SITE, RecalibratePage
from gui.views.review.page import ReviewPage
from gui.views.support_dialog import SupportDialog
from gui.widgets.stream_view import LOST_MS
from storage.catalogue import Catalogue, open_catalogue
from storage.retention import hold, release, set_term
from tests import audit_attack
from tests.screenshots_labels import label_pages, label_site
from tests.screenshots_people import close_station, people_pages

SIZE = QSize(1280, 800)
PATIENCE_S = 90.0
JOB_S = 1500.0
ATTEMPTS = 4
BONA_FIDE = "simulated:booth,seed=3,sensor=d435,species=bona_fide"
ATTACK = "simulated:booth,seed=3,sensor=d435,species=print_flat"
EMPTY = "simulated:empty"
"""Nobody is decided about: the machine is free for what the picture is of."""
_Kind = TypeVar("_Kind", bound=QDialog)
SITE_SPECIES = "bona_fide,print_flat,print_worn,replay_tablet,mask_rigid"


class Camera:
    """Drives one window and keeps pictures of it."""

    def __init__(self, app: SallyportApp, out: Path, look: str, data: Path, source: str) -> None:
        self._app, self._out, self._look = app, out, look
        save_settings(Settings(language="en", theme=look), data / "settings.json")  # type: ignore[arg-type]
        options = build_parser().parse_args(["--data", str(data), "--source", source])
        self.desk = Desk(app, program.window_services(options))
        self.desk.open()
        self.desk.window.resize(SIZE)

    def page(self, name: str) -> object:
        """Bring a page to the front."""
        self.wait(lambda: self.desk.door.actor is not None)
        self.desk.window.go_to(name)
        self.wait(lambda: not self.desk.tasks.busy)
        return self.desk.window.pages[name]

    def wait(self, condition: Callable[[], bool], seconds: float = PATIENCE_S) -> bool:
        """Let the window live until ``condition`` holds; ``False`` when it never does."""
        end = time.monotonic() + seconds
        while not condition() and time.monotonic() < end:
            self._app.processEvents()
            time.sleep(0.005)
        return condition()

    def rest(self, seconds: float) -> None:
        """Let the window live."""
        self.wait(lambda: False, seconds)

    def take(self, name: str, widget: QWidget | None = None) -> None:
        """Keep a picture of the window, or of a dialog."""
        self.desk.window.toasts.clear() if not name.endswith("error") else None
        self._app.processEvents()
        path = self._out / f"{name}-{self._look}.png"
        (widget or self.desk.window).grab().save(str(path))
        print(path)


@contextmanager
def window(app: SallyportApp, out: Path, look: str, data: Path, source: str) -> Iterator[Camera]:
    """A window on a data folder, shut down in order."""
    camera = Camera(app, out, look, data, source)
    try:
        yield camera
    finally:
        camera.desk.close()
        app.processEvents()


def empty_pages(camera: Camera) -> None:
    """A fresh data folder: what each page says when there is nothing yet."""
    camera.take("checkpoint-starting")
    camera.page("review")
    camera.rest(0.3)
    camera.take("review-empty")
    recalibrate = camera.page("recalibrate")
    assert isinstance(recalibrate, RecalibratePage)
    recalibrate.go_to_step(DATA)
    camera.rest(0.5)
    camera.take("recalibrate-empty")
    camera.page("collect")
    camera.wait(lambda: camera.desk.link.feed.newest is not None)
    camera.rest(0.5)
    camera.take("collect-empty")


def error_pages(camera: Camera) -> None:
    """A source that cannot be opened."""
    camera.wait(lambda: bool(camera.desk.window.toasts.shown))
    camera.rest(0.5)
    camera.take("checkpoint-error")
    for name in ("devices", "collect"):
        camera.page(name)
        camera.rest(0.3)
        camera.take(f"{name}-error")


def decide(camera: Camera, name: str, source: str, wanted: Outcome) -> None:
    """Wait for a verdict about the simulated person; ask again where the first one is another."""
    page = camera.page("checkpoint")
    assert isinstance(page, CheckpointPage)
    if camera.desk.link.source != source:
        camera.desk.link.connect_source(source)
        camera.wait(lambda: camera.desk.link.source == source and camera.desk.link.session != "")
    camera.wait(lambda: camera.desk.link.model is not None and page.state.frame_age_ms < 250)
    for attempt in range(ATTEMPTS):
        camera.wait(lambda: page.state.verdict is not None, 20.0)
        if attempt == ATTEMPTS - 1 or (page.state.verdict is not None and page.state.verdict.outcome is wanted):
            break
        page.next_person()
        camera.rest(0.5)
    camera.rest(0.2)
    camera.take(name)


def pages_with_data(camera: Camera) -> None:
    """Checkpoint, Collect, Devices and Review on the live simulation."""
    camera.page("checkpoint")
    camera.wait(lambda: camera.desk.link.session != "")
    camera.desk.link.order(lambda station: station.unlock("the attacks of the look before"))
    decide(camera, "checkpoint", BONA_FIDE, Outcome.BONA_FIDE)
    decide(camera, "checkpoint-attack", ATTACK, Outcome.ATTACK)
    collect = camera.page("collect")
    assert isinstance(collect, CollectPage)
    camera.wait(lambda: collect.allowed)
    collect.species.setCurrentIndex(collect.species.findData(str(Species.PRINT_FLAT)))
    collect.start_take()
    camera.rest(2.0)
    collect.stop_take()
    camera.wait(lambda: collect.last_take != "")
    camera.rest(0.5)
    camera.take("collect")
    devices = camera.page("devices")
    assert isinstance(devices, DevicesPage)
    camera.rest(1.5)
    camera.take("devices")
    review = camera.page("review")
    assert isinstance(review, ReviewPage)
    _open_recorded(camera, review)
    camera.take("review")
    review.explain()
    camera.wait(lambda: review.explanation.explaining.found is not None)
    camera.rest(0.3)
    camera.take("review-explanation")
    camera.desk.window.actions_table["palette"].trigger()
    camera.rest(0.2)
    camera.take("palette")
    camera.desk.window.command_palette.hide()


def protocol(camera: Camera) -> None:
    """Audit, verified, and what a support report would hold."""
    page = camera.page("audit")
    assert isinstance(page, AuditPage)
    page.verify()
    camera.wait(lambda: page.report is not None and not camera.desk.tasks.busy)
    camera.rest(0.3)
    camera.take("audit")
    camera.desk.window.open_support_report()
    dialog = camera.desk.window.findChild(SupportDialog)
    assert dialog is not None
    camera.wait(dialog.save.isEnabled)
    dialog.names.setCurrentRow(1)
    camera.rest(0.3)
    camera.take("support-report", dialog)
    dialog.reject()


def break_log(data: Path) -> None:
    """A data folder in whose audit log somebody wrote by hand."""
    with open_catalogue(data) as catalogue, catalogue.transaction():
        for number in range(1, 41):
            catalogue.audit.append("second_line", "verdict", str(number), actor="op7")
    with audit_attack.opened(data / "catalogue.db") as connection:
        connection.execute("UPDATE audit SET actor = 'olga' WHERE id = 17")


def broken_log(camera: Camera) -> None:
    """A station that found its log broken: no verdict counts, and why."""
    page = camera.page("checkpoint")
    assert isinstance(page, CheckpointPage)
    camera.wait(lambda: camera.desk.link.model is not None and page.state.verdict is not None)
    camera.rest(0.3)
    camera.take("checkpoint-audit-broken")
    audit = camera.page("audit")
    assert isinstance(audit, AuditPage)
    audit.verify()
    camera.wait(lambda: audit.report is not None and not camera.desk.tasks.busy)
    camera.rest(0.3)
    camera.take("audit-broken")


def _open_recorded(camera: Camera, review: ReviewPage) -> None:
    """The newest session that kept frames and a verdict."""

    def newest(catalogue: object) -> str:
        assert isinstance(catalogue, Catalogue)
        sessions, _ = catalogue.sessions.page()
        kept = [s.id for s in sessions if catalogue.frames_path(s.id).is_file()]
        judged = [s for s in kept if any(v.verdict.score is not None for v in catalogue.verdicts.of_session(s))]
        return (judged or kept)[0]

    camera.desk.tasks.run(newest, review.open)
    camera.wait(lambda: review.player.shown is not None and not camera.desk.tasks.busy)
    review.player.step(4)
    camera.rest(0.6)


def qualification(camera: Camera) -> None:
    """The wizard on the simulated camera: a rehearsal, step by step."""
    if camera.desk.link.source != BONA_FIDE:
        camera.desk.link.connect_source(BONA_FIDE)
    link, page = camera.desk.link, camera.page("devices")
    assert isinstance(page, DevicesPage)
    camera.wait(lambda: link.source == BONA_FIDE and link.model is not None and link.feed.age_ms < LOST_MS)
    page.qualify()
    wizard = page.wizard
    assert wizard is not None
    camera.rest(0.5)
    camera.take("qualify-1-camera", wizard)
    camera.wait(wizard.on.isEnabled)
    wizard.begin()
    camera.wait(lambda: wizard.progress is not None)
    for number, scene in enumerate(("wall_near", "wall_far"), start=1):
        wizard.show_wall(scene)
        camera.wait(partial(_at_wall, wizard, scene))
        wizard.measure()
        camera.wait(partial(_measured, wizard, number))
    wizard.go_to_step(WALL)
    camera.rest(0.3)
    camera.take("qualify-2-wall", wizard)
    for number in range(5):
        wizard.go_to_step(PRESENT)
        wizard.take()
        camera.wait(lambda: not wizard.busy)
        if number == 2:
            camera.take("qualify-3-presentations", wizard)
    wizard.go_to_step(DECIDE_CAMERA)
    camera.rest(0.3)
    camera.take("qualify-4-decision", wizard)
    wizard.give_up()
    camera.wait(lambda: wizard.progress is not None and not wizard.progress.record.running)
    wizard.close()
    camera.wait(lambda: link.source == BONA_FIDE and link.session != "")


def shift_check(camera: Camera) -> None:
    """The start-of-shift check, and the banner of a shadow verdict: that of a test is one."""
    link, page = camera.desk.link, camera.page("checkpoint")
    assert isinstance(page, CheckpointPage)
    camera.wait(lambda: link.source == BONA_FIDE and link.model is not None and link.feed.age_ms < LOST_MS)
    page.check_shift()
    check = page.shift
    assert check is not None
    camera.rest(0.3)
    camera.take("shift-check", check)
    shadow = False
    for _ in range(ATTEMPTS):
        check.go_on()
        camera.wait(lambda: check.busy)
        camera.wait(lambda: not check.busy)
        if not shadow and len(check.rows) == 1:
            shadow = True
            camera.wait(lambda: page.banner.display.final, 5.0)
            camera.take("checkpoint-shadow")
        camera.wait(lambda: len(check.rows) < 2 or check.passed is not None)
        if check.passed is not None:
            break
    camera.rest(0.3)
    camera.take("shift-check-result", check)
    check.close()
    camera.wait(lambda: link.source == BONA_FIDE and link.session != "")


def _at_wall(wizard: QualifyDialog, scene: str) -> bool:
    return scene in wizard.context.link.source and wizard.wall.measure.isEnabled()


def _measured(wizard: QualifyDialog, placements: int) -> bool:
    return wizard.progress is not None and len(wizard.progress.record.placements) == placements


def _dialog(camera: Camera, verb: str, kind: type[_Kind], name: str, read: Callable[[_Kind], object]) -> None:
    """A dialog as it is once it has read what it shows."""
    camera.desk.window.actions_table[verb].trigger()
    dialog = camera.desk.window.findChildren(kind)[-1]
    camera.wait(lambda: read(dialog) is not None)
    camera.rest(0.3)
    camera.take(name, dialog)
    dialog.reject()


def protection(camera: Camera) -> None:
    """Keys, door key, site policy, retention; and last a person is erased: the question, the certificate."""
    camera.page("review")
    _dialog(camera, "site_keys", KeysDialog, "keys", lambda keys: keys.status)
    _dialog(camera, "door_key", DoorKeyDialog, "door-key", lambda door: door.view)
    _dialog(camera, "site_policy", PolicyDialog, "site-policy", lambda policy: policy.found)
    retention(camera)
    review = camera.page("review")
    assert isinstance(review, ReviewPage)
    camera.desk.window.actions_table["erase_person"].trigger()
    camera.wait(lambda: bool(review.findChildren(EraseDialog)))
    erase = review.findChildren(EraseDialog)[-1]
    camera.wait(lambda: erase.inventory is not None)
    erase.reason.setText("asked to, letter of 3 May")
    erase.again.setText(erase.chosen)
    camera.rest(0.3)
    camera.take("erase", erase)
    erase.accept()
    camera.wait(lambda: bool(erase.certificate))
    camera.rest(0.3)
    camera.take("erase-certificate", erase)
    erase.reject()


def retention(camera: Camera) -> None:
    """Terms, a legal hold, what is due and what goes next; afterwards nothing has a term, so that nothing goes."""
    purposes = {SessionPurpose.IMPORT: 0.001, SessionPurpose.COLLECTION: 365.0, SessionPurpose.CHECKPOINT: 30.0}
    held: list[str] = []

    def prepare(catalogue: Catalogue) -> None:
        for purpose, days in purposes.items():
            set_term(catalogue, purpose, days, "the site's rule")
        imported = [one for one in catalogue.sessions.page()[0] if one.purpose is SessionPurpose.IMPORT]
        held.append(imported[-1].subject)
        hold(catalogue, held[0], "case 7, until the court has decided")

    def clear(catalogue: Catalogue) -> None:
        for purpose in purposes:
            set_term(catalogue, purpose, None, "for the next picture")
        release(catalogue, held[0], "for the next picture")

    camera.desk.tasks.run(prepare, lambda _nothing: None)
    camera.wait(lambda: not camera.desk.tasks.busy)
    camera.desk.window.actions_table["retention"].trigger()
    dialog = camera.desk.window.findChildren(RetentionDialog)[-1]
    camera.wait(lambda: dialog.view is not None)
    camera.rest(0.3)
    camera.take("retention", dialog)
    dialog.reject()
    camera.desk.tasks.run(clear, lambda _nothing: None)
    camera.wait(lambda: not camera.desk.tasks.busy)


def adaptation(camera: Camera, run_job: bool) -> None:
    """Recalibrate, step by step; the first look also runs the pass, the second finds it done."""
    page = camera.page("recalibrate")
    assert isinstance(page, RecalibratePage)
    page.go_to_step(SITE)
    camera.rest(0.8)
    camera.take("recalibrate-1-site")
    page.go_to_step(DATA)
    camera.wait(lambda: page.data.model.rowCount() > 0)
    page.data.model.choose_all(True)
    camera.wait(lambda: page.data.outlook.power is not None)
    camera.rest(0.3)
    camera.take("recalibrate-2-data")
    if run_job:
        page.make_plan()
        camera.wait(lambda: page.job is not None and page.job.state is JobState.TRAINING, JOB_S)
        camera.wait(lambda: page.job is not None and page.job.progress > 0.4, JOB_S)
    page.go_to_step(RUN)
    camera.rest(1.5)
    camera.take("recalibrate-3-run")
    over = (JobState.CANDIDATE, JobState.REJECTED, JobState.FAILED, JobState.CANCELED)
    camera.wait(lambda: page.job is not None and page.job.state in over, JOB_S)
    page.go_to_step(REPORT)
    camera.rest(1.5)
    camera.take("recalibrate-4-report")
    page.go_to_step(DECIDE)
    camera.rest(0.8)
    camera.take("recalibrate-5-decide")


def collect_site(data: Path, presentations: int) -> None:
    """Simulated people as a site's labelled sessions, through the command line."""
    manifest = str(scenes(data.parent, presentations))
    _call("import", "--manifest", manifest, "--basis", "no_person", "--name", "site", "--data", str(data))


def scenes(folder: Path, presentations: int) -> Path:
    """Rendered once: the manifest of so many simulated presentations."""
    out = folder / "scenes"
    if not out.exists():
        count = str(presentations)
        _call("scenes", "--out", str(out), "--species", SITE_SPECIES, "--n", count, "--seed", "5")
    return out / "manifest.csv"


def _call(*arguments: str) -> None:
    code = program.main(arguments)
    if code:
        raise SystemExit(f"main.py {arguments[0]} ended with {code}")


PARTS = ("people", "labels", "fresh", "pages", "recalibrate", "protection")
"""What can be taken alone: each needs a window of its own."""


def take_all(out: Path, looks: list[str], presentations: int, parts: Sequence[str] = PARTS) -> None:
    """The pages of these parts in every look."""
    out.mkdir(parents=True, exist_ok=True)
    app = SallyportApp(["screenshots"])
    app.setQuitOnLastWindowClosed(False)
    with tempfile.TemporaryDirectory(prefix="sallyport-") as folder:
        site = Path(folder) / "site"
        if {"pages", "recalibrate", "protection"} & set(parts):
            collect_site(site, presentations)
        for number, look in enumerate(looks):
            show = partial(window, app, out, look)
            if "people" in parts:
                closed = Path(folder) / f"people-{look}"
                close_station(closed)
                with show(closed, ATTACK) as camera:
                    people_pages(camera)
            if "labels" in parts:
                labelled = Path(folder) / f"labels-{look}"
                label_site(labelled, scenes(Path(folder), presentations))
                with show(labelled, EMPTY) as camera:
                    label_pages(camera)
            if "fresh" in parts:
                fresh(show, Path(folder), look)
            if "pages" in parts:
                with show(site, BONA_FIDE) as camera:
                    pages_with_data(camera)
                    protocol(camera)
                    shift_check(camera)
                    qualification(camera)
            if "recalibrate" in parts:
                with show(site, EMPTY) as camera:
                    adaptation(camera, run_job=number == 0)
            if "protection" in parts:
                with show(site, EMPTY) as camera:
                    protection(camera)


def fresh(show: Callable[[Path, str], AbstractContextManager[Camera]], folder: Path, look: str) -> None:
    """What a page says when there is nothing, when the camera cannot be opened, and when the audit log is broken."""
    with show(folder / f"empty-{look}", BONA_FIDE) as camera:
        empty_pages(camera)
    with show(folder / f"error-{look}", "file:missing.db3") as camera:
        error_pages(camera)
    broken = folder / f"broken-{look}"
    break_log(broken)
    with show(broken, BONA_FIDE) as camera:
        broken_log(camera)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make screenshots", description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--looks", default="light,dark")
    parser.add_argument("--only", metavar="A,B", default=",".join(PARTS), help=f"of {', '.join(PARTS)}")
    parser.add_argument("--presentations", type=int, default=60, help="simulated presentations of the site")
    return parser.parse_args()


if __name__ == "__main__":
    chosen = _options()
    take_all(chosen.out, chosen.looks.split(","), chosen.presentations, chosen.only.split(","))
    sys.exit(0)
