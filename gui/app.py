"""The application: start, look, crash handling and an orderly end. `run` is what `main.py` calls."""

from __future__ import annotations

import logging
import os
import sys
import traceback
from concurrent import futures

from PySide6.QtCore import QEvent, QObject, QProcess, QSettings, Qt, QTimer, Slot
from PySide6.QtWidgets import QApplication

from core.access import LOCAL, Actor, Permission
from core.errors import ExitCode, KnownError
from gui.crash import CrashFile, install_hooks
from gui.daily_retention import DailyRetention
from gui.departure import Departure
from gui.erasing import Erasing
from gui.feed import FrameFeed
from gui.i18n import install_language, tr
from gui.link import StationLink
from gui.main_window import Doorkeeping, MainWindow
from gui.services import Services
from gui.settings import load_settings, save_settings
from gui.tasks import Tasks
from gui.theme import apply_theme
from gui.widgets.toast import Level
from storage.key_care import KeyStatus, key_status
from storage.people_commands import TOKEN_VARIABLE
from storage.problems import BusyError

log = logging.getLogger(__name__)

IDLE_MS = 15 * 60 * 1000
"""Without input and without a verdict for so long, whoever is logged in is logged out."""
DEFAULT_SOURCE = "simulated"
"""What a new installation opens."""
AGAIN_MS = 3000
"""A catalogue that is busy is tried again after so long."""
QUIT_AFTER = "SALLYPORT_QUIT_AFTER"
"""Seconds after which the window closes by itself: continuous integration starts the real program with it."""


class SallyportApp(QApplication):
    """The one `QApplication` of the process."""

    def __init__(self, arguments: list[str] | None = None) -> None:
        super().__init__(arguments if arguments is not None else sys.argv[:1])
        self.setApplicationName("sallyport")
        self.setApplicationDisplayName("Sallyport")
        self.setDesktopFileName("sallyport")


