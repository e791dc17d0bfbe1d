"""Checks: what in a router's setup would let a customer through a restriction, or defeat us, in words."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from drivers.base import Step, StepState
from drivers.mikrotik.entries import PATHS, Row
from drivers.mikrotik.framing import Words
from drivers.mikrotik.judging import is_ours, whose
from drivers.mikrotik.prepare import Preparation
from drivers.mikrotik.reading import Reader
from drivers.mikrotik.settings import Settings
from drivers.mikrotik.ways import Way
from drivers.mikrotik.wire import Connection, Reply
from enforcement.access import Access, Rate
from enforcement.keys import KeyType

RuleRow = dict[str, str]
Rules = dict[str, list[RuleRow]]

_KINDS = ("filter", "nat", "mangle", "raw")
_FAMILIES = {KeyType.IPV4: ("/ip", "IPv4"), KeyType.IPV6_PREFIX: ("/ipv6", "IPv6")}
_RULE_PROPLIST = (
    "=.proplist=.id,chain,action,src-address-list,dst-address-list,connection-state,src-address,dst-address,protocol,"
    "dst-port,in-interface,out-interface,disabled"
)


def problems(connection: Connection, settings: Settings, installation: str, reader: Reader) -> list[str]:
    """One sentence a problem. Raises as `observe` does where the router cannot be reached."""
    found = _account(connection, settings) + _service(connection, settings)
    acting: dict[str, set[str]] = {}
    for type in PATHS if settings.ipv6 else (KeyType.IPV4,):
        prefix, family = _FAMILIES[type]
        rules = _rules(connection, prefix)
        acting[family] = _lists_used(rules)
        if settings.garden is None:
            found += _let_through(rules["filter"], settings, family)
    if settings.garden is None:
        found += _unused(acting, settings)
    found += _unprepared(Preparation(connection, settings, installation).steps(install=False))
    found += _bypassed(connection, settings)
    return found + _entries(reader.look(None).rows, settings, installation)


def _unprepared(steps: Iterable[Step]) -> list[str]:
    """Steps of the preparation that are not as they must be."""
    wrong = [step for step in steps if step.state in (StepState.MISSING, StepState.MISPLACED)]
    return [f"{step.where}: {step.state}: {step.text}{f' ({step.note})' if step.note else ''}" for step in wrong]


def _bypassed(connection: Connection, settings: Settings) -> list[str]:
    """What lets customers past RADIUS or past the hotspot. A menu that is not there lets nobody past."""
    aaa, secrets, bindings = _ask(
        connection,
        ("/ppp/aaa/print", "=.proplist=use-radius"),
        ("/ppp/secret/print", "=.proplist=name,disabled"),
        ("/ip/hotspot/ip-binding/print", "=.proplist=.id,mac-address,address,disabled", "?type=bypassed"),
    )
    local = [row.get("name", "?") for row in secrets.rows if row.get("disabled") not in ("true", "yes")]
    found = []
    if local and any(row.get("use-radius") in ("true", "yes") for row in aaa.rows):
        shown = ", ".join(sorted(local)[:10]) + (" and more" if len(local) > 10 else "")
        found.append(f"{len(local)} local /ppp secrets are asked before RADIUS, which never hears of them: {shown}")
    if Way.HOTSPOT in settings.ways.values():
        for row in bindings.rows:
            if row.get("disabled") not in ("true", "yes"):
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


def _rules(connection: Connection, prefix: str) -> Rules:
    """The enabled rules of a family, in order."""
    replies = _ask(connection, *[(f"{prefix}/firewall/{kind}/print", _RULE_PROPLIST) for kind in _KINDS])
    return {
        kind: [row for row in reply.rows if row.get("disabled") not in ("true", "yes")]
        for kind, reply in zip(_KINDS, replies, strict=True)
    }


def _named(rule: RuleRow) -> set[str]:
    """The lists that a rule matches or spares."""
    return {rule.get(side, "").removeprefix("!") for side in ("src-address-list", "dst-address-list")} - {""}


def _lists_used(rules: Rules) -> set[str]:
    return {name for its in rules.values() for rule in its for name in _named(rule)}


def _unused(acting: dict[str, set[str]], settings: Settings) -> list[str]:
    found = []
    for name, rung in settings.gives.items():
        without = [family for family, used in acting.items() if name not in used]
        if len(without) == len(acting):
            found.append(f"no enabled firewall rule uses list {name}: {_told(*rung)} would restrict nobody")
        elif without:
            found.append(
                f"no enabled {without[0]} firewall rule uses list {name}: {_told(*rung)} leaves {without[0]} open"
            )
    return found


def _told(access: Access, rate: Rate | None) -> str:
    return f"{access} at {rate} kbit/s" if rate is not None else access


def _let_through(rules: Iterable[RuleRow], settings: Settings, family: str) -> list[str]:
    """Rules that decide before the lists are asked. FastTrack bypasses the firewall while a connection lives, unless it
    spares the list or a rule comes before."""
    judged: dict[str, set[str]] = {}
    found = []
    for rule in rules:
        chain = judged.setdefault(rule.get("chain", ""), set())
        passed = [name for name in settings.gives if name not in chain | _named(rule)]
        which = f"{family} filter rule {rule.get('.id', '?')}"
        if rule.get("action") == "fasttrack-connection" and passed:
            found.append(
                f"{which} fasttracks connections of {', '.join(passed)}: "
                "those that are open when a customer is restricted pass until they end"
            )
        if rule.get("action", "accept") == "accept" and rule.get("chain") == "forward" and passed:
            which += f" accepts before any rule of {', '.join(passed)} is asked"
            found.append(f"{which}: what it matches ({_matchers(rule)}) passes whoever is restricted")
        chain |= _named(rule)
    return found


def _matchers(rule: RuleRow) -> str:
    names = sorted(rule.keys() - {".id", "chain", "action", "disabled"})
    return " ".join(f"{name}={rule[name]}" for name in names) or "everything"


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


def _many(row: Row) -> bool:
    """A range, a name or an IPv4 network: it may cover customers that no exact look-up finds it by."""
    return row.key is None or (row.key.type is KeyType.IPV4 and "/" in row.address)
