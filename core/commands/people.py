"""Who may use the station, changes that need two, and what people decide about verdicts."""

from __future__ import annotations

from core.access import Role
from core.arguments import count, names
from core.codes import SecondLineResult
from core.commands.parser import Commands


def declare(commands: Commands) -> None:
    """``accounts``, ``proposals``, ``override`` and ``second-line``."""
    accounts = commands.group("accounts", "who may use this station, and as what")
    accounts.add("list", "list the accounts").add_argument("--json", action="store_true")
    add = accounts.add("add", "add an account; the first is an administrator's and gives the recovery code")
    change = accounts.add("roles", "trust an account with other roles")
    for command in (add, change):
        command.add_argument("name", metavar="NAME")
        command.add_argument("--roles", metavar="A,B", type=names, required=True, help=f"of {', '.join(Role)}")
    for name, text in (("passphrase", "set a new pass-phrase"), ("remove", "take an account away, for good")):
        accounts.add(name, text).add_argument("name", metavar="NAME")
    recovery = accounts.add("recovery", "a new recovery code; or use the code to set an administrator's pass-phrase")
    recovery.add_argument(
        "--for", dest="account", metavar="NAME", help="ask for the code and a new pass-phrase of this account"
    )
    accounts.add("pin", "set the PIN that leaves the full screen (an empty one takes it away)")
    proposals = commands.group("proposals", "changes that need a second person")
    proposals.add("list", "list the proposals").add_argument("--json", action="store_true")
    proposals.add("approve", "approve another one's proposal").add_argument("proposal", metavar="N", type=count)
    decline = proposals.add("decline", "decline a proposal, or take one's own back")
    decline.add_argument("proposal", metavar="N", type=count)
    rule = proposals.add("rule", "switch the two-person rule (off: for a lab of one person)")
    rule.add_argument("state", choices=("on", "off"))
    for command in (decline, rule):
        command.add_argument("--reason", metavar="TEXT", required=True)
    override = commands.add("override", "decide otherwise than a verdict, with a reason")
    override.add_argument("verdict", metavar="N", type=count)
    override.add_argument("--outcome", choices=("bona_fide", "attack", "refer"), required=True)
    override.add_argument("--reason", metavar="TEXT", required=True)
    second = commands.add("second-line", "what the second line found after ATTACK or REFER; alone: what waits")
    second.add_argument("verdict", metavar="N", type=count, nargs="?")
    second.add_argument("result", metavar="RESULT", choices=list(SecondLineResult), nargs="?")
    second.add_argument("--json", action="store_true")
