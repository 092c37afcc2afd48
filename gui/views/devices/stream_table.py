"""One row per stream: size, rate, counters, age."""

from __future__ import annotations

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from core.frames import MODALITIES, Modality
from core.messages import CameraHealth, StreamHealth
from gui.i18n import codes, tr

Index = QModelIndex | QPersistentModelIndex


class StreamModel(QAbstractTableModel):
    """The counters of `CameraHealth`."""

    def __init__(self) -> None:
        super().__init__()
        self._health: CameraHealth | None = None

    def show(self, health: CameraHealth | None) -> None:
        """New counters; ``None``: of a camera that is not known yet."""
        self._health = health
        self.dataChanged.emit(self.index(0, 0), self.index(self.rowCount() - 1, self.columnCount() - 1))

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        """Three streams, always."""
        return 0 if parent.isValid() else len(MODALITIES)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        """See `headerData`."""
        return 0 if parent.isValid() else 8

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Names of the columns."""
        if role != Qt.ItemDataRole.DisplayRole or orientation != Qt.Orientation.Horizontal:
            return None
        names = (
            tr("Stream"),
            tr("State"),
            tr("Size"),
            tr("Rate"),
            tr("Frames"),
            tr("Duplicates"),
            tr("Rejected"),
            tr("Age"),
        )
        return names[section]

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """A cell."""
        if not index.isValid() or role != Qt.ItemDataRole.DisplayRole:
            return None
        return self._cells(MODALITIES[index.row()])[index.column()]

    def _cells(self, modality: Modality) -> tuple[str, ...]:
        name = codes.modality(modality)
        if self._health is None or modality not in self._health.streams:
            return (name, tr("absent"), "", "", "", "", "", "")
        stream: StreamHealth = self._health.streams[modality]
        profile = self._health.profiles.get(modality)
        return (
            name,
            tr("in use") if modality in self._health.mask else tr("missing"),
            f"{profile.width} × {profile.height}" if profile is not None else "",
            f"{stream.fps_hz:.1f} Hz",
            str(stream.frames),
            str(stream.duplicates),
            str(stream.rejected),
            f"{stream.last_age_ms:.0f} ms",
        )


class StreamTable(QTableView):
    """Shows a `StreamModel`."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.rows = StreamModel()
        self.setModel(self.rows)
        self.verticalHeader().hide()
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.verticalHeader().setDefaultSectionSize(32)
        self.setFixedHeight(32 * 3 + 38)
        self.setAccessibleName(tr("Streams of the camera"))

    def show_health(self, health: CameraHealth | None) -> None:
        """See `StreamModel.show`."""
        self.rows.show(health)
