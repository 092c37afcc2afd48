"""The explanation of a stored verdict, made from its frames by the model that decided (interface.md, Review)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.errors import CanceledError, InputError, sentence
from core.explain import Explanation, explanation_from_plain, explanation_to_plain, mean_explanation
from core.frames import FrameSet, Modality, ModalityMask
from core.ports import Scorer
from core.stability import Explainable, Stability, explain_crop, measure, pooled
from core.verdict import Trace

if TYPE_CHECKING:
    from core.face.sampler import FaceSampler


@dataclass(frozen=True, slots=True)
class ExplainedSet:
    """One frame set of the verdict."""

    number: int
    explanation: Explanation
    stability: Stability


@dataclass(frozen=True, slots=True)
class VerdictExplanation:
    """``whole`` explains the pooled logit: the mean over the ``sets``, which all have the mask that decided.

    ``missing``: frame sets of the verdict that are not stored any more, or that show no face there.
    """

    whole: Explanation
    stability: Stability
    sets: tuple[ExplainedSet, ...]
    missing: tuple[int, ...] = ()


def explain_verdict(
    trace: Trace,
    mask: ModalityMask,
    frame_sets: Iterable[FrameSet],
    scorer: Scorer,
    sampler: FaceSampler,
    progress: Callable[[int, int], None] = lambda done, total: None,
    canceled: Callable[[], bool] = lambda: False,
) -> VerdictExplanation:
    """Explain the frame sets that a verdict rests on, cropped where the trace says that the face was.

    Args:
        trace: of the verdict.
        mask: of the verdict; frame sets of another mask did not speak.
        frame_sets: the stored frame sets, in any order.
        scorer: the model that decided.
        sampler: cuts the crops; nothing is detected again.
        progress: called with the frame sets done and in all.
        canceled: looked at before each frame set.

    Raises:
        InputError: the model cannot be asked under other masks, or nothing of the verdict is left to explain.
        CanceledError: ``canceled``.
    """
    if not isinstance(scorer, Explainable):
        raise InputError(
            sentence("The model {name} has no modalities to weigh against each other.", name=scorer.name),
            "Its score and the physics stand in the trace.",
        )
    wanted = {
        number: box
        for number, box, evidence in zip(trace.frame_sets, trace.boxes, trace.evidence, strict=False)
        if evidence.mask == mask
    }
    explained: list[ExplainedSet] = []
    for frame_set in frame_sets:
        if frame_set.number not in wanted:
            continue
        if canceled():
            raise CanceledError("The explanation was canceled.")
        crop = sampler.crop_at(frame_set, wanted[frame_set.number])
        if crop is not None and crop.mask == mask:
            own = explain_crop(scorer, crop)
            explained.append(ExplainedSet(frame_set.number, own, measure(scorer, crop, own)))
        progress(len(explained), len(wanted))
    if not explained:
        raise InputError("Nothing that this verdict rests on can be explained.", "Its frames are not stored any more.")
    found = {one.number for one in explained}
    return VerdictExplanation(
        mean_explanation([one.explanation for one in explained]),
        pooled([one.stability for one in explained]),
        tuple(sorted(explained, key=lambda one: one.number)),
        tuple(number for number in wanted if number not in found),
    )


def verdict_explanation_to_plain(found: VerdictExplanation) -> dict[str, Any]:
    """Plain data for JSON."""
    return {
        **explanation_to_plain(found.whole),
        "stability": _stability_to_plain(found.stability),
        "frame_sets": [
            {
                "number": one.number,
                **explanation_to_plain(one.explanation),
                "stability": _stability_to_plain(one.stability),
            }
            for one in found.sets
        ],
        "missing": list(found.missing),
    }


def verdict_explanation_from_plain(content: Mapping[str, Any]) -> VerdictExplanation:
    """Read what `verdict_explanation_to_plain` wrote.

    Raises:
        InputError: it is something else.
    """
    try:
        return VerdictExplanation(
            explanation_from_plain(content),
            _stability_from_plain(content["stability"]),
            tuple(
                ExplainedSet(int(one["number"]), explanation_from_plain(one), _stability_from_plain(one["stability"]))
                for one in content["frame_sets"]
            ),
            tuple(int(number) for number in content["missing"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(sentence("The explanation cannot be read: {error}.", error=error), "Make it again.") from error


def _stability_to_plain(stability: Stability) -> dict[str, Any]:
    return {
        "copies": stability.copies,
        "spread": {str(m): value for m, value in stability.spread.items()},
        "kept": stability.kept,
    }


def _stability_from_plain(content: Mapping[str, Any]) -> Stability:
    spread = {Modality(name): float(value) for name, value in content["spread"].items()}
    return Stability(int(content["copies"]), spread, float(content["kept"]))
