"""What a command opens: the data folder of its options, the catalogue as whoever acts, and its models.

The models' code, which brings torch, is imported only where a model is loaded.
"""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from core.access import Permission
from core.codes import ModelRole
from core.model.manifest import FACTORY_BUNDLE
from core.model.trusted import FACTORY_SHA256
from core.terminal import read_secret
from storage.catalogue import Catalogue, open_catalogue
from storage.paths import DataFolder, data_folder
from storage.people_commands import log_in
from storage.registry import ModelRegistry
from storage.vault import SiteAccess

if TYPE_CHECKING:
    from core.ports import Scorer


def folder_of(options: Namespace) -> DataFolder:
    """The data folder that the options mean; it need not exist."""
    return data_folder(getattr(options, "data", None))


@contextmanager
def opened(options: Namespace) -> Iterator[tuple[Catalogue, ModelRegistry]]:
    """The catalogue and its models, for a short command of the account that the options name.

    Raises:
        KnownError: the folder cannot be used, its key is locked, or the log-in failed.
    """
    with open_catalogue(folder_of(options), access=site_access(options)) as catalogue:
        log_in(catalogue, options)
        yield catalogue, models_of(catalogue)


def require(options: Namespace, permission: Permission) -> None:
    """Go on only if the account that the options name holds ``permission``. Errors as `opened`, and `DeniedError`."""
    with opened(options) as (catalogue, _):
        catalogue.require(permission)


def site_access(options: Namespace, prompt: bool = True) -> SiteAccess:
    """How this process comes by the site key: the passphrase from a descriptor, else from a person at the terminal."""
    handed = getattr(options, "site_key_fd", None)
    if handed is not None:
        return SiteAccess.from_descriptor(handed)
    descriptor = getattr(options, "passphrase_fd", None)
    if descriptor is None and not (prompt and sys.stdin is not None and sys.stdin.isatty()):
        return SiteAccess()
    return SiteAccess(lambda: read_secret("Passphrase of this site: ", descriptor))


def models_of(catalogue: Catalogue) -> ModelRegistry:
    """The models of a data folder; the factory model is always among them."""
    registry = ModelRegistry(catalogue)
    registry.install_factory(FACTORY_BUNDLE, FACTORY_SHA256)
    return registry


def deployed_model(folder: DataFolder) -> Path:
    """The champion's bundle, for which nobody has to log in; before the first start it is the factory's."""
    if not folder.catalogue.is_file():
        return FACTORY_BUNDLE
    with open_catalogue(folder) as catalogue:
        return Path(ModelRegistry(catalogue).resolve(ModelRole.CHAMPION).path)


def load_model(reference: str, registry: ModelRegistry) -> Scorer:
    """A model by name, alias, digest or path, or the relief baseline ``builtin:sheet``.

    Raises:
        InputError: there is no such model, or its files are not those of its manifest.
    """
    from core.model.baseline import SHEET_NAME, SheetScorer
    from core.model.bundle import load_scorer

    if reference == SHEET_NAME:
        return SheetScorer()
    return load_scorer(bundle_of(reference, registry))


def bundle_of(reference: str, registry: ModelRegistry) -> Path:
    """Where the bundle of a model lies, by path, name, alias or digest."""
    named = Path(reference)
    return named if named.is_dir() else Path(registry.resolve(reference).path)