class Desk(QObject):
    """Owns what outlives one window: settings, station, background reader, crash file. A new look = a new window."""

    def __init__(self, app: SallyportApp, services: Services) -> None:
        super().__init__(app)
        self.app, self.services = app, services
        self.settings, self._dropped = load_settings(services.settings_file)
        self.crash = CrashFile(services.logs)
        self._restore_hooks = install_hooks(self._on_escaped)
        self.feed = FrameFeed(parent=self)
        self.link = StationLink(services.open_station, self.feed, self)
        self.tasks = Tasks(services.open_catalogue, self)
        self.erasing = Erasing(services.command, self)
        self.erasing.told.connect(self._tell)
        self.retention = DailyRetention(self.tasks, self.erasing, self)
        self.retention.troubled.connect(self._tell_trouble)
        self.door = Doorkeeping()
        self._token = ""
        self._closing = False
        self._idle = QTimer(self)
        self._idle.setSingleShot(True)
        self._idle.setInterval(IDLE_MS)
        self._idle.timeout.connect(self._on_idle)
        self._again = QTimer(self)
        self._again.setSingleShot(True)
        self._again.setInterval(AGAIN_MS)
        self._again.timeout.connect(self._start)
        self.link.committed.connect(lambda _committed: self._stay())
        self._look = ("", "")
        self._shown = self._shown_now()
        self._apply_look()
        self.window = self._make_window()

    def open(self) -> None:
        """Show the window, then start the station: the window does not wait for a camera."""
        self.window.show()
        QTimer.singleShot(0, self._start)

    def close(self) -> None:
        """Shut everything down in order; the session is closed, and nothing of this desk goes on by its clock."""
        self._closing = True
        self.app.removeEventFilter(self)
        self._idle.stop()
        self._again.stop()
        self.retention.stop()
        self.window.save_geometry(self._geometry_store())
        self.window.may_close = True
        self.link.close()
        if self._token:
            self._leave_catalogue(wait=True)
        self.erasing.close()
        self.tasks.close()
        try:
            save_settings(self.settings, self.services.settings_file)
        except KnownError as error:
            log.warning("%s", error)
        self.crash.close()
        self._restore_hooks()
        self.window.close()
        self.window.deleteLater()

    def _start(self) -> None:
        self.tasks.run(lambda catalogue: catalogue.accounts.exist(), self._begin, self._cannot_begin, self)

    def _cannot_begin(self, error: BaseException) -> None:
        """Without a catalogue nobody is let in; the station says the same. One that is only busy is asked again."""
        if self._closing:
            return
        log.warning("the catalogue cannot be opened: %s", error)
        self.window.show_error(error)
        self._connect()
        if isinstance(error, BusyError):
            self._again.start()

    def _connect(self) -> None:
        if not self.link.connected:
            self.link.connect_source(self.services.source or self.settings.source or DEFAULT_SOURCE)

    def _begin(self, accounts_exist: bool) -> None:
        """An open station lets everybody in; one with accounts shows its log-in while the camera starts."""
        if accounts_exist:
            self._let_in(Doorkeeping(None, asks=True))
        else:
            self._let_in(Doorkeeping(LOCAL))
        self._connect()
        self.tasks.run(key_status, self._on_keys)
        self.retention.start()
        if self.crash.last_run_ended_badly:
            self.window.notify(
                tr("The last run ended badly."),
                tr("What was recorded is kept. Details: {path}", path=self.crash.path),
                Level.WARNING,
            )
        if self._dropped:
            names = ", ".join(self._dropped)
            self.window.notify(
                tr("Some settings could not be read."),
                tr("Their defaults are in use: {names}", names=names),
                Level.WARNING,
            )

    def _on_keys(self, status: KeyStatus) -> None:
        """Say that frames are locked; encrypt what was stored before there was encryption, in a process of its own."""
        if status.locked:
            self.window.notify(
                tr("Stored frames are locked; decisions go on."),
                tr("Unlock them: Keys ({keys}).", keys="Ctrl+Shift+K"),
                Level.WARNING,
            )
        elif status.plain:
            program, *rest = self.services.command(["keys", "encrypt"])
            QProcess.startDetached(program, rest)

    def _make_window(self) -> MainWindow:
        window = MainWindow(self.services, self.settings, self.link, self.tasks, self.erasing, self.door)
        window.admitted.connect(self._on_admitted)
        window.logged_out.connect(self._on_logged_out)
        window.bug.connect(self._on_bug)
        window.look_changed.connect(self._on_look_changed)
        window.restore_geometry(self._geometry_store())
        window.go_to(self.settings.page)
        return window

    def _geometry_store(self) -> QSettings:
        return QSettings(str(self.services.settings_file.with_name("window.ini")), QSettings.Format.IniFormat)

    def _apply_look(self) -> bool:
        language = install_language(self.app, self.settings.language)
        theme = apply_theme(self.app, self.settings.theme)
        before, self._look = self._look, (language, theme)
        return before != self._look

    def _shown_now(self) -> tuple[object, ...]:
        """Preferences that pages follow from when they are built."""
        return self.settings.depth_near_m, self.settings.depth_far_m, self.settings.announce

    @Slot()
    def _on_look_changed(self) -> None:
        before, self._shown = self._shown, self._shown_now()
        if self._apply_look() or before != self._shown:
            self._renew_window()

    def _renew_window(self) -> None:
        old = self.window
        old.save_geometry(self._geometry_store())
        self.feed.forget_views()
        self.window = self._make_window()
        if old.windowState() == Qt.WindowState.WindowNoState:
            self.window.setGeometry(old.geometry())
        if old.isFullScreen():
            self.window.showFullScreen()
        else:
            self.window.show()
        old.may_close = True
        old.close()
        old.deleteLater()
        self._tell_trouble()

    # --- who is here --------------------------------------------------------------------------------------------

    def _let_in(self, door: Doorkeeping) -> None:
        """Another person, another window: nothing of the one before is left on it."""
        self.door = door
        self._stay()
        self.link.act_as(door.actor)
        self._renew_window()

    @Slot(object, str)
    def _on_admitted(self, actor: Actor, token: str) -> None:
        """Commands that the window starts act as the same account (`storage.people_commands.log_in`)."""
        self._token = os.environ[TOKEN_VARIABLE] = token
        self.app.installEventFilter(self)

        def enter(rule_is_on: bool) -> None:
            self._let_in(Doorkeeping(actor, asks=True, rule_is_on=rule_is_on))

        self.tasks.run(lambda catalogue: catalogue.proposals.rule_is_on, enter, owner=self)

    @Slot(str)
    def _on_logged_out(self, why: str) -> None:
        """Said by the person, by the clock, or because the station was closed meanwhile."""
        self.app.removeEventFilter(self)
        self._leave_catalogue(wait=False)
        self._let_in(Doorkeeping(None, asks=True))
        if why:
            self.window.notify(why, "", Level.INFO)

    def _leave_catalogue(self, wait: bool) -> None:
        token, self._token = self._token, ""
        os.environ.pop(TOKEN_VARIABLE, None)
        task = self.tasks.run(lambda catalogue: catalogue.log_ins.log_out(token), lambda _nothing: None)
        if wait and task.future is not None:
            futures.wait((task.future,), timeout=5.0)

    @Slot()
    def _on_idle(self) -> None:
        self._on_logged_out(tr("Logged out: nobody has touched the station for a while."))

    def _stay(self) -> None:
        """Somebody is there: at the keys, or deciding about people."""
        if self.door.asks and self.door.actor is not None:
            self._idle.start()
        else:
            self._idle.stop()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Input of any kind keeps the log-in alive."""
        if event.type() in (QEvent.Type.KeyPress, QEvent.Type.MouseButtonPress, QEvent.Type.Wheel):
            self._stay()
        return False

    @Slot(str, str, object)
    def _tell(self, what: str, remedy: str, level: Level) -> None:
        """A notice of what goes on whichever window is open."""
        self.window.notify(what, remedy, level)

    @Slot()
    def _tell_trouble(self) -> None:
        """What retention could not do stays told, in every window, until it is done; why, to those who may know."""
        if self.retention.trouble is None:
            return
        what, why = self.retention.trouble
        actor = self.door.actor
        if actor is None or not actor.may(Permission.RETENTION):
            why = tr("An administrator is told why.")
        self.window.notify(what, f"{why} {tr('It is tried again tomorrow.')}", Level.ERROR)

    @Slot(object)
    def _on_bug(self, error: BaseException) -> None:
        self._on_escaped(error, "".join(traceback.format_exception(error)))

    def _on_escaped(self, error: BaseException, text: str) -> None:
        self.crash.append(text)
        # From whatever thread: the notice itself is shown on the GUI thread.
        self.tasks.deliver(self._tell_bug, error)

    def _tell_bug(self, error: BaseException) -> None:
        if isinstance(error, KnownError):
            self.window.notify(error.what, error.remedy, Level.ERROR)
            return
        self.window.notify(
            tr("Something went wrong inside the program: {name}", name=type(error).__name__),
            tr("The window goes on. Details: {path}", path=self.crash.path),
            Level.ERROR,
        )


def run(services: Services) -> int:
    """Open the window and stay until it is closed; returns the exit code."""
    app = QApplication.instance() or SallyportApp()
    assert isinstance(app, SallyportApp)
    desk = Desk(app, services)
    desk.open()
    departure = Departure(app.quit, app)
    seconds = os.environ.get(QUIT_AFTER)
    if seconds:
        QTimer.singleShot(round(float(seconds) * 1000), app.quit)
    code = app.exec()
    desk.close()
    departure.close()
    return code or ExitCode.DONE
