"""What the dialog of the keys shows, read in one go on the background thread."""

from __future__ import annotations

from dataclasses import dataclass

from core.access import Permission
from core.codes import SiteKeyMethod
from storage.approved import left_to
from storage.catalogue import Catalogue
from storage.key_care import PROTECT, ROTATE, KeyStatus, key_status, method_of
from storage.repositories.proposals import Proposal


@dataclass(frozen=True, slots=True)
class KeysView:
    """``second``: a change needs a second person. ``approved``: the change that whoever is here may make now.

    ``method``: how the key is kept after it.
    """

    status: KeyStatus
    second: bool
    approved: Proposal | None
    method: SiteKeyMethod


def read_keys(catalogue: Catalogue) -> KeysView:
    """Read it; asks nobody for a passphrase."""
    mine = left_to(catalogue) if catalogue.accounts.exist() else []
    approved = next((one for one in mine if one.action in (PROTECT, ROTATE)), None)
    method = SiteKeyMethod.PASSPHRASE
    if approved is not None:
        method = SiteKeyMethod(approved.arguments.get("method", method_of(catalogue)))
    return KeysView(key_status(catalogue), catalogue.proposals.needed(Permission.KEYS), approved, method)
