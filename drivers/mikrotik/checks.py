"""Checks: what in a router's setup would let a customer through a restriction, or defeat us, in words."""

import re
from collections.abc import Iterable

from drivers.mikrotik.entries import PATHS, Row
from drivers.mikrotik.judging import is_ours, whose
from drivers.mikrotik.reading import Reader
from drivers.mikrotik.settings import Settings
from drivers.mikrotik.wire import Connection, Reply, Words
from enforcement.keys import KeyType

RuleRow = dict[str, str]
Rules = dict[str, list[RuleRow]]

_KINDS = ("filter", "nat", "mangle", "raw")
_FAMILIES = {KeyType.IPV4: ("/ip", "IPv4"), KeyType.IPV6_PREFIX: ("/ipv6", "IPv6")}
_RULE_PROPLIST = "=.proplist=.id,chain,action,src-address-list,dst-address-list,disabled"


def problems(connection: Connection, settings: Settings, installation: str, reader: Reader) -> list[str]:
    """One sentence a problem. Raises as `observe` does where the router cannot be reached."""
    found = _account(connection, settings) + _service(connection, settings)
    acting: dict[str, set[str]] = {}
    for type in PATHS if settings.ipv6 else (KeyType.IPV4,):
        prefix, family = _FAMILIES[type]
        rules = _rules(connection, prefix)
        acting[family] = _lists_used(rules)
        found += _fasttracked(rules["filter"], settings, family)
    return found + _unused(acting, settings) + _entries(reader.look(None).rows, settings, installation)


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
    for access, name in settings.lists.items():
        without = [family for family, used in acting.items() if name not in used]
        if len(without) == len(acting):
            found.append(f"no enabled firewall rule uses list {name}: {access} would restrict nobody")
        elif without:
            found.append(f"no enabled {without[0]} firewall rule uses list {name}: {access} leaves {without[0]} open")
    return found


def _fasttracked(rules: Iterable[RuleRow], settings: Settings, family: str) -> list[str]:
    """FastTrack bypasses the firewall while a connection lives, unless it spares the list or a rule comes before."""
    judged: dict[str, set[str]] = {}
    found = []
    for rule in rules:
        chain = judged.setdefault(rule.get("chain", ""), set())
        if rule.get("action") == "fasttrack-connection":
            passed = [name for name in settings.lists.values() if name not in chain | _named(rule)]
            if passed:
                found.append(
                    f"{family} filter rule {rule.get('.id', '?')} fasttracks connections of {', '.join(passed)}: "
                    "those that are open when a customer is restricted pass until they end"
                )
        chain |= _named(rule)
    return found


def _entries(rows: Iterable[Row], settings: Settings, installation: str) -> list[str]:
    """Entries that no key can be told from, and entries of ours that a reboot loses."""
    found = []
    lists = set(settings.lists.values()) | settings.obstructing_lists
    for row in rows:
        if is_ours(row, installation):
            if row.dynamic and row.enabled:
                found.append(f"our entry {row.id} ({row.address}) in list {row.list} is dynamic: a reboot loses it")
        elif row.enabled and row.list in lists and _many(row):
            found.append(
                f"entry {row.id} in list {row.list} covers {row.address} ({whose(row)}): whoever is in it stays so"
            )
    return found


def _many(row: Row) -> bool:
    """A range, a name or an IPv4 network: it may cover customers that no exact look-up finds it by."""
    return row.key is None or (row.key.type is KeyType.IPV4 and "/" in row.address)
