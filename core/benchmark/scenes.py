"""The scenes that a study runs on: the frozen domains, a further one from a file, and what identifies them."""

from __future__ import annotations

import hashlib
from pathlib import Path

from core.benchmark import tables
from core.benchmark.tables import table_piece
from core.scenes import frozen
from core.scenes.domain import Domain, load_domain
from core.scenes.frozen.identity import code_text, renderer_digest


def frozen_domains() -> dict[str, Domain]:
    """The frozen domains by name, in their order."""
    return dict(frozen.domains())


def joint_domain() -> Domain:
    """The domain whose species only modalities together tell."""
    return frozen.joint_domain()


def further_domain(path: Path | None) -> Domain | None:
    """The domain of a file.

    Raises:
        InputError: the file cannot be read or holds something else.
    """
    return None if path is None else load_domain(path)


def recipe_digest() -> str:
    """Digest of what turns a domain into tables: the renderer, and which presentations a split has.

    The domains are not in it: the pieces of a domain carry the domain's own digest.
    """
    recipe = code_text(Path(tables.__file__).read_text(encoding="utf-8"))
    return hashlib.sha256(f"{renderer_digest()}\n{recipe}".encode()).hexdigest()


def identity(further: Domain | None) -> dict[str, object]:
    """What stands in every result: name and digest of the frozen scenes, and the further domain."""
    told: dict[str, object] = {
        "name": frozen.NAME,
        "digest": frozen.digest(),
        "frozen": frozen.is_frozen(),
        "domains": list(frozen.DOMAIN_NAMES),
    }
    if further is not None:
        told["unseen_domain"] = {"name": further.name, "digest": table_piece(further, "").split("-")[-2]}
    return told
