"""Which verdicts are shadow verdicts: those of a live camera that is not qualified with the modalities it had.

What is not live (simulated, scripted, playback) is no shadow verdict: its watermark says what it is, and it can open
nothing either way (`core.verdict.Verdict.opens`). Its lock-out and its figures stay its own, so that a rehearsal
behaves as the real thing does.
"""

from __future__ import annotations

from collections.abc import Collection

from core.codes import SourceKind
from core.frames import ModalityMask


def is_shadow(kind: SourceKind, mask: ModalityMask, qualified: Collection[ModalityMask]) -> bool:
    """Whether a verdict under ``mask`` is a shadow verdict, where the camera is qualified with the masks ``qualified``.

    A qualification speaks for its own mask and no other. An answer without any modality (the camera was gone) can only
    be a non-response: it counts where anything of this camera counts.
    """
    if kind is not SourceKind.LIVE:
        return False
    return mask not in qualified if mask else not qualified
