"""The driver's settings: where the tables are, which group stands for which access, which NASes are behind them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from sqlalchemy.engine import URL

from drivers.secret import Secret
from enforcement.access import Access


class Way(StrEnum):
    """How live sessions at a NAS are told of a change."""

    COA = "coa"
    DISCONNECT = "disconnect"
    NONE = "none"


IDENTIFIERS = ("User-Name", "Acct-Session-Id", "NAS-IP-Address")


@dataclass(frozen=True, slots=True)
class Nas:
    """One NAS. `nas_ip` is what radacct calls it, which may differ from where it is reached (NAT, management network).

    `changes` lists, for each access, the attributes that a CoA to it carries. A CoA is used between two accesses that
    are both listed; anything else is a Disconnect, after which the login brings all.
    """

    address: str
    nas_ip: str
    secret: Secret
    port: int = 3799
    way: Way = Way.DISCONNECT
    identifiers: tuple[str, ...] = IDENTIFIERS
    nas_identifier: str = ""
    changes: Mapping[Access, tuple[str, ...]] = field(default_factory=dict)
    coa_class: bool = False
    """The NAS takes Class in a CoA and reports it in its next Interim-Update, which radacct.class then shows."""
    in_flight: int = 64
    timeout_s: float = 2.0
    tries: int = 3


@dataclass(frozen=True, slots=True)
class Groups:
    """Which radusergroup group stands for which access; `by_plan` where a plan needs its own (an address pool)."""

    by_access: Mapping[Access, str]
    by_plan: Mapping[str, Mapping[Access, str]] = field(default_factory=dict)
    obstructing: frozenset[str] = frozenset()

    def of(self, access: Access, plan: str | None) -> str:
        """The group for `access` of a customer whose plan's group is `plan`."""
        return self.by_plan.get(plan or "", {}).get(access) or self.by_access[access]

    @property
    def ours(self) -> Mapping[str, Access]:
        """Every group that we put customers into, and what it stands for."""
        found = {group: access for access, group in self.by_access.items()}
        for variants in self.by_plan.values():
            found |= {group: access for access, group in variants.items()}
        return found


@dataclass(frozen=True, slots=True)
class TableNames:
    """FreeRADIUS's defaults, and ours."""

    radusergroup: str = "radusergroup"
    radgroupreply: str = "radgroupreply"
    radgroupcheck: str = "radgroupcheck"
    radcheck: str = "radcheck"
    radreply: str = "radreply"
    radacct: str = "radacct"
    grifo_marks: str = "grifo_marks"


@dataclass(frozen=True, slots=True)
class Settings:
    """All of it. `session_class` says that radacct.class is recorded (queries.conf, section `class`, uncommented)."""

    database: URL = field(repr=False)
    groups: Groups
    nases: Mapping[str, Nas]
    """By `nas_ip`."""
    tables: TableNames = field(default_factory=TableNames)
    priority: int = 0
    interim_s: int = 0
    """Interval of Interim-Updates; 0 where NASes send none, and a silent session can't be told from a quiet one."""
    session_class: bool = False
    read_back_s: float = 5.0
