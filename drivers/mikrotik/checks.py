"""Checks: what in a router's setup would let a customer through a restriction, or defeat us, in words.

What the sweep before has read is not read again; each menu of rules is read once.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from drivers.base import Concerns, Step, StepState
from drivers.mikrotik.entries import Row
from drivers.mikrotik.framing import Words
from drivers.mikrotik.judging import is_ours, whose
from drivers.mikrotik.prepare import Preparation
from drivers.mikrotik.reading import Item, Reader, View
from drivers.mikrotik.rule_checks import dropped_lists, paths, rule_problems
from drivers.mikrotik.secrets import SECRET
from drivers.mikrotik.settings import Settings
from drivers.mikrotik.values import yes
from drivers.mikrotik.ways import Way
from drivers.mikrotik.wire import Connection, Reply
from enforcement.access import Access
from enforcement.keys import Key, KeyType

RADIUS = "radius"
"""The driver whose customers' own secrets are asked for before it hears of them, by its name in the catalogue."""


def problems(connection: Connection, settings: Settings, installation: str, reader: Reader) -> list[str]:
    """One sentence a problem. Raises as `observe` does where the router cannot be reached."""
    view = reader.whole()
    preparation = Preparation(connection, settings, installation)
    menus = preparation.read(besides=paths(settings))
    found = _account(connection, settings) + _service(connection, settings)
    found += rule_problems(menus, settings) if settings.garden is None else []
    found += _unprepared(preparation.judged(menus))
    found += _shadows(view)
    found += _bypassed(connection) if Way.HOTSPOT in settings.ways.values() else []
    found += _entries(view.rows, settings, installation)
    return [*found, *_shared_rates(view.rows, settings), *dropped_lists(menus, view, settings)]


def _unprepared(steps: Iterable[Step]) -> list[str]:
    """Steps of the preparation that are not as they must be."""
    wrong = [step for step in steps if step.state in (StepState.MISSING, StepState.MISPLACED)]
    return [f"{step.where}: {step.state}: {step.text}{f' ({step.note})' if step.note else ''}" for step in wrong]


def _shadows(view: View) -> list[str]:
    """Users who log in here by their own secret: RADIUS never hears of them, and what it would restrict stays open."""
    if not view.asks_radius:
        return []
    own = {key for key, enabled in view.secrets.items() if enabled}
    own |= {key for key, items in view.items.items() if any(_is_enabled_secret(item) for item in items)}
    words = "RADIUS is not asked for who has a secret of his own in /ppp/secret: what it would restrict stays open"
    return [Concerns(words, own, of_driver=RADIUS)] if own else []


def _is_enabled_secret(item: Item) -> bool:
    return item.path == SECRET and item.enabled


def _bypassed(connection: Connection) -> list[str]:
    """What lets customers past the hotspot. A menu that is not there lets nobody past."""
    asked = ("/ip/hotspot/ip-binding/print", "=.proplist=.id,mac-address,address,disabled", "?type=bypassed")
    [bindings] = _ask(connection, asked)
    found = []
    for row in bindings.rows:
        if not yes(row.get("disabled", "false")):
            who = row.get("mac-address") or row.get("address", "anybody")
            found.append(f"/ip/hotspot/ip-binding {row.get('.id', '?')} lets {who} past the hotspot")
    return found


def _ask(connection: Connection, *commands: Words) -> list[Reply]:
    return connection.run(commands)


def _account(connection: Connection, settings: Settings) -> list[str]:
    """Whether the account may write, and what it runs on."""
    resource, user, groups = _ask(
        connection,
        ("/system/resource/print", "=.proplist=version"),
        ("/user/print", "=.proplist=name,group", f"?name={settings.username}"),
        ("/user/group/print", "=.proplist=name,policy"),
    )
    found = _version(resource)
    if not user.rows or not groups.rows:
        return [*found, f"cannot tell whether {settings.username} may write: it is no user of this router's own list"]
    policies = {row.get("name"): row.get("policy", "").split(",") for row in groups.rows}
    group = user.rows[0].get("group")
    lacking = [policy for policy in ("read", "write", "api") if policy not in policies.get(group, ())]
    if lacking:
        found.append(f"user {settings.username} (group {group}) lacks the policy {', '.join(lacking)}")
    return found


def _version(resource: Reply) -> list[str]:
    version = resource.rows[0].get("version", "") if resource.rows else ""
    numbers = re.match(r"(\d+)\.(\d+)", version)
    if numbers is None:
        return ["the router does not tell its RouterOS version"]
    if int(numbers[1]) < 7:
        return [f"RouterOS {version}: version 6 gets security fixes only; this driver is written for version 7"]
    return []


def _service(connection: Connection, settings: Settings) -> list[str]:
    """Whether the connection can be overheard or impersonated."""
    [services] = _ask(connection, ("/ip/service/print", "=.proplist=name,certificate,disabled"))
    rows = {row.get("name"): row for row in services.rows}
    found = []
    if not settings.tls:
        found.append("the API is spoken without TLS (tls = false): the password and every change can be overheard")
    secure = rows.get("api-ssl", {})
    if secure.get("disabled") != "true" and secure.get("certificate", "none") in ("", "none"):
        found.append(
            "service api-ssl has no certificate: it accepts anonymous TLS, where nobody knows whom he talks to"
        )
    return found


def _entries(rows: Sequence[Row], settings: Settings, installation: str) -> list[str]:
    """Entries that no key can be told from, and entries of ours that a reboot loses."""
    found = []
    lists = settings.gives.keys() | settings.obstructing_lists
    for row in rows:
        if is_ours(row, installation):
            if row.dynamic and row.enabled:
                found.append(f"our entry {row.id} ({row.address}) in list {row.list} is dynamic: a reboot loses it")
        elif row.enabled and row.list in lists and _many(row):
            found.append(
                f"entry {row.id} in list {row.list} covers {row.address} ({whose(row)}): whoever is in it stays so"
            )
    times = Counter((row.path, row.list, row.address) for row in rows if row.list in lists)
    found += [
        f"list {name} has {address} {n} times: all go together" for (_, name, address), n in times.items() if n > 1
    ]
    return found


def _shared_rates(rows: Iterable[Row], settings: Settings) -> list[str]:
    """IPv6 customers whose prefix is of another length than that which the queues tell customers apart by."""
    if settings.garden is None or (settings.throttle is None and not settings.rates):
        return []
    throttled = {name for name, (access, _) in settings.gives.items() if access is Access.THROTTLED}
    keys = [row.key for row in rows if row.list in throttled and row.mark is not None and row.key is not None]
    lengths = Counter(_length(key) for key in keys if key.type is KeyType.IPV6_PREFIX)
    return [
        f"{number} throttled IPv6 prefixes are of {length} bits, and ipv6_delegation is {settings.ipv6_delegation}: "
        + ("each has its rate many times" if length < settings.ipv6_delegation else "some share one rate")
        for length, number in sorted(lengths.items())
        if length != settings.ipv6_delegation
    ]


def _length(key: Key) -> int:
    return int(key.value.partition("/")[2] or 128)


def _many(row: Row) -> bool:
    """A range, a name or an IPv4 network: it may cover customers that no exact look-up finds it by."""
    return row.key is None or (row.key.type is KeyType.IPV4 and "/" in row.address)
