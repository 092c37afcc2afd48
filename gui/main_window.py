"""The window: rail, pages, status line, palette, notices. It holds no logic of the pages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

from PySide6.QtCore import QByteArray, QEvent, QSettings, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import QApplication, QHBoxLayout, QMainWindow, QStackedWidget, QStatusBar, QWidget

from core.access import LOCAL, Actor, DeniedError, Permission
from core.door.output import DoorPlaces
from core.errors import ExitCode, KnownError
from core.messages import Problem
from core.probing import AlarmRaised
from gui.actions import PAGES, Actions
from gui.context import PageContext
from gui.erasing import Erasing
from gui.i18n import tr
from gui.i18n.errors import told
from gui.link import StationLink
from gui.services import Services
from gui.settings import Settings, save_settings
from gui.tasks import Tasks
from gui.views.page import Page
from gui.views.people.dialogs import CodeDialog, SecretDialog
from gui.widgets.command_palette import CommandPalette
from gui.widgets.health_line import HealthLine
from gui.widgets.rail import Rail
from gui.widgets.tab_order import follow_layout
from gui.widgets.toast import Level, Toasts
from gui.widgets.who_line import WhoLine

LOG_IN = "log_in"
RULE_MS = 3000
"""How often the status line looks whether a second person is still asked."""
_PAGE_CLASSES = {
    "checkpoint": ("gui.views.checkpoint.page", "CheckpointPage"),
    "collect": ("gui.views.collect.page", "CollectPage"),
    "review": ("gui.views.review.page", "ReviewPage"),
    "recalibrate": ("gui.views.recalibrate.page", "RecalibratePage"),
    "devices": ("gui.views.devices.page", "DevicesPage"),
    "people": ("gui.views.people.page", "PeoplePage"),
    LOG_IN: ("gui.views.log_in", "LogInPage"),
    "audit": ("gui.views.audit.page", "AuditPage"),
}


@dataclass(frozen=True, slots=True)
class Doorkeeping:
    """Who is at the window; whether the station asks people to log in, and for a second person."""

    actor: Actor | None = None
    asks: bool = False
    rule_is_on: bool = False


class MainWindow(QMainWindow):
    """One window per data folder."""

    bug = Signal(object)
    """An exception that is not a known error; the application keeps its traceback."""
    look_changed = Signal()
    """Language or theme changed: the application opens the window anew with the new look."""

    admitted = Signal(object, str)
    """`Actor` and token: somebody logged in."""
    logged_out = Signal(str)
    """Whoever was here is gone; why, in words (empty: because they said so)."""

    def __init__(
        self,
        services: Services,
        settings: Settings,
        link: StationLink,
        tasks: Tasks,
        erasing: Erasing,
        door: Doorkeeping,
    ) -> None:
        super().__init__()
        self.doorkeeping = door
        self.setWindowTitle("Sallyport")
        self.services, self.settings = services, settings
        self.link, self.tasks = link, tasks
        self.pages: dict[str, Page] = {}
        self._front = ""
        self.may_close = False
        """Whether the full screen may be closed without its PIN."""
        self.actions_table = Actions(self, self.go_to, door.actor)
        self.toasts = Toasts(self)
        self.context = PageContext(
            services,
            settings,
            self.actions_table,
            link,
            tasks,
            erasing,
            self.notify,
            self.show_error,
            self.go_to,
            self.look_at,
            door.actor,
            self.admitted.emit,
            self.logged_out.emit,
        )
        self._build()
        self._connect()
        self.resize(1280, 800)

    # --- construction -------------------------------------------------------------------------------------------

    def _build(self) -> None:
        actions = self.actions_table
        self.rail = Rail(
            [(actions[info.id], info.icon) for info in PAGES if actions.allowed(info)],
            [(actions["palette"], "search"), (actions["settings"], "settings")],
            self,
        )
        self.rail.setVisible(self.doorkeeping.actor is not None)
        self.stack = QStackedWidget(self)
        self._slots: dict[str, QWidget] = {}
        for name in (LOG_IN, *(info.id for info in PAGES)):
            slot = QWidget(self.stack)
            row = QHBoxLayout(slot)
            row.setContentsMargins(0, 0, 0, 0)
            self._slots[name] = slot
            self.stack.addWidget(slot)
        body = QWidget(self)
        row = QHBoxLayout(body)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self.rail)
        row.addWidget(self.stack, 1)
        self.setCentralWidget(body)
        self.health_line = HealthLine(self)
        bar = QStatusBar(self)
        bar.setSizeGripEnabled(False)
        bar.addPermanentWidget(self.health_line, 1)
        self.who_line = WhoLine(self.doorkeeping.actor, self.doorkeeping.rule_is_on, self)
        bar.addPermanentWidget(self.who_line)
        self.setStatusBar(bar)
        self.command_palette = CommandPalette(actions, self)

    def _connect(self) -> None:
        actions, link = self.actions_table, self.link
        actions.connect("palette", self.command_palette.open)
        actions.connect("quit", self.close)
        actions.connect("full_screen", self._toggle_full_screen)
        actions.connect("log_out", lambda: self.logged_out.emit(""))
        actions["log_out"].setVisible(self.doorkeeping.asks and self.doorkeeping.actor is not None)
        actions.connect("settings", self._open_settings)
        actions.connect("support_report", self.open_support_report)
        actions.connect("site_keys", self._open_keys)
        actions.connect("site_policy", self._open_policy)
        actions.connect("retention", self._open_retention)
        actions.connect("door_key", self._open_door_key)
        if self.doorkeeping.asks and self.doorkeeping.actor is not None:
            self._rule_timer = QTimer(self)
            self._rule_timer.setInterval(RULE_MS)
            self._rule_timer.timeout.connect(self._read_rule)
            self._rule_timer.start()
        self.command_palette.chosen.connect(self._do_verb)
        link.health_changed.connect(self.health_line.show_health)
        link.model_ready.connect(self.health_line.set_model)
        link.door_changed.connect(self.health_line.show_door)
        link.standing_changed.connect(self.health_line.show_standing)
        link.source_changed.connect(self.health_line.show_opening)
        link.problem.connect(self._on_problem)
        link.alarm.connect(self._on_alarm)
        link.broke.connect(self.bug)
        link.stream_ended.connect(self._on_stream_ended)
        self.tasks.failed.connect(self.show_error)
        self.context.erasing.erased.connect(self._on_erased)
        if link.health is not None:
            self.health_line.show_health(link.health)
        if link.failure is not None:
            self.health_line.show_failure(link.failure.what)
        self.health_line.set_model(link.model)
        self.health_line.show_door(link.door)
        self.health_line.show_standing(link.standing)
        actions.connect("pause_door", self._toggle_door)
        link.use_door(self._door_places())

    # --- pages --------------------------------------------------------------------------------------------------

    @Slot(str)
    def go_to(self, name: str) -> None:
        """Bring a page to the front; it is built the first time."""
        name = self._may_see(name)
        if name == self._front:
            return
        if self._front:
            self.pages[self._front].left()
        page = self.pages.get(name) or self._make_page(name)
        self._front = name
        if name != LOG_IN:
            self.settings.page = name
            self.rail.mark(name)
        self.stack.setCurrentWidget(self._slots[name])
        page.entered()

    def look_at(self, session: str, presentation: str) -> None:
        """Open a stored session in Review; whoever may not review stays where they may be."""
        from gui.views.review.page import ReviewPage

        self.go_to("review")
        page = self.pages.get(self._front)
        if isinstance(page, ReviewPage):
            page.open(session, presentation)

    def _may_see(self, name: str) -> str:
        """The page itself, or the first that this person may see."""
        if self.doorkeeping.actor is None:
            return LOG_IN
        seen = [info.id for info in PAGES if self.actions_table.allowed(info)]
        return name if name in seen else seen[0]

    @property
    def front(self) -> str:
        """Name of the page in front."""
        return self._front

    def _make_page(self, name: str) -> Page:
        module, class_name = _PAGE_CLASSES[name]
        page_class: Callable[[PageContext, QWidget], Page] = getattr(import_module(module), class_name)
        page = page_class(self.context, self._slots[name])
        layout = self._slots[name].layout()
        assert layout is not None
        layout.addWidget(page)
        follow_layout(page)
        self.pages[name] = page
        return page

    @Slot()
    def _on_erased(self) -> None:
        """Frames may be gone, whoever erased them: no page goes on showing them."""
        for page in self.pages.values():
            page.erased()

    # --- telling people -----------------------------------------------------------------------------------------

    def notify(self, what: str, remedy: str = "", level: Level = Level.INFO) -> None:
        """Show a notice."""
        self.toasts.show(told(what), told(remedy), level)

    @Slot(object)
    def show_error(self, error: BaseException) -> None:
        """A known error becomes a notice, anything else the way of bugs."""
        # A recovery code is shown once: its dialog logs out when it was read.
        read = self.findChild(CodeDialog) is None
        if isinstance(error, DeniedError) and self.doorkeeping.actor == LOCAL and read:
            self.logged_out.emit(tr("This station asks people to log in now."))  # somebody added accounts meanwhile
        if isinstance(error, KnownError):
            done = error.exit_code is ExitCode.DONE  # proposed, say: nothing went wrong
            self.notify(error.what, error.remedy, Level.INFO if done else Level.ERROR)
        else:
            self.bug.emit(error)

    @Slot(object)
    def _on_problem(self, problem: Problem) -> None:
        if problem.fatal:
            self.health_line.show_failure(problem.what)
        self.notify(problem.what, problem.remedy, Level.ERROR if problem.fatal else Level.WARNING)

    @Slot(object)
    def _on_alarm(self, alarm: AlarmRaised) -> None:
        self.notify(
            tr("Somebody is trying again and again."),
            tr("Nobody is answered for {n:.0f} s. Look who stands before the camera.", n=alarm.delay_s),
            Level.ERROR,
        )

    @Slot()
    def _on_stream_ended(self) -> None:
        self.notify(tr("The recording has ended."), tr("Choose another source on the page Devices."), Level.INFO)

    def _read_rule(self) -> None:
        self.tasks.run(lambda catalogue: catalogue.proposals.rule_is_on, self.who_line.show_rule, owner=self)

    @Slot(str)
    def _do_verb(self, verb: str) -> None:
        if not self.actions_table.invoke(verb):
            self.notify(tr("{verb}: that cannot be done now.", verb=self.actions_table[verb].text()))

    # --- the window itself --------------------------------------------------------------------------------------

    def open_support_report(self) -> None:
        """Show what a report for whoever helps would hold, before it is written."""
        from gui.views.support_dialog import SupportDialog

        SupportDialog(self.context, self).open()

    def _open_settings(self) -> None:
        from gui.views.settings import SettingsDialog

        key = self.actions_table["door_key"]
        dialog = SettingsDialog(self.settings, self, self._may_direct_the_door, key if key.isVisible() else None)
        dialog.accepted.connect(lambda: self._take_settings(dialog.chosen()))
        dialog.open()

    def _open_keys(self) -> None:
        from gui.views.protection.keys_dialog import KeysDialog

        KeysDialog(self.context, self).open()

    def _open_policy(self) -> None:
        from gui.views.protection.policy_dialog import PolicyDialog

        PolicyDialog(self.context, self).open()

    def _open_retention(self) -> None:
        from gui.views.protection.retention_dialog import RetentionDialog

        RetentionDialog(self.context, self).open()

    def _open_door_key(self) -> None:
        from gui.views.protection.door_key_dialog import DoorKeyDialog

        dialog = DoorKeyDialog(self.context, QApplication.activeModalWidget() or self)  # the settings may have asked
        dialog.changed.connect(lambda: self.link.use_door(self._door_places(), at_once=False))
        dialog.open()

    @property
    def _may_direct_the_door(self) -> bool:
        """What opens a door is no preference: it takes whoever may change the site's policy."""
        return self.link.actor is not None and self.link.actor.may(Permission.POLICY)

    def _take_settings(self, chosen: Settings) -> None:
        kept = set() if self._may_direct_the_door else {"door_socket", "door_hook"}
        for key in Settings.model_fields.keys() - kept:
            setattr(self.settings, key, getattr(chosen, key))
        try:
            save_settings(self.settings, self.services.settings_file)
        except KnownError as error:
            self.show_error(error)
        self.link.use_door(self._door_places())
        self.look_changed.emit()

    def _door_places(self) -> DoorPlaces:
        """Where the settings want the door told; signed where this station has a key for that."""
        key = self.services.door_key
        return DoorPlaces(self.settings.door_socket, self.settings.door_hook, str(key) if key.exists() else "")

    def _toggle_door(self) -> None:
        if not self.link.door_places:
            self.notify(tr("No gate controller is told anything."), tr("Name a socket or a command in the settings."))
            return
        self.link.pause_door(not self.link.door_paused)
        if self.link.door_paused:
            self.notify(tr("The door stays closed until you let it go."), "", Level.WARNING)
        else:
            self.notify(tr("The door works again."))

    def _toggle_full_screen(self) -> None:
        """Into the full screen at once; out of it with the PIN, where there is one."""
        if self.isFullScreen():
            self._leave_full_screen(self.showNormal)
        else:
            self.setWindowState(self.windowState() | Qt.WindowState.WindowFullScreen)

    def _leave_full_screen(self, then: Callable[[], object]) -> None:
        def ask(has_pin: bool) -> None:
            if not has_pin:
                then()
                return
            dialog = SecretDialog(
                tr("Leave the full screen"), tr("The PIN is the administrator's."), self, lambda pin: check(pin)
            )
            dialog.open()

        def check(pin: str) -> None:
            self.tasks.run(
                lambda catalogue: catalogue.accounts.check_kiosk_pin(pin), lambda _: then(), self.show_error, self
            )

        self.tasks.run(lambda catalogue: catalogue.accounts.has_kiosk_pin(), ask, self.show_error, self)

    def _close_for_good(self) -> None:
        self.may_close = True
        self.close()

    def restore_geometry(self, store: QSettings) -> None:
        """Where the window stood; ignored when it cannot be read."""
        geometry = store.value("geometry")
        if isinstance(geometry, QByteArray):
            self.restoreGeometry(geometry)

    def save_geometry(self, store: QSettings) -> None:
        """Keep where the window stands."""
        store.setValue("geometry", self.saveGeometry())

    def changeEvent(self, event: QEvent) -> None:
        """Icons follow the palette."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "actions_table"):
            QTimer.singleShot(0, self.actions_table.retint)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Leave in order: the front page first, so that a running take is finished. In the full screen: the PIN."""
        if self.isFullScreen() and self.isVisible() and not self.may_close:
            event.ignore()
            self._leave_full_screen(self._close_for_good)
            return
        if self._front:
            self.pages[self._front].left()
        super().closeEvent(event)
