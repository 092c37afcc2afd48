"""Words of the steps of an erasure, of what has to go and why, and of where the site key is kept."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from core.codes import ErasureStep, SiteKeyMethod
from gui.i18n.translator import tr, tr_count
from storage.erasure.inventory import TargetKind
from storage.retention import Ground

_STEP: Mapping[StrEnum, str] = {
    ErasureStep.STOP: "stopping adaptation jobs that use the frames",
    ErasureStep.KEYS: "destroying the keys",
    ErasureStep.FRAMES: "removing the frames",
    ErasureStep.DERIVED: "removing what was computed from them",
    ErasureStep.LINEAGE: "flagging models that were trained on them",
    ErasureStep.CHECKPOINT: "emptying the log of the catalogue",
    ErasureStep.SEARCH: "searching the data folder for what may be left",
    ErasureStep.CERTIFY: "writing the certificate",
    ErasureStep.DONE: "erased",
}

_TARGET: Mapping[StrEnum, str] = {TargetKind.SUBJECT: "person", TargetKind.SESSION: "session"}

_GROUND: Mapping[StrEnum, str] = {
    Ground.TERM: "end of the term",
    Ground.CONSENT_ENDS: "end of the consent",
    Ground.WITHDRAWN: "consent withdrawn",
}

_METHOD: Mapping[StrEnum, str] = {
    SiteKeyMethod.FILE: "a file in the data folder",
    SiteKeyMethod.KEYRING: "the keystore of the operating system",
    SiteKeyMethod.PASSPHRASE: "opened by a passphrase",
}

_PROTECTS: Mapping[StrEnum, str] = {
    SiteKeyMethod.FILE: (
        "Protects databases and backups that leave this machine. Does not protect the whole folder when it is stolen, "
        "nor from anybody who works as this user."
    ),
    SiteKeyMethod.KEYRING: (
        "Protects the data folder while this user is not logged in. Does not protect from other programs of this user."
    ),
    SiteKeyMethod.PASSPHRASE: "Protects the data folder whenever the program does not run.",
}

TABLES: Mapping[type[StrEnum], tuple[Mapping[StrEnum, str], ...]] = {
    ErasureStep: (_STEP,),
    TargetKind: (_TARGET,),
    Ground: (_GROUND,),
    SiteKeyMethod: (_METHOD, _PROTECTS),
}
"""The enums that are shown, with their tables of texts."""


def erasure_step(code: ErasureStep) -> str:
    """What an erasure is doing."""
    return tr(_STEP[code])


def target_kind(code: TargetKind) -> str:
    """What is erased."""
    return tr(_TARGET[code])


def retention_ground(code: Ground) -> str:
    """Why it has to go."""
    return tr(_GROUND[code])


def erasures_done(count: int) -> str:
    """How much was erased, as a sentence."""
    return tr_count(count, "{n} erasure is done.", "{n} erasures are done.")


def erasures_failed(count: int) -> str:
    """How much was due and could not be erased, as a sentence."""
    return tr_count(count, "{n} erasure that is due could not be done.", "{n} erasures that are due could not be done.")


def key_method(code: SiteKeyMethod) -> str:
    """Where the site key is."""
    return tr(_METHOD[code])


def key_protects(code: SiteKeyMethod) -> str:
    """What that protects, and what it does not."""
    return tr(_PROTECTS[code])
