"""Roles and permissions: least privilege, and a denial that is logged."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.access import LOCAL, NEEDS_SECOND_PERSON, NOBODY, Actor, DeniedError, Permission, Role
from storage.catalogue import open_catalogue


def test_every_permission_is_held_by_somebody_and_none_by_nobody() -> None:
    assert all(LOCAL.may(permission) for permission in Permission)
    assert not any(NOBODY.may(permission) for permission in Permission)


def test_no_single_role_may_do_everything() -> None:
    for role in Role:
        assert not all(Actor.of("a", [role]).may(permission) for permission in Permission)


def test_whoever_needs_a_second_person_finds_one() -> None:
    # Retention and keys are the administrators' own: two of them.
    for permission in NEEDS_SECOND_PERSON:
        assert any(Actor.of("a", [role]).may(permission) for role in Role)


def test_a_denial_names_the_role_and_stands_in_the_audit_log(tmp_path: Path) -> None:
    with open_catalogue(tmp_path) as catalogue:
        catalogue.actor = Actor.of("anna", [Role.OPERATOR])
        with pytest.raises(DeniedError, match="administrator"):
            catalogue.require(Permission.ERASE)
        entry = catalogue.audit.entries(limit=1)[0]
    assert (entry.actor, entry.action, entry.object) == ("anna", "denied", "erase")
