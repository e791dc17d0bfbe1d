"""The driver's settings: where the tables are, which group stands for which access, which NASes are behind them."""

from collections.abc import Mapping, Set
from dataclasses import dataclass, field

from sqlalchemy.engine import URL

from drivers.radius.profile import IDENTIFIERS, Passage, Profile, Way
from drivers.secret import Secret
from enforcement.access import Access, Rate

Rung = tuple[Access, Rate | None]
"""What a group gives: an access, and how fast `throttled` still is; None is what the group of `throttled` gives."""


@dataclass(frozen=True, slots=True)
class Nas:
    """One NAS. `nas_ip` is what radacct calls it, which may differ from where it is reached (NAT, management network).

    Everything from `port` on is its profile's, unless the settings say otherwise. A CoA is used where one of `passages`
    brings the change; anything else is a Disconnect, after which the login brings all.
    """

    address: str
    nas_ip: str
    secret: Secret
    port: int = 3799
    way: Way = Way.DISCONNECT
    identifiers: tuple[str, ...] = IDENTIFIERS
    nas_identifier: str = ""
    passages: tuple[Passage, ...] = ()
    coa_class: bool = False
    """The NAS takes Class in a CoA and reports it in its next Interim-Update, which radacct.class then shows."""
    per_second: int = 0
    in_flight: int = 64
    timeout_s: float = 2.0
    tries: int = 3
    profile: Profile | None = None

    def passage(self, before: Set[Access], after: Access) -> Passage | None:
        """The CoA that brings a session from whatever of `before` it has to `after`; None where none does."""
        if self.way is not Way.COA:
            return None
        return next((one for one in self.passages if one.brings(before, after)), None)


@dataclass(frozen=True, slots=True)
class Groups:
    """Which radusergroup group stands for which access; `by_plan` where a plan needs its own (an address pool).

    `by_rate` are the groups of `throttled` at a rate of their own, `rates_by_plan` those of plans that need theirs.
    """

    by_access: Mapping[Access, str]
    by_plan: Mapping[str, Mapping[Access, str]] = field(default_factory=dict)
    obstructing: frozenset[str] = frozenset()
    by_rate: Mapping[Rate, str] = field(default_factory=dict)
    rates_by_plan: Mapping[str, Mapping[Rate, str]] = field(default_factory=dict)

    def of(self, rung: Rung, plan: str | None) -> str:
        """The group for an access, and its rate where that has its own, of a customer whose plan's group is `plan`."""
        access, rate = rung
        if access is Access.THROTTLED and rate is not None and rate in self.by_rate:
            return self.rates_by_plan.get(plan or "", {}).get(rate) or self.by_rate[rate]
        return self.by_plan.get(plan or "", {}).get(access) or self.by_access[access]

    @property
    def rungs(self) -> list[Rung]:
        """All that customers can be put into."""
        return [*((access, None) for access in self.by_access), *((Access.THROTTLED, rate) for rate in self.by_rate)]

    @property
    def gives(self) -> Mapping[str, Rung]:
        """Every group that we put customers into, and what it stands for."""
        found: dict[str, Rung] = {}
        for variants in (self.by_access, *self.by_plan.values()):
            found |= {group: (access, None) for access, group in variants.items()}
        for of_rates in (self.by_rate, *self.rates_by_plan.values()):
            found |= {group: (Access.THROTTLED, rate) for rate, group in of_rates.items()}
        return found

    @property
    def ours(self) -> Mapping[str, Access]:
        """Every group that we put customers into, and the access that it stands for."""
        return {group: access for group, (access, _) in self.gives.items()}


@dataclass(frozen=True, slots=True)
class TableNames:
    """FreeRADIUS's defaults, and ours."""

    radusergroup: str = "radusergroup"
    radgroupreply: str = "radgroupreply"
    radgroupcheck: str = "radgroupcheck"
    radcheck: str = "radcheck"
    radreply: str = "radreply"
    radacct: str = "radacct"
    nasreload: str = "nasreload"
    grifo_marks: str = "grifo_marks"


@dataclass(frozen=True, slots=True)
class Settings:
    """All of it. `session_class` says that radacct.class is recorded (queries.conf, section `class`, uncommented)."""

    database: URL = field(repr=False)
    groups: Groups
    nases: Mapping[str, Nas]
    """By `nas_ip`."""
    other_databases: tuple[URL, ...] = field(default=(), repr=False)
    """Of further RADIUS servers with tables of their own: written to and read from beside the first."""
    tables: TableNames = field(default_factory=TableNames)
    priority: int = 0
    interim_s: int = 0
    """Interval of Interim-Updates; 0 where NASes send none, and a silent session can't be told from a quiet one."""
    session_class: bool = False
    read_back_s: float = 5.0
    replies: Mapping[Access, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    """What restricted groups give a login: only where grifo is to prepare them."""

    def reply_of(self, rung: Rung) -> tuple[tuple[str, str], ...]:
        """What the group of `rung` is to give: that of a rate as `throttled`, but for how fast, which NASes' profiles
        write each in their own attributes. Empty where nobody says."""
        access, rate = rung
        usual = self.replies.get(access, ())
        if rate is None:
            return usual
        profiles = (nas.profile for nas in self.nases.values() if nas.profile is not None)
        speeds = {name: text for profile in profiles for name, text in profile.speed_of(rate)}
        return tuple((dict(usual) | speeds).items()) if speeds else ()
