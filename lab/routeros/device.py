"""The device: its paths, users and clock; what a reboot and an old backup leave of it."""

import copy
import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

from lab.routeros.members import members
from lab.routeros.tables import Row, Schema, Table
from lab.routeros.traps import no_match
from lab.routeros.values import boolean, list_address

FULL = "local,telnet,ssh,ftp,reboot,read,write,policy,test,winbox,password,web,sniff,sensitive,api,romon,rest-api"
POLICIES = {
    "full": frozenset(FULL.split(",")),
    "write": frozenset(FULL.split(",")) - {"ftp", "policy"},
    "read": frozenset(FULL.split(",")) - {"ftp", "policy", "write"},
}

_DISABLED = {"disabled": partial(boolean, "disabled")}
_MATCHERS = (
    "chain action src-address dst-address src-address-list dst-address-list address-list address-list-timeout protocol "
    "src-port dst-port port in-interface out-interface in-interface-list out-interface-list connection-state "
    "connection-nat-state connection-mark new-connection-mark packet-mark new-packet-mark routing-mark passthrough "
    "jump-target to-addresses to-ports reject-with limit log log-prefix hw-offload icmp-options dst-address-type "
    "src-address-type tcp-flags tcp-mss new-mss dscp new-dscp tls-host content comment disabled"
)


def _chain(value: str) -> str:
    if not value:
        raise no_match("chain")
    return value


def _rules() -> Schema:
    return Schema(
        properties=frozenset(_MATCHERS.split()),
        required=("chain",),
        defaults={"action": "accept", "disabled": "false", "dynamic": "false", "invalid": "false"},
        clean={**_DISABLED, "chain": _chain},
        ordered=True,
    )


def _address_list(version: int) -> Schema:
    return Schema(
        properties=frozenset({"list", "address", "comment", "timeout", "disabled"}),
        required=("list", "address"),
        defaults={"dynamic": "false", "disabled": "false"},
        clean={**_DISABLED, "address": partial(list_address, version)},
        unique=("list", "address"),
        hidden=frozenset({"by"}),
        expires=True,
        stamped=True,
    )


def _connections() -> Schema:
    names = "protocol src-address dst-address reply-src-address reply-dst-address tcp-state timeout fasttrack assured"
    defaults = {"dynamic": "true", "fasttrack": "false", "dstnat": "false"}
    flags = {name: partial(boolean, name) for name in ("fasttrack", "dstnat", "srcnat", "assured")}
    properties = frozenset((*names.split(), "dstnat", "srcnat"))
    return Schema(properties, defaults=defaults, clean=flags, verbs=frozenset({"remove"}))


def _plain(names: str, *verbs: str, required: str = "", dynamic: str = "false") -> Schema:
    """Items without a name of their own; the lab itself may say which are dynamic."""
    properties = frozenset((names + " dynamic").split())
    defaults = {"dynamic": dynamic} | ({"disabled": "false"} if "disabled" in properties else {})
    return Schema(
        properties,
        tuple(required.split()),
        defaults,
        clean=_DISABLED,
        hidden=frozenset({"login-list"}),
        verbs=frozenset(verbs),
    )


def _named(names: str, *verbs: str, hidden: str = "", dynamic: str = "false") -> Schema:
    return Schema(
        frozenset(names.split()),
        required=("name",),
        defaults={"disabled": "false", "dynamic": dynamic} if "disabled" in names else {"dynamic": dynamic},
        clean=_DISABLED,
        unique=("name",),
        name="name",
        hidden=frozenset(hidden.split()),
        verbs=frozenset(verbs),
    )


_LEASE = (
    "address mac-address client-id server address-lists rate-limit block-access active-address active-mac-address "
    "status host-name comment disabled"
)
_ALL = ("add", "set", "remove", "enable", "disable")


