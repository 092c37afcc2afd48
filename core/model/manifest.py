"""The manifest beside a model's weights: what it is, where it came from, what it may decide. Imports no torch.

A bundle is a folder with ``model.safetensors`` and ``manifest.json`` (architecture.md section 7). The factory bundle is
trusted by digests in `core.model.trusted`; what signs other bundles is the registry's business.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from core.errors import InputError, sentence
from core.frames import EVERY_MASK, ModalityMask
from core.model.trusted import FACTORY_MANIFEST_SHA256, FACTORY_SHA256

WEIGHTS_FILE = "model.safetensors"
MANIFEST_FILE = "manifest.json"
SCHEMA = 1
FACTORY_BUNDLE = Path(__file__).parent / "factory"
"""The committed factory model."""
MAX_MANIFEST_BYTES = 4_000_000
_MASKS = frozenset(str(mask) for mask in EVERY_MASK)


class Manifest(BaseModel):
    """Everything about a model but its weights. Thresholds are scores of a presentation (pooled), per mask."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    schema_: int = Field(default=SCHEMA, alias="schema")
    name: str = Field(min_length=1, max_length=120)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$", description="of model.safetensors")
    parent: str = Field(default="", description="sha256 of the weights that this model was adapted from")
    architecture: str
    config: dict[str, Any] = Field(default_factory=dict, description="sizes of the architecture")
    code_version: str = ""
    seed: int = 0
    created_utc: str = ""
    data: dict[str, Any] = Field(default_factory=dict, description="what trained it: domains, counts, seeds, digest")
    temperature: dict[str, float] = Field(default_factory=dict, description="per mask; absent = 1")
    thresholds: dict[str, float] = Field(default_factory=dict, description="per mask; absent = never calibrated")
    threshold_source: str = ""
    withheld: list[str] = Field(default_factory=list, description="masks that may refuse, but never accept")
    novelty: dict[str, dict[str, Any]] = Field(default_factory=dict, description="see core.model.novelty")
    figures: dict[str, Any] = Field(default_factory=dict, description="measured rates with trials and bounds")
    golden: dict[str, float] = Field(default_factory=dict, description="mask -> logit of the golden crop")

    @model_validator(mode="after")
    def _check(self) -> Manifest:
        if self.schema_ != SCHEMA:
            raise ValueError(f"the manifest has schema {self.schema_}, this program reads {SCHEMA}")
        for field in (self.temperature, self.thresholds, self.golden, self.withheld):
            if unknown := set(field) - _MASKS:
                raise ValueError(f"{sorted(unknown)[0]!r} is not a modality mask")
        if any(not 0.0 < value < 1.0 for value in self.thresholds.values()):
            raise ValueError("a threshold lies outside 0..1")
        if any(value <= 0.0 for value in self.temperature.values()):
            raise ValueError("a temperature is not positive")
        return self

    def threshold(self, mask: ModalityMask) -> float | None:
        """Threshold of ``mask``; ``None`` = never calibrated."""
        return self.thresholds.get(str(mask))

    def may_accept(self, mask: ModalityMask) -> bool:
        """Whether ``mask`` alone may lead to bona fide."""
        return str(mask) not in self.withheld

    def temperature_of(self, mask: ModalityMask) -> float:
        """Divisor of the raw logit under ``mask``."""
        return self.temperature.get(str(mask), 1.0)

    def to_json(self) -> str:
        """The text of ``manifest.json``."""
        return self.model_dump_json(indent=1, by_alias=True) + "\n"


def read_manifest(bundle: Path) -> Manifest:
    """Read and check the manifest of a bundle.

    Raises:
        InputError: there is none, it is no manifest, or the factory's manifest was changed.
    """
    path = bundle / MANIFEST_FILE
    try:
        if path.stat().st_size > MAX_MANIFEST_BYTES:
            raise InputError(
                sentence("{path} is too large for a manifest.", path=path),
                "Hand in the folder of a model of this program.",
            )
        text = path.read_bytes()
    except OSError as error:
        raise InputError(
            sentence("No model in {path}: {strerror}.", path=bundle, strerror=error.strerror or error),
            sentence(
                "A model is a folder with {weights} and {manifest}.", weights=WEIGHTS_FILE, manifest=MANIFEST_FILE
            ),
        ) from error
    if is_factory(bundle) and hashlib.sha256(text).hexdigest() != FACTORY_MANIFEST_SHA256:
        raise InputError(
            "The manifest of the factory model was changed.", "Restore core/model/factory from the repository."
        )
    try:
        return Manifest.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "manifest"
        raise InputError(
            sentence(
                "{path} is not a model's manifest: {where}: {problem}.", path=path, where=where, problem=first["msg"]
            ),
            "Export the model again.",
        ) from error


def verify_digest(bundle: Path, manifest: Manifest) -> bytes:
    """Read the weights and check their sha256.

    Returns:
        The bytes of ``model.safetensors``, so that what was checked is what is used.

    Raises:
        InputError: unreadable, not the weights that the manifest names, or not the factory's.
    """
    path = bundle / WEIGHTS_FILE
    try:
        weights = path.read_bytes()
    except OSError as error:
        raise InputError(
            sentence("Cannot read {path}: {strerror}.", path=path, strerror=error.strerror or error),
            "Hand in the whole model folder.",
        ) from error
    digest = hashlib.sha256(weights).hexdigest()
    if digest != manifest.sha256:
        raise InputError(
            sentence(
                "{path} is not the file that its manifest names (sha256 {found}..., not {named}...).",
                path=path,
                found=digest[:12],
                named=manifest.sha256[:12],
            ),
            "The file is damaged or was exchanged: copy the model again from where it was made.",
        )
    if is_factory(bundle) and digest != FACTORY_SHA256:
        raise InputError("The factory model was changed.", "Restore core/model/factory from the repository.")
    return weights


def is_factory(bundle: Path) -> bool:
    """Whether ``bundle`` is the folder of the factory model."""
    return bundle.resolve() == FACTORY_BUNDLE.resolve()
