"""The policy: the rules of one operator in one country, read from a versioned file. All frozen, no behaviour.

A number that is 0 and a collection that is empty mean "not asked for", unless a field says otherwise.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from zoneinfo import ZoneInfo

from controller.core.calendar import Calendar, Days, DayUnit, Window
from controller.core.facts import HoldKind, Instrument
from enforcement.access import Access, Kind, Rate


@dataclass(frozen=True, slots=True)
class Source:
    """Where a rule comes from. `mark` is F (read in the law's text), F2 (secondary), R (remembered) or D (inferred).

    The rule is in force from `valid_from` to `valid_to`, both days included; None is without an end.
    """

    text: str
    mark: str
    verified_on: date
    valid_from: date | None = None
    valid_to: date | None = None


class Track(StrEnum):
    """Which debts a stage is about."""

    SERVICE = "service"
    PREMIUM = "premium"
    """Premium-rate and third-party charges: they lead to `no_premium` and to nothing else."""


@dataclass(frozen=True, slots=True)
class Conditions:
    """What must be true of the debt and the customer. Each that is set must hold."""

    months_since_presented: int = 0
    days_since_presented: int = 0
    months_since_due: int = 0
    days_since_due: int = 0
    unpaid_invoices: int = 1
    minimum_amount: int = 0
    consecutive_returns: int = 0
    earlier_suspensions: int = 0
    days_in_previous_stage: int = 0
    tags_with: frozenset[str] = frozenset()
    tags_without: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class NoticeRule:
    """The proven notice that a stage needs: its lead time, and for how long after the named date it binds.

    `template` and `channels` say which message and which ways count; `after_last_hours` is a further delay after
    the last delivered message of the stage, whatever it named; `days_after_due` is how long after its day of payment a
    bill can first be announced.
    """

    lead: int
    unit: DayUnit
    valid_days: int
    template: str = ""
    channels: frozenset[str] = frozenset()
    after_last_hours: int = 0
    days_after_due: int = 0


@dataclass(frozen=True, slots=True)
class Stage:
    """A rung of a ladder. It is imposed when one of `conditions` holds wholly and nothing else stands in the way.

    `approvals` is how many different people must have said yes. A stage of access `released` gives the number back: the
    rung before it is `emergency_only`, where the number rests in quarantine for `days_in_previous_stage`.
    """

    name: str
    access: Access
    conditions: tuple[Conditions, ...]
    notice: NoticeRule
    source: Source
    track: Track = Track.SERVICE
    approvals: int = 0
    rate: Rate | None = None


@dataclass(frozen=True, slots=True)
class BrakeRule:
    """At most this many first impositions in a rolling 24 h: a number, and a share of the policy's services.

    `canary` of them must be verified on their devices before the rest may follow.
    """

    number: int
    percent: float
    canary: int


@dataclass(frozen=True, slots=True)
class HoldBound:
    """How far a kind of hold may go: days long, times in 365 days, the most that may be past due. 0 is unbounded."""

    days: int = 0
    times_a_year: int = 0
    most_owed: int = 0


@dataclass(frozen=True, slots=True)
class HoldRules:
    """`bounds` of the kinds that have any; `review_days` is when a hold without a review date is to be looked at."""

    bounds: Mapping[HoldKind, HoldBound] = field(default_factory=dict)
    review_days: int = 180
    plan_grace_days: int = 3


class Clears(StrEnum):
    """When money of an instrument counts."""

    AT_ONCE = "at_once"
    BOOKED = "booked"
    """When it is no longer pending."""
    RETURN_WINDOW = "return_window"
    """When the days in which the payer's bank may return it without a reason have passed."""


@dataclass(frozen=True, slots=True)
class ClearingRules:
    """When payments count; an instrument that is not named counts at once.

    `return_window_days` are bank days (5 for SEPA Core, EPC016-06). `provisional` counts a debit at once and takes it
    back when it returns. A payment that is still pending after `pending_days` working days keeps nobody from anything.
    """

    by_instrument: Mapping[Instrument, Clears] = field(
        default_factory=lambda: {
            Instrument.TRANSFER: Clears.BOOKED,
            Instrument.OTHER: Clears.BOOKED,
            Instrument.DIRECT_DEBIT: Clears.RETURN_WINDOW,
        }
    )
    return_window_days: int = 5
    provisional: bool = False
    pending_days: int = 5


@dataclass(frozen=True, slots=True)
class PartialRule:
    """What a part payment does: from `percent` of what was past due, the service is open for `days`. 0: nothing."""

    percent: int = 0
    days: int = 0


@dataclass(frozen=True, slots=True)
class ReturnRules:
    """`grace_days`: for so long after a technical return, or one to be looked at, its invoice leads to nothing."""

    grace_days: int = 15


@dataclass(frozen=True, slots=True)
class FreshnessRules:
    """Within how many hours each source of payments must have spoken. Those of `sources` must all be known."""

    hours: int = 26
    sources: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TagRules:
    """Tags of accounts that change who acts: a person instead of grifo; an account's own services only; nobody."""

    person: frozenset[str] = frozenset()
    reseller: frozenset[str] = frozenset({"reseller"})
    never: frozenset[str] = frozenset({"wholesale"})


@dataclass(frozen=True, slots=True)
class Loosened:
    """A rule looser than the country's floor, by written override: it counts until the end of `expires_on`.

    `stage` and `kind` are the stage that it loosens ("" and None where it loosens all of them), `key` the key in the
    file, `allows` the value that was accepted there, `floor` which floor where several stand at the key.
    """

    key: str
    reason: str
    author: str
    expires_on: date
    stage: str = ""
    kind: Kind | None = None
    allows: str = ""
    floor: str = ""
    signed_on: date = date.min


@dataclass(frozen=True, slots=True)
class Draft:
    """Who uses a policy of a country for whose law there are no floors here, and why."""

    accepted_by: str
    accepted_on: date
    reason: str


@dataclass(frozen=True, slots=True)
class Choice:
    """A question of law that a person has answered for this operator."""

    name: str
    option: str
    chosen_by: str
    chosen_on: date


@dataclass(frozen=True, slots=True)
class Policy:
    """A versioned file, read. `version` is a digest of the content; `country` chose the floors it was held against.

    `window` is for first restrictions, `messages` for what the customer is sent. `approval_days` is for how long an
    approval counts.
    """

    name: str
    version: str
    timezone: str
    calendar: Calendar
    window: Window
    ladders: Mapping[Kind, tuple[Stage, ...]]
    trivial_amount: int
    courtesy_days: int
    brake: BrakeRule
    messages: Window
    country: str = ""
    freshness: FreshnessRules = FreshnessRules()
    clearing: ClearingRules = field(default_factory=ClearingRules)
    partial: PartialRule = PartialRule()
    returns: ReturnRules = ReturnRules()
    holds: HoldRules = field(default_factory=HoldRules)
    tags: TagRules = TagRules()
    approval_days: int = 30
    loosened: tuple[Loosened, ...] = ()
    choices: tuple[Choice, ...] = ()
    draft: Draft | None = None

    def days_of(self, municipality: str) -> Days:
        """The days of a customer of that municipality ("" where it is not told)."""
        calendar = self.calendar
        return Days(ZoneInfo(self.timezone), calendar.holidays_of(municipality), calendar.saturdays)
