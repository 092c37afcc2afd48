"""The camera: which one, how it is, how it is set, and SDK files to play and to record."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QHBoxLayout, QScrollArea, QVBoxLayout, QWidget
from shiboken6 import isValid

from core.errors import KnownError
from core.frames import Modality
from core.messages import CameraHealth
from gui.command import Command
from gui.context import PageContext
from gui.i18n import codes, tr, tr_count
from gui.i18n.errors import told
from gui.source_check import require_source
from gui.views.devices.commissioning import CommissioningPlate
from gui.views.devices.options_form import OptionsForm
from gui.views.devices.source_form import SourceForm
from gui.views.devices.stream_table import StreamTable
from gui.views.page import Page
from gui.views.qualify.dialog import QualifyDialog
from gui.widgets.facts import Facts
from gui.widgets.forms import GAP, Plate, VerbButton, heading, quiet
from gui.widgets.picture_layouts import Strip
from gui.widgets.save_dialog import ask_where
from gui.widgets.stream_view import StreamView
from gui.widgets.toast import Level

RECORD_S = 10


class DevicesPage(Page):
    """Identity, health, settings, source and SDK files of the camera."""

    name = "devices"

    def __init__(self, context: PageContext, parent: QWidget | None = None) -> None:
        super().__init__(context, parent)
        self.source_form = SourceForm(self)
        self.options_form = OptionsForm(self)
        self.facts = Facts(self)
        self.streams = StreamTable(self)
        self.views = [StreamView(m, self) for m in Modality]
        self.state = heading(tr("No camera"), self, 1.5)
        self.problem = quiet("", self)
        self.wizard: QualifyDialog | None = None
        self.commissioning = CommissioningPlate(context, self)
        self._recording: Command | None = None
        self._build()
        self._connect()
        self._refresh()

    def _build(self) -> None:
        actions = self.context.actions
        left = QVBoxLayout()
        left.setSpacing(GAP)
        source = Plate(self)
        source.column.addWidget(heading(tr("Source"), self))
        source.column.addWidget(self.source_form)
        verbs = QHBoxLayout()
        verbs.addWidget(VerbButton(actions["connect_source"], self, primary=True), 1)
        source.column.addLayout(verbs)
        source.column.addWidget(VerbButton(actions["open_recording"], self))
        source.column.addWidget(VerbButton(actions["record_file"], self))
        left.addWidget(source)
        settings = Plate(self)
        settings.column.addWidget(heading(tr("Camera settings"), self))
        settings.column.addWidget(self.options_form)
        settings.column.addWidget(VerbButton(actions["apply_options"], self))
        left.addWidget(settings)
        left.addStretch(1)
        holder = QWidget(self)
        holder.setLayout(left)
        left.setContentsMargins(0, 0, GAP, 0)
        scroll = QScrollArea(self)
        scroll.setWidget(holder)
        scroll.setWidgetResizable(True)
        scroll.setFixedWidth(344)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.viewport().setAutoFillBackground(False)
        holder.setAutoFillBackground(False)
        right = QVBoxLayout()
        right.setSpacing(GAP)
        right.addWidget(self.state)
        right.addWidget(self.problem)
        right.addWidget(Strip(self.views, self, 150), 1)
        right.addWidget(self.streams)
        identity = Plate(self)
        identity.column.addWidget(heading(tr("Identity and health"), self))
        identity.column.addWidget(self.facts)
        identity.column.addWidget(VerbButton(actions["support_report"], self))
        row = QHBoxLayout()
        row.addWidget(VerbButton(actions["qualify"], self), 1)
        row.addWidget(VerbButton(actions["site_policy"], self), 1)
        identity.column.addLayout(row)
        right.addWidget(identity)
        right.addWidget(self.commissioning)
        row = QHBoxLayout()
        row.setSpacing(GAP)
        row.addWidget(scroll)
        row.addLayout(right, 1)
        self.column.addLayout(row, 1)

    def _connect(self) -> None:
        link, actions = self.context.link, self.context.actions
        for view in self.views:
            view.range_m = (self.context.settings.depth_near_m, self.context.settings.depth_far_m)
            link.feed.show_in(view)
        link.health_changed.connect(self._on_health)
        link.source_changed.connect(self._refresh)
        link.problem.connect(self._refresh)
        actions.connect("connect_source", self.connect_source)
        actions.connect("open_recording", self.open_recording)
        actions.connect("record_file", self.record_file)
        actions.connect("apply_options", self.apply_options)
        actions.connect("qualify", self.qualify)
        self.source_form.show_source(link.source)

    # --- verbs --------------------------------------------------------------------------------------------------

    def connect_source(self) -> None:
        """Use the source of the form from now on; one that cannot be one is refused."""
        source = self.source_form.source()
        if not source:
            self.context.notify(tr("No file is chosen."), tr("Choose a file first."), Level.WARNING)
            return
        try:
            require_source(source)
        except KnownError as error:  # the camera that runs goes on
            self.context.show_error(error)
            return
        self.context.settings.source = source
        self.context.link.connect_source(source)

    def open_recording(self) -> None:
        """Choose a recording and play it."""
        self.source_form.kind.setCurrentIndex(self.source_form.kind.findData("file"))
        dialog = self.source_form.file.browse()
        dialog.fileSelected.connect(lambda _path: self.connect_source())

    def record_file(self) -> None:
        """Record the source of the form into an SDK file, with a process of its own."""
        if self._recording is not None:
            self._recording.stop()
            return
        ask_where(self, tr("Record SDK file"), "", "*.db3", self.record_to)

    def record_to(self, path: str) -> None:
        """The station lets go of the camera while the recorder has it."""
        link = self.context.link
        source = link.source
        link.disconnect_source()

        def ended() -> None:
            if isValid(self):
                self._recording = None
            if not link.busy:  # somebody may have chosen another source meanwhile
                link.connect_source(source)

        # It belongs to the link: the window may be renewed meanwhile (log-out, language), and the camera comes back.
        self._recording = Command(
            self.context.services.command(["record", "--source", source, "--out", path, "--seconds", str(RECORD_S)]),
            lambda _output: self._if_here(self.context.notify, tr("Recorded: {path}", path=path)),
            lambda error: self._if_here(self.context.show_error, error),
            link,
        )
        self._recording.ended.connect(ended)
        self.state.setText(tr("Recording {n} seconds into a file", n=RECORD_S))

    def _if_here(self, tell: Callable[..., object], *what: object) -> None:
        """Whoever asked for the recording may have gone, and the page with them."""
        if isValid(self):
            tell(*what)

    def apply_options(self) -> None:
        """Send the settings to the camera; they are stored with the session."""
        observation = self.context.link.observation
        options = self.options_form.options(observation.box if observation is not None else None)
        self.context.link.order(
            lambda station: station.set_options(options),
            lambda _nothing: self.context.notify(
                tr("The settings were sent to the camera."), tr("What it does not support it leaves alone."), Level.INFO
            ),
            owner=self,
        )

    def qualify(self) -> None:
        """Open the wizard for the camera that is connected."""
        self.wizard = QualifyDialog(self.context, self)
        self.wizard.open()

    # --- state --------------------------------------------------------------------------------------------------

    @Slot()
    def _refresh(self) -> None:
        link = self.context.link
        for view in self.views:
            view.set_source_kind(link.source_kind, link.shadow)
        if link.failure is not None:
            self.state.setText(tr("The camera could not be opened"))
            self.problem.setText(f"{told(link.failure.what)} {told(link.failure.remedy)}".strip())
        elif link.health is None:
            self.state.setText(tr("Opening the camera"))
            self.problem.setText(link.source)
        if link.health is None:  # what is shown is of another camera
            self.facts.clear()
            self.streams.show_health(None)
        self.problem.setVisible(bool(self.problem.text()))
        actions = self.context.actions
        actions["apply_options"].setEnabled(link.connected)
        if link.health is not None and link.failure is None:
            self._on_health(link.health)

    @Slot(object)
    def _on_health(self, health: CameraHealth) -> None:
        device, facts = health.device, self.facts
        self.state.setText(codes.connection(health.state))
        self.problem.setText(told(health.problem))
        self.problem.setVisible(bool(health.problem))
        for view in self.views:
            view.set_source_kind(health.source_kind, self.context.link.shadow)
        facts.set(tr("Camera"), " ".join(part for part in (device.name, device.product_id) if part))
        facts.set(tr("Kind"), codes.source(health.source_kind))
        facts.set(tr("Serial number"), device.serial)
        facts.set(tr("Firmware"), device.firmware)
        facts.set(tr("USB"), _usb(device.usb, device.port))
        facts.set(tr("Temperature"), f"{health.temperature_c:.1f} °C" if health.temperature_c is not None else "")
        skew = health.skew_ms
        facts.set(
            tr("Skew within a set"),
            tr(
                "{p50:.1f} ms median, {p95:.1f} ms p95, {top:.1f} ms largest",
                p50=skew["p50"],
                p95=skew["p95"],
                top=skew["max"],
            )
            if {"p50", "p95", "max"} <= set(skew)
            else "",
        )
        facts.set(tr("Frame sets"), tr_count(health.sets, "{n} set", "{n} sets"))
        facts.set(
            tr("Dropped"),
            tr(
                "{capture} by the capture, {recorder} by the recorder",
                capture=health.dropped_capture,
                recorder=health.dropped_recorder,
            ),
        )
        facts.set(tr("Sensors in use"), codes.mask(health.mask))
        self.streams.show_health(health)
        self.context.actions["apply_options"].setEnabled(self.context.link.connected)


def _usb(usb: str, port: str) -> str:
    if usb.startswith("2"):
        usb = tr("{speed} (slow: use a USB 3 port and cable)", speed=usb)
    return "  ".join(part for part in (usb, port) if part)
