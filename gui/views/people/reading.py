"""What the page People reads, in the background."""

from __future__ import annotations

from dataclasses import dataclass

from core.access import Permission
from core.metrics.rate import clopper_pearson
from storage.catalogue import Catalogue
from storage.repositories.accounts import Account
from storage.repositories.proposals import Proposal
from storage.repositories.second_line import OperatorFigures

Bounds = tuple[float, float]


@dataclass(frozen=True, slots=True)
class PeopleView:
    """Accounts and figures are empty for whoever may not see them.

    ``proposals``: first those that wait for a second person, then those that were approved and not made yet.
    """

    exist: bool
    rule_is_on: bool
    proposals: tuple[Proposal, ...]
    accounts: tuple[Account, ...] = ()
    operators: tuple[tuple[OperatorFigures, Bounds | None], ...] = ()
    """Each with the 95 % bounds of the share that they overrode."""
    has_pin: bool = False


def read_people(catalogue: Catalogue) -> PeopleView:
    """Everything that whoever acts may see."""
    exist, rule = catalogue.accounts.exist(), catalogue.proposals.rule_is_on
    waiting = [*catalogue.proposals.open_ones(), *catalogue.proposals.approved_ones()]
    proposals = tuple(one for one in waiting if catalogue.actor.may(one.permission))
    if not catalogue.actor.may(Permission.ACCOUNTS):
        return PeopleView(exist, rule, proposals)
    return PeopleView(
        exist,
        rule,
        proposals,
        tuple(catalogue.accounts.all()),
        tuple((one, _bounds(one)) for one in catalogue.second_line.operators()),
        catalogue.accounts.has_kiosk_pin(),
    )


def _bounds(one: OperatorFigures) -> Bounds | None:
    """``None`` where there is no share: somebody may also override what another one attended."""
    return clopper_pearson(one.overrides, one.verdicts) if 0 < one.verdicts >= one.overrides else None
