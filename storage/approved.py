"""What is left of a change that a second person has approved: who makes it, how, and until when.

Most changes are made by the approval itself. A new passphrase is typed by one person and seen by nobody else, so that
no approval can bring it along.
"""

from __future__ import annotations

from datetime import UTC, datetime

from core.errors import sentence
from storage.catalogue import Catalogue
from storage.key_care import PROTECT, ROTATE
from storage.repositories.proposals import Proposal, ProposalState


def left_to_do(proposal: Proposal) -> str:
    """One sentence for people; empty where the proposal is not approved, or was made, or ran out."""
    if proposal.state is not ProposalState.APPROVED:
        return ""
    until = datetime.fromtimestamp(proposal.expires_utc_s, UTC).strftime("%Y-%m-%d %H:%M UTC")
    how: str = sentence("the same command again")
    if proposal.action == PROTECT:
        how = sentence("page Keys, or `main.py keys protect --with {method}`", method=proposal.arguments["method"])
    elif proposal.action == ROTATE:
        how = sentence("page Keys, or `main.py keys rotate`")
    return sentence(
        "{one} or {other} makes the change until {until}: {how}.",
        one=proposal.proposed_by, other=proposal.decided_by, until=until, how=how,
    )  # fmt: skip


def left_to(catalogue: Catalogue) -> list[Proposal]:
    """The approved changes that whoever acts through ``catalogue`` may make, oldest first."""
    actor = catalogue.actor
    ours = (one for one in catalogue.proposals.approved_ones() if actor.id in (one.proposed_by, one.decided_by))
    return [one for one in ours if actor.may(one.permission)]
