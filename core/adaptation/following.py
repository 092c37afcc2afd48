"""What the other processes of a shared pass do: prepare the same, take the same steps, write nothing."""

from __future__ import annotations

from core.adaptation.checkpoint import read_checkpoint
from core.adaptation.execution import Pass, prepare
from core.adaptation.plan import Plan
from core.adaptation.progress import Progress, Unheard
from core.adaptation.worker import Workplace


def follow(plan: Plan, workplace: Workplace) -> None:
    """Take part in the training of a job whose first process runs `core.adaptation.worker.run_job`."""
    share = workplace.share
    if not share.agree(False):  # it did not come to its training
        return
    work = Pass(
        plan, workplace.model(plan.champion), workplace.out_dir, Progress("", Unheard()),
        workplace.presentations, workplace.crop_face, workplace.simulate, workplace.memory, share=share,
    )  # fmt: skip
    trainer = prepare(work).trainer
    stored = read_checkpoint(work.out_dir, plan.sha256())
    if stored is not None:
        trainer.restore(*stored)
    share.wait()
    while not trainer.finished and share.agree(False):
        trainer.step()
