"""Every verb of the window, declared once: id, text, shortcut, icon and the page it belongs to.

Buttons, shortcuts and the command palette all come from this table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QWidget

from core.access import Actor, Permission
from gui.i18n import tr
from gui.icons import icon


@dataclass(frozen=True, slots=True)
class ActionInfo:
    """One verb. ``page`` empty = works everywhere; otherwise its shortcut works while that page is in front.

    ``needs``: whoever holds none of these permissions does not see it; empty = everybody who may see its page.
    """

    id: str
    text: str
    shortcut: str = ""
    icon: str = ""
    page: str = ""
    needs: tuple[Permission, ...] = ()


PAGES: tuple[ActionInfo, ...] = (
    ActionInfo("checkpoint", "Checkpoint", "Ctrl+1", "checkpoint", needs=(Permission.OPERATE, Permission.UNLOCK)),
    ActionInfo("collect", "Collect", "Ctrl+2", "collect", needs=(Permission.COLLECT,)),
    ActionInfo("review", "Review", "Ctrl+3", "review", needs=(Permission.REVIEW,)),
    ActionInfo("recalibrate", "Recalibrate", "Ctrl+4", "recalibrate", needs=(Permission.ADAPT, Permission.PROMOTE)),
    ActionInfo("devices", "Devices", "Ctrl+5", "devices", needs=(Permission.CAMERA,)),
    ActionInfo("people", "People", "Ctrl+6", "people", needs=(Permission.ACCOUNTS, Permission.PROMOTE)),
    ActionInfo("audit", "Audit", "Ctrl+7", "audit", needs=(Permission.AUDIT,)),
)

VERBS: tuple[ActionInfo, ...] = (
    ActionInfo("palette", "All commands", "Ctrl+K", "search"),
    ActionInfo("settings", "Settings", "Ctrl+,", "settings"),
    ActionInfo("site_keys", "Keys", "Ctrl+Shift+K", "unlock", needs=(Permission.KEYS, Permission.REVIEW)),
    ActionInfo("site_policy", "Site policy", "Ctrl+Shift+Y", "weigh", needs=(Permission.POLICY,)),
    ActionInfo("retention", "Retention", "Ctrl+Shift+T", "retention", needs=(Permission.RETENTION,)),
    ActionInfo("pause_door", "Keep the door closed, or let it go", "Ctrl+D", "lock", needs=(Permission.OPERATE,)),
    ActionInfo("door_key", "Door key", "Ctrl+Shift+S", "unlock", needs=(Permission.KEYS,)),
    ActionInfo("support_report", "Support report", "Ctrl+Shift+R", "export", needs=(Permission.SUPPORT,)),
    ActionInfo("full_screen", "Full screen", "F11", "checkpoint"),
    ActionInfo("quit", "Quit", "Ctrl+Q", "cross"),
    ActionInfo("log_out", "Log out or switch", "Ctrl+L", "lock"),
    ActionInfo("next_person", "Next person", "Space", "next", "checkpoint", (Permission.OPERATE,)),
    ActionInfo("refer", "Refer", "R", "refer", "checkpoint", (Permission.OPERATE,)),
    ActionInfo("call_technician", "Call technician", "T", "call", "checkpoint", (Permission.OPERATE,)),
    ActionInfo("override", "Override", "O", "override", "checkpoint", (Permission.OVERRIDE,)),
    ActionInfo("unlock", "Unlock", "U", "unlock", "checkpoint", (Permission.UNLOCK,)),
    ActionInfo("shift_check", "Start-of-shift check", "S", "check", "checkpoint", (Permission.OPERATE,)),
    ActionInfo("second_confirmed", "Confirmed", "L, C", "check", "checkpoint", (Permission.OPERATE,)),
    ActionInfo("second_false_alarm", "False alarm", "L, F", "cross", "checkpoint", (Permission.OPERATE,)),
    ActionInfo("second_unknown", "Unknown", "L, U", "refer", "checkpoint", (Permission.OPERATE,)),
    ActionInfo("new_subject", "New subject", "Ctrl+N", "add", "collect"),
    ActionInfo("new_artefact", "New artefact", "Ctrl+Shift+N", "add", "collect"),
    ActionInfo("record_take", "Record", "Space", "record", "collect"),
    ActionInfo("retake", "Retake", "Backspace", "retake", "collect"),
    ActionInfo("discard_take", "Discard", "Delete", "discard", "collect"),
    ActionInfo("play", "Play or pause", "Space", "play", "review"),
    ActionInfo("frame_back", "Previous frame set", "Left", "step_back", "review"),
    ActionInfo("frame_on", "Next frame set", "Right", "step_on", "review"),
    ActionInfo("change_label", "Change label", "L", "label", "review", (Permission.LABEL,)),
    ActionInfo("second_label", "Label blind", "B", "label", "review", (Permission.LABEL,)),
    ActionInfo("blind_bona_fide", "Bona fide", "1", "check", "review", (Permission.LABEL,)),
    ActionInfo("blind_attack", "Attack", "2", "cross", "review", (Permission.LABEL,)),
    ActionInfo("blind_skip", "Skip this one", "S", "next", "review", (Permission.LABEL,)),
    ActionInfo("end_blind", "Back to the sessions", "Backspace", "rollback", "review", (Permission.LABEL,)),
    ActionInfo("label_agreement", "Agreement of labels", "G", "weigh", "review", (Permission.ADAPT,)),
    ActionInfo("explain", "Explain", "X", "weigh", "review"),
    ActionInfo("stop_explaining", "Stop", "Escape", "stop", "review"),
    ActionInfo("replay_check", "Recompute", "C", "check", "review"),
    ActionInfo("export_session", "Export", "E", "export", "review", (Permission.EXPORT,)),
    ActionInfo("erase_person", "Erase a person", "Ctrl+Shift+E", "discard", "review", (Permission.ERASE,)),
    ActionInfo("refresh_review", "Refresh the list", "F5", "refresh", "review"),
    ActionInfo("make_plan", "Freeze plan and start", "Ctrl+Return", "play", "recalibrate", (Permission.ADAPT,)),
    ActionInfo("pause_job", "Pause", "P", "pause", "recalibrate", (Permission.ADAPT,)),
    ActionInfo("resume_job", "Resume", "G", "play", "recalibrate", (Permission.ADAPT,)),
    ActionInfo("cancel_job", "Cancel job", "X", "stop", "recalibrate", (Permission.ADAPT,)),
    ActionInfo("save_report", "Save report", "Ctrl+S", "export", "recalibrate"),
    ActionInfo("promote", "Promote", "Ctrl+P", "promote", "recalibrate"),
    ActionInfo("shadow_run", "Shadow run", "Ctrl+Shift+D", "review", "recalibrate", (Permission.ADAPT,)),
    ActionInfo("end_shadow", "End the shadow run", "Ctrl+Shift+X", "stop", "recalibrate", (Permission.ADAPT,)),
    ActionInfo("reject", "Reject", "Ctrl+J", "cross", "recalibrate"),
    ActionInfo("rollback", "Roll back", "Ctrl+B", "rollback", "recalibrate"),
    ActionInfo("send_model", "Send to another lane", "Ctrl+Shift+O", "export", "recalibrate", (Permission.PROMOTE,)),
    ActionInfo("judge_model", "Judge on chosen sessions", "Ctrl+Shift+J", "weigh", "recalibrate", (Permission.ADAPT,)),
    ActionInfo(
        "receive_model", "Take from another lane", "Ctrl+Shift+I", "folder", "recalibrate", (Permission.IMPORT,)
    ),
    ActionInfo("add_account", "Add account", "Ctrl+N", "add", "people", (Permission.ACCOUNTS,)),
    ActionInfo("change_roles", "Roles", "Ctrl+E", "label", "people", (Permission.ACCOUNTS,)),
    ActionInfo("new_passphrase", "Pass-phrase", "Ctrl+Shift+P", "retake", "people", (Permission.ACCOUNTS,)),
    ActionInfo("remove_account", "Remove", "Delete", "discard", "people", (Permission.ACCOUNTS,)),
    ActionInfo("new_recovery_code", "Recovery code", "Ctrl+Shift+G", "unlock", "people", (Permission.ACCOUNTS,)),
    ActionInfo("kiosk_pin", "PIN", "Ctrl+Shift+F", "lock", "people", (Permission.ACCOUNTS,)),
    ActionInfo("connect_source", "Connect", "Ctrl+Return", "play", "devices"),
    ActionInfo("open_recording", "Open recording", "Ctrl+O", "folder", "devices"),
    ActionInfo("record_file", "Record SDK file", "Ctrl+R", "record", "devices"),
    ActionInfo("qualify", "Qualify this camera", "Ctrl+Shift+Q", "check", "devices", (Permission.QUALIFY,)),
    ActionInfo("accept_camera", "Accept this camera", "Ctrl+Shift+A", "check", "devices", (Permission.COMMISSION,)),
    ActionInfo("apply_options", "Apply settings", "Ctrl+S", "check", "devices"),
    ActionInfo("verify_audit", "Verify", "V", "check", "audit", (Permission.AUDIT,)),
    ActionInfo("stop_verifying", "Stop verifying", "Escape", "stop", "audit", (Permission.AUDIT,)),
    ActionInfo("acknowledge_audit", "Acknowledge the break", "K", "warning", "audit", (Permission.AUDIT,)),
    ActionInfo("export_audit", "Export the log", "E", "export", "audit", (Permission.AUDIT,)),
    ActionInfo("refresh_audit", "Refresh the log", "F5", "refresh", "audit", (Permission.AUDIT,)),
)


class Actions(QObject):
    """Makes the `QAction` of each verb and finds it by id."""

    def __init__(self, window: QWidget, go_to: Callable[[str], None], actor: Actor | None) -> None:
        super().__init__(window)
        self._actor = actor
        self._window = window
        self._go_to = go_to
        self._actions: dict[str, QAction] = {}
        self._infos: dict[str, ActionInfo] = {}
        for info in PAGES:
            self._make(info).triggered.connect(lambda _checked=False, page=info.id: self._go_to(page))
        for info in VERBS:
            self._make(info)

    def allowed(self, info: ActionInfo) -> bool:
        """Whether whoever is here may do it; what they may not do is absent."""
        pages = {page.id: page for page in PAGES}
        if info.page in pages and not self.allowed(pages[info.page]):
            return False
        return not info.needs or (self._actor is not None and any(map(self._actor.may, info.needs)))

    def __getitem__(self, action_id: str) -> QAction:
        return self._actions[action_id]

    def __iter__(self) -> Iterator[tuple[ActionInfo, QAction]]:
        return ((self._infos[key], action) for key, action in self._actions.items())

    def connect(self, action_id: str, slot: Callable[[], object]) -> QAction:  # type: ignore[override]
        """Let ``slot`` do the verb; returns its action."""
        action = self._actions[action_id]
        action.triggered.connect(lambda _checked=False: slot())
        action.setEnabled(True)
        return action

    def attach(self, page: str, widget: QWidget) -> None:
        """Give a page its own verbs: their shortcuts work while the page, or a widget in it, has the focus."""
        for info, action in self:
            if info.page == page:
                widget.addAction(action)

    def invoke(self, action_id: str) -> bool:
        """Do a verb from the palette; its page comes to the front first, and may then have enabled it.

        Returns whether it can be done now.
        """
        info = self._infos[action_id]
        if info.page:
            self._go_to(info.page)
        able = self._actions[action_id].isEnabled()
        self._actions[action_id].trigger()
        return able

    def retint(self) -> None:
        """Draw the icons in the palette's new colours."""
        for info, action in self:
            action.setIcon(icon(info.icon))

    def _make(self, info: ActionInfo) -> QAction:
        action = QAction(icon(info.icon), tr(info.text), self)
        action.setObjectName(info.id)
        if info.shortcut:
            action.setShortcut(QKeySequence(info.shortcut))
        if info.page:
            action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            action.setEnabled(False)
        else:
            action.setShortcutContext(Qt.ShortcutContext.WindowShortcut)
            self._window.addAction(action)
        action.setVisible(self.allowed(info))
        self._actions[info.id] = action
        self._infos[info.id] = info
        return action
