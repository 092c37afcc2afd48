"""The station: one camera, one model, one ledger. The window and `run` drive the same object."""

from core.station.ports import CaptureLink, SessionOrder, StationLedger
from core.station.station import Station

__all__ = ["CaptureLink", "SessionOrder", "Station", "StationLedger"]
