"""Whether a pass ended because the machine had no memory left: that passes by; a loss that is not finite does not.

torch has one exception for CUDA and none for the processor's memory, and OpenCV one of its own: they are known by what
they say. What the kernel kills says nothing; such a job is interrupted like after any other kill.
"""

from __future__ import annotations

from core.errors import sentence

OUT_OF_MEMORY = sentence(
    "The pass ran out of memory. The champion is untouched; the pass can go on from its checkpoint."
)
"""The job's message."""
REMEDY = sentence("Close what needs memory, or wait for it, then go on with `main.py adapt resume`.")

_WORDS = (
    "out of memory",
    "can't allocate memory",
    "not enough memory",
    "insufficient memory",
    "cublas_status_alloc_failed",
    "cudnn_status_alloc_failed",
)


def ran_out_of_memory(error: BaseException | None) -> bool:
    """Whether ``error``, or what it was raised from, is memory that was not there."""
    while error is not None:
        if isinstance(error, MemoryError):
            return True
        # By name: OpenCV's error is no RuntimeError, and is not loaded here.
        machine = isinstance(error, RuntimeError) or type(error).__module__ == "cv2"
        if machine and any(words in str(error).lower() for words in _WORDS):
            return True
        error = error.__cause__
    return False
