"""Which camera this is, against the one that a technician has accepted: every difference, and the verb to accept it."""

from __future__ import annotations

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QLabel, QWidget

from core.access import Permission
from core.camera_identity import CameraIdentity, IdentityChange
from core.codes import SourceKind
from gui.context import PageContext
from gui.i18n import tr
from gui.widgets.ask import ask_reason
from gui.widgets.facts import Facts
from gui.widgets.forms import Plate, VerbButton, heading, quiet
from gui.widgets.toast import Level
from storage.catalogue import Catalogue
from storage.commissioning import accept_camera
from storage.repositories.cameras import Commissioning

_SHORT = 16
"""Characters of a digest that tell two of them apart on a screen."""


class CommissioningPlate(Plate):
    """Shown for a live camera only: nothing else needs to be accepted."""

    def __init__(self, context: PageContext, parent: QWidget) -> None:
        super().__init__(parent)
        self._context = context
        self._found: Commissioning | None = None
        self.state = QLabel(self)
        self.state.setWordWrap(True)
        self.state.setAccessibleName(tr("Commissioning"))
        self.differences = Facts(self)
        self._button = VerbButton(context.actions["accept_camera"], self, primary=True)
        self.column.addWidget(heading(tr("Commissioning"), self))
        self.column.addWidget(self.state)
        self.column.addWidget(self.differences)
        self.column.addWidget(
            quiet(tr("A camera that is new here, or has changed, decides nothing until a technician accepts it."), self)
        )
        self.column.addWidget(self._button)
        link = context.link
        link.standing_changed.connect(self.refresh)
        link.source_changed.connect(self.refresh)
        context.actions.connect("accept_camera", self.accept)
        self.refresh()

    @Slot()
    def refresh(self, *_: object) -> None:
        """Read what is known of the camera in use."""
        link = self._context.link
        live = link.source_kind is SourceKind.LIVE and link.health is not None and bool(link.health.profiles)
        self.setVisible(live)
        self._context.actions["accept_camera"].setEnabled(False)
        if not live or link.health is None:
            self._found = None
            return
        serial = link.health.device.serial
        self._context.tasks.run(lambda catalogue: _read(catalogue, serial), self._show, owner=self)

    def accept(self) -> None:
        """A technician accepts the camera as it is shown, with a reason."""
        found = self._found
        if found is None or found.accepted:
            return
        changed = ", ".join(field_name(change.field) for change in found.changes)
        ask_reason(
            self,
            tr("Accept this camera"),
            tr("From now on its verdicts are taken. Different: {fields}. Your reason is stored.", fields=changed),
            lambda _value, reason: self._accept(found.seen, reason),
        )

    def _accept(self, seen: CameraIdentity, reason: str) -> None:
        self._context.tasks.run(
            lambda catalogue: accept_camera(catalogue, seen, reason),
            self._accepted,
            self._context.show_error,
            self,
        )

    def _accepted(self, found: Commissioning) -> None:
        self._show((found, True))
        self._context.notify(tr("The camera is accepted."), tr("The acceptance stands in the audit."), Level.INFO)

    def _show(self, read: tuple[Commissioning | None, bool]) -> None:
        found, allowed = read
        self._found = found
        if found is None:
            self.state.setText(tr("Asking the camera who it is"))
            return
        if found.accepted:
            self.state.setText(tr("Accepted by {who}: {reason}", who=found.accepted_by, reason=found.reason))
        elif found.pinned is None:
            self.state.setText(tr("This camera was never accepted here. It decides nothing."))
        else:
            self.state.setText(tr("This camera has changed since it was accepted. It decides nothing."))
        self.differences.clear()
        for change in found.changes:
            self.differences.set(field_name(change.field), _difference(change))
        self._button.setVisible(allowed and not found.accepted)
        self._context.actions["accept_camera"].setEnabled(allowed and not found.accepted)


def field_name(field: str) -> str:
    """A field of `core.camera_identity.CameraIdentity` in words."""
    names = {
        "name": tr("Camera"),
        "serial": tr("Serial number"),
        "asic_serial": tr("Chip's serial number"),
        "firmware": tr("Firmware"),
        "product_id": tr("Product"),
        "port": tr("Port"),
        "calibration": tr("Factory calibration"),
        "streams": tr("Streams"),
    }
    return names[field]


def _difference(change: IdentityChange) -> str:
    before, after = (text[:_SHORT] if change.field == "calibration" else text for text in (change.before, change.after))
    if not before:
        return after
    return tr("{before}  →  {after}", before=before, after=after or "–")


def _read(catalogue: Catalogue, serial: str) -> tuple[Commissioning | None, bool]:
    found = {camera.serial: camera for camera in catalogue.cameras.all()}.get(serial)
    return found, catalogue.actor.may(Permission.COMMISSION)
