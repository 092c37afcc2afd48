"""The start-of-shift check: one bona fide person gets in, the kit print does not; until then verdicts are withheld."""

from __future__ import annotations

from collections.abc import Collection

from core.codes import Outcome, Reason, SourceKind
from core.frames import ModalityMask
from core.policy import ShiftCheckFor, SitePolicy


def withheld(
    policy: SitePolicy,
    kind: SourceKind,
    qualified: Collection[ModalityMask],
    checked_utc_s: float | None,
    now_utc_s: float,
) -> Reason:
    """`Reason.SHIFT_CHECK` while the check is due or has failed, else `Reason.NONE`.

    ``checked_utc_s`` is when the newest check passed; ``None`` where there was none, or it failed. A check from the
    future is due again: somebody set the clock back. A live camera that is not qualified gives shadow verdicts anyway:
    nothing is withheld there, so that it can be qualified.
    """
    asked = policy.shift_check is ShiftCheckFor.ALWAYS or (
        policy.shift_check is ShiftCheckFor.LIVE and kind is SourceKind.LIVE
    )
    if not asked or (kind is SourceKind.LIVE and not qualified):
        return Reason.NONE
    fresh = checked_utc_s is not None and 0.0 <= now_utc_s - checked_utc_s <= 3600.0 * policy.shift_hours
    return Reason.NONE if fresh else Reason.SHIFT_CHECK


def check_passed(bona_fide: Outcome, kit_print: Outcome, masks: tuple[ModalityMask, ModalityMask]) -> bool:
    """Whether the two answers are as they must be, with the same sensors both times."""
    return bona_fide is Outcome.BONA_FIDE and kit_print is Outcome.ATTACK and masks[0] == masks[1] and bool(masks[0])