def _schemas() -> dict[str, Schema]:
    schemas = {
        "/ip/firewall/address-list": _address_list(4),
        "/ipv6/firewall/address-list": _address_list(6),
        "/ip/service": _named("name port address certificate tls-version max-sessions disabled", "set", *_ALL[3:]),
        "/user": _named("name group address password comment disabled", *_ALL, hidden="password"),
        "/user/group": _named("name policy comment", *_ALL[:3]),
        "/ppp/secret": _named("name password service profile remote-address comment disabled", *_ALL),
        "/ppp/active": _plain("name service caller-id address uptime login-list", "remove", dynamic="true"),
        "/ppp/profile": _named("name address-list rate-limit use-ipv6 local-address remote-address comment", *_ALL[:3]),
        "/ip/dhcp-server/lease": _plain(_LEASE, *_ALL, required="mac-address"),
        "/ip/arp": _plain("address mac-address interface disabled comment", *_ALL, required="address"),
        "/ipv6/dhcp-server/binding": _plain("address duid iaid server status comment disabled", *_ALL),
        "/ipv6/nd/prefix": _plain("prefix interface disabled comment", *_ALL),
        "/ip/hotspot/user": _named("name password profile server comment disabled", *_ALL),
        "/ip/hotspot/user/profile": _named("name address-list rate-limit", *_ALL[:3]),
        "/ip/hotspot/active": _plain("user address mac-address uptime login-list", "remove", dynamic="true"),
        "/ip/hotspot/cookie": _plain("user mac-address expires-in", "remove", dynamic="true"),
        "/ip/hotspot/ip-binding": _plain("mac-address address to-address server type comment disabled", *_ALL),
        "/queue/type": _named(
            "name kind pcq-rate pcq-limit pcq-classifier pcq-src-address6-mask pcq-dst-address6-mask", *_ALL[:3]
        ),
        "/queue/tree": _named("name parent packet-mark queue limit-at max-limit priority comment disabled", *_ALL),
    }
    for family in ("/ip", "/ipv6"):
        schemas |= {f"{family}/firewall/{kind}": _rules() for kind in ("filter", "nat", "mangle", "raw")}
        schemas[f"{family}/firewall/connection"] = _connections()
    return schemas


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who may log in; `group` is a row of `/user/group`."""

    name: str
    password: str
    group: str


class Device:
    """State of one simulated router. Owned by the server's loop."""

    def __init__(self, users: Iterable[User], version: str, max_sessions: int, identity: str) -> None:
        self.version = version
        self.identity = identity
        self.tables = {path: Table(schema) for path, schema in _schemas().items()}
        self.ppp_aaa = {"use-radius": "false", "accounting": "true", "interim-update": "0s"}
        for profiles in ("/ppp/profile", "/ip/hotspot/user/profile"):
            self.tables[profiles].add({"name": "default"})
        for path in ("/ppp/active", "/ip/hotspot/active", "/ip/dhcp-server/lease"):
            self._follow(path)
        self._booted = time.monotonic()
        for group, policy in POLICIES.items():
            shown = ",".join(name if name in policy else f"!{name}" for name in FULL.split(","))
            self.tables["/user/group"].add({"name": group, "policy": shown})
        for user in users:
            self.tables["/user"].add({"name": user.name, "password": user.password, "group": user.group})
        for name, port in (("api", "8728"), ("api-ssl", "8729")):
            row = {"name": name, "port": port, "certificate": "none", "max-sessions": str(max_sessions)}
            self.tables["/ip/service"].add(row)

    @property
    def uptime(self) -> float:
        """Seconds since the last boot."""
        return time.monotonic() - self._booted

    @property
    def release(self) -> tuple[int, ...]:
        """The version as numbers: (7, 20, 1)."""
        return tuple(int(part) for part in self.version.split()[0].split("."))

    def service(self, name: str) -> Row:
        """A row of `/ip/service`."""
        return next(row for row in self.tables["/ip/service"] if row["name"] == name)

    def user(self, name: str) -> User | None:
        """Who may log in under `name`; None where nobody may."""
        for row in self.tables["/user"]:
            if row["name"] == name and row["disabled"] != "true":
                return User(name, row.get("password", ""), row.get("group", ""))
        return None

    def policy(self, user: User) -> frozenset[str]:
        """What a user's group may do."""
        rows = [row for row in self.tables["/user/group"] if row["name"] == user.group]
        return frozenset(name for row in rows for name in row.get("policy", "").split(",") if name[:1] != "!")

    def _follow(self, path: str) -> None:
        """Keep the lists' dynamic members as the sessions of a path want them."""
        self.tables[path].effects.append(lambda: self.refresh_lists(path))

    def refresh_lists(self, path: str) -> None:
        """The dynamic list entries that the sessions of `path` make, as a device keeps them: made, changed, gone."""
        lists = self.tables["/ip/firewall/address-list"]
        wanted = members(self.tables, path)
        there = {(row["list"], row["address"]): row for row in lists if row.get("by") == path}
        lists.remove([row[".id"] for place, row in there.items() if place not in wanted])
        for name, address in wanted - there.keys():
            lists.grow({"list": name, "address": address, "by": path, "dynamic": "true", "disabled": "false"})

    def reboot(self) -> None:
        """Dynamic entries, connections and PPP sessions vanish; the clock starts anew."""
        for table in self.tables.values():
            table.reboot()
        self._booted = time.monotonic()

    def backup(self) -> dict[str, list[Row]]:
        """The configuration as of now, for `restore`."""
        kept = {path: [row for row in table if row.get("dynamic") != "true"] for path, table in self.tables.items()}
        return copy.deepcopy(kept)

    def restore(self, backup: dict[str, list[Row]]) -> None:
        """Put an old configuration back; as on a device, that ends in a reboot."""
        for path, rows in copy.deepcopy(backup).items():
            table = Table(self.tables[path].schema)
            table.effects = self.tables[path].effects
            table.rows = {row[".id"]: row for row in rows}
            self.tables[path] = table
        self.reboot()
