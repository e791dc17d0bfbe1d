"""A policy's ladders, as its file tells them: what a stage needs, what it leaves, where its rule comes from."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from controller.core.calendar import DayUnit
from controller.core.policy import Conditions, NoticeRule, Source, Stage, Track
from controller.policies.table import Table
from controller.policies.values import DAY, TEXT, Value, mapping, matching, one_of, some, whole
from enforcement.access import LADDERS, Access, Kind, Rate
from enforcement.entries import ID_PATTERN

MARKS = ("F", "F2", "R", "D")
"""Read in the law's text; read about in a secondary source; remembered; inferred. Only F is settled law."""

NAME = matching(ID_PATTERN, "since notices name it")

_MAYBE_DAY: Value[date | None] = Value(DAY.parse, DAY.schema)
_UNITS = [unit.value for unit in DayUnit]
_TRACKS = [track.value for track in Track]


@dataclass(frozen=True, slots=True)
class Rung:
    """A stage with its place in the file, and the answers (question to option) without which it is not there."""

    kind: Kind
    table: Table
    stage: Stage
    only_if: Mapping[str, str]

    @property
    def key(self) -> str:
        """Its place by name, as overrides write it: `ladders.internet.portal`."""
        return f"ladders.{self.kind.value}.{self.stage.name}"


def read_ladders(table: Table) -> list[Rung]:
    """All stages of the file in its order, whether or not their `only_if` holds."""
    rungs = [_rung(kind, one) for kind in Kind for one in table.tables(kind.value)]
    table.done()
    return rungs


def _rung(kind: Kind, table: Table) -> Rung:
    allowed = [access.value for access in LADDERS[kind] if access is not Access.FULL]
    stage = Stage(
        name=table.read("name", NAME, f"stage {table.where}", "Notices and approvals name it."),
        access=Access(table.read("access", one_of(allowed), Access.FULL.value, "What the service may still do.")),
        conditions=tuple(_conditions(one) for one in table.one_or_more("conditions")),
        notice=_notice(table.table("notice")),
        source=_source(table.table("source")),
        track=Track(table.read("track", one_of(_TRACKS), Track.SERVICE.value, _TRACK, required=False)),
        approvals=table.read("approvals", whole(0, 5), 0, "How many different people must say yes.", required=False),
        rate=_rate(table),
    )
    only_if = table.read("only_if", mapping(TEXT), {}, "Where these questions are answered so.", required=False)
    table.done()
    return Rung(kind, table, stage, only_if)


_TRACK = "Which debts it is about: the service itself, or premium-rate and third-party charges."


def _conditions(table: Table) -> Conditions:
    """One set of conditions, all of which must hold."""
    months, days, count, none = whole(0, 120), whole(0, 3650), whole(0, 120), frozenset[str]()
    conditions = Conditions(
        months_since_presented=table.read("months_since_presented", months, 0, _PRESENTED, required=False),
        days_since_presented=table.read("days_since_presented", days, 0, _PRESENTED, required=False),
        months_since_due=table.read("months_since_due", months, 0, _DUE, required=False),
        days_since_due=table.read("days_since_due", days, 0, _DUE, required=False),
        unpaid_invoices=table.read("unpaid_invoices", whole(1, 120), 1, "At least so many.", required=False),
        minimum_amount=table.read("minimum_amount", whole(0, 10**9), 0, _AMOUNT, required=False),
        consecutive_returns=table.read("consecutive_returns", count, 0, _RETURNS, required=False),
        earlier_suspensions=table.read("earlier_suspensions", count, 0, "At least so many.", required=False),
        days_in_previous_stage=table.read("days_in_previous_stage", days, 0, _PREVIOUS, required=False),
        tags_with=table.read("tags_with", some(TEXT), none, "The account has all of them.", required=False),
        tags_without=table.read("tags_without", some(TEXT), none, "The account has none of them.", required=False),
    )
    table.done()
    return conditions


_PRESENTED = "More than so many since the bill reached the customer."
_DUE = "More than so many months, or at least so many days, since the bill was due."
_AMOUNT = "At least so much past due, in minor units (500 is 5.00)."
_RETURNS = "At least so many returned collections in a row, none of them paid since."
_PREVIOUS = "For how many days the stage before must have been in force."


def _notice(table: Table) -> NoticeRule:
    rule = NoticeRule(
        lead=table.read("lead", whole(1, 3650), 1, "From its proven delivery."),
        unit=DayUnit(table.read("unit", one_of(_UNITS), DayUnit.DAYS.value, "What `lead` counts.")),
        valid_days=table.read("valid_days", whole(1, 365), 1, "For so long after the date that it named it counts."),
        template=table.read("template", NAME, "", "Only this message counts; absent: any.", required=False),
        channels=table.read("channels", some(NAME, least=1), frozenset[str](), _CHANNELS, required=False),
        after_last_hours=table.read("after_last_hours", whole(0, 720), 0, _AFTER, required=False),
        days_after_due=table.read("days_after_due", whole(0, 365), 0, _AFTER_DUE, required=False),
    )
    table.done()
    return rule


_CHANNELS = "Only messages sent in one of these ways count; absent: all do."
_AFTER = "So many hours must have passed since the last delivered message of the stage."
_AFTER_DUE = "A message that was sent sooner after the bill was due is not about that bill."


def _source(table: Table) -> Source:
    source = Source(
        text=table.read("text", TEXT, "", "The law, article by article."),
        mark=table.read("mark", one_of(MARKS), "", "F read in the law; F2 secondary; R remembered; D inferred."),
        verified_on=table.read("verified_on", DAY, date.min, "When somebody last looked."),
        valid_from=table.read("valid_from", _MAYBE_DAY, None, "The rule's first day.", required=False),
        valid_to=table.read("valid_to", _MAYBE_DAY, None, "The rule's last day.", required=False),
    )
    if source.valid_from and source.valid_to and source.valid_to < source.valid_from:
        table.complain("valid_to", f"is {source.valid_to}; it must not be before valid_from, {source.valid_from}")
    table.done()
    return source


def _rate(table: Table) -> Rate | None:
    """What a throttled service still has; both numbers or neither."""
    down = table.read("down_kbps", whole(1, 10**8), 0, "Towards the customer, kbit/s.", required=False)
    up = table.read("up_kbps", whole(1, 10**8), 0, "From the customer, kbit/s.", required=False)
    if bool(down) != bool(up):
        table.complain("up_kbps" if down else "down_kbps", "is missing: down_kbps and up_kbps go together")
    return Rate(down, up) if down and up else None
