"""Judging a model on captures that carry labels (`evaluate` of formats.md)."""

from core.evaluation.evaluate import Evaluation, evaluate
from core.evaluation.report import write_report

__all__ = ["Evaluation", "evaluate", "write_report"]
