"""The floors of the law of each country that has a shipped policy, row by row, with article and mark.

F was read in the law's text, F2 in a secondary source only, D is inferred. Not legal advice: a lawyer reads this file.
"""

from collections.abc import Mapping

from controller.core.calendar import DayUnit
from controller.policies.floors import Approvals, Channels, DaysAfterDue, Lead, OneOf, StageFloor, ValidDays
from enforcement.access import Access, Kind

_INTERNET = frozenset({Access.THROTTLED, Access.PORTAL, Access.BLOCKED})
_BARRED = frozenset({Access.NO_PREMIUM, Access.INCOMING_ONLY})
_SUSPENDED = _INTERNET | _BARRED
_ENDED = frozenset({Access.EMERGENCY_ONLY, Access.RELEASED})
_ALL = _SUSPENDED | _ENDED
_BY_CONTRACT = frozenset({Kind.INTERNET, Kind.MOBILE_VOICE})
_MONTH = OneOf({"months_since_presented": 1})

SPAIN = (
    StageFloor(
        "month_of_fixed",
        _MONTH,
        _SUSPENDED,
        "RD 899/2009 art. 19.1: more than one month since the bill was presented [F]",
        frozenset({Kind.FIXED_VOICE}),
    ),
    StageFloor(
        "month_of_internet",
        _MONTH,
        _SUSPENDED,
        "RD 899/2009 art. 19.1 taken to hold for internet access [D]",
        frozenset({Kind.INTERNET}),
        unless=("internet_month", "contract"),
    ),
    StageFloor(
        "month_of_mobile",
        _MONTH,
        _SUSPENDED,
        "RD 899/2009 art. 19.1 taken to hold for mobile telephony [D]",
        frozenset({Kind.MOBILE_VOICE}),
        unless=("mobile_month", "contract"),
    ),
    StageFloor(
        "notice",
        Lead(15, DayUnit.WORKING_DAYS),
        _ALL,
        "Orden PRE/361/2002 arts. 20 and 24 to 26: fifteen working days' notice, naming the date [F]",
    ),
    StageFloor(
        "three_months",
        OneOf({"months_since_due": 3, "earlier_suspensions": 2}),
        _ENDED,
        "RD 899/2009 art. 20: more than three months late, or two suspensions [F]",
    ),
    StageFloor(
        "returned",
        OneOf({"consecutive_returns": 3}),
        frozenset({Access.EMERGENCY_ONLY}),
        "the release of a number is proposed after three returned receipts in a row: operators' practice [D]",
    ),
    StageFloor(
        "past_due",
        OneOf({"days_since_due": 1, "months_since_presented": 1}),
        _SUSPENDED,
        "RD 899/2009 art. 32.a: the contract says when, and no contract says at once [D]",
        _BY_CONTRACT,
    ),
    StageFloor(
        "two_people",
        Approvals(2),
        frozenset({Access.EMERGENCY_ONLY}),
        "RD 899/2009 art. 19.2: a suspension keeps incoming calls [F]; without them it is the end, which two approve",
        hard=True,
    ),
)

BRAZIL = (
    StageFloor(
        "five_days",
        DaysAfterDue(5),
        _ALL,
        "RGC, Resolução Anatel 765/2023 arts. 70 and 71: notified five days after the due date at the earliest [F2]",
    ),
    StageFloor(
        "notice",
        Lead(15, DayUnit.DAYS),
        _ALL,
        "RGC, Resolução Anatel 765/2023 arts. 70 to 72: fifteen days after the notice [F2]",
    ),
    StageFloor(
        "twenty_days",
        OneOf({"days_since_due": 20}),
        _SUSPENDED,
        "RGC, Resolução Anatel 765/2023 arts. 70 and 72: five days to notify, fifteen of notice [F2]",
    ),
    StageFloor(
        "sixty_days",
        OneOf({"days_in_previous_stage": 60}),
        frozenset({Access.EMERGENCY_ONLY}),
        "RGC, Resolução Anatel 765/2023: the contract ends sixty days after the suspension [F2]",
        unless=("incoming_calls", "end_after_30_days"),
    ),
    StageFloor(
        "thirty_days",
        OneOf({"days_in_previous_stage": 30}),
        frozenset({Access.EMERGENCY_ONLY}),
        "RGC, Resolução Anatel 765/2023: incoming calls for thirty days at least [F2]",
    ),
)

PORTUGAL = (
    StageFloor(
        "notice", Lead(30, DayUnit.DAYS), _ALL, "Lei 16/2022 art. 128: thirty days from the written notice [F2]"
    ),
    StageFloor(
        "in_writing",
        Channels(frozenset({"letter", "email"})),
        _ALL,
        "Lei 16/2022 art. 128: the notice is in writing [F2]",
    ),
    StageFloor(
        "ten_days",
        ValidDays(10),
        _SUSPENDED,
        "Lei 16/2022 art. 128: suspended within ten days after the notice has run [F2]",
    ),
    StageFloor(
        "thirty_days",
        OneOf({"days_in_previous_stage": 30}),
        _ENDED,
        "Lei 16/2022 art. 128: the contract ends thirty days after the suspension [F2]",
    ),
)

GERMANY = (
    StageFloor(
        "amount", OneOf({"minimum_amount": 10_000}), _ALL, "TKG § 61 (3) to (7): at least 100 euros overdue [F]"
    ),
    StageFloor("repeated", OneOf({"unpaid_invoices": 2}), _ALL, "TKG § 61 (3) to (7): repeated non-payment [F]"),
    StageFloor(
        "threat", Lead(14, DayUnit.DAYS), _ALL, "TKG § 61 (3) to (7): threatened in writing two weeks before [F]"
    ),
    StageFloor(
        "in_writing", Channels(frozenset({"letter"})), _ALL, "TKG § 61 (3) to (7): the threat is in writing [F]"
    ),
    StageFloor(
        "a_week_later",
        OneOf({"days_in_previous_stage": 7}),
        frozenset({Access.EMERGENCY_ONLY}),
        "TKG § 61 (3) to (7): incoming calls are barred a week after outgoing ones at the earliest [F]",
    ),
)

LAW: Mapping[str, tuple[StageFloor, ...]] = {"ES": SPAIN, "BR": BRAZIL, "PT": PORTUGAL, "DE": GERMANY}

RELEASE = (
    StageFloor(
        "returns_alone",
        OneOf(
            {
                "months_since_due": 1,
                "months_since_presented": 1,
                "days_since_due": 30,
                "days_since_presented": 30,
                "earlier_suspensions": 1,
                "days_in_previous_stage": 14,
            }
        ),
        frozenset({Access.EMERGENCY_ONLY}),
        "prudence: returned collections alone end no contract",
    ),
)
"""In every country, of a ladder that gives the number back."""

EVERYWHERE = (
    StageFloor(
        "stale_notice",
        ValidDays(60),
        _ALL,
        "prudence: who was told two months ago that it would be tomorrow believes nothing any more",
    ),
)
"""In every country, of every stage."""
