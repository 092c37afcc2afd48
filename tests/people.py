"""Accounts for tests: real ones, sealed at the lowest cost."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.access import Role
from core.clock import Clock
from core.passphrase import Cost
from storage.catalogue import Catalogue, open_catalogue
from storage.site_key import Argon2

CHEAP = Cost(memory_kib=8, iterations=1, lanes=1)
PASSPHRASE = "seven small grey stones"
PEOPLE = {
    "ada": (Role.ADMINISTRATOR,),
    "bea": (Role.ADMINISTRATOR,),
    "olga": (Role.OPERATOR,),
    "carl": (Role.COLLECTOR,),
    "tim": (Role.TECHNICIAN,),
    "tom": (Role.TECHNICIAN,),
}


def cheap_catalogue(folder: Path, clock: Clock | None = None) -> Catalogue:
    """A catalogue whose secrets cost next to nothing."""
    catalogue = open_catalogue(folder, clock)
    catalogue.credentials.cost = CHEAP
    return catalogue


def cheap_site_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pass-phrase of the site key costs a tenth of a second and 64 MiB on purpose; not in every test."""
    monkeypatch.setattr("storage.site_key.Argon2", lambda *given: Argon2(*given) if given else Argon2(1, 1, 64))


def add_people(catalogue: Catalogue, *names: str) -> str:
    """These people of `PEOPLE` (all by default), the first an administrator; returns the recovery code."""
    code = ""
    for name in names or tuple(PEOPLE):
        code = catalogue.accounts.add(name, PEOPLE[name], PASSPHRASE) or code
        if name == (names or tuple(PEOPLE))[0]:
            catalogue.log_ins.log_in(name, PASSPHRASE)
    catalogue.actor = None
    return code
