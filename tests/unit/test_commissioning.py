"""Commissioning: a live camera decides nothing before a technician has accepted it, and not after it has changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from core.access import Actor, DeniedError, Role
from core.camera_identity import CameraIdentity
from core.codes import ConnectionState, SourceKind
from core.errors import InputError, UsageError
from core.frames import ALL_MODALITIES, Modality
from core.messages import CameraHealth, DeviceInfo
from core.scenes.sensors import SENSORS
from storage.catalogue import Catalogue, open_catalogue
from storage.commissioning import accept_camera, choose
from storage.registry import ModelRegistry
from storage.station_ledger import CatalogueLedger

PROFILES = SENSORS["d435"].profiles
DEVICE = DeviceInfo("Intel RealSense D435", "841512070000", "5.15.1", "3.2", "2-1-4", "0B07", "848312070001")
CAMERA = CameraIdentity.of(DEVICE, PROFILES)


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[Catalogue]:
    with open_catalogue(tmp_path / "data") as opened:
        yield opened


def standing(catalogue: Catalogue, device: DeviceInfo = DEVICE, kind: SourceKind = SourceKind.LIVE) -> bool:
    health = CameraHealth(ConnectionState.STREAMING, ALL_MODALITIES, kind, device, profiles=PROFILES)
    return CatalogueLedger(catalogue, ModelRegistry(catalogue)).standing(kind, health, "").commissioned


def test_a_new_camera_decides_nothing_until_it_is_accepted_with_a_reason(catalogue: Catalogue) -> None:
    assert not standing(catalogue)
    with pytest.raises(InputError, match="only with a reason"):
        accept_camera(catalogue, CAMERA, "  ")
    assert not standing(catalogue)
    assert accept_camera(catalogue, CAMERA, "new at gate 4, seal 118").accepted
    assert standing(catalogue)
    (entry,) = [e for e in catalogue.audit.of("camera", CAMERA.fingerprint) if e.action == "commission"]
    assert (entry.reason, entry.details["before"]) == ("new at gate 4, seal 118", "")
    assert DEVICE.serial not in entry.object, "the audit names the camera by its fingerprint"


@pytest.mark.parametrize("field", ["firmware", "port", "asic_serial", "product_id"])
def test_a_camera_that_changed_decides_nothing_and_the_change_is_named(catalogue: Catalogue, field: str) -> None:
    accept_camera(catalogue, CAMERA, "new")
    assert not standing(catalogue, replace(DEVICE, **{field: "other"}))
    found = catalogue.cameras.get(DEVICE.serial)
    assert [(change.field, change.after) for change in found.changes] == [(field, "other")]
    differs = [e for e in catalogue.audit.entries() if e.action == "camera_differs"]
    assert [e.details["fields"] for e in differs] == [[field]]
    assert standing(catalogue), "the camera as it was accepted may go on"


def test_another_camera_is_another(catalogue: Catalogue) -> None:
    accept_camera(catalogue, CAMERA, "new")
    assert not standing(catalogue, replace(DEVICE, serial="999"))
    assert standing(catalogue)
    assert [camera.accepted for camera in catalogue.cameras.all()] == [True, False]
    with pytest.raises(UsageError, match="Several"):
        choose(catalogue.cameras.all())


def test_looking_often_writes_once(catalogue: Catalogue) -> None:
    standing(catalogue)
    catalogue.changes()
    before = len(catalogue.audit.entries())
    for _ in range(5):
        standing(catalogue)
    assert len(catalogue.audit.entries()) == before


def test_only_a_technician_accepts_and_only_what_was_shown(catalogue: Catalogue) -> None:
    catalogue.actor = Actor.of("anna", [Role.OPERATOR])
    with pytest.raises(DeniedError, match="technician"):
        accept_camera(catalogue, CAMERA, "mine")
    catalogue.actor = Actor.of("theo", [Role.TECHNICIAN])
    standing(catalogue, replace(DEVICE, firmware="6.0"))
    with pytest.raises(InputError, match="changed again"):
        accept_camera(catalogue, CAMERA, "as shown before")
    assert not standing(catalogue)


def test_a_changed_lens_is_a_changed_camera(catalogue: Catalogue) -> None:
    accept_camera(catalogue, CAMERA, "new")
    lens = PROFILES[Modality.DEPTH].intrinsics
    assert lens is not None
    profiles = {**PROFILES, Modality.DEPTH: replace(PROFILES[Modality.DEPTH], intrinsics=replace(lens, cx=333.0))}
    found = catalogue.cameras.see(CameraIdentity.of(DEVICE, profiles))
    assert [change.field for change in found.changes] == ["calibration"]


@pytest.mark.parametrize("kind", [SourceKind.SIMULATED, SourceKind.SCRIPTED, SourceKind.PLAYBACK])
def test_what_is_not_live_needs_nobody(catalogue: Catalogue, kind: SourceKind) -> None:
    assert standing(catalogue, DeviceInfo("Simulated D435", "simulated"), kind)
    assert catalogue.cameras.all() == []
