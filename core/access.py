"""Who may do what: four roles, their permissions, and the changes that need a second person.

The rules stand here. The service layer asks them (`storage.catalogue.Catalogue.require`); the window only leaves out
what they would refuse (interface.md: what a role may not do is absent, not greyed). Source: reliability.md section 2.5.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from core.codes import SessionPurpose
from core.errors import HostError, sentence


class Role(StrEnum):
    """What a person is trusted with. One account may hold several."""

    OPERATOR = "operator"
    COLLECTOR = "collector"
    TECHNICIAN = "technician"
    ADMINISTRATOR = "administrator"


class Permission(StrEnum):
    """One thing that the service layer refuses to whoever does not hold it."""

    OPERATE = "operate"
    """Run the checkpoint: begin and end presentations, refer, give the second-line result."""
    OVERRIDE = "override"
    """Decide otherwise than the verdict, with a reason."""
    UNLOCK = "unlock"
    """End a lock-out."""
    COLLECT = "collect"
    """Subjects, consents, artefacts, takes."""
    LABEL = "label"
    REVIEW = "review"
    """Look at stored frames and traces."""
    IMPORT = "import"
    EXPORT = "export"
    CAMERA = "camera"
    """Camera settings and SDK recordings."""
    COMMISSION = "commission"
    """Accept a camera's identity, or a change of it."""
    QUALIFY = "qualify"
    """Qualify a camera, revoke it, run the start-of-shift check."""
    ADAPT = "adapt"
    PROMOTE = "promote"
    ROLLBACK = "rollback"
    POLICY = "policy"
    """Thresholds, bands and limits of the site."""
    RETENTION = "retention"
    KEYS = "keys"
    ERASE = "erase"
    ACCOUNTS = "accounts"
    AUDIT = "audit"
    """Read, verify and export the audit log."""
    BACKUP = "backup"
    SUPPORT = "support"
    """Reports for whoever helps from outside."""


_GRANTS: dict[Role, frozenset[Permission]] = {
    Role.OPERATOR: frozenset({Permission.OPERATE, Permission.OVERRIDE, Permission.SUPPORT}),
    Role.COLLECTOR: frozenset(
        {Permission.COLLECT, Permission.LABEL, Permission.REVIEW, Permission.IMPORT, Permission.EXPORT}
    ),
    Role.TECHNICIAN: frozenset(
        {
            Permission.OPERATE, Permission.UNLOCK, Permission.LABEL, Permission.REVIEW, Permission.IMPORT,
            Permission.CAMERA, Permission.COMMISSION, Permission.QUALIFY, Permission.ADAPT, Permission.PROMOTE,
            Permission.ROLLBACK, Permission.POLICY, Permission.BACKUP, Permission.SUPPORT,
        }
    ),
    Role.ADMINISTRATOR: frozenset(
        {
            Permission.UNLOCK, Permission.REVIEW, Permission.EXPORT, Permission.PROMOTE, Permission.ROLLBACK,
            Permission.POLICY, Permission.RETENTION, Permission.KEYS, Permission.ERASE, Permission.ACCOUNTS,
            Permission.AUDIT, Permission.BACKUP, Permission.SUPPORT,
        }
    ),
}  # fmt: skip

OPENED_BY = {
    SessionPurpose.CHECKPOINT: Permission.OPERATE,
    SessionPurpose.COLLECTION: Permission.COLLECT,
    SessionPurpose.IMPORT: Permission.IMPORT,
    SessionPurpose.QUALIFICATION: Permission.QUALIFY,
}
"""What a session of each purpose asks for, and every presentation in it."""

NEEDS_SECOND_PERSON = frozenset(
    {Permission.POLICY, Permission.RETENTION, Permission.KEYS, Permission.PROMOTE, Permission.AUDIT}
)
"""What one person proposes and another, who holds the permission too, approves; a site may switch this off.

Of the audit log only the acknowledgement of a break: to read and to verify it needs nobody else.
"""


class DeniedError(HostError):
    """Whoever acts does not hold the permission."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Whoever acts. ``id`` is a pseudonym (an account's name, or ``local``), as it stands in the audit log."""

    id: str
    roles: frozenset[Role]

    @classmethod
    def of(cls, account: str, roles: Iterable[Role]) -> Actor:
        """The actor of an account."""
        return cls(account, frozenset(roles))

    @property
    def permissions(self) -> frozenset[Permission]:
        """Everything that the roles grant."""
        return frozenset().union(*(_GRANTS[role] for role in self.roles))

    def may(self, permission: Permission) -> bool:
        """Whether the roles grant ``permission``."""
        return permission in self.permissions

    def require(self, permission: Permission) -> None:
        """Go on only with ``permission``.

        Raises:
            DeniedError: no role of the actor grants it; the remedy names the roles that do.
        """
        if not self.may(permission):
            roles = " or ".join(str(role) for role in Role if permission in _GRANTS[role])
            raise DeniedError(
                sentence("{id} may not do this ({permission}).", id=self.id, permission=permission),
                sentence("Log in as {roles}.", roles=roles),
            )


LOCAL = Actor("local", frozenset(Role))
"""Whoever sits at a station without accounts: a new installation asks nobody to log in, and says so on screen."""
NOBODY = Actor("nobody", frozenset())
"""A station with accounts before anybody has logged in."""
STATION = Actor("station", frozenset())
"""The station itself, as it stands in the audit log: it holds no role (`storage.acting.Acting.as_station`)."""
