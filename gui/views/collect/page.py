"""The collector's page: a plan, the next take on a card, three keys, and the last take at once."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QTimer, Slot
from PySide6.QtWidgets import (
    QHBoxLayout,
    QHeaderView,
    QVBoxLayout,
    QWidget,
)

from core.codes import RecordMode, SessionPurpose, SourceKind
from core.errors import KnownError
from core.frames import FrameSet, Modality
from core.station.ports import PresentationLabel, SessionOrder
from gui.context import PageContext
from gui.i18n import codes, tr
from gui.models.plan_model import PlanModel
from gui.views.collect.dialogs import ArtefactDialog, SubjectDialog, species_box
from gui.views.collect.meters import Meters
from gui.views.collect.people import People, add_subject, read_people
from gui.views.collect.plan import (
    CONDITIONS,
    DEFAULT_PLAN,
    DISTANCES,
    CollectionPlan,
    Taken,
    count_takes,
    load_plan,
    next_row,
    save_plan,
)
from gui.views.page import Page
from gui.widgets.forms import GAP, Plate, VerbButton, add_row, combo_box, form_layout, heading, quiet, spin_box
from gui.widgets.picture_layouts import BigAndSmall, Strip
from gui.widgets.stream_view import StreamView
from gui.widgets.tables import make_table
from gui.widgets.toast import Level
from storage.catalogue import Catalogue

REFRESH_MS = 250


class CollectPage(Page):
    """Records labelled takes of people and of artefacts."""

    name = "collect"

    def __init__(self, context: PageContext, parent: QWidget | None = None) -> None:
        super().__init__(context, parent)
        self.people = People((), {}, ())
        self.recording = False
        self.last_take = ""
        self._take = ""
        """The take that runs, once it has begun."""
        self._takes = self._words = ""
        """What it shows, in a word and in full: the card may be set to the next one meanwhile."""
        self._number = 0
        """Of the last press of Record: what an earlier one asked for begins no more."""
        self._take_picture: FrameSet | None = None
        self.live = [StreamView(m, self) for m in Modality]
        self.strip = [StreamView(m, self) for m in Modality]
        self.meters = Meters(self)
        self.subject = combo_box(self)
        self.subject.setAccessibleName(tr("Subject"))
        self.consent = quiet("", self)
        self.species = species_box("", self, bona_fide=True)
        self.artefact = combo_box(self)
        self.condition = combo_box(self)
        self.distance = combo_box(self, tr("Distance"))
        self.seconds = spin_box(1, 60, 3, " s", self)
        self.card = heading("", self, 1.5)
        self.card.setWordWrap(True)
        self.progress = quiet("", self)
        self.last = quiet(tr("No take yet."), self)
        self.plan_model = PlanModel(self._load_plan(), self._save_plan)
        self.plan_view = make_table(tr("Plan"), self)
        self._build()
        self._connect()
        self._stop_timer = QTimer(self)
        self._stop_timer.setSingleShot(True)
        self._stop_timer.timeout.connect(self.stop_take)
        self._refresh_timer = QTimer(self)
        self._refresh_timer.setInterval(REFRESH_MS)
        self._refresh_timer.timeout.connect(self.refresh)
        self._refresh_timer.start()

    # --- construction -------------------------------------------------------------------------------------------

    def _build(self) -> None:
        for condition in CONDITIONS:
            self.condition.addItem(tr(condition), condition)
        self.distance.addItems(DISTANCES)
        self.distance.setCurrentIndex(1)
        row = QHBoxLayout()
        row.setSpacing(GAP)
        row.addWidget(self._card_plate())
        right = QVBoxLayout()
        right.setSpacing(GAP)
        right.addWidget(BigAndSmall(self.live[0], self.live[1:], self), 3)
        right.addLayout(self._verbs())
        lower = QHBoxLayout()
        lower.setSpacing(GAP)
        take = Plate(self, 12)
        take.column.addWidget(heading(tr("Last take"), self))
        take.column.addWidget(self.last)
        take.column.addWidget(Strip(self.strip, self, 96), 1)
        lower.addWidget(take, 3)
        figures = Plate(self, 12)
        figures.column.addWidget(heading(tr("Live figures"), self))
        figures.column.addWidget(self.meters)
        figures.column.addStretch(1)
        figures.setMinimumWidth(220)
        lower.addWidget(figures, 1)
        right.addLayout(lower, 2)
        row.addLayout(right, 1)
        self.column.addLayout(row, 1)

    def _card_plate(self) -> QWidget:
        actions = self.context.actions
        plate = Plate(self)
        plate.setFixedWidth(440)
        plate.column.addWidget(quiet(tr("Next presentation"), self))
        plate.column.addWidget(self.card)
        plate.column.addWidget(self.progress)
        form = form_layout()
        add_row(form, tr("S&ubject"), self.subject, VerbButton(actions["new_subject"], self, compact=True))
        form.addRow("", self.consent)
        add_row(form, tr("&Species"), self.species)
        add_row(form, tr("&Artefact"), self.artefact, VerbButton(actions["new_artefact"], self, compact=True))
        add_row(form, tr("&Condition"), self.condition, self.distance)
        add_row(form, tr("&Length"), self.seconds)
        plate.column.addLayout(form)
        plate.column.addWidget(heading(tr("Plan"), self))
        view = self.plan_view
        view.setModel(self.plan_model)
        view.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        view.horizontalHeader().setStretchLastSection(False)
        for chosen in (view.clicked, view.activated):
            chosen.connect(lambda index: self.choose_row(index.row()))
        plate.column.addWidget(view, 1)
        return plate

    def _verbs(self) -> QHBoxLayout:
        actions = self.context.actions
        verbs = QHBoxLayout()
        verbs.setSpacing(10)
        verbs.addWidget(VerbButton(actions["record_take"], self, primary=True, big=True), 2)
        verbs.addWidget(VerbButton(actions["retake"], self, big=True), 1)
        verbs.addWidget(VerbButton(actions["discard_take"], self, big=True), 1)
        return verbs

    def _connect(self) -> None:
        link, actions = self.context.link, self.context.actions
        for view in self.live:
            view.range_m = (self.context.settings.depth_near_m, self.context.settings.depth_far_m)
            link.feed.show_in(view)
        link.health_changed.connect(self.meters.show_health)
        link.source_changed.connect(self._on_source)
        self.subject.currentIndexChanged.connect(self._on_subject)
        self.species.currentIndexChanged.connect(lambda _index: self._on_species())
        actions.connect("record_take", self.toggle_take)
        actions.connect("retake", self.retake)
        actions.connect("discard_take", self.discard)
        actions.connect("new_subject", self.new_subject)
        actions.connect("new_artefact", self.new_artefact)

    def entered(self) -> None:
        """Read who and what is registered."""
        self.setFocus()
        self._reload()

    def left(self) -> None:
        """Finish a running take and close the collection session; the station decides again."""
        link = self.context.link
        if self.recording:
            self.stop_take()
        if link.connected and link.asked.purpose is SessionPurpose.COLLECTION:
            link.end_collection()

    def erased(self) -> None:
        """The last take may be gone: it is shown no longer, and nothing is done to it."""
        self.last_take, self._take_picture = "", None
        self.last.setText(tr("No take yet."))
        for view in self.strip:
            view.clear()
        self._reload()

    # --- people and artefacts -----------------------------------------------------------------------------------

    def _reload(self, choose_subject: str | None = None) -> None:
        wanted = self.current_subject if choose_subject is None else choose_subject
        self.context.tasks.run(
            read_people, lambda people: self._show_people(people, wanted), self.context.show_error, self
        )

    def _show_people(self, people: People, wanted: str) -> None:
        self.people = people
        self.subject.blockSignals(True)
        self.subject.clear()
        self.subject.addItem(tr("nobody (simulated or played)"), "")
        for subject in people.subjects:
            self.subject.addItem(subject, subject)
        self.subject.setCurrentIndex(max(0, self.subject.findData(wanted)))
        self.subject.blockSignals(False)
        self._on_species()
        self._on_subject()

    @property
    def current_subject(self) -> str:
        """Chosen pseudonym; empty = nobody."""
        return str(self.subject.currentData() or "")

    def new_subject(self) -> None:
        """Ask for a pseudonym and the consent record."""
        dialog = SubjectDialog(self)

        def typed() -> Callable[[Catalogue], str]:
            pseudonym, basis = dialog.pseudonym.text().strip(), str(dialog.basis.currentData())
            purposes, reference = dialog.purposes, dialog.reference.text().strip()
            return lambda catalogue: add_subject(catalogue, pseudonym, basis, purposes, reference)

        dialog.ask(self.context.tasks, typed, self._reload, self.context.show_error)

    def new_artefact(self) -> None:
        """Ask for a new row of the register."""
        dialog = ArtefactDialog(str(self.species.currentData()), self)

        def typed() -> Callable[[Catalogue], str]:
            species, name = str(dialog.species.currentData()), dialog.name.text().strip()
            maker, notes = dialog.maker.text().strip(), dialog.notes.text().strip()
            return lambda catalogue: catalogue.artefacts.add(species, name, maker, notes=notes)

        dialog.ask(self.context.tasks, typed, lambda _id: self._reload(), self.context.show_error)

    def _on_species(self) -> None:
        species = str(self.species.currentData())
        chosen = self.artefact.currentData()
        self.artefact.clear()
        self.artefact.addItem(tr("none"), "")
        for artefact in self.people.artefacts:
            if artefact.species == species:
                self.artefact.addItem(artefact.name, artefact.id)
        self.artefact.setCurrentIndex(max(0, self.artefact.findData(chosen)))
        self.artefact.setEnabled(bool(species))
        self.context.actions["new_artefact"].setEnabled(bool(species))

    @Slot()
    def _on_subject(self) -> None:
        subject = self.current_subject
        self.consent.setText(self._consent_text())
        self.context.tasks.run(
            lambda catalogue: count_takes(catalogue, subject), self._show_taken, self.context.show_error, self
        )
        self.refresh()

    def _consent_text(self) -> str:
        if self.people.locked:
            return tr(
                "Stored frames are locked: nothing can be recorded. Unlock them: Keys ({keys}).", keys="Ctrl+Shift+K"
            )
        if self.context.link.source_kind is not SourceKind.LIVE:
            return tr("This source shows nobody: no consent is needed.")
        if not self.current_subject:
            return tr("Choose or add a subject: frames of a person need a consent.")
        reference = self.people.consents.get(self.current_subject)
        if reference is None:
            return tr("No standing consent: nothing can be recorded of this person.")
        return tr("Consent: {reference}", reference=reference)

    @Slot(str)
    def _on_source(self, _source: str) -> None:
        self.recording = False
        self.consent.setText(self._consent_text())
        self.refresh()

    # --- the plan -----------------------------------------------------------------------------------------------

    def _load_plan(self) -> CollectionPlan:
        try:
            return load_plan(self.context.services.data_dir / "plan.json")
        except KnownError as error:
            self.context.show_error(error)
            return DEFAULT_PLAN

    def _save_plan(self, plan: CollectionPlan) -> None:
        try:
            save_plan(plan, self.context.services.data_dir / "plan.json")
        except KnownError as error:
            self.context.show_error(error)
        self._choose_next()

    def _show_taken(self, taken: Taken) -> None:
        self.plan_model.set_taken(taken)
        self._choose_next()

    def _choose_next(self) -> None:
        row = next_row(self.plan_model.plan.rows, self.plan_model.taken)
        if row is None:
            self.progress.setText(tr("The plan is complete for this subject."))
        elif not self.recording:
            self.choose_row(row)
        self.refresh()

    def choose_row(self, index: int) -> None:
        """Set the card to a row of the plan."""
        row = self.plan_model.row(index)
        self.plan_view.selectRow(index)
        self.species.setCurrentIndex(max(0, self.species.findData(row.species)))
        self.condition.setCurrentIndex(max(0, self.condition.findData(row.condition)))
        self.distance.setCurrentText(row.distance)
        taken = self.plan_model.taken.get((row.species, row.tag), 0)
        self.progress.setText(tr("{taken} of {wanted} taken", taken=taken, wanted=row.quota))
        self.refresh()

    # --- takes --------------------------------------------------------------------------------------------------

    @property
    def allowed(self) -> bool:
        """Whether frames may be recorded now: a source, and for a live one a standing consent."""
        link = self.context.link
        if not link.connected or link.source_kind is None or self.people.locked:
            return False
        return link.source_kind is not SourceKind.LIVE or self.current_subject in self.people.consents

    def toggle_take(self) -> None:
        """Record, or stop."""
        if self.recording:
            self.stop_take()
        elif self.allowed:
            self.start_take()

    def start_take(self) -> None:
        """Begin a take; the collection session of this subject is opened first, if it is not."""
        link, subject = self.context.link, self.current_subject
        label = PresentationLabel(
            species=str(self.species.currentData()),
            subject=subject,
            artefact=str(self.artefact.currentData() or ""),
            condition=f"{self.condition.currentData()}, {self.distance.currentText()}",
        )

        self._takes = codes.species(label.species or "")
        self._words = f"{self._takes}, {self.condition.currentText()}, {self.distance.currentText()}"
        self._number += 1
        number = self._number

        def begin(_session: str = "") -> None:
            if self.recording and number == self._number:  # it may have been stopped meanwhile
                link.order(lambda station: station.begin_presentation(label), self._on_begun, failed, self)

        def failed() -> None:
            if number == self._number:
                self._stop_timer.stop()
                self.recording = False
                self.refresh()

        self.recording, self._take = True, ""
        in_use = link.order_in_use
        if in_use.purpose is SessionPurpose.COLLECTION and in_use.subject == subject and link.session:
            begin()
        else:
            order = SessionOrder(SessionPurpose.COLLECTION, RecordMode.FRAMES, subject)
            link.open_session(order, begin, failed, self)
        self.refresh()

    def _on_begun(self, presentation: str) -> None:
        self._take = presentation
        if self.recording:  # it may have been stopped meanwhile
            self._stop_timer.start(self.seconds.value() * 1000)

    @Slot()
    def stop_take(self) -> None:
        """End the take and show its last frame set in three modalities."""
        self._stop_timer.stop()
        self.recording = False
        self._take_picture = self.context.link.feed.newest
        self.context.link.order(
            lambda station: station.end_presentation(), lambda _nothing: self._on_taken(), owner=self
        )
        self.refresh()

    def _on_taken(self) -> None:
        if not self._take:
            return  # it was stopped before it began
        self.last_take, self._take = self._take, ""
        self.last.setText(self._words)
        if self._take_picture is not None:
            for view in self.strip:
                view.set_source_kind(self.context.link.source_kind, self.context.link.shadow)
                view.show_still(self._take_picture)
        self._on_subject()

    def retake(self) -> None:
        """Discard the last take and record it again."""
        if self.last_take and not self.recording:
            self.discard()
            self.start_take()

    def discard(self) -> None:
        """Mark the last take as not to be used."""
        take = self.last_take
        if not take or self.recording:
            return
        self.last_take = ""

        def discarded(_nothing: None) -> None:
            self.last.setText(tr("The last take was discarded."))
            for view in self.strip:
                view.clear()
            self.context.notify(tr("The last take was discarded."), "", Level.INFO)
            self._on_subject()

        self.context.link.order(lambda station: station.discard_presentation(take), discarded, owner=self)
        self.refresh()

    # --- state --------------------------------------------------------------------------------------------------

    @Slot()
    def refresh(self) -> None:
        """Card, figures and verbs follow what is known."""
        link, actions = self.context.link, self.context.actions
        for view in self.live:
            view.set_source_kind(link.source_kind, link.shadow)
        if self.isVisible():
            self.meters.show_set(link.feed.newest)
        record = actions["record_take"]
        record.setText(tr("Stop") if self.recording else tr("Record"))
        record.setEnabled(self.recording or self.allowed)
        actions["retake"].setEnabled(bool(self.last_take) and not self.recording and self.allowed)
        actions["discard_take"].setEnabled(bool(self.last_take) and not self.recording)
        next_one = codes.species(str(self.species.currentData()))
        self.card.setText(tr("Recording: {what}", what=self._takes) if self.recording else next_one)
