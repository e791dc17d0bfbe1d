"""The brake: how many services of a policy and device may newly be restricted for billing in a rolling 24 hours.

Between `decide`, which looks at one service, and the review's transaction, which reserves one place with a conditional
UPDATE (`... SET reserved = reserved + 1 WHERE reserved < :limit`). A wrong import makes every single decision look
right; only their number shows it. Restores are never counted and never asked about.
"""

from dataclasses import dataclass
from math import floor

from controller.core.policy import BrakeRule


@dataclass(frozen=True, slots=True)
class Impositions:
    """First impositions of the last 24 h, of one policy on one device.

    `made` are all of them; `verified` were read back from the device at least once; `lifted` ended (paid, held) before
    they were: they prove nothing and wait for nothing.
    """

    made: int
    verified: int = 0
    lifted: int = 0


def cap(rule: BrakeRule, population: int, approved_extra: int = 0) -> int:
    """The most that 24 h may see: the rule's number or its share of `population`, the lesser, and what was approved.

    `population` is the number of live services of the policy on the device. The canary is always within the cap: a
    share of a small device is less than one service, and would restrict nobody for ever.
    """
    share = floor(population * rule.percent / 100)
    return min(rule.number, max(share, rule.canary)) + max(approved_extra, 0)


def limit(rule: BrakeRule, population: int, impositions: Impositions, approved_extra: int = 0) -> int:
    """What `made` may reach now: the cap once a canary is verified on the device, until then only the canary.

    Approval raises the cap, not the canary: what has not been seen to work is not done a hundred times.
    """
    most = cap(rule, population, approved_extra)
    if impositions.verified >= min(rule.canary, most):
        return most
    return min(most, rule.canary + impositions.lifted)


def allowance(rule: BrakeRule, population: int, impositions: Impositions, approved_extra: int = 0) -> int:
    """How many more may pass now; never negative."""
    return max(limit(rule, population, impositions, approved_extra) - impositions.made, 0)
